"""Samples that nobody can change are given to kernels once, not at every step of a fit."""

from __future__ import annotations

import numpy as np
import pytest

import symphys as ph
from codegen import HostMemory
from symphys.learn.samples import SampleObjective, sample_objective
from symphys.learn.unknowns import read_unknowns
from symphys.simulate.compiled import kernels_for

q = ph.coordinates("q")
k = ph.parameters("k", positive=True)
N = ph.network("N", 1, hidden=(3,))
FORCED = ph.Lagrangian(ph.dot(q) ** 2 / 2 - k * q**2 / 2 + N(q))
PLACES, PULLS = np.linspace(-1, 1, 40), np.linspace(2, -2, 40)


def objective(places: np.ndarray = PLACES, **known: float) -> SampleObjective:
    """The loss of accelerations, by the weights of N, and by k where it is not known."""
    unknowns = read_unknowns(() if known else (k,), (N,), None, {}, {}, {})
    data = {q: places, ph.dot(q): 0.0 * PLACES, ph.ddot(q): PULLS}
    given = {k: known["k"]} if known else {}
    return sample_objective(FORCED.dynamics, kernels_for("cpu", "float64"), data, unknowns, given)


@pytest.mark.cpu(reason="the memory of the host tells what it is given")
@pytest.mark.parametrize(("known", "again"), [({"k": 1.5}, set()), ({}, {"parameters"})])
def test_columns_are_laid_out_once(monkeypatch: pytest.MonkeyPatch, known: dict[str, float], again: set[str]) -> None:
    """What is unknown changes from call to call; the same numbers come out as where all is given anew."""
    loss, fresh = objective(**known), objective(**known)
    u = np.random.default_rng(1).normal(size=loss.size)
    first = loss.gradient(u)
    given: list[str] = []
    keep = HostMemory.__setitem__
    monkeypatch.setattr(
        HostMemory, "__setitem__", lambda memory, name, array: (given.append(name), keep(memory, name, array))[1]
    )
    second = loss.gradient(2.0 * u)
    columns = {"state", "signals", "parameters", "data", "roots", "times"}
    assert set(given) & columns == again
    np.testing.assert_array_equal(second[1], fresh.gradient(2.0 * u)[1])
    assert second[0] == fresh.gradient(2.0 * u)[0] != first[0]
    some = loss.part(np.arange(0, 40, 2))
    np.testing.assert_array_equal(some.gradient(u)[1], fresh.part(np.arange(0, 40, 2)).gradient(u)[1])
    np.testing.assert_array_equal(loss.gradient(u)[1], first[1])  # after others were in their place


def test_residuals_are_the_callers_own() -> None:
    """They may be changed, and the next call leaves them alone."""
    loss = objective(k=1.5)
    u = np.random.default_rng(1).normal(size=loss.size)
    at = loss._at(loss.unknowns.values(u), loss.columns)
    first = loss.made.residuals(*at)
    kept = first.copy()
    first *= 2.0
    np.testing.assert_array_equal(loss.made.residuals(*at), kept)
    r, rows = loss.made.rows(*at)
    rows *= 2.0
    np.testing.assert_array_equal(first, 2.0 * kept)
    np.testing.assert_allclose(r, kept, rtol=1e-13)


def test_the_users_arrays_stay_his_own() -> None:
    """They may be changed after the samples were read, which knows nothing of it."""
    places = PLACES.copy()
    loss = objective(places, k=1.5)
    u = np.random.default_rng(1).normal(size=loss.size)
    before = loss.gradient(u)
    places[3] = 100.0
    assert loss.gradient(u)[0] == before[0]
