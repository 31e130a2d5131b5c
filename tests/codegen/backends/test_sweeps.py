"""Launches on a lattice of rings in one walk through memory: the same bits as one after the other, on the stand-in."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from codegen.backends import shim
from codegen.backends.cuda import CudaBackend
from codegen.backends.cuda_schedule import Schedule
from codegen.backends.nvrtc import check_cuda
from codegen.compile import compile_program
from codegen.interpret_program import run_program
from codegen.ir import Kind, Node, integer, variable
from codegen.primitives import apply
from codegen.program import Array, Launch, Let, Load, Program, Repeat, Store
from codegen.rings import Rings
from tests.codegen.backends.stand_in import OutOfMemoryError, StandIn
from tests.codegen.test_programs import inputs, lattice

DTYPES = ("float64", "float32")
pytestmark = pytest.mark.skipif(not any(map(shutil.which, shim.COMPILERS)), reason="needs a C++ compiler")
SWEPT = Schedule(beyond=0.0, many=0, stretch=10, high=16)  # however small arrays are


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The stand-in takes CuPy's place."""
    module = StandIn()
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def rings(dimensions: int, reach: int) -> Program:
    """The wave of `lattice`, whose turns may be taken together."""
    program = lattice(dimensions, reach, wraps=True)
    (repeat,) = program.body
    assert isinstance(repeat, Repeat)
    tables = (("neighbours", reach), ("around", reach))[: dimensions - 1]
    return replace(program, body=(replace(repeat, rings=Rings(tables, ("halo",))),))


def with_force(program: Program, found: Let | Load, force: Node, *arrays: Array) -> Program:
    """The same with one force more in its kicks."""
    (repeat,) = program.body
    assert isinstance(repeat, Repeat)
    kick, *others = repeat.body
    assert isinstance(kick, Launch)
    *before, store = kick.kernel.body
    assert isinstance(store, Store)
    body = (*before, found, replace(store, value=store.value + force))
    kicks = replace(kick, kernel=replace(kick.kernel, arrays=(*kick.kernel.arrays, *arrays), body=body))
    return replace(program, arrays=(*program.arrays, *arrays), body=(replace(repeat, body=(kicks, *others)),))


def with_profile(program: Program) -> Program:
    """The wave, pushed by a force that is given for every site of a row."""
    there = variable("profile_here")
    return with_force(program, Load(there, "profile", ()), there, Array("profile", ()))


