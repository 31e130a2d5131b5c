"""Bars are judged the right way round, tolerances are searched to the loosest, and the table leaves nothing out."""

import json

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from benchmarks import harness, table
from benchmarks.harness import Case
from benchmarks.problems import SOLAR_MASSES, extrapolated, pendulum_rates, pendulum_starts, solar_start


def test_a_rate_and_a_time_are_both_better_when_the_ratio_is_larger() -> None:
    rate = Case("r", "steps/s", ours=30.0, peers={"a": 10.0, "b": 15.0}, bar=1.5, better="higher")
    time = Case("t", "s", ours=2.0, peers={"a": 3.0, "b": 4.0}, bar=1.6)
    assert (rate.ratio, rate.met) == (2.0, True)
    assert (time.ratio, time.met) == (1.5, False)


def test_a_limit_is_met_at_or_below_it_whatever_the_peers() -> None:
    assert Case("c", "s", ours=3.0, peers={"a": 1.0}, limit=3.0).met
    assert not Case("c", "s", ours=3.1, limit=3.0).met


def test_nothing_to_compare_with_is_no_verdict() -> None:
    assert Case("c", "s", ours=1.0, bar=1.0).met is None
    assert Case("c", "s", ours=None, peers={"a": 1.0}, bar=1.0).met is None


def test_the_loosest_tolerance_just_reaches_the_error() -> None:
    found = harness.loosest(lambda tolerance: 3.0 * tolerance, 3e-6, tightest=1e-12, widest=1e-1, halvings=30)
    assert found <= 1e-6
    assert found == pytest.approx(1e-6, rel=1e-6)
    with pytest.raises(ValueError, match="misses the error 1e-06"):
        harness.loosest(lambda _: 1.0, 1e-6, tightest=1e-12, widest=1e-1)


def test_contestants_are_interleaved_and_each_is_warmed_up(monkeypatch) -> None:
    monkeypatch.setattr(harness, "TURN", 0.0)
    calls: list[str] = []
    contestants = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    times = harness.interleaved(contestants, rounds=3)
    assert "".join(calls) == "ab" + "ab" + "ab" + "ba" + "ab"
    assert set(times) == {"a", "b"}


def test_short_calls_are_repeated_until_a_turn_lasts(monkeypatch) -> None:
    monkeypatch.setattr(harness, "TURN", 0.02)
    asked: list[tuple[str, int]] = []

    def watched(function, calls: int = 1) -> float:
        asked.append((function(), calls))
        return {"long": 0.03, "short": 0.001}[function()]

    monkeypatch.setattr(harness, "seconds", watched)
    times = harness.interleaved({"long": lambda: "long", "short": lambda: "short"}, rounds=2)
    assert asked == [("long", 1), ("short", 1), ("long", 1), ("short", 20), ("short", 20), ("long", 1)]
    assert times == {"long": 0.03, "short": 0.001}


def test_the_table_is_made_from_the_results_with_what_falls_short_left_in(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    cases = [Case("fast", "s", 1.0, {"peer": 2.0}, 1.5), Case("slow", "s", 2.0, {"peer": 2.0}, 1.5)]
    path = harness.write("some_row", cases, ["other peer is not installed"])
    assert json.loads(path.read_text())["cases"][1]["met"] is False
    lines = table.table().splitlines()
    assert "| some row | fast | 1 s | peer 2 s | 2.00 | 1.5 | yes |" in lines
    assert "| some row | slow | 2 s | peer 2 s | 1.00 | 1.5 | **no** |" in lines
    assert "| some row | peer | 1 to 2 | 1 of 2 | slow: 1.00 of 1.5 |" in table.summary().splitlines()


def test_the_reference_has_order_24() -> None:
    """On the oscillator, halving the step divides the error by 2^24 to first order; 2^22 leaves room for the next."""
    start, exact = np.array([[1.0], [0.0]]), np.array([np.cos(np.longdouble(8)), -np.sin(np.longdouble(8))])

    def error(step: float) -> float:
        end = extrapolated(lambda state: np.stack([state[1], -state[0]]), start, 8.0, step)
        return float(np.abs(end[:, 0] - exact).max())

    assert error(8.0) / error(4.0) > 2**22


def test_the_reference_agrees_with_scipy() -> None:
    """DOP853 at rtol 1e-13 over about a hundred steps, stretched tenfold by the flow: 1e-10."""
    starts = pendulum_starts(2)
    for start, end in zip(starts.T, extrapolated(pendulum_rates, starts, 2.0, 0.04).T, strict=True):
        done = solve_ivp(lambda _, y: pendulum_rates(y), (0, 2), start, method="DOP853", rtol=1e-13, atol=1e-13)
        assert np.abs(done.y[:, -1] - end).max() < 1e-10


def test_the_solar_system_starts_with_its_centre_of_mass_at_rest() -> None:
    """Rounding of six products of size one: below 1e-15."""
    for vectors in solar_start():
        assert np.abs(SOLAR_MASSES @ vectors).max() < 1e-15
