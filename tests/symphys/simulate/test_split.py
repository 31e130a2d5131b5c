"""Runs of a split that the user gave: exact where one part is all there is, of the generalised order, symplectic."""

import math

import mpmath
import numpy as np
import pytest
import sympy

import symphys as ph
from symphys.integrators.kepler_flow import kepler_flow
from tests.gpu import ALL

x, px, y, py = ph.canonical("x p_x y p_y")
m, k = ph.parameters("m k", positive=True)
e = ph.parameters("e")
PAIRS = {x: px, y: py}
STATE = (x, y, px, py)
START = (1.0, 0.2, -0.3, 1.7)
KEPLER = (px**2 + py**2) / (2 * m) - k / sympy.sqrt(x**2 + y**2)
BUMP = e * x**2 * y / (1 + x**2 + y**2)
VALUES = {m: 1.5, k: 2.0, e: 0.01}


def run(hamiltonian, split, method, start, values, end, steps, **options):
    simulator = ph.Hamiltonian(hamiltonian, PAIRS).compile(method, split=split, **options)
    found = simulator.run(dict(zip(STATE, start, strict=True)), values, (0.0, end), dt=end / steps, t_eval=[end])
    assert np.all(found.ok)
    return np.array([found[s][..., -1] for s in STATE])


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("h", [0.02, 0.7, 40.0], ids=["quick", "long", "periods"])
def test_kepler_alone_is_exact_on_every_backend(backend, h):
    """Bound, parabolic-like and hyperbolic starts side by side; a step of 40 is several periods of the bound one.

    The same arithmetic in another order: 200 units in the last place of a state that has grown to |v| h.
    """
    speeds = np.array([0.4, 0.9, 1.632, 3.0, 9.0])
    start = (1.0, 0.2, -0.1, speeds)
    found = run(KEPLER + e * x, (KEPLER, e * x), "leapfrog", start, {**VALUES, e: 1e-300}, h, 1, backend=backend)
    for i, speed in enumerate(speeds):
        exact = np.ravel(kepler_flow((1.0, 0.2), (-0.1, speed), 1 / 1.5, 2.0, h))
        assert np.abs(found[:, i] - exact).max() < 200 * 2.0**-52 * (1 + speed * h)


@pytest.mark.parametrize("backend", ALL)
def test_bodies_side_by_side_are_solved_alone(backend):
    """Two bodies in one part, one of which needs the sure way: the same numbers as each by itself, to rounding."""
    z, pz, u, pu = ph.canonical("z p_z u p_u")
    other = (pz**2 + pu**2) / 2 + 1 / sympy.sqrt(z**2 + u**2)
    both, rest = KEPLER + other, e * (x + z)
    system = ph.Hamiltonian(both + rest, {**PAIRS, z: pz, u: pu})
    start = dict(zip((*STATE, z, u, pz, pu), (*START, 0.01, 0.3, 0.2, -2.0), strict=True))
    found = system.compile("leapfrog", split=(both, rest), backend=backend).run(
        start, {**VALUES, e: 1e-300}, (0.0, 0.2), dt=0.2
    )
    places, speeds = kepler_flow((1.0, 0.2), (-0.3, 1.7), 1 / 1.5, 2.0, 0.2)
    more, fast = kepler_flow((0.01, 0.3), (0.2, -2.0), 1.0, -1.0, 0.2)
    end = np.array([found[s][-1] for s in (*STATE, z, u, pz, pu)])
    assert np.abs(end - (*places, *speeds, *more, *fast)).max() < 200 * 2.0**-52


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("square", [4.0, 0.0, -4.0], ids=["turning", "free", "falling"])
def test_linear_parts_are_matrix_exponentials(backend, square):
    """A pair with its own exponential, x; a Coriolis force couples four variables; both against mpmath's, which
    rounds as often as ours."""
    spin, force = (px * y - py * x) / 3, 0.3 * x
    quadratic = (px**2 + 2 * py**2) / 2 + square * (x**2 + x * y / 2 + y**2) / 2 + force
    for part, coupled in ((quadratic + spin, True), ((px**2 + square * x**2) / 2 + force + 2 * py**2, False)):
        found = run(part + e * y, (part, e * y), "leapfrog", START, {e: 1e-300}, 1.7, 1, backend=backend)
        s = [sympy.Symbol(name) for name in "abcd"]
        energy = part.subs(dict(zip(STATE, s, strict=True)))
        slopes = [energy.diff(each) for each in s]
        rates = sympy.Matrix([*slopes[2:], -slopes[0], -slopes[1]])
        generator = np.zeros((5, 5))
        generator[:4, :4] = np.array(rates.jacobian(s)).astype(float)
        generator[:4, 4] = np.array(rates.subs(dict.fromkeys(s, 0))).astype(float).ravel()
        exact = np.array(mpmath.expm(mpmath.matrix(1.7 * generator)).tolist(), dtype=float) @ (*START, 1.0)
        assert np.abs(found - exact[:4]).max() < 2.0**-52 * 100 * np.abs(exact).max() * math.exp(1.7), coupled


