"""Derivatives through integrators are those of the steps taken: tangents by slopes, adjoints by the dot test."""

import numpy as np
import pytest
from sympy import cos, sin

import symphys as ph
from symphys.integrators import METHODS
from symphys.learn.passage import Passage, Rows
from symphys.simulate.compiled import kernels_for, lower
from symphys.simulate.signals import signal_tables

q, p = ph.coordinates("q p")
vq, vp = ph.dot(q), ph.dot(p)
k, c, m = ph.parameters("k c m", positive=True)
u = ph.input_signal("u")
SEPARABLE = ph.Lagrangian(m * vq**2 / 2 + vp**2 / 2 + k * cos(q - p) - p**4 / 4)
PUSHED = ph.Lagrangian(m * vq**2 / 2 + vp**2 / 2 + k * cos(q - p) + u * q, forces={q: -c * vq})
COUPLED = ph.Lagrangian(m * vq**2 * (1 + sin(p) ** 2) / 2 + vp**2 / 2 + c * vq * vp * cos(q) / 3 - k * q**2 / 2 - p**2)
V = ph.network("V", inputs=2, hidden=(4, 4), activation="tanh")
GREY = ph.Lagrangian(m * vq**2 / 2 + vp**2 / 2 - V(q, p) - k * q**2)
W = ph.network("W", inputs=4, hidden=(5,), activation="softplus", features=2)
x1, p1, x2, p2 = ph.canonical("x1 p1 x2 p2")
BLACK = ph.Hamiltonian((p1**2 + p2**2 + x1**2 + x2**2) / 2 + W(x1, x2, p1, p2), {x1: p1, x2: p2})
CASES = [
    (SEPARABLE, "verlet"),
    (SEPARABLE, "leapfrog"),
    (SEPARABLE, "srkn6_4"),
    (SEPARABLE, "symplectic_euler"),
    (PUSHED, "rk4"),
    (COUPLED, "dop853"),
    (COUPLED, "gauss4"),
    (GREY, "verlet"),
    (GREY, "dopri5"),
    (BLACK, "rk4"),
    (BLACK, "gauss4"),
]
ROWS = Rows(np.array([[0.0, 0.1, 0.0], [0.3, 0.3, 0.5], [1.0, 1.1, 0.9]]), np.array([2, 5]))


def passage(system: ph.Lagrangian | ph.Hamiltonian, method: str) -> Passage:
    lowered = lower(system.dynamics)
    tables, places = signal_tables(
        lowered.dynamics, lowered.flow, {u: np.cos} if u in system.signals else {}, (0.0, 1.2), np.dtype("float64"), 0.1
    )
    unknown = tuple(s for s in lowered.dynamics.parameters if s != c)
    networks = lowered.dynamics.networks
    return Passage(lowered, kernels_for("cpu", "float64"), METHODS[method], unknown, networks, tables, places)


def placed(system: ph.Lagrangian | ph.Hamiltonian, way: Passage, theta: np.ndarray) -> tuple[np.ndarray, dict]:
    """Parameters [P, runs] and weights for values theta of all that is unknown."""
    known = {c: 0.3, **dict(zip(way.unknown, theta, strict=False))}
    weights = {network: theta[len(way.unknown) :] for network in way.networks}
    return np.array([np.full(3, known[s]) for s in system.parameters]).reshape(-1, 3), weights


def start(system: ph.Lagrangian | ph.Hamiltonian) -> tuple[np.ndarray, np.ndarray, dict, np.ndarray]:
    rng = np.random.default_rng(3)
    way = passage(system, "rk4")
    values = {k: 2.0, m: 1.3}
    theta = np.array([values[s] for s in way.unknown])
    for network in way.networks:
        theta = np.concatenate([theta, network.initialise(seed=1) * 2])
    return rng.uniform(-1, 1, (4, 3)), *placed(system, way, theta), theta


@pytest.mark.parametrize(("system", "method"), CASES, ids=lambda x: x if isinstance(x, str) else "")
def test_tangents_and_adjoints_are_of_the_steps_taken(system: ph.Lagrangian, method: str) -> None:
    """The tangent by differences of fourth order (errors of 1e-16 / h), the adjoint by <bar, dot>, up to rounding."""
    way = passage(system, method)
    initial, parameters, weights, theta = start(system)
    rng = np.random.default_rng(4)
    x_dots = np.concatenate([np.zeros((4, 3, len(theta))), rng.normal(size=(4, 3, 3))], axis=2)
    states, dots = way.tangents(initial, parameters, weights, ROWS, x_dots)
    assert states == pytest.approx(way.states(initial, parameters, weights, ROWS), rel=1e-12, abs=1e-12)
    step = 2e-5
    for _ in range(4):
        along = rng.normal(size=x_dots.shape[2])
        along /= np.linalg.norm(along)
        slope = 0.0
        for reach, weight in ((1, 8), (-1, -8), (2, -1), (-2, 1)):
            other, changed = placed(system, way, theta + reach * step * along[: len(theta)])
            slope += weight * way.states(initial + reach * step * x_dots @ along, other, changed, ROWS) / (12 * step)
        assert dots @ along == pytest.approx(slope, rel=1e-8, abs=1e-8)
    bars = rng.normal(size=states.shape)
    x_bars, slopes = way.adjoint(states, parameters, weights, ROWS, bars)
    forward = np.einsum("irn,irnd->d", bars, dots)
    backward = np.einsum("in,ind->d", x_bars, x_dots)
    backward[: len(theta)] = slopes
    # reversible methods find states again to rounding, Gauss to the tolerance of its stages
    tolerance = 1e-9 if method == "gauss4" else 1e-12
    assert forward == pytest.approx(backward, rel=tolerance, abs=tolerance * np.abs(forward).max())


@pytest.mark.parametrize("method", ["verlet", "srkn6_4", "rk4"])
def test_sensitivities_are_tangents(method: str) -> None:
    """Derivatives that are pulled back through each step equal those that are pushed."""
    way = passage(SEPARABLE, method)
    initial, parameters, weights, _ = start(SEPARABLE)
    dots = np.concatenate([np.zeros((4, 3, 2)), np.random.default_rng(1).normal(size=(4, 3, 2))], axis=2)
    pushed = way._pushed(initial, parameters, weights, ROWS, dots)
    carried = way._sensitivities(initial, parameters, weights, ROWS, dots)
    for one, other in zip(pushed, carried, strict=True):
        assert one == pytest.approx(other, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize(
    ("system", "method"), [(PUSHED, "rk4"), (GREY, "symplectic_euler"), (GREY, "dopri5"), (BLACK, "rk4")]
)
def test_what_is_kept_of_the_way_there_changes_nothing(system: ph.Lagrangian, method: str) -> None:
    """Steps done again, steps kept, and stages kept with them: the same derivatives up to rounding."""
    way = passage(system, method)
    initial, parameters, weights, theta = start(system)
    bars = np.random.default_rng(5).normal(size=(4, 3, 3))
    states = way.states(initial, parameters, weights, ROWS)
    seen: list[np.ndarray] = []

    def seeds(found: np.ndarray) -> np.ndarray:
        seen.append(found)
        return bars

    again = way.adjoint(states, parameters, weights, ROWS, bars)
    kept = way.differentiate(initial, parameters, weights, ROWS, seeds)
    assert seen[0] == pytest.approx(states, rel=1e-13, abs=1e-13)
    assert len(kept[1]) == len(theta)
    for one, other in zip(again, kept, strict=True):
        assert one == pytest.approx(other, rel=1e-11, abs=1e-12)
