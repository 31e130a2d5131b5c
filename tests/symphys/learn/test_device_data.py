"""Data and weights of fits may lie on a device: they are carried to the host, where fits read them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sympy import cos

import symphys as ph


class OnDevice:
    """An array as CuPy has them: NumPy does not read it by itself."""

    __cuda_array_interface__ = ()

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape, self.ndim = self.values.shape, self.values.ndim

    def get(self) -> np.ndarray:
        return self.values.copy()

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("implicit conversion to a NumPy array is not allowed")


theta = ph.coordinates("theta")
g, l = ph.parameters("g l", positive=True)
PENDULUM = ph.Lagrangian(l**2 * ph.dot(theta) ** 2 / 2 + g * l * cos(theta))
X = np.linspace(-1.0, 1.0, 30)


def samples(wrap: Any) -> float:
    V = ph.network("V", inputs=1, hidden=(4,))
    data = {theta: wrap(X), ph.dot(theta): wrap(0.1 + 0.0 * X), ph.ddot(theta): wrap(-np.sin(X))}
    guess = {V: wrap(V.initialise(seed=0))}
    return ph.Lagrangian(ph.dot(theta) ** 2 / 2 - V(theta)).fit(data, guess=guess, steps=3).loss


def trajectories(wrap: Any) -> float:
    times = np.linspace(0.0, 1.0, 6)
    data = ph.Trajectories(times, {theta: wrap(np.cos(times)[None])}, start={ph.dot(theta): wrap(np.zeros(1))})
    return PENDULUM.fit(data, parameters={g: 9.81}, guess={l: 8.0}, method="verlet", dt=0.05, steps=3).loss


def fields(wrap: Any) -> float:
    t, x = ph.spacetime("t x")
    phi, c = ph.scalar_field("phi", (t, x)), ph.parameters("c", positive=True)
    theory = ph.LagrangianDensity((phi.diff(t) ** 2 - c**2 * phi.diff(x) ** 2) / 2)
    grid = ph.Grid({x: (0.0, 6.0, 24)})
    hump = np.exp(-((grid.points[x] - 3.0) ** 2))
    times = np.array([0.0, 0.5])
    frames = np.stack([hump, 0.9 * hump])
    data = ph.Trajectories(times, {phi: wrap(frames[None])}, start={phi.diff(t): wrap(0.0 * hump[None])})
    return theory.fit(data, grid=grid, guess={c: 0.7}, method="verlet", dt=0.1, steps=3).loss


@pytest.mark.parametrize("fit", [samples, trajectories, fields])
def test_fits_read_what_lies_on_a_device(fit: Any) -> None:
    assert fit(OnDevice) == fit(np.asarray)
