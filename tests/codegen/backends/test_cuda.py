"""What stands between arrays and a launch, on a stand-in for CuPy whose device is the host; and the GPU itself."""

from __future__ import annotations

import shutil
import sys
import weakref
from collections.abc import Collection
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from codegen.backends import cuda_kernel, cuda_program, get_backend, shim
from codegen.backends.cuda import CudaBackend, cuda_available
from codegen.backends.cuda_memory import Mirror
from codegen.backends.cuda_schedule import BLOCK_LIMIT, GRID_LIMIT, block_size, launch_shape
from codegen.backends.interface import LaunchRange
from codegen.builder import Builder
from codegen.compile import compile_program
from codegen.emit.cuda_together import Share
from codegen.emit.cuda_wide import per_piece
from codegen.errors import BackendUnavailableError, CompilerBug, InputError
from codegen.interpret_program import run_program
from codegen.ir import Kind, variable
from codegen.program import Array, Intent, Kernel, Launch, Program, Repeat, Scalar, Transform
from tests.codegen.backends.stand_in import CompileError, DeviceArray, OutOfMemoryError, StandIn
from tests.codegen.emit.kernels import CASES, table, table_data, table_kernel
from tests.codegen.emit.running import assert_same, compiled, reference
from tests.codegen.test_programs import inputs, lattice

DTYPES = ("float64", "float32")
needs_compiler = pytest.mark.skipif(not any(map(shutil.which, shim.COMPILERS)), reason="needs a C++ compiler")


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """The stand-in takes CuPy's place."""
    module = StandIn()
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_arguments_reach_the_kernel_and_results_come_back(cupy: StandIn, name: str, dtype: str) -> None:
    """100 units, as for the shim, which runs the same source."""
    case = CASES[name]()
    run = CudaBackend().compile(case.kernel, dtype, case.halo)
    assert_same(compiled(run, case, dtype), reference(case, dtype), case.kernel, 100)
    assert len(cupy.launches) == 1


