"""What stands between arrays and a launch, on a stand-in for CuPy whose device is the shim; and the GPU itself."""

from __future__ import annotations

import ctypes
import shutil
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from codegen.backends import cuda, get_backend, shim
from codegen.backends.cuda import CudaBackend, block_size, cuda_available, grid_of
from codegen.backends.interface import LaunchRange
from codegen.errors import BackendUnavailableError, CompilerBug
from codegen.program import Kernel
from tests.codegen.emit.kernels import CASES
from tests.codegen.emit.running import assert_same, compiled, reference

DTYPES = ("float64", "float32")
needs_compiler = pytest.mark.skipif(not any(map(shutil.which, shim.COMPILERS)), reason="needs a C++ compiler")


class DeviceArray(np.ndarray):
    """Memory of the stand-in device; only what was uploaded is of this type."""


class StandInFunction:
    """A kernel of the stand-in device, which takes what CuPy takes: device arrays and typed numbers, nothing else."""

    num_regs = 100
    max_threads_per_block = 1024

    def __init__(self, kernel: Kernel, dtype: str, halo: int) -> None:
        self.library = shim._library(shim.shim_source(kernel, dtype, halo))
        self.launches: list[tuple[Any, Any]] = []

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...]) -> None:
        self.launches.append((grid, block))
        status = self.library.sym_shim_launch(
            (ctypes.c_uint * 3)(*grid), ctypes.c_uint(block[0]), *map(self._passed, arguments)
        )
        assert status == 0

    @staticmethod
    def _passed(argument: Any) -> Any:
        if isinstance(argument, DeviceArray):
            return ctypes.c_void_p(argument.ctypes.data)
        return {np.int64: ctypes.c_longlong, np.float64: ctypes.c_double, np.float32: ctypes.c_float}[type(argument)](
            argument.item()
        )


class CompileError(Exception):
    """What CuPy raises where NVRTC refuses."""


def stand_in(function: Any) -> SimpleNamespace:
    """As much of CuPy as the backend uses."""
    device = SimpleNamespace(attributes={"MultiProcessorCount": 2})
    return SimpleNamespace(
        ndarray=DeviceArray,
        asarray=lambda a: a if isinstance(a, DeviceArray) else np.array(a).view(DeviceArray),
        zeros=lambda shape, dtype: np.zeros(shape, dtype).view(DeviceArray),
        asnumpy=lambda a: np.array(a),
        cuda=SimpleNamespace(Device=lambda: device, compiler=SimpleNamespace(CompileException=CompileError)),
        RawModule=lambda code, options, backend: SimpleNamespace(get_function=lambda name: function(code, name)),
    )


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The stand-in takes CuPy's place; the test says which kernel the device runs."""
    given: dict[str, Any] = {}
    module = stand_in(lambda code, name: given["function"])
    monkeypatch.setattr(cuda, "_cupy", lambda: module)
    given["cupy"] = module
    return given


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_arguments_reach_the_kernel_and_results_come_back(cupy: dict[str, Any], name: str, dtype: str) -> None:
    """100 units, as for the shim, which runs the same source."""
    case = CASES[name]()
    cupy["function"] = StandInFunction(case.kernel, dtype, case.halo)
    run = CudaBackend().compile(case.kernel, dtype, case.halo)
    assert_same(compiled(run, case, dtype), reference(case, dtype), case.kernel, 100)
    assert len(cupy["function"].launches) == 1


@needs_compiler
def test_arrays_on_the_device_stay_there(cupy: dict[str, Any]) -> None:
    case = CASES["ensemble"]()
    cupy["function"] = StandInFunction(case.kernel, "float64", 0)
    run = CudaBackend().compile(case.kernel)
    host = case.arrays("float64")
    device = {name: cupy["cupy"].asarray(a) for name, a in host.items()}
    cupy["cupy"].asnumpy = lambda a: pytest.fail("copied back")
    run(device, case.scalars, case.extents)
    assert_same({n: np.asarray(a) for n, a in device.items()}, reference(case, "float64"), case.kernel, 100)


@needs_compiler
def test_lane_axes_of_different_lengths_get_one_stride(cupy: dict[str, Any]) -> None:
    case = CASES["lattice"]()
    cupy["function"] = StandInFunction(case.kernel, "float64", case.halo)
    arrays = case.arrays("float64")
    arrays["w"] = np.ascontiguousarray(arrays["w"][:, :-3])
    CudaBackend().compile(case.kernel, "float64", case.halo)(arrays, case.scalars, case.extents)
    expected = reference(case, "float64")
    np.testing.assert_allclose(arrays["w"][:, 1:41], expected["w"][:, 1:41], rtol=1e-15)


@needs_compiler
def test_nothing_is_launched_on_nothing(cupy: dict[str, Any]) -> None:
    case = CASES["ensemble"]()
    cupy["function"] = StandInFunction(case.kernel, "float64", 0)
    CudaBackend().compile(case.kernel)(case.arrays("float64"), case.scalars, case.extents, first=4, last=4)
    assert not cupy["function"].launches


def test_what_nvrtc_refuses_is_our_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(code: str, name: str) -> None:
        raise CompileError("kernel.cu(3): error")

    monkeypatch.setattr(cuda, "_cupy", lambda: stand_in(refuse))
    with pytest.raises(CompilerBug, match=r"source of kernel pendulums:\nkernel.cu\(3\): error"):
        CudaBackend().compile(CASES["ensemble"]().kernel)


@pytest.mark.skipif(cuda_available(), reason="there is a GPU")
def test_without_a_gpu_the_backend_says_what_is_missing() -> None:
    with pytest.raises(BackendUnavailableError, match=r'backend "cuda".*(symphys\[cuda\]|driver|device)'):
        get_backend("cuda")


@pytest.mark.parametrize(("registers", "lanes"), [(32, 10**6), (255, 10**6), (64, 100), (16, 1)])
def test_blocks_are_whole_warps_that_fit(registers: int, lanes: int) -> None:
    size = block_size(registers, lanes, multiprocessors=132, limit=1024)
    assert size % 32 == 0
    assert 32 <= size <= 256
    assert size * registers <= 65536


def test_the_grid_covers_the_lanes_and_steps_over_long_outer_axes() -> None:
    span = LaunchRange((3, 10**6, 5), 10, 1010, 2000)
    assert grid_of(span, 128) == (8, 5, 65535)
    assert grid_of(replace(span, outer=()), 128) == (8, 1, 1)
    assert grid_of(replace(span, outer=(7,)), 128) == (8, 7, 1)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_on_a_gpu_every_case_gives_what_the_interpreter_gives(name: str, dtype: str) -> None:
    """100 units: products may be contracted into sums, which is closer to the truth."""
    case = CASES[name]()
    run = get_backend("cuda").compile(case.kernel, dtype, case.halo)
    assert_same(compiled(run, case, dtype), reference(case, dtype), case.kernel, 100)
