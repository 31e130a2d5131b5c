"""Symmetries that users give: charges, boundary terms that are found, refusals that show what is left over."""

import pytest
import sympy
from sympy import Function, cos, exp, sqrt

import symphys as ph
from symphys.mechanics.differentiate import directional
from symphys.mechanics.jets import to_jet
from symphys.mechanics.probe import vanishes

x, y = ph.coordinates("x y")
m, k, w, b = ph.parameters("m k omega b", positive=True)
vx, vy, t = ph.dot(x), ph.dot(y), ph.t
PLANE = m * (vx**2 + vy**2) / 2
FREE = ph.Lagrangian(m * vx**2 / 2)


def same(a, b):
    return sympy.simplify(a - b) == 0


def test_a_boost_needs_a_boundary_term_and_gets_it():
    given = FREE.noether(ph.Symmetry({x: t}, boundary=m * x))
    found = FREE.noether(ph.Symmetry({x: t}))
    assert given.name == found.name == "Galilean boost x"
    assert same(given.expression, m * (t * vx - x))
    assert same(found.expression, given.expression)
    assert found.symmetry.boundary == m * x


def test_signs_are_those_of_momentum_and_energy():
    assert same(FREE.noether(ph.Symmetry({x: 1})).expression, m * vx)
    assert same(FREE.noether(ph.Symmetry({}, time=-1)).expression, m * vx**2 / 2)
    turning = ph.Lagrangian(PLANE).noether(ph.Symmetry({x: -y, y: x}, name="spin"))
    assert turning.name == "spin"
    assert same(turning.expression, m * (x * vy - y * vx))


def test_symmetries_that_are_no_polynomials_in_time():
    """The oscillator is invariant along each of its own motions, and its charges are their amplitudes."""
    oscillator = ph.Lagrangian(m * (vx**2 - w**2 * x**2) / 2)
    law = oscillator.noether(ph.Symmetry({x: cos(w * t)}))
    assert law.name == "Noether charge"
    assert same(law.expression, m * (vx * cos(w * t) + w * x * sympy.sin(w * t)))
    damped = ph.Lagrangian(exp(b * t) * m * vx**2 / 2)
    assert same(damped.noether(ph.Symmetry({x: exp(-b * t)})).expression, m * (vx + b * x))


def test_the_lenz_vector_comes_from_changes_that_depend_on_velocities():
    """Levy-Leblond, Am. J. Phys. 39 (1971) 502: xi = (-y y', 2 x y' - y x') with K = y' L + k x / r."""
    r, spin = sqrt(x**2 + y**2), m * (x * vy - y * vx)
    kepler = ph.Lagrangian(PLANE + k / r)
    law = kepler.noether(ph.Symmetry({x: -y * vy, y: 2 * x * vy - y * vx}, boundary=vy * spin + k * x / r))
    assert same(law.expression, vy * spin - k * x / r)


@pytest.mark.parametrize(
    ("system", "symmetry", "left"),
    [
        (ph.Lagrangian(PLANE - k * (x**2 + 2 * y**2) / 2), ph.Symmetry({x: -y, y: x}), r"-k\*x\(t\)\*y\(t\)"),
        (FREE, ph.Symmetry({x: x}), r"m\*Derivative\(x\(t\), t\)\*\*2"),
        (FREE, ph.Symmetry({x: t}, boundary=2 * m * x), r"-m\*Derivative\(x\(t\), t\) besides"),
        (FREE, ph.Symmetry({}, time=t), r"-m\*Derivative\(x\(t\), t\)\*\*2/2"),
        (ph.Lagrangian(PLANE, dissipation=b * vx**4), ph.Symmetry({x: 1}), r"-4\*b\*Derivative\(x\(t\), t\)\*\*3"),
        (ph.Lagrangian(PLANE - Function("V")(x)), ph.Symmetry({x: 1}), r"-Derivative\(V\(x\(t\)\), x\(t\)\)"),
    ],
)
def test_what_is_no_symmetry_is_refused_with_the_remainder(system, symmetry, left):
    with pytest.raises(ph.NotASymmetryError, match=left):
        system.noether(symmetry)


def test_friction_may_do_the_work_of_a_boundary_term():
    dragged = ph.Lagrangian(PLANE, dissipation=b * vx**2 / 2)
    assert same(dragged.noether(ph.Symmetry({x: 1})).expression, m * vx + b * x)


def test_a_boundary_term_without_closed_form_is_asked_for():
    lagrangian = ph.Lagrangian(m * vx**2 / 2 + x * Function("f")(sympy.cos(t), t))
    with pytest.raises(ph.InputError, match=r"total time derivative.*give it as boundary="):
        lagrangian.noether(ph.Symmetry({x: 1}))


def test_long_remainders_are_cut():
    potential = sum(sympy.sin(n * x) ** n / n for n in range(1, 12))
    with pytest.raises(ph.NotASymmetryError, match=r"\.\.\. \(\d+ operations\)"):
        ph.Lagrangian(m * vx**2 / 2 - potential).noether(ph.Symmetry({x: 1}))


def test_wrong_input_is_named():
    with pytest.raises(ph.InputError, match="mapping"):
        ph.Symmetry([x])
    with pytest.raises(ph.InputError, match="no coordinate"):
        ph.Symmetry({m: 1})
    with pytest.raises(ph.InputError, match=r"y\(t\) is no coordinate of this Lagrangian"):
        FREE.noether(ph.Symmetry({y: 1}))
    with pytest.raises(ph.InputError, match="neither time nor coordinates"):
        FREE.noether(ph.Symmetry({x: 0}))


def test_generators_can_be_read():
    symmetry = ph.Symmetry({x: -y, y: x}, time=1 + t, boundary=m * x)
    assert symmetry.generator == "(t + 1) d/dt - y d/dx + x d/dy"
    assert repr(symmetry) == "Symmetry((t + 1) d/dt - y d/dx + x d/dy, boundary m*x(t))"
    assert symmetry.changes == {x: -y, y: x}
    assert len({symmetry, ph.Symmetry({x: -y, y: x}, time=1 + t, boundary=m * x)}) == 1


def test_charges_of_higher_derivatives_are_ostrogradskys():
    """L = x''^2 / 2: x -> x + eps t^3 changes L by d/dt of 6 (t x' - x) eps; four constants in all."""
    system = ph.Lagrangian(ph.ddot(x) ** 2 / 2)
    space = system.action.space
    flow = {**space.total_derivative, space.symbol(x, 3): sympy.S.Zero}
    for power in range(4):
        law = system.noether(ph.Symmetry({x: t**power}))
        assert vanishes(directional((law.jet,), flow))
        assert to_jet(law.expression, space).free_symbols <= {space.time, *system.dynamics.state}
    scaling = system.noether(ph.Symmetry({x: 3 * x / 2}, time=t))
    assert vanishes(directional((scaling.jet,), flow))
