"""Systems whose symmetries stand in books, or are hidden: all are found, by name, and every charge is constant."""

from itertools import pairwise

import pytest
import sympy
from sympy import Function, cos, exp, sin, sqrt

import symphys as ph
from symphys.mechanics.differentiate import directional
from symphys.mechanics.jets import to_jet
from symphys.mechanics.probe import depends, vanishes

x, y, z = r = ph.coordinates("x y z")
vx, vy, vz = v = tuple(map(ph.dot, r))
m, k, q, B, c, g, W, alpha = ph.parameters("m k q B c g Omega alpha", positive=True)
t, V = ph.t, Function("V")
FREE = m * (vx**2 + vy**2 + vz**2) / 2
PLANE = m * (vx**2 + vy**2) / 2
TURNS = ["angular momentum x", "angular momentum y", "angular momentum z"]
MOMENTA = ["momentum x", "momentum y", "momentum z"]
BOOSTS = ["Galilean boost x", "Galilean boost y", "Galilean boost z"]
CENTRAL = ["energy", *TURNS]
ISOLATED = ["energy", *MOMENTA, *TURNS, *(f"{turn} of the centre of mass" for turn in TURNS), *BOOSTS]

r1, r2 = ph.coordinates("x1 y1 z1"), ph.coordinates("x2 y2 z2")
m1, m2 = ph.parameters("m1 m2", positive=True)
APART = sqrt(sympy.Add(*((a - b) ** 2 for a, b in zip(r1, r2, strict=True))))
BOTH = m1 * sympy.Add(*(ph.dot(a) ** 2 for a in r1)) / 2 + m2 * sympy.Add(*(ph.dot(a) ** 2 for a in r2)) / 2
CHAIN = ph.coordinates("q1:5")

SYSTEMS = {
    "Kepler": (FREE + k / sqrt(x**2 + y**2 + z**2), CENTRAL),
    "a central potential that nobody knows": (FREE - V(sqrt(x**2 + y**2 + z**2)), CENTRAL),
    "free motion": (FREE, ["energy", *MOMENTA, *TURNS, *BOOSTS, "dilation"]),
    "an inverse square potential": (FREE - k / (x**2 + y**2 + z**2), [*CENTRAL, "dilation"]),
    "uniform gravity": (FREE - m * g * z, ["energy", *MOMENTA, TURNS[2], *BOOSTS]),
    "isotropic oscillator": (PLANE - k * (x**2 + y**2) / 2, ["energy", TURNS[2]]),
    "anisotropic oscillator": (PLANE - k * (x**2 + 2 * y**2) / 2, ["energy"]),
    "charge in a field, symmetric gauge": (
        FREE + q * B * (x * vy - y * vx) / 2,
        ["energy", *MOMENTA, TURNS[2], BOOSTS[2]],
    ),
    "charge in a field, Landau's gauge": (FREE - q * B * y * vx, ["energy", *MOMENTA, TURNS[2], BOOSTS[2]]),
    "charge in crossed fields": (
        PLANE + q * B * (x * vy - y * vx) / 2 + q * W * x,
        ["energy", "momentum x", "momentum y", "angular momentum z and Galilean boost x"],
    ),
    "plane wave": (
        PLANE - V(x - c * t),
        ["energy and momentum x", "momentum y", "Galilean boost y"],
    ),
    "bead on a turning wire": (m * (vx**2 + W**2 * x**2) / 2, ["energy"]),
    "turning frame": (m * ((vx - W * y) ** 2 + (vy + W * x) ** 2) / 2, ["energy", TURNS[2]]),
    "exponential friction": (exp(g * t) * (m * vx**2 - k * x**2) / 2, ["energy and dilation"]),
    "oblique potential": (
        PLANE - V(x * cos(alpha) + y * sin(alpha)),
        [
            "energy",
            "momentum x*sin(alpha) - y*cos(alpha)",
            "Galilean boost x*sin(alpha) - y*cos(alpha)",
        ],
    ),
    "screw": (FREE - V(x * cos(k * z) + y * sin(k * z)) - x**2 - y**2, ["energy", "momentum z and angular momentum z"]),
    "relativistic particle": (
        -m * c**2 * sqrt(1 - (vx**2 + vy**2) / c**2),
        ["energy", "momentum x", "momentum y", TURNS[2], "Lorentz boost x", "Lorentz boost y"],
    ),
    "two bodies": (BOTH - V(APART), ISOLATED),
    "two bodies that pull with k / r": (BOTH + k / APART, ISOLATED),
    "two bodies, pulled down": (
        BOTH - V(APART) - g * (m1 * r1[2] + m2 * r2[2]),
        [
            "energy",
            *MOMENTA,
            TURNS[2],
            "angular momentum x about the centre of mass",
            "angular momentum y about the centre of mass",
            "angular momentum z of the centre of mass",
            *BOOSTS,
        ],
    ),
    "ring": (
        sympy.Add(*(ph.dot(a) ** 2 / 2 for a in CHAIN))
        - sympy.Add(*(exp(a - b) for a, b in zip(CHAIN, CHAIN[1:] + CHAIN[:1], strict=True))),
        ["energy", "momentum of all", "Galilean boost of all"],
    ),
    "higher derivatives": (ph.ddot(x) ** 2 / 2 - k * vx**2 / 2, ["energy", "momentum x", "Galilean boost x"]),
    "first order": (q * B * (x * vy - y * vx) / 2 - V(x**2 + y**2), ["energy", TURNS[2]]),
}