@pytest.mark.parametrize(
    ("method", "first", "second"), [("saba2", 4, 2), ("saba4", 8, 2), ("aba104", 10, 4), ("aba864", 8, 4)]
)
def test_generalised_orders(method, first, second):
    """The error is C1 e h^first + C2 e^2 h^second + ...: its first coefficient, by differences of e, has the slope
    `first` in h, and the rest has the slope `second`, both to a tenth or to rounding.
    """
    oscillator, coupling = (px**2 + py**2 + x**2 + 2 * y**2) / 2, e * (x**2 * y + x**4 / 4)

    def error(size, steps):
        split = run(oscillator + coupling, (oscillator, coupling), method, START, {e: size}, 4.0, steps)
        return split - run(oscillator + coupling, (oscillator, coupling), "abah1064", START, {e: size}, 4.0, 800)

    # the part of the error that is odd in e, and the one that is even
    coarse, fine = {2: (8, 16), 4: (6, 12), 8: (3, 6), 10: (3, 6)}[first]
    sizes = [1e-4, -1e-4]
    odd = [np.abs(error(sizes[0], n) - error(sizes[1], n)).max() / 2e-4 for n in (coarse, fine)]
    assert math.log2(odd[0] / odd[1]) > first - 0.6
    even = [np.abs(error(0.05, n) + error(-0.05, n)).max() / 2 for n in (16, 32)]
    assert math.log2(even[0] / even[1]) > second - 0.3


def test_the_error_is_proportional_to_the_perturbation():
    """For Kepler's flow and a small bump: at one step length, a tenth of the bump makes a tenth of the error."""

    def error(size):
        values = {**VALUES, e: size}
        found = run(KEPLER + BUMP, (KEPLER, BUMP), "saba2", START, values, 6.0, 20)
        exact = ph.Hamiltonian(KEPLER + BUMP, PAIRS).compile("dop853")
        sample = exact.run(dict(zip(STATE, START, strict=True)), values, (0.0, 6.0), rtol=1e-13, t_eval=[6.0])
        return np.abs(found - [sample[s][-1] for s in STATE]).max()

    assert math.log10(error(1e-2) / error(1e-3)) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("three", [False, True], ids=["two parts", "three parts"])
def test_the_map_is_symplectic(three):
    """Phi^T J Phi = J by central differences of step 1e-5, which err by 1e-10 and by the rounding 1e-11 of states."""
    parts = (KEPLER, BUMP, e * px * py) if three else (KEPLER, BUMP)
    step = 1e-5
    moves = np.concatenate([step * np.eye(4), -step * np.eye(4)])
    starts = tuple(START[i] + moves[:, i] for i in range(4))
    ends = run(sum(parts), parts, "abah864", starts, {**VALUES, e: 0.3}, 0.8, 2)
    jacobian = (ends[:, :4] - ends[:, 4:]) / (2 * step)
    j = np.block([[np.zeros((2, 2)), np.eye(2)], [-np.eye(2), np.zeros((2, 2))]])
    assert np.abs(jacobian.T @ j @ jacobian - j).max() < 1e-8


