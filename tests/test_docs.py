"""README and docs are true: their Python runs, what they quote is what the commands print, what they link to exists."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REFRESH = runpy.run_path(str(ROOT / "docs" / "refresh.py"))
PAGES = REFRESH["PAGES"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", without_quotes(page.read_text()), re.DOTALL))
    exec(compile(code, str(page), "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_quotes_what_the_commands_print(page):
    text = page.read_text()
    assert REFRESH["refreshed"](text) == text, "run `python docs/refresh.py`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_links_to_exists(page):
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_a_page_names_exist(page):
    """Paths with a folder, in back quotes: `symphys/models/` or `codegen/spec.py`."""
    named = re.findall(r"`((?:symphys|codegen|tests|examples|docs|benchmarks)/[\w/.-]*)`", page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


def without_quotes(text):
    """A page without the outputs of commands, which may be Python but are not for running."""
    return REFRESH["QUOTE"].sub("", text)
