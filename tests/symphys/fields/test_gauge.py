"""Gauge theories: Maxwell, scalar electrodynamics and SU(2), with their constraints, currents and stress."""

import pytest
import sympy
from sympy import I, LeviCivita, Matrix, conjugate, diag

from symphys import (
    DegenerateLagrangianError,
    Grid,
    InputError,
    LagrangianDensity,
    LegendreTransformError,
    UnsupportedError,
    complex_field,
    parameters,
    scalar_field,
    spacetime,
    vector_field,
)

WHERE = t, x, y, z = spacetime("t x y z")
ETA = diag(1, -1, -1, -1)
A = vector_field("A", WHERE)
phi = complex_field("phi", WHERE)
q, M, g = parameters("q M g", positive=True)


def strength(a, b, potential=A):
    """F_ab = d_a A_b - d_b A_a with lower indices."""
    return ETA[b, b] * potential[b].diff(WHERE[a]) - ETA[a, a] * potential[a].diff(WHERE[b])


def maxwell(potential=A):
    return -sum(ETA[a, a] * ETA[b, b] * strength(a, b, potential) ** 2 for a in range(4) for b in range(4)) / 4


def charged(potential=A):
    free = sum(ETA[a, a] * conjugate(phi).diff(WHERE[a]) * phi.diff(WHERE[a]) for a in range(4))
    free -= M**2 * conjugate(phi) * phi
    return LagrangianDensity(free).minimal_coupling(potential, charge=q)


@pytest.fixture(scope="module")
def electrodynamics():
    return charged() + LagrangianDensity(maxwell())


def zero(expression):
    return sympy.expand(expression) == 0


def test_the_current_is_the_source_of_the_field(electrodynamics):
    """d_b F^ba = J^a with J the gauge current of epsilon = q."""
    current = electrodynamics.gauge_current(q)
    for a, source in enumerate((current.density, *current.flux)):
        flow = sum(ETA[a, a] * ETA[b, b] * strength(b, a).diff(WHERE[b]) for b in range(4))
        equation = electrodynamics.equations[A[a]]
        assert zero(sympy.expand(equation.lhs - ETA[a, a] * (source - flow))) or zero(
            sympy.expand(equation.lhs + ETA[a, a] * (source - flow))
        )


def test_currents_hold_on_shell_where_there_is_a_constraint(electrodynamics):
    current = electrodynamics.gauge_current(q)
    assert electrodynamics.is_conserved_on_shell((current.density, *current.flux))
    stress = electrodynamics.stress_energy
    assert electrodynamics.is_conserved_on_shell(stress[:, 0])
    assert electrodynamics.is_conserved_on_shell(stress[:, 3])
    assert not electrodynamics.is_conserved_on_shell(stress[3, :])


def test_the_symmetric_tensor_is_that_of_maxwell(electrodynamics):
    tensor = LagrangianDensity(maxwell()).symmetric_stress_energy([A])
    electric = Matrix([-A[0].diff(WHERE[k]) - A[k].diff(t) for k in (1, 2, 3)])
    magnetic = Matrix([strength(3, 2), strength(1, 3), strength(2, 1)])
    assert zero(tensor[0, 0] - (electric.dot(electric) + magnetic.dot(magnetic)) / 2)
    poynting = electric.cross(magnetic)
    assert all(zero(tensor[0, k] - poynting[k - 1]) for k in (1, 2, 3))
    whole = electrodynamics.symmetric_stress_energy([A])
    assert all(zero(whole[a, b] - whole[b, a]) for a in range(4) for b in range(a))
    assert electrodynamics.is_conserved_on_shell([whole[a, 0] for a in range(4)])
    with pytest.raises(UnsupportedError, match=r"not symmetric: with the metric diag\(1, -1, -1, -1\)"):
        electrodynamics.symmetric_stress_energy()


def test_gauss_law_is_a_constraint_and_not_a_rate(electrodynamics):
    dynamics = electrodynamics.dynamics
    assert {unknown.field for unknown in dynamics.unknowns} == {phi, *A[1:]}
    (gauss,) = dynamics.constraints
    assert gauss.field == A[0]
    assert electrodynamics.momenta[A[0]] == 0


