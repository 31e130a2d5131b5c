"""Fields on rings that no cache holds take two steps in one walk through memory, on the stand-in for a GPU."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest
from sympy import cos

import symphys as ph
from codegen.backends import shim
from tests.codegen.backends.stand_in import StandIn

needs_compiler = pytest.mark.skipif(not any(map(shutil.which, shim.COMPILERS)), reason="needs a C++ compiler")


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The stand-in takes CuPy's place: one processor, without a cache, with the shared memory of an H100."""
    module = StandIn(processors=1)
    module.attributes |= {"L2CacheSize": 0, "MaxSharedMemoryPerBlockOptin": 232448}
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def driven(boundary: str = "periodic") -> tuple[ph.LagrangianDensity, ph.Grid, dict]:
    """phi^4 with a mass that depends on place, driven by a force that depends on time; and a start."""
    t, x, y, z = ph.spacetime("t x y z")
    phi = ph.scalar_field("phi", (t, x, y, z))
    slopes = sum(phi.diff(a) ** 2 for a in (x, y, z))
    hill = (1 + cos(2 * np.pi * y / 3.2) / 4) * (phi**2 - 1) ** 2 / 4
    theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - slopes / 2 - hill + phi * cos(3 * t) / 10)
    grid = ph.Grid({x: (0, 1.6, 16), y: (0, 3.2, 32), z: (0, 13.6, 136)}, {x: boundary})
    rng = np.random.default_rng(2)
    return theory, grid, {phi: 1 + 0.1 * rng.normal(size=grid.shape), phi.diff(t): 0}


@needs_compiler
@pytest.mark.parametrize(
    ("order", "dtype", "lanes", "high"), [(2, "float64", 60, 32), (4, "float32", 120, 32), (4, "float64", 56, 28)]
)
def test_two_steps_at_once_are_two_steps(cupy: StandIn, order: int, dtype: str, lanes: int, high: int) -> None:
    """Rows are saved after ten steps and after three more: two rounds of four steps go together, two single steps and
    three follow; every bit is that of single steps. With order 4, registers hold no more than the newest planes."""
    theory, grid, start = driven()
    simulator = theory.compile(grid=grid, method="verlet", order=order, dtype=dtype, backend="cuda")
    found = simulator.run(start, {}, t_span=(0, 0.13), dt=0.01, save_every=10)
    assert cupy.launches.count(((-(-136 // lanes), 2, 1), (32, high, 1))) == 2 * 2
    cupy.attributes["L2CacheSize"] = 1 << 40
    wanted = simulator.run(start, {}, t_span=(0, 0.13), dt=0.01, save_every=10)
    for label, values in wanted.states.items():
        np.testing.assert_array_equal(np.asarray(found.states[label]), np.asarray(values))


@needs_compiler
def test_ends_that_are_held_take_one_step_at_a_time(cupy: StandIn) -> None:
    theory, grid, start = driven("dirichlet")
    theory.compile(grid=grid, method="verlet", order=2, dtype="float32", backend="cuda").run(
        start, {}, t_span=(0, 0.1), dt=0.01, save_every=10
    )
    assert cupy.launches
    assert 32 not in {block[1] for _, block in cupy.launches if block[0] == 32}
