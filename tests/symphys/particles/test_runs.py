"""Runs of particles: laws, orders, backends, ensembles, against energies and forces written out in NumPy."""

import itertools

import numpy as np
import pytest
from sympy import exp, sqrt

import symphys as ph
from tests.gpu import OTHERS

atoms = ph.particles("r", dim=3)
k, G, soft = ph.parameters("k G eps", positive=True)
kinetic = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
springs = ph.Lagrangian(kinetic - atoms.pairs(lambda a, b: k * (a.distance(b) - 1) ** 2 / 2))
stars = ph.Lagrangian(
    kinetic + atoms.pairs(lambda a, b: G * atoms.mass(a) * atoms.mass(b) / sqrt(a.distance(b) ** 2 + soft**2))
)


def start(n: int, seed: int = 0, runs: tuple[int, ...] = ()) -> dict:
    rng = np.random.default_rng(seed)
    return {atoms: rng.normal(0, 1, (*runs, n, 3)), ph.dot(atoms): rng.normal(0, 0.3, (*runs, n, 3))}


def masses(n: int) -> np.ndarray:
    return np.linspace(0.5, 1.5, n)


def gravity_energy(x: np.ndarray, m: np.ndarray, eps: float) -> float:
    i, j = np.triu_indices(len(x), 1)
    return float(-(m[i] * m[j] / np.sqrt(((x[i] - x[j]) ** 2).sum(1) + eps**2)).sum())


def test_forces_are_the_slopes_of_the_energy() -> None:
    """One step of length h moves a particle at rest by h^2 F / 2m; differences of step d err by d^2 and eps / d."""
    n, h, d = 7, 1e-4, 1e-5
    x, m = start(n)[atoms], masses(n)
    run = stars.compile(method="verlet").run({atoms: x, ph.dot(atoms): 0 * x}, {atoms.mass: m, G: 1.0, soft: 0.3},
                                             t_span=(0, h), dt=h)  # fmt: skip
    force = run[ph.dot(atoms)][1] / h * m[:, None]
    expected = np.empty_like(x)
    for place in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[place] = d
        expected[place] = -(gravity_energy(x + step, m, 0.3) - gravity_energy(x - step, m, 0.3)) / (2 * d)
    np.testing.assert_allclose(force, expected, atol=1e-6 * np.abs(expected).max())
    assert run.energy[0] == pytest.approx(gravity_energy(x, m, 0.3), rel=1e-13)


@pytest.mark.parametrize(("method", "order"), [("verlet", 2), ("yoshida4", 4), ("blanes_moan4", 4)])
def test_the_order_is_that_of_the_splitting(method: str, order: int) -> None:
    values = {atoms.mass: masses(3), G: 1.0, soft: 1.0}
    simulator, begin = stars.compile(method=method), start(3, seed=3)
    ends = [
        simulator.run(begin, values, t_span=(0, 0.8), dt=0.2 / 2**i, save_every=4 * 2**i)[atoms][-1] for i in range(4)
    ]
    errors = [np.abs(a - b).max() for a, b in itertools.pairwise(ends)]
    assert np.log2(errors[1] / errors[2]) == pytest.approx(order, abs=0.35)


def test_momenta_are_kept_to_rounding() -> None:
    run = stars.compile().run(
        start(50), {atoms.mass: masses(50), G: 1.0, soft: 0.1}, t_span=(0, 1), dt=0.01, save_every=10
    )
    assert run.ok
    assert run.drift["momentum"] < 1e-13
    assert run.drift["angular momentum"] < 1e-13
    assert 0 < run.drift["energy"] < 1e-2