@needs_compiler
@pytest.mark.parametrize("dtype", DTYPES)
def test_only_double_precision_rounds_quotients_and_roots_exactly(
    cupy: StandIn, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    asked: list[tuple[str, ...]] = []
    make = cupy.RawModule

    def noted(code: str, options: tuple[str, ...], backend: str) -> object:
        asked.append(options)
        return make(code, options, backend)

    monkeypatch.setattr(cupy, "RawModule", noted)
    case = CASES["ensemble"]()
    CudaBackend().compile(case.kernel, dtype, case.halo)
    single = {"--ftz=true", "--prec-div=false", "--prec-sqrt=false"}
    assert all(single & set(options) == (single if dtype == "float32" else set()) for options in asked)
    assert asked


@needs_compiler
def test_arrays_on_the_device_stay_there(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES["ensemble"]()
    run = CudaBackend().compile(case.kernel)
    device = {name: cupy.asarray(a) for name, a in case.arrays("float64").items()}
    monkeypatch.setattr(DeviceArray, "get", lambda *_: pytest.fail("copied back"))
    run(device, case.scalars, case.extents)
    assert_same({n: np.asarray(a) for n, a in device.items()}, reference(case, "float64"), case.kernel, 100)


@needs_compiler
def test_lane_axes_of_different_lengths_get_one_stride(cupy: StandIn) -> None:
    case = CASES["lattice"]()
    arrays = case.arrays("float64")
    arrays["w"] = np.ascontiguousarray(arrays["w"][:, :-3])
    CudaBackend().compile(case.kernel, "float64", case.halo)(arrays, case.scalars, case.extents)
    expected = reference(case, "float64")
    np.testing.assert_allclose(arrays["w"][:, 1:41], expected["w"][:, 1:41], rtol=1e-15)


@needs_compiler
def test_nothing_is_launched_on_nothing(cupy: StandIn) -> None:
    case = CASES["ensemble"]()
    CudaBackend().compile(case.kernel)(case.arrays("float64"), case.scalars, case.extents, first=4, last=4)
    assert not cupy.launches


@needs_compiler
def test_large_arrays_get_wide_places(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES["lattice"]()
    run = CudaBackend().compile(case.kernel, "float64", case.halo)
    assert "typedef int sym_place" in run.source
    asked: list[bool] = []
    monkeypatch.setattr(cuda_kernel, "NARROW", 10)
    spied = replace(run, function=lambda narrow, share: (asked.append(narrow), run.function(narrow, share))[1])
    assert_same(compiled(spied, case, "float64"), reference(case, "float64"), case.kernel, 100)
    assert asked == [False]


@pytest.mark.parametrize("dtype", DTYPES)
def test_narrow_places_have_room_for_the_threads_beyond_the_end(dtype: str) -> None:
    """Where the last thread along lanes, and along rows, of the longest axes begins, and what it adds to that."""
    longest, neighbours = cuda_kernel.NARROW, per_piece(dtype)
    (across, _, _), (threads, _, _) = launch_shape(
        LaunchRange((), 0, longest, longest), 1024, 100, one_row=True, share=Share(lanes=neighbours)
    )
    assert longest <= across * threads * neighbours + neighbours <= np.iinfo(np.int32).max
    (_, along, _), (_, tall, _) = launch_shape(LaunchRange((longest,), 0, 1, 1), 1024, 100, one_row=False)
    each = -(-longest // (along * tall))  # see `cuda._share_out`
    assert longest <= along * tall * each <= np.iinfo(np.int32).max
    assert longest + GRID_LIMIT * BLOCK_LIMIT <= np.iinfo(np.int32).max


@needs_compiler
@pytest.mark.parametrize(("dimensions", "reach", "wraps"), [(2, 1, True), (3, 2, False)])
def test_a_program_keeps_its_arrays_on_the_device(cupy: StandIn, dimensions: int, reach: int, wraps: bool) -> None:
    """Kicks that know the step are launched anew, and give what the interpreter gives."""
    program = lattice(dimensions, reach, wraps)
    run = compile_program(program, CudaBackend())
    arrays, scalars = inputs(dimensions, reach, wraps, rows=12, steps=5)
    expected = {name: a.copy() for name, a in arrays.items()}
    run(arrays, scalars)
    run_program(program, expected, scalars)
    for name in ("u", "v"):
        np.testing.assert_allclose(arrays[name][..., reach : reach + 40], expected[name][..., reach : reach + 40],
                                   rtol=0, atol=5 * (4 * reach + 4) * 10 * 2.0**-52 * 4)  # fmt: skip
    assert len(cupy.launches) == 15
    assert cupy.captured == 0


@needs_compiler
def test_graphs_and_plans_live_until_all_is_over(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are fetched from a stream that may still be at work with them."""
    running, alive = [], []
    steps, fetch = cuda_program._Running.steps, Mirror.fetch

    def begun(run: cuda_program._Running, body: tuple[object, ...]) -> None:
        running.append(weakref.ref(run))
        steps(run, body)

    def fetched(mirror: Mirror, names: Collection[str]) -> None:
        alive.append(running[0]() is not None)
        fetch(mirror, names)

    monkeypatch.setattr(cuda_program._Running, "steps", begun)
    monkeypatch.setattr(Mirror, "fetch", fetched)
    arrays, scalars = inputs(2, 1, wraps=False, rows=8, steps=5)
    compile_program(lattice(2, 1, wraps=False), CudaBackend())(arrays, scalars)
    assert alive == [True]


@needs_compiler
@pytest.mark.parametrize("steps", [2, 70])
def test_turns_that_are_alike_become_a_graph(cupy: StandIn, steps: int) -> None:
    """Also around transforms; the counter goes on."""
    b = Builder()
    z = Array("z", (6,), intent=Intent.INOUT, components=2)
    row = variable("row", Kind.INT)
    for part in range(2):
        b.store("z", row, part, value=b.load(f"z{part}", "z", row, part) * 0.5)
    halve = Kernel("halve", "site", (z,), (), b.block(), ("row",))
    body = (
        Transform("z", "z", "sites", kinds=("fourier", "fourier")),
        Launch(halve, (6, "sites")),
        Transform("z", "z", "sites", True, ("fourier", "fourier")),
    )
    scalars = tuple(Scalar(n, Kind.INT) for n in ("sites", "steps", "k"))
    program = Program("halving", (z,), scalars, (Repeat("steps", body, "k"),))
    start = np.random.default_rng(1).normal(size=(6, 32))
    found = start.copy()
    compile_program(program, CudaBackend())({"z": found}, {"sites": 10, "steps": steps, "k": 0})
    rounding = steps * 60 * 2.0**-52 / 2.0**steps
    np.testing.assert_allclose(found[:, :20], start[:, :20] / 2.0**steps, rtol=0, atol=rounding)
    assert cupy.captured == (steps > 4)


@pytest.mark.usefixtures("cupy")
@pytest.mark.parametrize("kinds", [("sine", "cosine"), ("cosine", "fourier"), ("fourier",)])
@pytest.mark.parametrize("scaled", [True, False])
def test_transforms_on_the_device_are_what_the_interpreter_says(kinds: tuple[str, ...], scaled: bool) -> None:
    assert_there_and_back(kinds, scaled)


def assert_there_and_back(kinds: tuple[str, ...], scaled: bool) -> None:
    """Sums of sixty terms of order one, times N where the inverse is not scaled."""
    shape = (6,)[: len(kinds) - 1]
    array = Array("z", shape, intent=Intent.INOUT, components=2)
    steps = (Transform("z", "z", 10, False, kinds), Transform("z", "z", 10, True, kinds, scaled))
    start = np.random.default_rng(3).normal(size=(*shape, 64))
    for body in (steps[:1], steps):
        program = Program("there and back", (array,), (), body)
        wanted, found = start.copy(), start.copy()
        run_program(program, {"z": wanted}, {})
        compile_program(program, CudaBackend())({"z": found}, {})
        scale = np.abs(wanted[..., :20]).max()
        np.testing.assert_allclose(found[..., :20], wanted[..., :20], rtol=0, atol=60 * 8 * 2.0**-52 * scale)


def test_memory_that_is_shared_on_the_host_is_shared_on_the_device(cupy: StandIn) -> None:
    whole = np.arange(24.0).reshape(4, 6)
    host = {
        "rows": whole,
        "list": whole.reshape(-1),
        "end": whole[2:],
        "start": whole.reshape(-1)[:13],
        "other": whole.copy(),
    }
    mirror = Mirror.of(cupy, host)
    for name, array in host.items():
        np.testing.assert_array_equal(mirror.arrays[name].get(), array)
    mirror.arrays["rows"][2, 0] = -1.0
    assert mirror.arrays["list"][12] == mirror.arrays["end"][0, 0] == mirror.arrays["start"][12] == -1.0
    assert mirror.arrays["other"][2, 0] == 12.0
    mirror.fetch({"list"})
    assert whole[2, 0] == -1.0
    pieces = {"low": whole.reshape(-1)[:15], "high": whole.reshape(-1)[10:]}  # neither holds the other
    mirror = Mirror.of(cupy, pieces)
    mirror.arrays["low"][12] = -2.0
    assert mirror.arrays["high"][2] == -2.0


def test_a_full_device_is_the_users_error(cupy: StandIn) -> None:
    def full(_: object, dtype: object) -> None:
        raise OutOfMemoryError("out of memory allocating 8 bytes")

    cupy.empty = full  # type: ignore[method-assign]
    with pytest.raises(InputError, match=r'do not fit the memory of the device .*8 bytes.*dtype="float32"'):
        Mirror.of(cupy, {"a": np.zeros(3)})


def test_what_nvrtc_refuses_is_our_bug(cupy: StandIn) -> None:
    def refuse(**_: object) -> None:
        raise CompileError("kernel.cu(3): error")

    cupy.RawModule = refuse  # type: ignore[method-assign]
    with pytest.raises(CompilerBug, match=r"source of kernel pendulums:\nkernel.cu\(3\): error"):
        CudaBackend().compile(CASES["ensemble"]().kernel)


def test_transforms_too_large_for_the_device_are_the_users_error(cupy: StandIn) -> None:
    """cuFFT needs memory besides that of the arrays."""

    def full(*_: object) -> None:
        raise OutOfMemoryError("out of memory allocating 64 bytes")

    cupy.cuda.cufft.PlanNd = full
    complex_line = Array("psi", (), intent=Intent.INOUT, components=2)
    waves = Program("waves", (complex_line,), (Scalar("n", Kind.INT),), (Transform("psi", "psi", "n"),))
    program = compile_program(waves, CudaBackend())
    with pytest.raises(InputError, match=r"do not fit the memory of the device .*64 bytes.*use a smaller grid"):
        program({"psi": np.zeros(16)}, {"n": 8})


def unloaded() -> int:
    raise RuntimeError("CuPy failed to load libcuda.so.1")


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (
            None,
            r'"cuda" needs CuPy \(.*cupy.*\); install symphys\[cuda\] \(symphys\[cuda13\] for .*\), or choose',
        ),
        (unloaded, r"finds no usable NVIDIA driver \(CuPy failed to load libcuda.so.1\); install one, or choose"),
        (lambda: 0, r'backend "cuda" finds no NVIDIA device; choose backend="cpu"'),
    ],
    ids=["library", "driver", "device"],
)
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, count: Any, message: str) -> None:
    module = None if count is None else SimpleNamespace(cuda=SimpleNamespace(runtime=SimpleNamespace()))
    if module is not None:
        module.cuda.runtime.getDeviceCount = count
    monkeypatch.setitem(sys.modules, "cupy", module)
    assert not cuda_available()
    with pytest.raises(BackendUnavailableError, match=message):
        get_backend("cuda")


def test_a_compiler_that_cannot_be_loaded_is_named(cupy: StandIn) -> None:
    def unloadable(**_: object) -> None:
        raise RuntimeError("CuPy failed to load libnvrtc.so.12")

    cupy.RawModule = unloadable  # type: ignore[method-assign]
    message = r'"cuda" cannot compile on this machine \(CuPy failed to load libnvrtc.so.12\); install symphys\[cuda\]'
    with pytest.raises(BackendUnavailableError, match=message):
        CudaBackend().compile(CASES["ensemble"]().kernel)


@pytest.mark.parametrize(("registers", "lanes"), [(32, 10**6), (255, 10**6), (64, 100), (16, 1)])
def test_blocks_are_whole_warps_that_fit(registers: int, lanes: int) -> None:
    size = block_size(registers, lanes, multiprocessors=132, limit=1024)
    assert size % 32 == 0
    assert 32 <= size <= 256
    assert size * registers <= 65536


@pytest.mark.parametrize("one_row", [True, False])
@pytest.mark.parametrize("outer", [(), (7,), (1024, 1024), (3, 10**6, 5), (10**5,)])
@pytest.mark.parametrize("lanes", [1, 4, 33, 1000])
def test_the_grid_covers_all_instances(lanes: int, outer: tuple[int, ...], one_row: bool) -> None:
    span = LaunchRange(outer, 10, 10 + lanes, 2000)
    grid, block = launch_shape(span, 256, 132, one_row)
    assert 1 <= block[0] * block[1] * block[2] <= 256
    assert block[0] * grid[0] >= lanes
    assert max(grid[1:]) <= 65535
    assert block[2] == 1
    if one_row or not outer:
        assert block[1] == 1
        assert block[0] % 32 == 0
    if outer[-1:] == (1024,) and lanes == 4:
        assert block == ((32, 1, 1) if one_row else (4, 64, 1))
        assert grid == ((1, 16, 1024) if one_row else (1, 16, 342))
    if outer[-1:] == (1024,) and lanes == 1000 and not one_row:
        assert (grid, block) == ((32, 128, 16), (32, 8, 1))


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
def test_on_a_gpu_every_primitive_compiles_and_is_close(dtype: str) -> None:
    """Within four units more than on the host: CUDA's functions are as good as C's to a few."""
    entries = table()
    kernel, arrays = table_kernel(entries), table_data(entries, dtype, 60, False)
    expected = {name: array.copy() for name, array in arrays.items()}
    get_backend("cuda").compile(kernel, dtype)(arrays, {}, (60,))
    get_backend("reference").compile(kernel, dtype)(expected, {}, (60,))
    for e, entry in enumerate(entries):
        name = "reals" if entry.result is Kind.REAL else "integers"
        found, wanted = arrays[name][e], expected[name][e]
        allowed = (entry.row.ulp + 4) * np.spacing(np.abs(wanted)) if entry.result is Kind.REAL else 0
        assert np.all(np.abs(found - wanted) <= allowed), (entry.row.name, found, wanted)


@pytest.mark.gpu
@pytest.mark.parametrize("kinds", [("fourier", "fourier"), ("sine", "cosine"), ("fourier",)])
@pytest.mark.parametrize("scaled", [True, False])
def test_on_a_gpu_transforms_are_what_the_interpreter_says(kinds: tuple[str, ...], scaled: bool) -> None:
    assert_there_and_back(kinds, scaled)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_on_a_gpu_every_case_gives_what_the_interpreter_gives(name: str, dtype: str) -> None:
    """100 units: products may be contracted into sums, which is closer to the truth."""
    case = CASES[name]()
    run = get_backend("cuda").compile(case.kernel, dtype, case.halo)
    assert_same(compiled(run, case, dtype), reference(case, dtype), case.kernel, 100)