def test_in_temporal_gauge_everything_has_a_rate_and_gauss_law_stays(electrodynamics):
    theory = electrodynamics.gauge_fixed({A[0]: 0})
    assert theory.dynamics.constraints == ()
    assert {law.name for law in theory.dynamics.laws} >= {"energy", "momentum x", "momentum y", "momentum z", "charge"}
    gauss = theory.constraints[A[0]].lhs
    charge = I * q * (conjugate(phi) * phi.diff(t) - phi * conjugate(phi).diff(t))
    divergence = sum(a.diff(t, place) for a, place in zip(A[1:], WHERE[1:], strict=True))
    assert zero(gauss - charge - divergence) or zero(gauss + charge + divergence)
    assert list(electrodynamics.constraints) == [A[0]]
    with pytest.raises(InputError, match="Add densities first and fix the gauge of the sum"):
        _ = theory + LagrangianDensity(phi * conjugate(phi))
    with pytest.raises(InputError, match=r"fixes fields that vary, of .*, but A0.*does not"):
        theory.gauge_fixed({A[0]: 0})


def test_a_theory_with_a_constraint_says_so_before_it_runs(electrodynamics):
    grid = Grid(dict.fromkeys(WHERE[1:], (0.0, 1.0, 4)))
    with pytest.raises(UnsupportedError, match=r"Nothing says how A0.* moves.*gauge_fixed"):
        electrodynamics.compile(grid=grid)


def test_a_given_potential_may_be_any_expression():
    theory = charged((0, -g * y, 0, 0))
    assert theory.fields == (phi,)
    assert theory.equations[phi].lhs.coeff(phi.diff(x)) in (2 * I * q * g * y, -2 * I * q * g * y)
    names = [law.name for law in theory.dynamics.laws]
    assert "momentum x" in names
    assert "momentum y" not in names
    with pytest.raises(InputError, match=r"one component for each of t, x, y, z, but it has 3"):
        charged(A[1:])
    with pytest.raises(InputError, match="turns the phases of complex fields, but none varies"):
        LagrangianDensity(scalar_field("s", WHERE) ** 2).minimal_coupling(A, charge=q)


def test_yang_mills_equations_are_covariant_divergences():
    """(D^m F_mn)^a = 0 for SU(2) with structure constants eps_abc."""
    fields = [vector_field(name, WHERE) for name in "ABC"]

    def low(a, m):
        return ETA[m, m] * fields[a][m]

    def curved(a, m, n):
        product = sum(LeviCivita(a, b, c) * low(b, m) * low(c, n) for b in range(3) for c in range(3))
        return low(a, n).diff(WHERE[m]) - low(a, m).diff(WHERE[n]) + g * product

    squares = [ETA[m, m] * ETA[n, n] * curved(a, m, n) ** 2 for a in range(3) for m in range(4) for n in range(4)]
    theory = LagrangianDensity(-sum(squares) / 4)
    assert len(theory.equations) == 12
    for a, n in ((0, 0), (1, 2)):
        expected = sum(
            ETA[m, m]
            * (
                curved(a, m, n).diff(WHERE[m])
                + g * sum(LeviCivita(a, b, c) * low(b, m) * curved(c, m, n) for b in range(3) for c in range(3))
            )
            for m in range(4)
        )
        side = theory.equations[fields[a][n]].lhs
        assert zero(side - ETA[n, n] * expected) or zero(side + ETA[n, n] * expected)


def test_a_field_that_no_equation_fixes_is_named():
    a, b = scalar_field("a b", WHERE)
    with pytest.raises(DegenerateLagrangianError, match=r"nothing determines"):
        _ = LagrangianDensity((a.diff(t) + b.diff(t)) ** 2 / 2 - a.diff(x) ** 2 / 2).dynamics
    with pytest.raises(LegendreTransformError, match="momenta depend on each other"):
        _ = LagrangianDensity((a.diff(t) + b.diff(t)) ** 2 / 2).hamilton