def is_constant(law, system):
    """Whether the rate of a law along the rates of the state vanishes identically."""
    space = system.action.space
    rates = {to_jet(label, space): to_jet(system.rates[label.diff(t)], space) for label in system.dynamics.labels}
    inputs = {u: space.total_derivative[u] for u in system.action.input_symbols if u in space.total_derivative}
    return vanishes(directional((law.jet,), {**rates, **inputs, space.time: sympy.S.One}))


@pytest.mark.parametrize("name", SYSTEMS)
def test_symmetries_are_found_and_their_charges_constant(name):
    expression, names = SYSTEMS[name]
    system = ph.Lagrangian(expression)
    laws = system.conserved
    assert [law.name for law in laws] == names
    assert len({law.name for law in laws}) == len(laws)
    assert all(is_constant(law, system) for law in laws)


@pytest.mark.parametrize("name", SYSTEMS)
def test_found_symmetries_pass_the_check_for_given_ones(name):
    """Both ways to a charge agree, with the boundary term given or left to be found."""
    system = ph.Lagrangian(SYSTEMS[name][0])
    for law, symmetry in zip(system.conserved, system.symmetries, strict=True):
        again = system.noether(symmetry)
        bare = system.noether(ph.Symmetry(symmetry.changes, time=symmetry.time))
        assert again.name == law.name
        assert vanishes((again.jet - law.jet,))
        moving = (system.action.space.time, *system.dynamics.state)
        assert not depends((bare.jet - law.jet,), moving)  # a boundary term is determined but for a constant


def test_the_expanding_symmetry_of_free_motion_is_of_second_degree():
    """The Schroedinger group of a free particle has 12 parameters (Niederer, Helv. Phys. Acta 45 (1972) 802)."""
    system = ph.Lagrangian(FREE)
    found = system.find_symmetries(degree=2)
    assert len(found) == 12
    law = system.noether(found[-1])
    assert law.name == "expansion"
    assert is_constant(law, system)
    # sum m (r - v t)^2 / 2, up to its sign
    expected = m * sum((a - b * t) ** 2 for a, b in zip(r, v, strict=True)) / 2
    assert sympy.simplify(law.expression + expected) == 0 or sympy.simplify(law.expression - expected) == 0


def test_coefficients_that_are_quotients_of_parameters_are_exact():
    """V(a x + b y) is invariant along (b, -a), V((a + b) x + c y) along (c, -(a + b))."""
    a, b = ph.parameters("a b")
    system = ph.Lagrangian(vx**2 / 2 + vy**2 / 2 - V((a + b) * x + c * y))
    momentum = next(s for s in system.symmetries if s.time == 0 and not s.changes[x].has(t))
    assert sympy.simplify(momentum.changes[x] * (a + b) + momentum.changes[y] * c) == 0


def test_decimal_numbers_are_taken_as_written():
    system = ph.Lagrangian(1.3 * vx**2 / 2 + 0.7 * vy**2 / 2 - 0.1 * (x - y) ** 4)
    assert [law.name for law in system.conserved] == ["energy", "momentum of all", "Galilean boost of all"]


