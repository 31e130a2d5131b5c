"""What lowering gets: rates, laws and structure of textbook densities, in jet symbols."""

import pytest
import sympy
from sympy import I, conjugate, exp

from symphys import (
    InputError,
    LagrangianDensity,
    complex_field,
    convolution,
    external,
    functional_derivative,
    parameters,
    scalar_field,
    spacetime,
)

t, x = spacetime("t x")
u = scalar_field("u", (t, x))
psi = complex_field("psi", (t, x))
bar = conjugate(psi)
m, g = parameters("m g", positive=True)


def same(a, b):
    return sympy.expand(a - b) == 0


def user(dynamics, expression):
    return dynamics.jets.from_jet(expression)


def test_klein_gordon_is_wave_like_with_energy_and_momentum():
    dynamics = LagrangianDensity((u.diff(t) ** 2 - u.diff(x) ** 2 - m**2 * u**2) / 2).dynamics
    (rate,) = dynamics.rates
    assert same(user(dynamics, rate), u.diff(x, 2) - m**2 * u)
    assert dynamics.structure.kind == "wave"
    assert [law.name for law in dynamics.laws] == ["energy", "momentum x"]
    energy, momentum = dynamics.laws
    assert same(user(dynamics, sum(energy.terms)), (u.diff(t) ** 2 + u.diff(x) ** 2 + m**2 * u**2) / 2)
    assert same(user(dynamics, sum(momentum.terms)), -u.diff(t) * u.diff(x))
    assert same(user(dynamics, energy.flux[0]), -u.diff(t) * u.diff(x))


def test_friction_is_told_apart_from_the_rest():
    dynamics = LagrangianDensity((u.diff(t) ** 2 - u.diff(x) ** 2) / 2, dissipation=g * u.diff(t) ** 2 / 2).dynamics
    assert dynamics.structure.kind == "damped wave"
    assert dynamics.structure.friction == (g,)
    assert dynamics.laws == ()


def test_gross_pitaevskii_splits_into_a_linear_part_and_a_local_phase():
    V = external("V", (t, x))
    dynamics = LagrangianDensity(
        I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
        - bar.diff(x) * psi.diff(x) / (2 * m)
        - V * bar * psi
        - g / 2 * (bar * psi) ** 2
    ).dynamics
    structure = dynamics.structure
    assert structure.kind == "schroedinger"
    assert not structure.autonomous
    assert structure.linear == (({(0, 2): I / (2 * m)},),)
    assert same(user(dynamics, structure.local[0]), V + g * bar * psi)
    assert [law.name for law in dynamics.laws] == ["charge"]
    assert [user(dynamics, symbol) for symbol in dynamics.given] == [V]


def test_a_convolution_has_a_record_of_its_own():
    pair = convolution(lambda dx: g * exp(-(dx**2)), bar * psi, over=(x,))
    dynamics = LagrangianDensity(
        I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x) / 2 - bar * psi * pair / 2
    ).dynamics
    (record,) = dynamics.convolutions
    assert user(dynamics, record.symbol) == pair
    assert user(dynamics, record.term.argument) == bar * psi
    assert dynamics.structure.local == (record.symbol,)
    assert {law.name: law.flux is None for law in dynamics.laws} == {
        "energy": True, "momentum x": True, "charge": False,
    }  # fmt: skip


def test_korteweg_de_vries_evolves_the_derivative_of_its_potential():
    density = u.diff(t) * u.diff(x) / 2 + u.diff(x) ** 3 - u.diff(x, 2) ** 2 / 2
    dynamics = LagrangianDensity(density).dynamics
    (unknown,), (rate,) = dynamics.unknowns, dynamics.rates
    assert unknown.label == u.diff(x)
    assert unknown.order == 1
    assert same(user(dynamics, rate), -6 * u.diff(x) * u.diff(x, 2) - u.diff(x, 4))


def test_a_gradient_flow_has_no_kinetic_term():
    dynamics = LagrangianDensity(-(u.diff(x) ** 2) / 2 - (u**2 - 1) ** 2 / 4, dissipation=u.diff(t) ** 2 / 2).dynamics
    (rate,) = dynamics.rates
    assert same(user(dynamics, rate), u.diff(x, 2) + u - u**3)
    assert dynamics.unknowns[0].order == 1


