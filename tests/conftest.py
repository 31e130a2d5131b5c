"""Hypothesis profiles: `dev` draws anew at each run, `ci` (chosen where CI=true) draws the same examples every time.

Neither has a deadline: the first example of a property may compile a kernel, which takes seconds and says nothing about
the code under test. `--hypothesis-profile` overrides the choice.

`--backend NAME` runs the tests of backend "cpu" on another one. Those marked `cpu` are about the CPU alone: they are
skipped there, and the summary lists them with the reason that each mark has to give. Where nothing is said, those
marked `everywhere`, a few of every kind of run, are run on the stand-in too.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from codegen import backends
from codegen.backends import shim
from tests.codegen.backends.stand_in import StandIn
from tests.elsewhere import OTHERS, STAND_IN, instead_of_cpu, take_the_place_of_cpu

settings.register_profile("dev", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option `--backend`."""
    said = 'what runs where tests ask for backend "cpu"'
    parser.addoption("--backend", default="cpu", choices=("cpu", *OTHERS), help=said)


def kept_kernels(config: pytest.Config) -> Path | None:
    """Where the stand-in keeps what it compiled."""
    return Path(config.cache.mkdir("stand-in")) if hasattr(config, "cache") else None


def pytest_configure(config: pytest.Config) -> None:
    """Another backend takes the place of "cpu" in the registry."""
    if (name := config.getoption("--backend")) != "cpu":
        take_the_place_of_cpu(name, kept_kernels(config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is about the CPU on other backends."""
    sent = config.getoption("--backend")
    for item in items:
        mark = item.get_closest_marker("cpu")
        if mark is not None and "reason" not in mark.kwargs:
            raise pytest.UsageError(f"{item.nodeid} is marked `cpu`; say why, reason=...")
        if mark is not None and sent != "cpu":
            item.add_marker(pytest.mark.skip(reason=f"about the CPU: {mark.kwargs['reason']}"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked `everywhere` run twice."""
    if metafunc.config.getoption("--backend") == "cpu" and metafunc.definition.get_closest_marker("everywhere"):
        no_compiler = not any(map(shutil.which, shim.COMPILERS))
        stand_in = pytest.param(STAND_IN, marks=pytest.mark.skipif(no_compiler, reason="needs a C++ compiler"))
        metafunc.parametrize("place", ["cpu", stand_in], indirect=True)


@pytest.fixture(autouse=True)
def place(request: pytest.FixtureRequest) -> Iterator[None]:
    """The backend that stands in the place of "cpu" during a test marked `everywhere`; something has to run on it."""
    if getattr(request, "param", "cpu") == "cpu":
        yield
        return
    cupy, monkeypatch = StandIn(folder=kept_kernels(request.config)), request.getfixturevalue("monkeypatch")
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(backends, "BACKENDS", instead_of_cpu("cuda"))
    yield
    assert cupy.launches
