"""Hypothesis profiles: `dev` draws anew at each run, `ci` (chosen where CI=true) draws the same examples every time.

Neither has a deadline: the first example of a property may compile a kernel, which takes seconds and says nothing about
the code under test. `--hypothesis-profile` overrides the choice.

`--backend NAME` runs the tests of backend "cpu" on another one. Those marked `cpu` are about the CPU and are left out.
"""

import os
import sys
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, settings

from codegen import backends
from tests.codegen.backends.stand_in import StandIn

STAND_IN = "stand-in"  # backend "cuda" on a stand-in for CuPy: the CUDA source, its launches and copies, without a GPU

settings.register_profile("dev", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option `--backend`."""
    others = ("cpu", "cuda", STAND_IN, "cuda-shim", "reference")
    parser.addoption("--backend", default="cpu", choices=others, help='what runs where tests ask for backend "cpu"')


def pytest_configure(config: pytest.Config) -> None:
    """Another backend takes the place of "cpu" in the registry."""
    name = config.getoption("--backend")
    if name == STAND_IN:
        folder = config.cache.mkdir("stand-in") if hasattr(config, "cache") else None
        sys.modules["cupy"], name = StandIn(folder=folder), "cuda"  # type: ignore[assignment]
    backends.BACKENDS = MappingProxyType({**backends.BACKENDS, "cpu": backends.BACKENDS[name]})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the CPU."""
    if config.getoption("--backend") == "cpu":
        return
    about = [item for item in items if item.get_closest_marker("cpu")]
    config.hook.pytest_deselected(items=about)
    items[:] = [item for item in items if item not in about]