def placed(values: np.ndarray, lead: int) -> np.ndarray:
    """The same numbers in memory whose second number stands so many numbers off a boundary of sixteen bytes."""
    raw = np.zeros(values.size + 16, values.dtype)
    first = (-raw.ctypes.data // values.itemsize - 1 + lead) % 4
    found = raw[first : first + values.size].reshape(values.shape)
    found[...] = values
    return found


def ran(program: Program, schedule: Schedule, dtype: str, reach: int, steps: int) -> dict[str, Any]:
    """The arrays after a run."""
    arrays, scalars = given(program, dtype, reach, steps)
    compile_program(program, CudaBackend(schedule=schedule), dtype)(arrays, scalars)
    return arrays


def given(program: Program, dtype: str, reach: int, steps: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A state large enough for tiles, its rows on boundaries of sixteen bytes."""
    dimensions = len(program.arrays[0].shape) + 1
    sites = 552 if dimensions == 2 else 136
    found, scalars = inputs(dimensions, reach, True, 24, steps, 24, sites)
    arrays = {}
    for name, values in found.items():
        kind = np.dtype(dtype if values.dtype.kind == "f" else np.int64)
        width = -(-values.shape[-1] // 4) * 4
        shape = (*values.shape[:-1], width) if kind.kind == "f" else values.shape
        raw = np.zeros(int(np.prod(shape)) + 16, kind)
        lead = (-raw.ctypes.data // kind.itemsize - (reach if kind.kind == "f" else 0)) % 4
        arrays[name] = raw[lead : lead + int(np.prod(shape))].reshape(shape)
        arrays[name][..., : values.shape[-1]] = values
    scalars["width"] = arrays["u"].shape[-1]
    return arrays, scalars


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("dimensions", "reach", "each", "steps", "launches"),
    [
        (2, 1, 2, 6, 6 + 1),  # a kick and a drift in each, two turns to a round, and the cells beyond once
        (2, 2, 4, 9, 4 + 1 + 3),  # two turns in each, and one turn that is left
        (2, 3, 3, 7, 4 + 1 + 3),  # sweeps that begin in one turn and end in the next
        (3, 1, 4, 9, 4 + 1 + 3),
        (3, 2, 2, 5, 4 + 1 + 3),
    ],
)
def test_sweeps_are_launches_bit_by_bit(
    cupy: StandIn, dimensions: int, reach: int, each: int, steps: int, launches: int, dtype: str
) -> None:
    """The force depends on the step, and every array is as one launch after the other leaves it, ends of rows too."""
    program = rings(dimensions, reach)
    found = ran(program, replace(SWEPT, steps=each), dtype, reach, steps)
    assert len(cupy.launches) == launches
    wanted = ran(program, replace(SWEPT, steps=1), dtype, reach, steps)
    for name in ("u", "v"):
        np.testing.assert_array_equal(found[name], wanted[name], err_msg=name)
    assert np.abs(wanted["v"]).max() > 0.1


def test_sweeps_are_what_the_interpreter_says(cupy: StandIn) -> None:
    program = rings(3, 1)
    found = ran(program, SWEPT, "float64", 1, 4)
    wanted, scalars = given(program, "float64", 1, 4)
    run_program(program, wanted, scalars)
    for name in ("u", "v"):
        np.testing.assert_allclose(found[name][..., 1:137], wanted[name][..., 1:137], rtol=0, atol=4 * 30 * 2.0**-52)


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_integers_count_in_as_many_bits_as_in_launches(cupy: StandIn, dtype: str) -> None:
    """A multiple of the place along the walk, past 2^31 on the last rows."""
    far = variable("far", Kind.INT)
    let = Let(far, variable("row", Kind.INT) * integer(150_000_000))
    program = with_force(rings(2, 1), let, 1e-9 * apply("to_real", far))
    found, wanted = (ran(program, replace(SWEPT, steps=each), dtype, 1, 4) for each in (2, 1))
    assert len(cupy.launches) == 5 + 3 * 4
    assert wanted["v"].max() > 0.1
    for name in ("u", "v"):
        np.testing.assert_array_equal(found[name], wanted[name], err_msg=name)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("lead", "launches"), [(0, 5), (1, 12), (3, 12)])
def test_what_is_given_for_every_site_is_read_in_pieces_on_boundaries_alone(
    cupy: StandIn, lead: int, launches: int, dtype: str
) -> None:
    """Off them launches follow one another; and it is no reason to call a lattice large."""
    program = with_profile(rings(2, 1))
    arrays, scalars = given(program, dtype, 1, 4)
    sites = np.linspace(-1.0, 1.0, arrays["u"].shape[-1], dtype=dtype)
    arrays["profile"] = placed(sites, lead)
    wanted = {name: a.astype(np.float64) if a.dtype.kind == "f" else a.copy() for name, a in arrays.items()}
    compile_program(program, CudaBackend(schedule=SWEPT), dtype)(arrays, scalars)
    assert len(cupy.launches) == launches
    run_program(program, wanted, scalars)
    np.testing.assert_allclose(
        arrays["u"][..., 1:553], wanted["u"][..., 1:553], rtol=0, atol=1e-13 if dtype == "float64" else 1e-4
    )


def test_a_lattice_is_as_large_as_what_is_read_place_by_place(cupy: StandIn) -> None:
    """With the profile it would be larger than the cache."""
    program = with_profile(rings(2, 1))
    arrays, scalars = given(program, "float64", 1, 4)
    arrays["profile"] = placed(np.zeros(arrays["u"].shape[-1]), 0)
    cupy.attributes["L2CacheSize"] = 4 * arrays["u"].nbytes  # two arrays that are read, two that are written
    compile_program(program, CudaBackend(schedule=replace(SWEPT, beyond=1.0)))(arrays, scalars)
    assert len(cupy.launches) == 12
    cupy.attributes["L2CacheSize"] -= 1
    compile_program(program, CudaBackend(schedule=replace(SWEPT, beyond=1.0)))(arrays, scalars)
    assert len(cupy.launches) == 12 + 5


@pytest.mark.parametrize("why", ["small", "processors", "short", "memory", "odd", "promise", "lengths"])
def test_without_room_or_reason_launches_follow_one_another(
    cupy: StandIn, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arrays that the cache holds, fewer blocks than processors, fewer turns than a round, no memory for a copy, rows
    that are no whole pieces or of two lengths, no promise: three launches a turn, and the same numbers."""
    program, schedule, steps, sites = rings(2, 1), SWEPT, 4, 552
    if why == "short":
        schedule, steps = replace(schedule, steps=4), 3
    if why == "small":
        schedule = replace(schedule, beyond=1e6)
    if why == "processors":
        cupy.attributes["MultiProcessorCount"] = 1000
    if why == "promise":
        program = lattice(2, 1, wraps=True)
    arrays, scalars = given(program, "float64", 1, steps)
    if why == "odd":
        scalars["sites"] = sites = 551
    if why == "lengths":
        arrays["v"] = np.pad(arrays["v"], ((0, 0), (0, 4)))
    wanted = {name: a.copy() for name, a in arrays.items()}
    made = compile_program(program, CudaBackend(schedule=schedule))
    if why == "memory":

        def full(*_: object) -> None:
            raise OutOfMemoryError("full")

        monkeypatch.setattr("codegen.backends.cuda_sweeps.block_of", full)
    made(arrays, scalars)
    assert len(cupy.launches) == 3 * steps
    run_program(program, wanted, scalars)
    np.testing.assert_allclose(arrays["u"][..., 1 : sites + 1], wanted["u"][..., 1 : sites + 1], rtol=0, atol=1e-13)


@pytest.mark.usefixtures("cupy")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("dimensions", "reach", "each"), [(2, 4, 4), (3, 1, 4), (3, 2, 2)])
def test_nvrtc_compiles_sweeps(dimensions: int, reach: int, each: int, dtype: str) -> None:
    schedule = replace(SWEPT, steps=each)
    made = compile_program(rings(dimensions, reach), CudaBackend(schedule=schedule), dtype)
    *_, source = made.source.split("\ntypedef sym_wide sym_quad;")
    assert "__syncthreads();" in source
    for found in made.rounds.values():
        for text in found.sources:
            for architecture in ("sm_80", "sm_90"):
                assert check_cuda(text, architecture)
