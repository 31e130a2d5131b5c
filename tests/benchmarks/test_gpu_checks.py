"""Rows that check a GPU say what failed, and count apart what misses a library."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import gpu_checks

OSCILLATOR = """
import symphys as ph
q = ph.coordinates("q")
simulator = ph.Lagrangian(ph.dot(q) ** 2 / 2 - q**2 / 2).compile("verlet")
print(simulator.explain().splitlines()[-1])
assert "{expected}" in simulator.explain()
"""
TESTS = """
from symphys.extras import optional
def test_right(): pass
def test_wrong(): assert 1 == 2
def test_without(): optional("a_library_of_nobody", "io", "this")
"""


def test_programs_run_with_another_backend_and_each_is_told(tmp_path: Path) -> None:
    (tmp_path / "c1_goes.py").write_text(OSCILLATOR.format(expected="backend: reference"))
    (tmp_path / "c2_fails.py").write_text(OSCILLATOR.format(expected="backend: cpu"))
    (tmp_path / "run.py").write_text("raise SystemExit(1)")
    (case,) = gpu_checks.programs(tmp_path, "reference")
    assert case.ours == 1.0
    assert case.met is False
    assert sorted(case.notes) == ["c1_goes", "c2_fails"]
    assert str(case.notes["c1_goes"]).startswith("ok")
    assert str(case.notes["c1_goes"]).endswith("backend: reference, float64")
    assert "AssertionError" in str(case.notes["c2_fails"])


def test_tests_that_fail_are_named(tmp_path: Path) -> None:
    (tmp_path / "test_three.py").write_text(TESTS)
    case = gpu_checks.run_tests("three", (str(tmp_path),), 0)
    assert case.ours == 1.0
    assert case.met is False
    assert case.notes["tests"] == 3
    assert case.notes["miss a library"] == 1
    assert [str(name).rpartition("::")[2] for name in case.notes["failed"]] == ["test_wrong"]  # type: ignore[attr-defined]


def test_what_finds_nothing_to_check_has_no_number(tmp_path: Path) -> None:
    (tmp_path / "test_none.py").write_text("import pytest\n\ndef test_skipped(): pytest.skip('today')\n")
    assert gpu_checks.run_tests("none", (str(tmp_path),), 0).ours is None
    (case,) = gpu_checks.programs(tmp_path / "empty", "reference")
    assert case.ours is None


@pytest.mark.slow
def test_tests_that_do_not_end_show_how_far_they_came(tmp_path: Path) -> None:
    (tmp_path / "test_long.py").write_text("import time\n\ndef test_short(): pass\ndef test_long(): time.sleep(60)\n")
    case = gpu_checks.run_tests("long", (str(tmp_path),), 0, longest=10.0)
    assert case.met is False
    assert case.notes["failed"] == ["not done after 10 s"]
    assert int(str(case.notes["tests"])) >= 1