@pytest.mark.parametrize("backend", OTHERS)
@pytest.mark.parametrize("runs", [(), (5,)])
def test_backends_agree(backend: str, runs: tuple[int, ...]) -> None:
    """20 steps of sums over 6 particles: a hundred roundings, of errors that grow by less than 10."""
    values = {atoms.mass: masses(6), G: 1.0, soft: 0.2}
    results = [
        stars.compile(backend=name).run(start(6, runs=runs), values, t_span=(0, 0.2), dt=0.01, save_every=10)
        for name in ("cpu", backend)
    ]
    for key in (atoms, ph.dot(atoms)):
        np.testing.assert_allclose(results[0][key], results[1][key], atol=1e-13)
    np.testing.assert_allclose(results[0].energy, results[1].energy, rtol=1e-13)


def test_many_runs_as_lanes_equal_one_after_the_other() -> None:
    begin, stiffness = start(3, runs=(9,)), np.linspace(0.5, 2, 9)
    simulator = springs.compile()
    together = simulator.run(begin, {atoms.mass: masses(3), k: stiffness}, t_span=(0, 1), dt=0.05, t_eval=[0.5, 1.0])
    assert together[atoms].shape == (9, 2, 3, 3)
    for i in range(9):
        alone = simulator.run(
            {key: value[i] for key, value in begin.items()},
            {atoms.mass: masses(3), k: stiffness[i]},
            t_span=(0, 1), dt=0.05, t_eval=[0.5, 1.0],
        )  # fmt: skip
        np.testing.assert_allclose(together[atoms][i], alone[atoms], atol=1e-13)
        assert together.drift["energy"][i] == pytest.approx(float(alone.drift["energy"]), rel=1e-6)
    assert together.drift["momentum"].max() < 1e-14


def test_single_precision_follows_double() -> None:
    values = {atoms.mass: masses(20), G: 1.0, soft: 0.2}
    runs = [
        stars.compile(dtype=d).run(start(20), values, t_span=(0, 0.5), dt=0.01, save_every=50)
        for d in ("float32", "float64")
    ]
    assert runs[0][atoms].dtype == np.float32
    assert np.abs(runs[0][atoms] - runs[1][atoms]).max() < 2e-4


def test_a_network_as_pair_potential_runs_with_its_weights() -> None:
    V = ph.network("V", inputs=1, hidden=(4,), activation="tanh")
    system = ph.Lagrangian(kinetic - atoms.pairs(lambda a, b: V(a.distance(b))))
    weights = V.initialise(seed=0)
    run = system.compile().run(start(4), {atoms.mass: masses(4), V: weights}, t_span=(0, 0.5), dt=0.01, save_every=10)
    i, j = np.triu_indices(4, 1)
    distance = np.linalg.norm(run[atoms][-1][i] - run[atoms][-1][j], axis=1)
    assert run.totals["potential"][-1] == pytest.approx(V.evaluate(weights, distance).sum(), rel=1e-12)
    assert run.drift["energy"] < 1e-4
    assert run.drift["momentum"] < 1e-14


def test_a_run_that_leaves_the_finite_world_keeps_what_it_has() -> None:
    torn = ph.Lagrangian(kinetic + atoms.pairs(lambda a, b: exp(a.distance(b) ** 2)))
    run = torn.compile().run(start(3), {atoms.mass: masses(3)}, t_span=(0, 10), dt=0.05)
    assert not run.ok
    assert "finite" in str(run.status)
    assert 0 < run.status.time < 10
    assert np.isfinite(run[atoms]).all()


@pytest.mark.parametrize(
    "options", [{}, {"cutoff": 2.0, "box": [5.0] * 3, "smoothing": "switch"}], ids=["all", "lists"]
)
def test_the_source_can_be_read_and_compiles_for_a_gpu(options: dict) -> None:
    pytest.importorskip("cuda.bindings.nvrtc")
    assert "velocity" in stars.emit("cpu", **options)
    assert "<32 x double>" in stars.emit("llvm", **options)
    for dtype in ("float64", "float32"):
        source = stars.emit("cuda", dtype=dtype, **options)
        assert "__global__" in source
        assert len(ph.check_cuda(source, architecture="sm_90")) > 1000
    with pytest.raises(ph.InputError, match="no source for backend 'fortran'"):
        stars.emit("fortran")
