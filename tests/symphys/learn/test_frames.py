"""Accelerations of particles in frames: agents and pair forces by least squares, networks of what an agent sees."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sympy import exp

import symphys as ph
from symphys.learn.fit import _Ask
from symphys.learn.frames_objective import FramesObjective
from symphys.learn.options import read_options
from symphys.learn.particles import ParticleSystem
from symphys.learn.unknowns import read_unknowns
from symphys.simulate.compiled import kernels_for

Floats = NDArray[np.float64]
RNG = np.random.default_rng(5)
atoms = ph.particles("r", dim=3, species=("A", "B"))
WIDTHS = (0.7, 1.5)
SPECIES = ["A", "B", "B", "A", "B", "A", "B"]
IS_A = np.array([s == "A" for s in SPECIES])
MASSES = {"A": 2.0, "B": 0.5}
MASS = np.where(IS_A, 2.0, 0.5)
EDGES = np.array([[6.0, 0, 0], [1.0, 7.0, 0], [-0.5, 0.7, 6.5]])
PLACES = RNG.uniform(0, 6, (12, 7, 3))


def _steps(places: Floats, edges: Floats | None) -> Floats:
    """[n, n, 3], r_i - r_j of nearest images, by whole turns."""
    steps = places[:, None] - places[None]
    if edges is not None:
        steps = steps - np.round(steps @ np.linalg.inv(edges)) @ edges
    return np.asarray(steps)


def _seen(places: Floats, edges: Floats | None) -> tuple[Floats, Floats]:
    """Invariants [4, n] exp(-s^2 / 2 w^2) of A for both widths, then of B, and their gradients [4, n, 3]."""
    steps = _steps(places, edges)
    square = np.sum(steps**2, axis=-1)
    sums, slopes = [], []
    for chosen in (IS_A, ~IS_A):
        for w in WIDTHS:
            weight = np.exp(-square / (2 * w**2)) * (chosen[None] & ~np.eye(7, dtype=bool))
            sums.append(weight.sum(axis=1))
            slopes.append(-np.einsum("ij,ijk->ik", weight, steps) / w**2)
    return np.array(sums), np.array(slopes)


def _environments(kind: str) -> list[Any]:
    return [
        atoms.environment(kind, of=o, weight=lambda s, w=w: exp(-(s**2) / (2 * w**2))) for o in "AB" for w in WIDTHS
    ]


A = {kind: ph.parameter_array(f"A_{kind}", 4) for kind in "AB"}
B = {kind: ph.parameter_array(f"B_{kind}", (4, 4), symmetric=True) for kind in "AB"}


def _quadratic(kind: str) -> Any:
    phi = _environments(kind)
    return sum(A[kind][i] * phi[i] + sum(B[kind][i, j] * phi[i] * phi[j] / 2 for j in range(4)) for i in range(4))


AGENTS = ph.LearningDynamics(atoms, {kind: _quadratic(kind) for kind in "AB"})


def _planted(edges: Floats | None) -> tuple[dict[Any, Floats], Floats]:
    """Parameters, and accelerations -(A + B phi) . grad phi / m from plain NumPy."""
    values: dict[Any, Floats] = {A[kind]: RNG.normal(size=4) for kind in "AB"}
    for kind in "AB":
        b = RNG.normal(size=(4, 4))
        values[B[kind]] = b + b.T
    found = []
    for places in PLACES:
        phi, slopes = _seen(places, edges)
        linear = np.where(IS_A, values[A["A"]][:, None], values[A["B"]][:, None])
        bent = np.where(IS_A, values[B["A"]] @ phi, values[B["B"]] @ phi)
        found.append(-np.einsum("an,ank->nk", linear + bent, slopes) / MASS[:, None])
    return values, np.array(found)


@pytest.mark.parametrize(
    ("edges", "dtype", "accuracy"), [(None, "float64", 1e-7), (EDGES, "float64", 1e-7), (EDGES, "float32", 0.2)]
)
def test_agents_are_found_by_least_squares(edges: Floats | None, dtype: str, accuracy: float) -> None:
    """What was planted; invariants are nearly dependent, and digits go by the condition of the rows, 1e4 to 1e6."""
    values, measured = _planted(edges)
    data = {atoms: PLACES, ph.ddot(atoms): measured}
    fit = AGENTS.fit(data, parameters={atoms.mass: MASSES}, species=SPECIES, box=edges, dtype=dtype)
    assert fit.method == "least squares"
    error = fit.relative_error(data)
    assert set(error) == {"A", "B"}
    assert max(error.values()) < (1e-10 if dtype == "float64" else 1e-4)
    for key, value in values.items():
        assert np.abs(fit.parameters[key] - value).max() < accuracy * np.abs(value).max(), key


def test_every_frame_may_have_a_box_and_missing_values_count_for_nothing() -> None:
    values, measured = _planted(None)
    boxes = np.array([[50.0, 60.0, 70.0]] * 12)
    measured[0, 3] = np.nan
    data = {atoms: PLACES + 13.0, ph.ddot(atoms): measured}
    known = {atoms.mass: MASSES, **{key: value for key, value in values.items() if key is not A["A"]}}
    fit = AGENTS.fit(data, parameters=known, species=SPECIES, box=boxes, validation=0.25)
    assert fit.parameters[A["A"]] == pytest.approx(values[A["A"]], rel=1e-6)
    assert fit.history["validation"][-1] < 1e-20


def test_pair_forces_linear_in_what_is_unknown() -> None:
    """V_AB = c0 / s + c1 s^2, V_BB = c2 exp(-s), and a spring to the origin of strength c3: all by least squares."""
    c = ph.parameter_array("c", 4)
    kinetic = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
    system = ph.Lagrangian(
        kinetic
        - atoms.pairs(lambda a, b: c[0] / a.distance(b) + c[1] * a.distance(b) ** 2, between=("A", "B"))
        - atoms.pairs(lambda a, b: c[2] * exp(-a.distance(b)), between=("B", "B"))
        - atoms.sum(lambda a: c[3] * a.position.dot(a.position) / 2)
    )
    planted = np.array([1.3, -0.2, 0.8, 0.4])
    found = []
    for places in PLACES:
        steps = _steps(places, None)
        s = np.linalg.norm(steps, axis=-1) + np.eye(7)
        mixed = (IS_A[:, None] ^ IS_A[None]) * (planted[0] / s**3 - 2 * planted[1])
        alike = (~IS_A[:, None] & ~IS_A[None]) * planted[2] * np.exp(-s) / s * (1 - np.eye(7))
        found.append((np.einsum("ij,ijk->ik", mixed + alike, steps) - planted[3] * places) / MASS[:, None])
    data = {atoms: PLACES, ph.ddot(atoms): np.array(found)}
    fit = system.fit(data, parameters={atoms.mass: MASSES}, species=SPECIES)
    assert fit.method == "least squares"
    assert fit.parameters[c] == pytest.approx(planted, rel=1e-9)


@pytest.fixture(scope="module")
def bent() -> tuple[Any, FramesObjective]:
    """Networks of what agents see, two kinds with one network each."""
    N = {kind: ph.network(f"N{kind}", inputs=4, hidden=(5,), activation="tanh") for kind in "AB"}
    system = ph.LearningDynamics(atoms, {kind: N[kind](*_environments(kind)) for kind in "AB"})
    fitted = ParticleSystem(system.dynamics, kernels_for("cpu", "float64"), SPECIES)
    unknowns = read_unknowns(fitted.parameters, fitted.networks, None, {}, {}, {})
    ask = _Ask(fitted, unknowns, {atoms.mass: MASSES}, read_options())
    objective = ask.objective({atoms: PLACES, ph.ddot(atoms): _planted(None)[1]})
    assert isinstance(objective, FramesObjective)
    return system, objective


def test_gradients_have_taylor_slopes(bent: tuple[Any, FramesObjective]) -> None:
    """Slope 2 of the remainder; rows agree with the gradient to rounding, and parts add up to the whole."""
    _, objective = bent
    u, d = objective.unknowns.free(objective.unknowns.guess), RNG.normal(size=objective.size) / 4
    loss, slope = objective.gradient(u)
    normal = objective.normal(u)
    assert not objective.linear
    assert loss == pytest.approx(objective.loss(u), rel=1e-13)
    assert normal.loss == pytest.approx(loss, rel=1e-12)
    assert 2 * normal.slope == pytest.approx(slope, rel=1e-9, abs=1e-12)
    steps = 2.0 ** -np.arange(5, 10)
    rest = [abs(objective.loss(u + e * d) - loss - e * slope @ d) for e in steps]
    assert np.polyfit(np.log(steps), np.log(rest), 1)[0] == pytest.approx(2.0, abs=0.1)
    parts = [objective.part(np.arange(5)), objective.part(np.arange(5, 12))]
    assert sum(each.loss(u) * each.weight for each in parts) == pytest.approx(loss * objective.weight, rel=1e-12)


def test_networks_of_invariants_are_learnt(bent: tuple[Any, FramesObjective]) -> None:
    """The loss falls to a tenth, and the force that a run feels is the one that was fitted: one leapfrog step."""
    system, _ = bent
    data = {atoms: PLACES, ph.ddot(atoms): _planted(None)[1]}
    fit = system.fit(data, parameters={atoms.mass: MASSES}, species=SPECIES, steps=60)
    assert fit.method == "Levenberg-Marquardt"
    assert fit.loss < 0.1 * fit.history["loss"][0]
    h = 1e-3
    start = {atoms: PLACES[0], ph.dot(atoms): np.zeros((7, 3))}
    given = {**fit.parameters, atoms.mass: MASSES}
    run = system.compile(method="verlet").run(start, given, t_span=(0, h), dt=h, species=SPECIES)
    felt = {atoms: PLACES[:1], ph.ddot(atoms): 2 * (run[atoms][-1] - PLACES[0])[None] / h**2}
    # 2 (r(h) - r(0)) / h^2 of places of size 6 holds rounding of 6e-16 * 2 / 1e-6
    assert max(fit.relative_error(felt).values()) < 1e-7


def test_what_does_not_fit_is_named() -> None:
    data = {atoms: PLACES, ph.ddot(atoms): np.zeros((12, 7, 3))}
    masses = {atoms.mass: MASSES}
    with pytest.raises(ph.InputError, match=r"the data measure nothing .*symphys\.ddot\(r\): \[frames, n, 3\]"):
        AGENTS.fit({atoms: PLACES}, parameters=masses, species=SPECIES)
    with pytest.raises(ph.InputError, match=r"r_ddot has the shape \(11, 7, 3\) and r \(12, 7, 3\)"):
        AGENTS.fit({**data, ph.ddot(atoms): np.zeros((11, 7, 3))}, parameters=masses, species=SPECIES)
    with pytest.raises(ph.InputError, match="2 boxes were given for 12 frames"):
        AGENTS.fit(data, parameters=masses, species=SPECIES, box=np.ones((2, 3, 3)))
    w = ph.parameters("w", positive=True)
    loss = A["A"][0] * atoms.environment("A", weight=lambda s: exp(-s / w))
    with pytest.raises(ph.UnsupportedError, match="w stands inside the weight of an environment"):
        ph.LearningDynamics(atoms, dict.fromkeys("AB", loss)).fit(data, parameters=masses, species=SPECIES)
    with pytest.raises(ph.UnsupportedError, match=r"the cutoff 4 is longer than half of the box, 3"):
        AGENTS.fit(data, parameters=masses, species=SPECIES, box=[6.0] * 3, cutoff=4.0)


@pytest.mark.parametrize("where", ["open", "box"])
def test_pair_networks_are_learnt_from_accelerations(where: str) -> None:
    """Exact derivatives, and forces of a Morse-like potential found again within 3 %."""
    V = ph.network("V", inputs=1, hidden=(6, 5), activation="tanh")
    k, c = ph.parameters("k c", positive=True)
    kinetic = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
    system = ph.Lagrangian(
        kinetic
        - atoms.pairs(lambda a, b: V(a.distance(b)), between=("A", "B"))
        - atoms.pairs(lambda a, b: c * exp(-k * a.distance(b)), between=("B", "B"))
    )
    inside: dict[str, Any] = {} if where == "open" else {"box": EDGES, "cutoff": 2.9, "smoothing": "switch"}
    given = {V: V.initialise(seed=3), k: 0.9, c: 1.5, atoms.mass: MASSES}
    h, found = 1e-3, []
    simulator = system.compile(**inside)
    for places in PLACES:
        start = {atoms: places, ph.dot(atoms): np.zeros((7, 3))}
        run = simulator.run(start, given, t_span=(0, h), dt=h, species=SPECIES)
        found.append(2 * (run[atoms][-1] - places) / h**2)
    data = {atoms: PLACES, ph.ddot(atoms): np.array(found)}
    fitted = ParticleSystem(
        system.dynamics if where == "open" else system._derived("switch"),
        kernels_for("cpu", "float64"),
        SPECIES,
        EDGES if where == "box" else None,
        {} if where == "open" else {"cutoff": 2.9, "onset": 2.32},
    )
    unknowns = read_unknowns(fitted.parameters, fitted.networks, None, {}, {k: 0.7, c: 1.1}, {})
    objective = _Ask(fitted, unknowns, {atoms.mass: MASSES}, read_options()).objective(data)
    planted = unknowns.free(unknowns.vector(given))
    # 2 (r(h) - r(0)) / h^2 of places of size 6 holds rounding of 6e-16 * 2 / 1e-6
    assert objective.loss(planted) < 1e-16
    u, d = unknowns.free(unknowns.guess), RNG.normal(size=unknowns.size) / 4
    loss, slope = objective.gradient(u)
    normal = objective.normal(u)
    assert normal.loss == pytest.approx(loss, rel=1e-12)
    assert 2 * normal.slope == pytest.approx(slope, rel=1e-9, abs=1e-11)
    sizes = 2.0 ** -np.arange(5, 10)
    rest = [abs(objective.loss(u + e * d) - loss - e * slope @ d) for e in sizes]
    assert np.polyfit(np.log(sizes), np.log(rest), 1)[0] == pytest.approx(2.0, abs=0.1)
    guess = {k: 0.7, c: 1.1}
    known = {atoms.mass: MASSES}
    fit = system.fit(data, parameters=known, species=SPECIES, guess=guess, steps=60, **inside)
    assert fit.method == "Levenberg-Marquardt"
    assert max(fit.relative_error(data).values()) < 0.03