def test_three_parts_keep_the_order():
    """abah844 with its kick as a leapfrog of two: order 4 in h at a perturbation that is not small."""
    parts = (KEPLER, BUMP, e * (px * x + py * y) / 5)
    values = {**VALUES, e: 0.3}
    ends = [run(sum(parts), parts, "abah844", START, values, 2.0, n) for n in (10, 20, 160)]
    errors = [np.abs(end - ends[2]).max() for end in ends[:2]]
    assert math.log2(errors[0] / errors[1]) > 3.5


def test_time_in_both_parts_keeps_the_order():
    """A strength that swings in either part: leapfrog stays of order 2, and steps backwards return."""
    parts = ((px**2 + (2 + sympy.sin(ph.t)) * x**2) / 2 + py**2 / 2, e * x**4 * sympy.cos(2 * ph.t) + y**4)
    system = ph.Hamiltonian(sum(parts), PAIRS)
    simulator, exact = system.compile("leapfrog", split=parts), system.compile("dop853")
    start, values = dict(zip(STATE, START, strict=True)), {e: 0.2}
    end = [simulator.run(start, values, (0, 2), dt=2 / n, t_eval=[2.0])[x][-1] for n in (50, 100)]
    true = exact.run(start, values, (0, 2), rtol=1e-12, t_eval=[2.0])[x][-1]
    assert math.log2((end[0] - true) / (end[1] - true)) == pytest.approx(2, abs=0.1)


def test_compensated_sums_keep_the_digits():
    """20 000 steps in float32: plain sums wander by some 100 units of 6e-8, compensated ones by a few."""
    system, start = ph.Hamiltonian(KEPLER + BUMP, PAIRS), dict(zip(STATE, START, strict=True))
    single, double = (system.compile("saba1", split=(KEPLER, BUMP), dtype=dtype) for dtype in ("float32", "float64"))
    exact = double.run(start, VALUES, (0, 200), dt=0.01, save_every=20_000)
    drift = {}
    for compensated in (False, True):
        found = single.run(start, VALUES, (0, 200), dt=0.01, save_every=20_000, compensated=compensated)
        drift[compensated] = max(abs(float(found[s][-1]) - exact[s][-1]) for s in STATE)
    assert drift[True] < drift[False] / 5


def test_auto_takes_a_split_and_leaves_tolerances_alone():
    simulator = ph.Hamiltonian(KEPLER + BUMP, PAIRS).compile(split=(KEPLER, BUMP))
    start = dict(zip(STATE, START, strict=True))
    assert simulator.run(start, VALUES, (0, 1), dt=0.1).method == "aba1064"
    assert simulator.run(start, VALUES, (0, 1), rtol=1e-9).method == "taylor"
    assert "2 parts with exact flows (1: Kepler flow; 2: shear)" in simulator.explain()
    assert "Kepler's equation" in simulator.source


def test_events_inside_a_step_follow_the_split():
    """The state inside a step is a step of partial length, with the error of the method."""
    system, start = ph.Hamiltonian(KEPLER + BUMP, PAIRS), dict(zip(STATE, START, strict=True))
    crossing = ph.Event(y, direction=+1, record=9)
    found = system.compile("aba864", split=(KEPLER, BUMP)).run(start, VALUES, (0, 10), dt=0.2, events=crossing)
    exact = system.compile("dop853").run(start, VALUES, (0, 10), rtol=1e-12, events=crossing)
    assert np.abs(found.events[0].times - exact.events[0].times).max() < 1e-6
