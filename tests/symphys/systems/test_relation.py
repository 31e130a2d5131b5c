"""Relations among measured quantities: fitted like any system, solved and differentiated as implicit functions."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from sympy import Eq, cos, exp, sqrt

import symphys as ph

x, y, z, a, b = ph.parameters("x y z a b")
RNG = np.random.default_rng(4)
AT = RNG.uniform(-1, 1, 80)


def test_what_is_linear_is_solved_at_once_with_uncertainties_and_without_missing_values() -> None:
    measured = 2.0 * AT - 0.5 + RNG.normal(0, 0.01, 80)
    measured[3] = np.nan
    fit = ph.Relation(Eq(y, a * x + b)).fit({x: AT, y: measured})
    assert fit.method == "least squares"
    keep = np.isfinite(measured)
    slope, offset = np.polyfit(AT[keep], measured[keep], 1)
    assert fit.parameters[a] == pytest.approx(slope, rel=1e-12)
    assert fit.parameters[b] == pytest.approx(offset, rel=1e-12)
    assert 0 < fit.uncertainties[a] < 0.01


def test_a_measured_quantity_may_stand_on_both_sides_and_in_several_equations() -> None:
    """x = a exp(-b y) z and y z = b, the second without a measured symbol on its left."""
    one, two = RNG.uniform(1, 2, (2, 50))
    data = {y: one, z: 0.5 / one, x: two * 0 + 3.0 * np.exp(-0.5 * one) * 0.5 / one}
    relation = ph.Relation([Eq(x, a * exp(-b * y) * z), Eq(y * z, b)])
    fit = relation.fit(data, guess={a: 1.0, b: 1.0}, weights={x: 2.0})
    assert fit.parameters == pytest.approx({a: 3.0, b: 0.5}, rel=1e-9)
    assert relation.symbols == (a, b, x, y, z)


def test_a_network_and_numbers_are_found_together_and_evaluated() -> None:
    N = ph.network("N", 1, hidden=(6,), activation="sin")
    c = ph.parameters("c", positive=True)
    relation = ph.Relation(Eq(y, N(x) - sqrt(x**2 + c**2)))
    fit = relation.fit({x: AT, y: cos(1) * AT - np.sqrt(AT**2 + 0.01)}, guess={c: 0.3}, steps=150)
    assert relation.networks == (N,)
    assert fit.parameters[c] == pytest.approx(0.1, abs=0.01)
    values, slopes = relation.evaluate([N(x), N(x).diff(x)], {x: np.linspace(-0.5, 0.5, 5)}, fit.parameters)
    assert values.shape == slopes.shape == (5,)
    np.testing.assert_allclose(slopes, float(cos(1)), atol=0.1)
    assert fit.relative_error({x: AT, y: cos(1) * AT - np.sqrt(AT**2 + 0.01)})[y] < 1e-2


def test_implicit_functions_and_their_derivatives() -> None:
    """Kepler's equation y = x + a sin y."""
    kepler = ph.Relation(Eq(y, x + a * sympy.sin(y)))
    mean = np.linspace(0, 3, 7)
    found = kepler.solve([y], {x: mean}, {a: 0.6}, guess={y: mean})[y]
    np.testing.assert_allclose(found - 0.6 * np.sin(found), mean, atol=1e-14)
    slopes = kepler.jacobian([y], [x, a], {x: mean, y: found}, {a: 0.6})
    assert slopes.shape == (7, 1, 2)
    np.testing.assert_allclose(slopes[:, 0, 0], 1 / (1 - 0.6 * np.cos(found)), rtol=1e-13)
    np.testing.assert_allclose(slopes[:, 0, 1], np.sin(found) / (1 - 0.6 * np.cos(found)), rtol=1e-13)


def test_a_generating_function_gives_a_symplectic_map_whatever_its_weights() -> None:
    q, p, Q, P = ph.parameters("q p Q P")
    F = ph.network("F", inputs=2, hidden=(7, 7))
    step = ph.Relation(Eq(p, P + F(q, P).diff(q)), Eq(Q, q + F(q, P).diff(P)))
    weights = {F: F.initialise(seed=5)}
    at = {q: RNG.normal(size=20), p: RNG.normal(size=20)}
    new = step.solve([Q, P], at, weights, guess={Q: at[q], P: at[p]})
    M = step.jacobian([Q, P], [q, p], {**at, **new}, weights)
    J = np.array([[0.0, 1.0], [-1.0, 0.0]])
    np.testing.assert_allclose(np.swapaxes(M, 1, 2) @ J @ M, np.broadcast_to(J, M.shape), atol=1e-14)
    h = 1e-5  # central differences of the map itself err by h^2 and by rounding / h
    for i, s in enumerate((q, p)):
        ends = [step.solve([Q, P], {**at, s: at[s] + d}, weights, guess=new) for d in (h, -h)]
        difference = np.stack([(ends[0][k] - ends[1][k]) / (2 * h) for k in (Q, P)], axis=1)
        np.testing.assert_allclose(M[:, :, i], difference, atol=1e-8)


def test_what_relations_refuse() -> None:
    line = ph.Relation(Eq(y, a * x + b))
    refused = [
        (lambda: ph.Relation(), r"a relation needs at least one equation"),
        (lambda: ph.Relation(Eq(y, sympy.I * x)), r"must be real, but it holds the imaginary unit"),
        (lambda: ph.Relation(True), r"holds or fails whatever is measured"),
        (lambda: line.fit({x: AT, y: AT, z: AT}), r"the data hold z, which stands in no equation"),
        (lambda: line.fit({x: AT, y: AT * np.nan}), r"no sample is complete"),
        (lambda: line.fit([1.0]), r"the data are of type list; give \{symbol: values\}"),
        (lambda: line.evaluate(a * x, {x: 1.0}), r"value missing for a; given: x"),
        (lambda: line.solve([x, y], {a: 1.0, b: 0.0}), r"1 equations do not fix 2 quantities"),
        (lambda: line.jacobian([x, y], [a], {a: 1.0, b: 0.0, x: 0, y: 0}), r"1 equations do not fix 2 quantities"),
        (
            lambda: ph.Relation(Eq(x**2, y)).solve([x], {y: -1.0}, guess={x: 0.3}),
            r"found no x at 1 of 1 points; give a guess",
        ),
    ]
    for call, message in refused:
        with pytest.raises(ph.SymphysError, match=message):
            call()
