"""Backward elimination on any fit that is linear in its unknowns."""

import numpy as np
import pytest
from sympy import cos, exp

import symphys as ph

RNG = np.random.default_rng(8)
q = ph.coordinates("q")
v, a = ph.dot(q), ph.ddot(q)
k = ph.parameter_array("k", 4)
SERIES = ph.Lagrangian(v**2 / 2 + sum(k[n] * cos((n + 1) * q) for n in range(4)))


def _samples(count: int) -> dict:
    """a = -2 sin q + 0.9 sin 3 q and noise of 0.1."""
    angle = RNG.uniform(-3, 3, count)
    return {q: angle, v: np.zeros(count), a: -2 * np.sin(angle) + 0.9 * np.sin(3 * angle) + RNG.normal(0, 0.1, count)}


def test_terms_that_say_nothing_go_first() -> None:
    """What is left beyond the two planted terms is noise; the loss then jumps from 0.01 to half of 0.9^2 and more."""
    fit = SERIES.fit(_samples(200))
    assert fit.method == "least squares"
    found = fit.eliminate({n: [k[n]] for n in range(4)}, _samples(200))
    assert set(found.removed[:2]) == {1, 3}
    assert found.removed[2] == 2
    assert found.kept == (0,)
    assert found.losses[2] == pytest.approx(0.01, rel=0.4)
    assert found.losses[3] > 0.3
    two = found.parameters(2)[k]
    assert two[[1, 3]] == pytest.approx([0.0, 0.0], abs=0)
    # deviations of 0.1 / sqrt(100), of the third by a third
    assert two[[0, 2]] == pytest.approx([2.0, -0.3], abs=0.04)
    assert found.parameters(4)[k] == pytest.approx(fit.parameters[k], rel=1e-9)
    assert "without 2" in repr(found)


def test_invariants_of_agents_are_left_out_with_all_their_products() -> None:
    atoms = ph.particles("r", dim=2, species=("x",))
    seen = [atoms.environment("x", weight=lambda s, w=w: exp(-s / w)) for w in (0.5, 1.0, 2.0)]
    A, B = ph.parameter_array("A", 3), ph.parameter_array("B", (3, 3), symmetric=True)
    loss = sum(A[i] * x + sum(B[i, j] * x * y / 2 for j, y in enumerate(seen)) for i, x in enumerate(seen))
    agents = ph.LearningDynamics(atoms, {"x": loss})
    places = RNG.uniform(0, 4, (30, 6, 2))
    steps = places[:, :, None] - places[:, None]
    s = np.linalg.norm(steps, axis=-1) + 1e-300
    weight = np.exp(-s) * (1 - np.eye(6))
    phi, slope = weight.sum(axis=2), -np.einsum("fij,fijk->fik", weight / s, steps)
    measured = -(1.5 - 0.4 * phi)[..., None] * slope + RNG.normal(0, 0.01, places.shape)
    frames = [{atoms: places[some], ph.ddot(atoms): measured[some]} for some in (slice(20), slice(20, None))]
    fit = agents.fit(frames[0], parameters={atoms.mass: 1.0}, species=["x"] * 6)
    terms = {i: [A[i], *B[i]] for i in range(3)}
    found = fit.eliminate(terms, frames[1])
    assert found.kept == (1,)
    one = found.parameters(1)
    assert one[A][1] == pytest.approx(1.5, abs=0.02)
    assert one[B][1, 1] == pytest.approx(-0.4, abs=0.02)
    assert np.count_nonzero(one[B]) == 1


def test_what_cannot_be_left_out_is_named() -> None:
    data = _samples(50)
    fit = SERIES.fit(data)
    x = ph.parameters("x")
    with pytest.raises(ph.InputError, match="the term one holds x, which is not unknown"):
        fit.eliminate({"one": [x]}, data)
    with pytest.raises(ph.InputError, match="least = 3; leave between 1 and 1 terms"):
        fit.eliminate({"all": k}, data, least=3)
    with pytest.raises(ph.InputError, match="this fit is by Levenberg-Marquardt"):
        SERIES.fit(data, optimizer="levenberg_marquardt").eliminate({"all": k}, data)
