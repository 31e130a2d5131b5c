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
CASES = [
    (SEPARABLE, "verlet"),
    (SEPARABLE, "leapfrog"),
    (SEPARABLE, "srkn6_4"),
    (SEPARABLE, "symplectic_euler"),
    (PUSHED, "rk4"),
    (COUPLED, "dop853"),
    (COUPLED, "gauss4"),
]
ROWS = Rows(np.array([[0.0, 0.1, 0.0], [0.3, 0.3, 0.5], [1.0, 1.1, 0.9]]), np.array([2, 5]))


def passage(system: ph.Lagrangian, method: str, backend: str = "cpu") -> Passage:
    lowered = lower(system.dynamics)
    tables, places = signal_tables(
        lowered.dynamics, lowered.flow, {u: np.cos} if u in system.signals else {}, (0.0, 1.2), np.dtype("float64"), 0.1
    )
    unknown = tuple(s for s in lowered.dynamics.parameters if s != c)
    return Passage(lowered, kernels_for(backend, "float64"), METHODS[method], unknown, tables, places)


def start(system: ph.Lagrangian) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    known = {c: 0.3, k: 2.0, m: 1.3}
    parameters = np.array([np.full(3, known[s]) for s in system.parameters])
    return rng.uniform(-1, 1, (4, 3)), parameters


@pytest.mark.parametrize(("system", "method"), CASES, ids=lambda x: x if isinstance(x, str) else "")
def test_tangents_and_adjoints_are_of_the_steps_taken(system: ph.Lagrangian, method: str) -> None:
    """The tangent by a central difference (error h^2 ~ 1e-10), the adjoint by <bar, dot>, exact up to rounding."""
    way = passage(system, method)
    initial, parameters = start(system)
    rng = np.random.default_rng(4)
    places = [system.parameters.index(s) for s in way.unknown]
    x_dots, p_dots = rng.normal(size=(4, 3, 5)), rng.normal(size=(len(way.unknown), 5))
    states, dots = way.tangents(initial, parameters, ROWS, x_dots, p_dots)
    assert states == pytest.approx(way.states(initial, parameters, ROWS), rel=1e-12, abs=1e-12)
    step = 1e-5
    for d in range(5):
        moved = []
        for sign in (1, -1):
            other = parameters.copy()
            other[places] += sign * step * p_dots[:, d, None]
            moved.append(way.states(initial + sign * step * x_dots[..., d], other, ROWS))
        assert dots[..., d] == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-7, abs=1e-7)
    bars = rng.normal(size=states.shape)
    x_bars, p_bars = way.adjoint(states, parameters, ROWS, bars)
    forward = np.einsum("irn,irnd->d", bars, dots)
    backward = np.einsum("in,ind->d", x_bars, x_dots) + np.einsum("an,ad->d", p_bars, p_dots)
    # reversible methods find states again to rounding, Gauss to the tolerance of its stages
    assert forward == pytest.approx(backward, rel=1e-10 if method == "gauss4" else 1e-12)
