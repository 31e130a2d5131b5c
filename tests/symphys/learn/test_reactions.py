"""Energies of surroundings, fitted to accelerations: every particle pulls at what it sees."""

from typing import Any

import numpy as np
import pytest
from sympy import exp, sqrt

import symphys as ph
from symphys.learn.fit import _Ask
from symphys.learn.options import read_options
from symphys.learn.particles import ParticleSystem
from symphys.learn.reactions import ReactingObjective
from symphys.learn.unknowns import read_unknowns
from symphys.simulate.compiled import kernels_for

RNG = np.random.default_rng(11)
atoms = ph.particles("r", dim=3, species=("A", "B"))
SPECIES = ["A", "B", "B", "A", "B", "A"]
MASSES = {"A": 2.0, "B": 0.5}
MASS = np.array([MASSES[s] for s in SPECIES])
EDGES = np.array([[6.0, 0, 0], [1.0, 7.0, 0], [-0.5, 0.7, 6.5]])
PLACES = RNG.uniform(0, 6, (10, 6, 3))
kinetic = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)


def seen(a: Any) -> list[Any]:
    return [
        atoms.environment(a, of=of, weight=lambda s, w=w: exp(-(s**2) / (2 * w**2))) for of in "AB" for w in (0.9, 1.7)
    ]


def accelerations(system: Any, values: dict[Any, Any], **where: Any) -> np.ndarray:
    """From a run of one step h from rest: v(h) / h is a to O(h^2 a'' / a), as forces even out over the step."""
    h = 1e-4
    simulator = system.compile(**where)
    runs = [
        simulator.run(
            {atoms: x, ph.dot(atoms): 0 * x}, {**values, atoms.mass: MASSES}, t_span=(0, h), dt=h, species=SPECIES
        )
        for x in PLACES
    ]
    return np.array([run[ph.dot(atoms)][1] / h for run in runs])


A = {kind: ph.parameter_array(f"A_{kind}", 4) for kind in "AB"}
B = {kind: ph.parameter_array(f"B_{kind}", (4, 4), symmetric=True) for kind in "AB"}


def energy(kind: str) -> Any:
    def of(a: Any) -> Any:
        phi = seen(a)
        return sum(A[kind][i] * phi[i] + sum(B[kind][i, j] * phi[i] * phi[j] / 2 for j in range(4)) for i in range(4))

    return atoms.sum(of, species=kind)


@pytest.mark.parametrize("where", [{}, {"box": EDGES, "cutoff": 2.9, "smoothing": "switch"}], ids=["free", "box"])
def test_quadratic_energies_are_found_by_least_squares(where: dict[str, Any]) -> None:
    """The energy of A in the density of B, and that of B in the density of A, are one pair energy: linear terms of each
    other's species are told apart by nothing, so accelerations are compared and not parameters."""
    system = ph.Lagrangian(kinetic - energy("A") - energy("B"))
    values: dict[Any, Any] = {A[kind]: RNG.normal(size=4) for kind in "AB"}
    for kind in "AB":
        b = RNG.normal(size=(4, 4))
        values[B[kind]] = b + b.T
    data = {atoms: PLACES, ph.ddot(atoms): accelerations(system, values, **where)}
    fit = system.fit(data, parameters={atoms.mass: MASSES}, species=SPECIES, **where)
    assert fit.method == "least squares"
    # a run of one step leaves h^2 of what accelerations change by in a time of one
    assert max(fit.relative_error(data).values()) < 1e-6
    for kind in "AB":
        np.testing.assert_allclose(fit.parameters[B[kind]], values[B[kind]], atol=2e-3)


def test_an_embedded_atom_and_its_pairs() -> None:
    """E = c sum sqrt(rho_i), as it stands inside a root of an unknown strength, beside a pair energy."""
    c, d, e = ph.parameters("c d e", positive=True)
    metal = ph.Lagrangian(
        kinetic
        + atoms.sum(lambda a: c * sqrt(e + atoms.environment(a, weight=lambda r: exp(-r))))
        - atoms.pairs(lambda a, b: d * exp(-2 * a.distance(b)))
    )
    truth = {c: 1.3, d: 0.7, e: 0.2}
    data = {atoms: PLACES, ph.ddot(atoms): accelerations(metal, truth)}
    fit = metal.fit(data, parameters={atoms.mass: MASSES}, species=SPECIES, guess={c: 1.0, d: 1.0, e: 0.5})
    assert fit.method == "Levenberg-Marquardt"
    for symbol, value in truth.items():
        assert fit.parameters[symbol] == pytest.approx(value, rel=1e-4)