def test_friction_and_forces_decide_what_is_kept():
    drag = ph.Lagrangian(PLANE, dissipation=k * (vx**2 + vy**2) / 2)
    assert [law.name for law in drag.conserved] == ["momentum x", "momentum y"]
    assert sympy.simplify(drag.conserved[0].expression - (m * vx + k * x)) == 0
    assert all(is_constant(law, drag) for law in drag.conserved)
    pushed = ph.Lagrangian(PLANE, forces={x: k * cos(g * t)})
    assert [law.name for law in pushed.conserved] == ["momentum x", "momentum y", *BOOSTS[:2]]
    assert all(is_constant(law, pushed) for law in pushed.conserved)
    stopped = ph.Lagrangian(PLANE - k * (x**2 + y**2) / 2, dissipation=c * (x * vy - y * vx) ** 2 / 2)
    assert stopped.conserved == ()


def test_given_signals_are_time():
    u = ph.input_signal("u")
    driven = ph.Lagrangian(PLANE + u * x)
    assert [law.name for law in driven.conserved] == ["momentum y", "Galilean boost y"]
    swung = ph.Lagrangian(PLANE + ph.dot(u) * vx)
    assert [law.name for law in swung.conserved][:2] == ["momentum x", "momentum y"]
    assert all(is_constant(law, swung) for law in swung.conserved)


def test_constraints_must_be_symmetric_too():
    """On an inclined plane only the motion along it is free."""
    incline = ph.Lagrangian(PLANE - m * g * y, constraints=[x * sin(alpha) - y * cos(alpha)])
    names = [law.name for law in incline.conserved]
    assert names == ["energy", "momentum x*cos(alpha) + y*sin(alpha)", "Galilean boost x*cos(alpha) + y*sin(alpha)"]
    rod = ph.Lagrangian(FREE - m * g * z, constraints=[x**2 + y**2 + z**2 - c**2])
    assert [law.name for law in rod.conserved] == ["energy", TURNS[2]]
    with pytest.raises(ph.NotASymmetryError, match="changes the constraint"):
        rod.noether(ph.Symmetry({x: 1}))


def test_pieces_are_left_alone():
    stepped = ph.Lagrangian(PLANE - sympy.Piecewise((k * x**2, x > 0), (0, True)))
    assert [law.name for law in stepped.conserved] == ["energy", "momentum y", "Galilean boost y"]


def test_large_systems_keep_their_common_symmetries():
    beads = ph.coordinates("x1:31")
    springs = sympy.Add(*(k * (b - a) ** 4 for a, b in pairwise(beads)))
    chain = ph.Lagrangian(sympy.Add(*(m * ph.dot(a) ** 2 / 2 for a in beads)) - springs)
    assert [law.name for law in chain.conserved] == ["energy", "momentum x", "Galilean boost x"]
    assert sympy.simplify(chain.conserved[1].expression - m * sympy.Add(*map(ph.dot, beads))) == 0


def test_large_systems_are_searched_in_full_on_request():
    """Ten coordinates: four free bodies in a plane beside an oscillator, which is isotropic and turns alone."""
    places = ph.coordinates("x1 y1 x2 y2 x3 y3 x4 y4 x5 y5")
    pulls = sympy.Add(*(V(places[2 * i] - places[2 * i + 2]) for i in range(3)))
    lagrangian = sympy.Add(*(ph.dot(a) ** 2 / 2 for a in places)) - pulls - k * (places[8] ** 2 + places[9] ** 2)
    system = ph.Lagrangian(lagrangian)
    alone = "angular momentum z of 5"
    assert alone not in {law.name for law in system.conserved}
    assert alone in {symmetry.name for symmetry in system.find_symmetries()}


def test_a_degree_that_needs_too_many_unknowns_is_refused():
    beads = ph.coordinates("x1:31")
    chain = ph.Lagrangian(sympy.Add(*(ph.dot(a) ** 2 for a in beads)))
    with pytest.raises(ph.UnsupportedError, match="1200 unknown"):
        chain.find_symmetries(degree=2)
    with pytest.raises(ph.InputError, match="positive integer, not 0"):
        chain.find_symmetries(degree=0)