def test_a_ginzburg_landau_equation_with_any_coefficients():
    """A_t = A + (1 + i b) A_xx - (1 + i c) |A|^2 A: a gradient flow, driven by its conservative part."""
    b, c = parameters("b c")
    n = bar * psi
    dynamics = LagrangianDensity(
        n - bar.diff(x) * psi.diff(x) - n**2 / 2,
        dissipation=bar.diff(t) * psi.diff(t),
        sources={psi: I * b * psi.diff(x, 2) - I * c * n * psi},
    ).dynamics
    (rate,) = dynamics.rates
    assert same(user(dynamics, rate), psi + (1 + I * b) * psi.diff(x, 2) - (1 + I * c) * n * psi)
    assert dynamics.structure.kind == "other"
    assert not dynamics.structure.conservative
    assert same(dynamics.structure.linear[0][0][(0, 2)], 1 + I * b)
    assert dynamics.laws == ()


def test_friction_of_rates_of_a_complex_field_takes_its_energy():
    """i psi_t = dH/dpsi* with D = g |psi_t|^2 becomes (i - g) psi_t = dH/dpsi*."""
    dynamics = LagrangianDensity(
        I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x),
        dissipation=g * bar.diff(t) * psi.diff(t),
    ).dynamics
    (rate,) = dynamics.rates
    assert sympy.simplify(user(dynamics, rate) * (I - g) + psi.diff(x, 2)) == 0


def test_fields_of_first_and_second_order_live_together():
    """A Schroedinger field that makes the Klein-Gordon field which binds it."""
    matter = I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x) / 2
    dynamics = LagrangianDensity(
        matter + (u.diff(t) ** 2 - u.diff(x) ** 2 - m**2 * u**2) / 2 + g * u * bar * psi
    ).dynamics
    assert [(unknown.field, unknown.order) for unknown in dynamics.unknowns] == [(psi, 1), (u, 2)]
    assert dynamics.structure.order == 0
    assert [law.name for law in dynamics.laws] == ["energy", "momentum x", "charge"]
    assert same(user(dynamics, dynamics.rates[1]), u.diff(x, 2) - m**2 * u + g * bar * psi)


def test_laws_along_which_forces_do_no_work_are_kept():
    a, b = scalar_field("a b", (t, x))
    waves = (a.diff(t) ** 2 - a.diff(x) ** 2 + b.diff(t) ** 2 - b.diff(x) ** 2) / 2
    dynamics = LagrangianDensity(waves, sources={a: -g * a.diff(t)}).dynamics
    assert [law.name for law in dynamics.laws] == ["shift b"]


def test_long_names_of_coordinates_are_kept_apart():
    tau, r1 = spacetime("tau r1")
    f = scalar_field("f", (tau, r1))
    dynamics = LagrangianDensity(f.diff(tau) ** 2 / 2 - f.diff(r1, 2) ** 2 / 2).dynamics
    assert [symbol.name for symbol in dynamics.jets.present(dynamics.rates)] == ["f_r1_r1_r1_r1"]
    assert dynamics.jets.from_jet(dynamics.rates[0]) == -f.diff(r1, 4)


def test_functional_derivatives_of_any_functional():
    energy = bar.diff(x) * psi.diff(x) / 2 + g * (bar * psi) ** 2
    assert same(functional_derivative(energy, bar), -psi.diff(x, 2) / 2 + 2 * g * bar * psi**2)
    assert functional_derivative(energy, psi) == conjugate(functional_derivative(energy, bar))
    assert functional_derivative(u.diff(x, 3) ** 2, u) == -2 * u.diff(x, 6)
    with pytest.raises(InputError, match=r"u\(t, x\) is no field in"):
        functional_derivative(energy, u)


def test_auxiliary_fields_are_solved_for_at_each_point():
    """-chi^2 / 2 g + chi |psi|^2 is g |psi|^4 / 2."""
    chi = scalar_field("chi", (t, x))
    free = I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x) / 2
    dynamics = LagrangianDensity(free + chi**2 / (2 * g) - chi * bar * psi).dynamics
    plain = LagrangianDensity(free - g * (bar * psi) ** 2 / 2).dynamics
    assert [unknown.field for unknown in dynamics.unknowns] == [psi]
    assert dynamics.constraints == ()
    assert same(user(dynamics, dynamics.rates[0]), user(plain, plain.rates[0]))
    assert dynamics.structure.kind == "schroedinger"
    assert same(user(dynamics, sum(dynamics.energy)), user(plain, sum(plain.energy)))


def test_density_and_phase_of_a_fluid_are_a_pair_of_first_order():
    """Madelung's form of the Schroedinger field: continuity and Bernoulli."""
    n, theta = scalar_field("n theta", (t, x))
    dynamics = LagrangianDensity(-n * (theta.diff(t) + theta.diff(x) ** 2 / 2) - g * n**2 / 2).dynamics
    assert [unknown.order for unknown in dynamics.unknowns] == [1, 1]
    assert same(user(dynamics, dynamics.rates[0]), -(n * theta.diff(x)).diff(x))
    assert same(user(dynamics, dynamics.rates[1]), -(theta.diff(x) ** 2) / 2 - g * n)