def test_gradients_of_networks_have_taylor_slopes() -> None:
    """Slope 2 of the remainder; parts add up to the whole, and rows to the gradient."""
    N = {kind: ph.network(f"N{kind}", inputs=4, hidden=(4,), activation="tanh") for kind in "AB"}
    system = ph.Lagrangian(
        kinetic
        - atoms.sum(lambda a: N["A"](*seen(a)), species="A")
        - atoms.sum(lambda a: N["B"](*seen(a)), species="B")
    )
    fitted = ParticleSystem(system.dynamics, kernels_for("cpu", "float64"), SPECIES)
    unknowns = read_unknowns(fitted.parameters, fitted.networks, None, {}, {}, {})
    ask = _Ask(fitted, unknowns, {atoms.mass: MASSES}, read_options())
    objective = ask.objective({atoms: PLACES, ph.ddot(atoms): RNG.normal(size=PLACES.shape)})
    assert isinstance(objective, ReactingObjective)
    u = RNG.normal(0, 0.7, objective.size)
    direction = RNG.normal(size=u.shape)
    loss, slope = objective.gradient(u)
    assert loss == pytest.approx(objective.loss(u), rel=1e-13)
    steps = 0.02 * 0.5 ** np.arange(4)
    left = [abs(objective.loss(u + h * direction) - loss - h * slope @ direction) for h in steps]
    slopes = np.log2(np.array(left[:-1]) / left[1:])
    np.testing.assert_allclose(slopes, 2, atol=0.1)
    some, rest = objective.part(np.array([1, 4, 7])), objective.part(np.array([0, 2, 3, 5, 6, 8, 9]))
    assert 0.3 * some.loss(u) + 0.7 * rest.loss(u) == pytest.approx(loss, rel=1e-12)


def angles(a: Any) -> list[Any]:
    """Sums over pairs of neighbours, two kinds of them and three powers of the cosine."""
    return [
        atoms.environment(a, of=of, weight=lambda r, s, c, p=p: exp(-(r**2) / 2 - s**2 / 3) * c**p)
        for of in (("A", "B"), ("B", "B"))
        for p in (1, 2, 3)
    ]


@pytest.mark.parametrize("where", [{}, {"box": EDGES, "cutoff": 2.9, "smoothing": "switch"}], ids=["free", "box"])
def test_energies_of_angles_are_found_by_least_squares(where: dict[str, Any]) -> None:
    """One species alone, so that nothing else tells what its own energy is."""
    c = ph.parameter_array("c", 6)
    system = ph.Lagrangian(kinetic - atoms.sum(lambda a: sum(c[k] * x for k, x in enumerate(angles(a))), species="A"))
    truth = {c: RNG.normal(size=6)}
    data = {atoms: PLACES, ph.ddot(atoms): accelerations(system, truth, **where)}
    fit = system.fit(data, parameters={atoms.mass: MASSES}, species=SPECIES, **where)
    assert fit.method == "least squares"
    assert max(fit.relative_error(data).values()) < 1e-6
    np.testing.assert_allclose(fit.parameters[c], truth[c], atol=1e-4)


def test_agents_learn_losses_of_angles() -> None:
    c = ph.parameter_array("c", 6)
    agents = ph.LearningDynamics(atoms, {kind: sum(c[k] * x for k, x in enumerate(angles(kind))) for kind in "AB"})
    truth = {c: RNG.normal(size=6)}
    data = {atoms: PLACES, ph.ddot(atoms): accelerations(agents, truth)}
    fit = agents.fit(data, parameters={atoms.mass: MASSES}, species=SPECIES)
    assert fit.method == "least squares"
    np.testing.assert_allclose(fit.parameters[c], truth[c], atol=1e-4)


def test_gradients_of_networks_of_angles_have_taylor_slopes() -> None:
    """Beside a linear energy of the same invariants; rows are those of differences of residuals."""
    N = {kind: ph.network(f"N{kind}", inputs=6, hidden=(4,), activation="tanh") for kind in "AB"}
    system = ph.Lagrangian(
        kinetic
        - atoms.sum(lambda a: N["A"](*angles(a)) + seen(a)[0] * A["A"][0], species="A")
        - atoms.sum(lambda a: N["B"](*angles(a)), species="B")
    )
    fitted = ParticleSystem(system.dynamics, kernels_for("cpu", "float64"), SPECIES)
    unknowns = read_unknowns(fitted.parameters, fitted.networks, None, {}, {}, {})
    ask = _Ask(fitted, unknowns, {atoms.mass: MASSES}, read_options())
    objective = ask.objective({atoms: PLACES, ph.ddot(atoms): RNG.normal(size=PLACES.shape)})
    u = RNG.normal(0, 0.7, objective.size)
    direction = RNG.normal(size=u.shape)
    loss, slope = objective.gradient(u)
    steps = 0.01 * 0.5 ** np.arange(4)
    left = [abs(objective.loss(u + h * direction) - loss - h * slope @ direction) for h in steps]
    np.testing.assert_allclose(np.log2(np.array(left[:-1]) / left[1:]), 2, atol=0.1)
    h = 1e-5
    ahead, behind = (np.concatenate(list(objective.residual_tiles(u + s * h * direction))) for s in (1, -1))
    rows = np.concatenate([rows for _, rows in objective.rows(u)])
    np.testing.assert_allclose(rows @ direction, (ahead - behind) / (2 * h), atol=1e-8 * np.abs(ahead).max())


def test_masses_must_be_known() -> None:
    m, c = ph.parameters("m c", positive=True)
    seen_by = atoms.sum(lambda a: c * atoms.environment(a, weight=lambda r: exp(-r)) ** 2)
    system = ph.Lagrangian(atoms.sum(lambda a: m * a.speed_squared / 2) - seen_by)
    with pytest.raises(ph.UnsupportedError, match="the mass m is no attribute and no given number"):
        system.fit({atoms: PLACES, ph.ddot(atoms): PLACES}, species=SPECIES)
