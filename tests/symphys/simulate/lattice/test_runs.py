"""Runs of fields against exact solutions, over boundaries, dimensions, methods and backends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sympy import I, conjugate, sin

import symphys as ph
from symphys.simulate.lattice.given import read_inputs

t, x, y, z = ph.spacetime("t x y z")
c, m = ph.parameters("c m", positive=True)


def wave(*axes: Any) -> tuple[Any, ph.LagrangianDensity]:
    """phi_tt = c^2 lap phi - m^2 phi."""
    phi = ph.scalar_field("phi", (t, *axes))
    slopes = sum(phi.diff(a) ** 2 for a in axes)
    return phi, ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - c**2 * slopes / 2 - m**2 * phi**2 / 2)


def standing(grid: ph.Grid, boundary: str, time: float) -> np.ndarray:
    """A standing wave that obeys the boundary, cos(omega t) times a product of waves of mode 2."""
    shape, k2 = np.ones(()), 0.0
    for axis in grid.axes:
        length = axis.stop - axis.start
        k = 2 * (2 if boundary == "periodic" else 1) * np.pi / length
        wave = np.sin if boundary == "dirichlet" else np.cos
        shape = np.multiply.outer(shape, wave(k * (axis.points - axis.start)))
        k2 += k**2
    return np.cos(np.sqrt(1.5**2 * k2 + 0.7**2) * time) * shape


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", "neumann"])
@pytest.mark.parametrize("axes", [(x,), (x, y), (x, y, z)])
def test_standing_waves_keep_their_shape(axes: tuple[Any, ...], boundary: str) -> None:
    """Differences of order 8 on n points a wave of kdx err by (k dx)^8 / 3150 relative, the splitting far less."""
    phi, theory = wave(*axes)
    points = {x: 24, y: 20, z: 33}
    grid = ph.Grid({a: (0.0, 2.0 + i, points[a]) for i, a in enumerate(axes)}, boundary=boundary)
    simulator = theory.compile(grid=grid, order=8)
    start = {phi: standing(grid, boundary, 0.0), phi.diff(t): 0.0}
    run = simulator.run(start, {c: 1.5, m: 0.7}, t_span=(0, 1), dt=0.01, save_every=50)
    assert run.ok
    assert run[phi].shape == (3, *grid.shape)
    for row, time in enumerate(run.t):
        np.testing.assert_allclose(run[phi][row], standing(grid, boundary, time), atol=2e-3)
    # a splitting of order 4 with omega dt <= 0.13 keeps energies to (omega dt)^4 / 100
    assert run.drift["energy"] < 1e-5


def test_rows_reach_along_whichever_axis_is_differentiated() -> None:
    phi = ph.scalar_field("phi", (t, x, y, z))
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(y) ** 2 / 2)
    simulator = theory.compile(grid=ph.Grid({x: (0, 1, 4), y: (0, 1, 12), z: (0, 1, 4)}), method="verlet", order=6)
    assert simulator.machine.plan.reach == 3


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", "neumann"])
def test_derivatives_by_waves_leave_the_error_of_the_steps(boundary: str) -> None:
    phi, theory = wave(x, y)
    grid = ph.Grid({x: (0.0, 2.0, 12), y: (0.0, 3.0, 13)}, boundary=boundary)
    start = {phi: standing(grid, boundary, 0.0), phi.diff(t): 0.0}
    simulator = theory.compile(grid=grid, order="spectral", method="blanes_moan6")
    assert "waves" in simulator.explain()
    run = simulator.run(start, {c: 1.5, m: 0.7}, t_span=(0, 1), dt=0.02, save_every=25)
    np.testing.assert_allclose(run[phi][-1], standing(grid, boundary, 1.0), atol=1e-8)
    assert run.drift["energy"] < 1e-9


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_differences_converge_at_their_order(order: int) -> None:
    phi, theory = wave(x)
    errors = []
    for n in (16, 32):
        grid = ph.Grid({x: (0.0, 2.0, n)})
        start = {phi: standing(grid, "periodic", 0.0), phi.diff(t): 0.0}
        run = theory.compile(grid=grid, order=order).run(start, {c: 1.5, m: 0.7}, t_span=(0, 0.5), dt=0.5 / 512)
        errors.append(np.abs(run[phi][-1] - standing(grid, "periodic", 0.5)).max())
    # the next term of the error is smaller by (k dx)^2 / 10 on the finer grid, 0.04
    assert abs(np.log2(errors[0] / errors[1]) - order) < 0.35


@pytest.mark.parametrize(("method", "order"), [("verlet", 2), ("blanes_moan4", 4), ("rk4", 4), ("dop853", 8)])
def test_steps_converge_at_the_order_of_the_method(method: str, order: int) -> None:
    """Against the same lattice with steps so small that only rounding is left."""
    phi, theory = wave(x)
    grid = ph.Grid({x: (0.0, 2.0, 16)})
    start = {phi: standing(grid, "periodic", 0.0), phi.diff(t): 0.3}
    values, span = {c: 1.5, m: 0.7}, (0.0, 0.4)
    exact = theory.compile(grid=grid, method="blanes_moan6").run(start, values, t_span=span, dt=0.4 / 400)[phi][-1]
    simulator = theory.compile(grid=grid, method=method)
    steps = 16 if order < 8 else 8
    errors = [
        np.abs(simulator.run(start, values, t_span=span, dt=0.4 / n)[phi][-1] - exact).max() for n in (steps, 2 * steps)
    ]
    assert abs(np.log2(errors[0] / errors[1]) - order) < 0.3


@pytest.mark.parametrize("others", [("cpu", "cuda-shim"), pytest.param(("cuda",), marks=pytest.mark.gpu)])
def test_every_backend_gives_the_same(others: tuple[str, ...]) -> None:
    phi, theory = wave(x, y)
    grid = ph.Grid({x: (0.0, 2.0, 12), y: (-1.0, 1.0, 10)}, boundary={x: "dirichlet", y: "neumann"})
    rng = np.random.default_rng(0)
    start = {phi: rng.normal(size=grid.shape), phi.diff(t): rng.normal(size=grid.shape)}
    runs = {}
    for backend in ("reference", *others):
        for method in ("verlet", "rk4"):
            simulator = theory.compile(grid=grid, method=method, backend=backend)
            runs[backend, method] = simulator.run(start, {c: 1.0, m: 0.5}, t_span=(0, 0.1), dt=0.01)
    for (_, method), run in runs.items():
        # ten steps of some fifty operations on numbers of order one, amplified by 1 / dx
        np.testing.assert_allclose(run[phi], runs["reference", method][phi], rtol=0, atol=10 * 50 * 2.0**-52 * 10)
        assert run.drift["energy"] == pytest.approx(float(runs["reference", method].drift["energy"]), rel=1e-6)


def schroedinger(*axes: Any) -> tuple[Any, Any, ph.LagrangianDensity]:
    """i psi_t = -lap psi / 2 + V psi."""
    psi = ph.complex_field("psi", (t, *axes))
    potential = ph.external("V", axes)
    bar = conjugate(psi)
    slopes = sum(bar.diff(a) * psi.diff(a) for a in axes)
    time = I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
    return psi, potential, ph.LagrangianDensity(time - slopes / 2 - potential * bar * psi)


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", "neumann"])
def test_waves_are_exact_without_a_potential(boundary: str) -> None:
    psi, potential, theory = schroedinger(x, y)
    grid = ph.Grid({x: (0.0, 3.0, 32), y: (0.0, 2.0, 24)}, boundary=boundary)
    shape, k2 = np.ones(()), 0.0
    for axis in grid.axes:
        k = 2 * (2 if boundary == "periodic" else 1) * np.pi / (axis.stop - axis.start)
        function = {"periodic": lambda s: np.exp(1j * s), "dirichlet": np.sin, "neumann": np.cos}[boundary]
        shape = np.multiply.outer(shape, function(k * (axis.points - axis.start)))
        k2 += k**2
    run = theory.compile(grid=grid).run({psi: shape}, {potential: 0.0}, t_span=(0, 2), dt=0.02, save_every=50)
    for row, time in enumerate(run.t):
        # a phase a step, off by the rounding of its angle: 100 steps of a few units of the last place
        np.testing.assert_allclose(run[psi][row], np.exp(-0.5j * k2 * time) * shape, atol=100 * 8 * 2.0**-52)
    assert run.drift["charge"] < 1e-13
    assert run.drift["energy"] < 1e-12


@pytest.mark.parametrize(("method", "order"), [("auto", 2), ("blanes_moan4", 4)])
def test_a_split_step_converges_at_its_order(method: str, order: int) -> None:
    """A coherent state in a harmonic well swings without changing its shape."""
    psi, potential, theory = schroedinger(x)
    grid = ph.Grid({x: (-12.0, 12.0, 96)})
    xs = grid.points[x]
    start = np.pi**-0.25 * np.exp(-((xs - 1.5) ** 2) / 2) + 0j
    exact = np.pi**-0.25 * np.exp(-((xs + 1.5) ** 2) / 2 - 0.5j * np.pi)
    simulator = theory.compile(grid=grid, method=method)
    errors = []
    for steps in (40, 80):
        run = simulator.run({psi: start}, {potential: lambda s: s**2 / 2}, t_span=(0, np.pi), dt=np.pi / steps)
        errors.append(np.abs(run[psi][-1] - exact).max())
    assert abs(np.log2(errors[0] / errors[1]) - order) < 0.3


@pytest.mark.everywhere
def test_potentials_may_move() -> None:
    """In a uniform force F(t) = cos t the centre of a free packet obeys x'' = cos t."""
    psi = ph.complex_field("psi", (t, x))
    force = ph.external("E", (t,))
    bar = conjugate(psi)
    density = I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x) / 2 + force * x * bar * psi
    grid = ph.Grid({x: (-16.0, 16.0, 128)})
    xs = grid.points[x]
    start = np.exp(-(xs**2) / 4) + 0j
    run = (
        ph.LagrangianDensity(density)
        .compile(grid=grid)
        .run({psi: start}, {force: np.cos}, t_span=(0, 2), dt=0.01, save_every=50)
    )
    density_of = np.abs(run[psi]) ** 2
    centre = (density_of * xs).sum(axis=1) / density_of.sum(axis=1)
    # Strang's error is dt^2 / 12 times second derivatives of order one
    np.testing.assert_allclose(centre, 1 - np.cos(run.t), atol=5e-5)


def test_absorbing_layers_swallow_a_wave() -> None:
    phi, theory = wave(x)
    grid = ph.Grid({x: (-10.0, 10.0, 401)}, boundary="absorbing")
    xs = grid.points[x]
    pulse = np.exp(-(xs**2)) * np.cos(5 * xs)
    simulator = theory.compile(grid=grid)
    assert "friction" in simulator.explain()
    run = simulator.run({phi: pulse, phi.diff(t): 0.0}, {c: 1.0, m: 1e-9}, t_span=(0, 30), dt=0.02, save_every=1500)
    # the layer leaves a thousandth of what crosses it; its inner edge sends back about a hundredth
    assert np.abs(run[phi][-1]).max() < 0.02


def test_friction_is_followed_exactly() -> None:
    """phi_tt = -phi - gamma phi_t at every site: the amplitude falls as exp(-gamma t / 2)."""
    gamma = ph.parameters("gamma", positive=True)
    phi = ph.scalar_field("phi", (t, x))
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi**2 / 2, dissipation=gamma * phi.diff(t) ** 2 / 2)
    run = theory.compile(grid=ph.Grid({x: (0.0, 1.0, 8)}), method="blanes_moan4").run(
        {phi: 1.0, phi.diff(t): -0.1}, {gamma: 0.2}, t_span=(0, 20), dt=0.05, save_every=40
    )
    omega = np.sqrt(1 - 0.01)
    np.testing.assert_allclose(run[phi][:, 0], np.exp(-0.1 * run.t) * np.cos(omega * run.t), atol=1e-4)


@pytest.mark.parametrize("steps", [8, 9])
@pytest.mark.parametrize("friction", [0, m])
@pytest.mark.parametrize("method", ["verlet", "saba1", "blanes_moan4", "symplectic_euler"])
def test_steps_taken_together_are_those_taken_alone(method: str, friction: Any, steps: int) -> None:
    """Merged kicks and passes that kick and drift at once, at the times of their stages: the same up to rounding."""
    phi = ph.scalar_field("phi", (t, x, y))
    slopes = phi.diff(x) ** 2 + phi.diff(y) ** 2
    loss = friction * phi.diff(t) ** 2 / 2
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - slopes / 2 + 5 * phi * sin(9 * t), dissipation=loss)
    grid = ph.Grid({x: (0.0, 2.0, 12), y: (0.0, 2.0, 10)})
    start = {phi: standing(grid, "periodic", 0.0), phi.diff(t): 0.0}
    simulator = theory.compile(grid=grid, method=method)
    numbers = {m: 0.7} if friction else {}
    alone = simulator.run(start, numbers, t_span=(0, 0.05 * steps), dt=0.05)
    together = simulator.run(start, numbers, t_span=(0, 0.05 * steps), dt=0.05, save_every=steps)
    for label in (phi, phi.diff(t)):
        # steps of at most six stages, each a few dozen roundings of numbers of order one
        np.testing.assert_allclose(together[label][-1], alone[label][-1], rtol=0, atol=steps * 6 * 50 * 2.0**-52)


def test_walls_push_back() -> None:
    """Momentum along an axis with ends is no constant, and is not watched."""
    _, theory = wave(x, y)
    grid = ph.Grid({x: (0.0, 2.0, 16), y: (0.0, 2.0, 16)}, boundary={x: "neumann"})
    names = [law.name for law in theory.compile(grid=grid).machine.laws]
    assert "momentum y" in names
    assert "energy" in names
    assert "momentum x" not in names


@pytest.mark.everywhere
def test_ensembles_of_fields() -> None:
    phi, theory = wave(x)
    grid = ph.Grid({x: (0.0, 2.0, 16)})
    simulator = theory.compile(grid=grid)
    starts = np.stack([standing(grid, "periodic", 0.0), 2 * standing(grid, "periodic", 0.0)])
    many = simulator.run({phi: starts, phi.diff(t): 0.0}, {c: [1.0, 1.5], m: 0.7}, t_span=(0, 1), dt=0.05)
    assert many[phi].shape == (2, 21, 16)
    assert many.drift["energy"].shape == (2,)
    one = simulator.run({phi: starts[1], phi.diff(t): 0.0}, {c: 1.5, m: 0.7}, t_span=(0, 1), dt=0.05)
    np.testing.assert_array_equal(one[phi], many[phi][1])


def test_single_precision() -> None:
    phi, theory = wave(x, y)
    grid = ph.Grid({x: (0.0, 2.0, 40), y: (0.0, 2.0, 70)})
    start = {phi: standing(grid, "periodic", 0.0), phi.diff(t): 0.0}
    single = theory.compile(grid=grid, dtype="float32").run(start, {c: 1.5, m: 0.7}, t_span=(0, 0.5), dt=0.005)
    double = theory.compile(grid=grid).run(start, {c: 1.5, m: 0.7}, t_span=(0, 0.5), dt=0.005)
    assert single[phi].dtype == np.float32
    np.testing.assert_allclose(single[phi][-1], double[phi][-1], atol=1e-4)


def test_a_field_that_blows_up_says_when() -> None:
    phi = ph.scalar_field("phi", (t, x))
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x) ** 2 / 2 + phi**4 / 4)
    run = theory.compile(grid=ph.Grid({x: (0.0, 1.0, 8)})).run(
        {phi: 1.0, phi.diff(t): 1.0}, {}, t_span=(0, 10), dt=0.01, save_every=10
    )
    assert not run.ok
    assert "finite" in str(run.status)
    assert 0 < run.t[-1] < 10
    assert np.isfinite(run[phi]).all()


def test_the_source_names_the_physics() -> None:
    phi, theory = wave(x)
    del phi
    source = theory.compile(grid=ph.Grid({x: (0.0, 1.0, 8)}), backend="reference").source
    assert "def kick" in source
    assert "force on phi_t" in source


@pytest.mark.parametrize("method", ["verlet", "kahan_li6", "rk4"])
def test_what_is_measured_in_passing_is_what_is_measured_after(method: str) -> None:
    """The state to the last bit; integrals over 80 x 96 sites to the rounding of their sums, 8e3 units at most."""
    phi, theory = wave(x, y)
    grid = ph.Grid({x: (0.0, 1.0, 80), y: (0.0, 2.0, 96)})
    simulator = theory.compile(grid=grid, method=method, order=4)
    rng = np.random.default_rng(2)
    start = {phi: rng.normal(size=grid.shape), phi.diff(t): rng.normal(size=grid.shape)}
    inputs = read_inputs(theory.dynamics, grid, start, {c: 0.01, m: 0.7})
    apart, passing = (simulator.start(inputs, (), 0.0, 0.1, 2) for _ in range(2))
    for steps in (1, 2, 5):
        apart.go(steps)
        passing.go(steps, watch=True)
        for (total, size), (known, scale) in zip(
            zip(*apart.totals(), strict=True), zip(*passing.totals(), strict=True), strict=True
        ):
            assert abs(known - total) <= 8e3 * 2.0**-53 * size
            np.testing.assert_allclose(scale, size, rtol=8e3 * 2.0**-53)
        for label, values in apart.state().items():
            np.testing.assert_array_equal(passing.state()[label], values)
    passing.put({label: 2 * values for label, values in apart.state().items()})
    energy = [law.name for law in passing.machine.laws].index("energy")
    np.testing.assert_allclose(passing.totals()[0][energy], 4 * apart.totals()[0][energy], rtol=1e-12)
