"""Axes whose ends differ: one held and one free, or a layer that damps at one side alone."""

from typing import Any

import numpy as np
import pytest
import sympy

import symphys as ph
from tests.gpu import ALL

t, x, y = ph.spacetime("t x y")


def wave(*axes: Any) -> tuple[Any, Any]:
    phi = ph.scalar_field("phi", (t, *axes))
    return phi, ph.LagrangianDensity((phi.diff(t) ** 2 - sum(phi.diff(a) ** 2 for a in axes)) / 2)


def quarter_wave(axis: Any) -> tuple[float, Any]:
    """Wave number and values of a wave that vanishes at the held end and has no slope at the free one."""
    length = axis.stop - axis.start
    k = 1.5 * np.pi / length
    far = axis.points - axis.start if axis.ends[0] == "dirichlet" else axis.stop - axis.points
    return k, np.sin(k * far)


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("ends", [("dirichlet", "neumann"), ("neumann", "dirichlet")])
@pytest.mark.parametrize("axes", [(x,), (x, y)])
def test_standing_waves_between_unlike_ends(axes: Any, ends: Any, backend: str) -> None:
    """Differences of order 8 err by (k dx)^8 / 3150, below 1e-5; a splitting of order 4 by (omega dt)^4 / 100."""
    phi, theory = wave(*axes)
    points = {x: 24, y: 33}
    grid = ph.Grid({a: (0.0, 2.0, points[a]) for a in axes}, dict(zip(axes, (ends, ends[::-1]), strict=False)))
    waves = [quarter_wave(axis) for axis in grid.axes]
    shape = waves[0][1] if len(waves) == 1 else np.multiply.outer(waves[0][1], waves[1][1])
    simulator = theory.compile(grid, order=8, backend=backend)
    run = simulator.run({phi: shape, phi.diff(t): 0.0}, t_span=(0, 0.4), dt=0.02, save_every=10)
    omega = np.sqrt(sum(k**2 for k, _ in waves))
    for row, time in enumerate(run.t):
        np.testing.assert_allclose(run[phi][row], np.cos(omega * time) * shape, atol=1e-4)
    assert run.drift["energy"] < 1e-5


def test_one_side_takes_a_wave_up_and_the_other_sends_it_back_turned_over(tmp_path: Any) -> None:
    phi, theory = wave(x)
    grid = ph.Grid({x: (0.0, 20.0, 401)}, ("dirichlet", "absorbing"))
    far = grid.points[x] - 10.0
    hump = np.exp(-(far**2) / 2) * np.cos(5.0 * far)  # short waves: those longer than the layer go back from its edge
    run = theory.compile(grid).run({phi: hump, phi.diff(t): 0.0}, t_span=(0, 40), dt=0.04, t_eval=[12, 16, 40])
    back, later, end = run[phi]
    assert grid.points[x][np.argmin(back)] == pytest.approx(2.0, abs=0.1)
    assert back.min() == pytest.approx(-0.5, abs=0.01)  # half of the hump, turned over at the held end
    assert np.abs(later[200:]).max() < 0.02  # the other half has been in the layer, whose edge sends back a hundredth
    assert np.abs(end).max() < 0.02  # and so has the first half by now
    run.save(tmp_path / "run.npz")
    assert type(run).load(tmp_path / "run.npz").grid.axes[0].ends == ("dirichlet", "absorbing")
    assert str(grid) == "Grid(x: 401 points in [0, 20], dirichlet, absorbing)"


def test_a_layer_at_one_side_damps_as_one_of_two_does() -> None:
    one, both = (ph.Grid({x: (0.0, 20.0, 201)}, ends) for ends in (("neumann", "absorbing"), "absorbing"))
    np.testing.assert_array_equal(one.axes[0].absorption[100:], both.axes[0].absorption[100:])
    assert not one.axes[0].absorption[:100].any()
    phi, theory = wave(x)
    start = {phi: np.exp(-((one.points[x] - 14.0) ** 2)), phi.diff(t): 0.0}
    runs = [theory.compile(grid).run(start, t_span=(0, 8), dt=0.05, t_eval=[8]) for grid in (one, both)]
    np.testing.assert_allclose(runs[0][phi][0][60:], runs[1][phi][0][60:], atol=1e-12)  # beyond 6 nothing has come back


def test_waves_need_ends_of_one_kind() -> None:
    _, theory = wave(x)
    grid = ph.Grid({x: (0.0, 2.0, 17)}, ("dirichlet", "neumann"))
    with pytest.raises(ph.InputError, match="by waves, but one end of x is held and the other is not"):
        theory.compile(grid, order="spectral")
    psi = ph.complex_field("psi", (t, x))
    bar = sympy.conjugate(psi)
    free = ph.LagrangianDensity(sympy.I * (bar * psi.diff(t) - psi * bar.diff(t)) / 2 - bar.diff(x) * psi.diff(x) / 2)
    assert "rk4" in free.compile(grid).explain()
    with pytest.raises(ph.MethodError, match=r"needs fields of second order .* one end of x is held"):
        free.compile(grid, method="verlet")
    assert "split step" in free.compile(ph.Grid({x: (0.0, 2.0, 17)}, ("neumann", "absorbing"))).explain()


def test_ends_that_are_none_are_refused() -> None:
    with pytest.raises(ph.InputError, match="x is periodic at its left end and neumann at its right one"):
        ph.Grid({x: (0.0, 2.0, 17)}, ("periodic", "neumann"))
    with pytest.raises(ph.InputError, match="absorbing, or two of them, for the left and the right end"):
        ph.Grid({x: (0.0, 2.0, 17)}, {x: ("neumann",)})
