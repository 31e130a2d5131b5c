"""Every page of examples/ runs, at the small size that it states, and saves its picture; its own assertions hold."""

import runpy
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_and_draws(page, tmp_path, monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    defined = runpy.run_path(str(page))
    picture = tmp_path / "picture.png"
    defined["main"](str(picture), **defined["SMALL"])
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_opens_with_the_physics_the_scaling_and_the_run_time(page):
    opening = page.read_text().split('"""')[1]
    assert all(f"\n{word}.  " in opening for word in ("Physics", "Scaling", "Run time"))
    assert f"python examples/{page.name}" in opening


def test_there_are_pages():
    assert len(PAGES) >= 3
