"""Arrays that stay on the device, on a stand-in whose streams do everything as late as they may."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from codegen.backends import copier, cuda_resident, cuda_transfer
from codegen.backends import memory as memory_module
from codegen.backends.cuda import CudaBackend
from codegen.backends.cuda_resident import DeviceMemory
from codegen.backends.memory import HostMemory, Memory, all_finite
from codegen.compile import compile_program
from codegen.errors import CompilerBug, InputError
from codegen.program import Array, Intent, Program, Transform
from tests.codegen.backends.stand_in import OutOfMemoryError, StandIn, Stream
from tests.codegen.backends.test_cuda import needs_compiler
from tests.codegen.emit.kernels import CASES
from tests.codegen.emit.running import assert_same, reference


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StandIn:
    module = StandIn(folder=tmp_path)
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def change(memory: DeviceMemory, name: str, factor: float) -> None:
    """What a launch does, in the stream of launches."""
    with memory.stream:
        array = memory.arrays_for([name])[name]
        memory.cupy.multiply(array, factor, out=array)
    memory.wrote([name])


def test_each_side_sees_what_the_other_wrote_last(cupy: StandIn) -> None:
    """Also where arrays are views of one another, and where only one of them is asked for."""
    whole = np.arange(12.0).reshape(3, 4)
    memory = DeviceMemory(cupy)
    memory.update({"rows": whole, "list": whole.reshape(-1), "other": np.ones(3)})
    change(memory, "rows", 2.0)
    np.testing.assert_array_equal(memory.read("list"), 2.0 * np.arange(12))
    memory["list"][5] = -1.0
    change(memory, "rows", 3.0)
    assert memory.read("rows")[1, 1] == -3.0
    assert memory.read("list")[11] == 66.0
    memory["other"] = np.full(2, 7.0)
    assert memory.shape("other") == (2,)
    assert memory.on_device("other").get().tolist() == [7.0, 7.0]
    assert set(memory) == {"rows", "list", "other"}
    with pytest.raises(ValueError, match="read-only"):
        memory.read("rows")[0] = 1.0
    del memory["other"]
    assert "other" not in memory


def test_arrays_begin_on_the_device_and_are_copied_there(cupy: StandIn) -> None:
    memory = DeviceMemory(cupy)
    memory.full("a", (2, 3), np.float64, 1.5)
    memory["b"] = np.zeros((0, 4))
    kept = memory.copied(["a", "b"])
    change(memory, "a", np.nan)
    assert not memory.finite({"a": slice(1, 2)})
    assert kept.read("a").tolist() == [[1.5] * 3] * 2
    memory.restore(kept, ["a"])
    assert memory.finite({"a": slice(0, 3)})
    assert memory.read("a").tolist() == [[1.5] * 3] * 2


def recorded(memory: DeviceMemory) -> list[float]:
    """What two snapshots at a time tell of an array that doubles."""
    memory.full("a", (3,), np.float64, 1.0)
    found, waiting = [], []
    for _ in range(5):
        change(memory, "a", 2.0)
        waiting.append(memory.snapshot(["a"]))
        if len(waiting) > memory.ahead:
            found.append(float(waiting.pop(0)()["a"][2]))
    return [*found, float(waiting.pop()()["a"][0])]


def test_snapshots_hold_what_was_while_the_device_goes_on(cupy: StandIn) -> None:
    assert recorded(DeviceMemory(cupy)) == [2.0, 4.0, 8.0, 16.0, 32.0]


def test_the_stand_in_finds_out_who_does_not_wait(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted error: streams do not wait for one another."""
    monkeypatch.setattr(Stream, "wait_event", lambda *_: None)
    assert recorded(DeviceMemory(cupy)) != [2.0, 4.0, 8.0, 16.0, 32.0]


def test_rows_are_brought_in_pieces_while_launches_wait(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after the mark is not done for the sake of the rows."""
    monkeypatch.setattr(cuda_transfer, "PIECE", 2 * 5 * 8)
    memory, out = DeviceMemory(cupy), np.zeros((2, 7, 5))
    memory["rows"] = np.arange(70.0).reshape(2, 7, 5)
    change(memory, "rows", 1.0)
    since = memory.mark()
    change(memory, "rows", 2.0)
    memory.bring("rows", slice(1, 6), out, since)
    np.testing.assert_array_equal(out[:, 1:6], np.arange(70.0).reshape(2, 7, 5)[:, 1:6])
    assert not out[:, [0, 6]].any()
    assert cupy.log == ["copy"] * 6
    assert memory.read("rows")[0, 0, 1] == 2.0


def test_copies_that_stay_record_through_buffers_of_their_own(cupy: StandIn) -> None:
    memory = DeviceMemory(cupy)
    memory["a"] = np.array([1.0])
    copies = memory.copied(["a"])
    change(memory, "a", 2.0)
    now, before = memory.snapshot(["a"]), copies.snapshot(["a"])
    assert before()["a"] == [1.0]
    assert now()["a"] == [2.0]


def test_a_full_device_is_the_users_error(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OutOfMemoryError("out of memory")

    memory = DeviceMemory(cupy)
    memory["a"] = np.zeros(3)
    monkeypatch.setattr(cupy, "empty", full)
    with pytest.raises(InputError, match=r"do not fit the memory of the device"):
        memory.on_device("a")


@pytest.mark.parametrize("small", [0, 1 << 16])
@pytest.mark.parametrize("memory", [DeviceMemory, lambda _: HostMemory()], ids=["device", "host"])
def test_rows_of_all_kinds_are_laid_out(
    cupy: StandIn, monkeypatch: pytest.MonkeyPatch, memory: Callable[[StandIn], Memory], small: int
) -> None:
    """A number for all, an array of another precision or with gaps, one of the device; in pieces, and padded."""
    monkeypatch.setattr(cuda_transfer, "PIECE", 3 * 4)
    monkeypatch.setattr(cuda_resident, "SMALL", small)
    made, wide = memory(cupy), np.arange(22.0) / 3
    there = cupy.asarray(wide[:11]) if isinstance(made, DeviceMemory) else wide[:11]
    made.lay_out("rows", [np.array(2.5), wide[:11].astype(np.float32), wide[::2], there], 16, np.float32)
    expected = np.array([np.full(11, 2.5), wide[:11], wide[::2], wide[:11]], dtype=np.float32)
    np.testing.assert_array_equal(made.read("rows"), np.pad(expected, ((0, 0), (0, 5)), mode="edge"))
    np.testing.assert_array_equal(made.line("rows", 2, 11), expected[2])
    made.line("rows", 2, 11)[...] = 0.0  # a copy
    assert made.ask(["rows"], lambda arrays: float(arrays["rows"][2, :11].max())) == expected[2].max()
    made.lay_out("none", [], 8, np.float64)
    assert made.read("none").tolist() == [[0.0] * 8]


@pytest.mark.parametrize("small", [0, 1 << 16])
@pytest.mark.parametrize("memory", [DeviceMemory, lambda _: HostMemory()], ids=["device", "host"])
def test_rows_are_numbers_of_any_kind_and_never_empty(
    cupy: StandIn, monkeypatch: pytest.MonkeyPatch, memory: Callable[[StandIn], Memory], small: int
) -> None:
    """Numbers and lists of Python as well; and a row that gives no number, or too many, fills no line."""
    monkeypatch.setattr(cuda_resident, "SMALL", small)
    made = memory(cupy)
    made.lay_out("rows", [3.0, [1.0, 2.0]], 3, np.float64)
    assert made.read("rows").tolist() == [[3.0, 3.0, 3.0], [1.0, 2.0, 2.0]]
    made.lay_out("nobody", [3.0, np.zeros(0)], 0, np.float64)
    assert made.shape("nobody") == (2, 0)
    for count in (0, 4):
        with pytest.raises(CompilerBug, match=rf"line of 3 numbers cannot be laid out of a row of {count}"):
            made.lay_out("bad", [1.0, np.ones(count)], 3, np.float64)
        assert "bad" not in made


def test_what_comes_back_waits_for_what_goes_through_the_same_buffer(cupy: StandIn) -> None:
    """And what goes waits for what went before: the host may not write to a buffer that has still to be read."""
    memory = DeviceMemory(cupy)
    rows = np.arange(6.0 * 40_000).reshape(6, -1)
    memory.lay_out("rows", list(rows), 40_000, np.float64)
    out = np.zeros_like(rows)
    memory.bring("rows", slice(0, 6), out, memory.mark())
    np.testing.assert_array_equal(out, rows)


@pytest.mark.parametrize("bad", [None, np.nan, np.inf])
def test_finite_numbers_are_told_apart(cupy: StandIn, bad: float | None) -> None:
    """Also where their sum is none, and beside the part that was asked for."""
    values = np.full((2, 4), 3e38, dtype=np.float32)
    values[0, 0] = np.nan
    values[1, 2] = values[1, 2] if bad is None else bad
    assert all_finite(values[:, 1:]) is (bad is None)
    for memory in (DeviceMemory(cupy), HostMemory()):
        memory["a"], memory["b"] = values, np.ones(2)
        for _ in range(2):  # the second time into the same array
            memory.note_finite("fine", {"a": slice(1, 4), "b": slice(0, 2)})
            assert memory.read("fine").tolist() == [bad is None, True]


@needs_compiler
def test_kernels_work_where_the_arrays_are(cupy: StandIn) -> None:
    case = CASES["ensemble"]()
    run = CudaBackend().compile(case.kernel)
    memory = CudaBackend().memory()
    memory.update(case.arrays("float64"))
    run(memory, case.scalars, case.extents)
    assert cupy.log == []  # nobody has asked yet
    expected = reference(case, "float64")
    assert_same({name: memory.read(name) for name in expected}, expected, case.kernel, 100)
    assert cupy.log == ["launch"]


def test_transforms_are_planned_once_a_memory(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forth and back and at every call by one plan; 60 terms of order one, thrice forth and back."""
    made, plan = [], cupy.cuda.cufft.PlanNd
    monkeypatch.setattr(cupy.cuda.cufft, "PlanNd", lambda *keys: (made.append(keys), plan(*keys))[1])
    z = Array("z", (6,), intent=Intent.INOUT, components=2)
    kinds = ("fourier", "fourier")
    body = (Transform("z", "z", 10, False, kinds), Transform("z", "z", 10, True, kinds))
    run = compile_program(Program("there and back", (z,), (), body), CudaBackend())
    start = np.random.default_rng(2).normal(size=(6, 20))
    memory = DeviceMemory(cupy)
    memory["z"] = start.copy()
    for _ in range(3):
        run(memory, {})
    np.testing.assert_allclose(memory.read("z"), start, rtol=0, atol=3 * 60 * 8 * 2.0**-52)
    assert len(made) == 1


def test_streams_are_used_again_when_nobody_does(cupy: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory that follows another takes its streams, once what callers asked for is over; others have their own."""
    backend, current, waited = CudaBackend(), Stream(cupy), []
    monkeypatch.setattr(cupy.cuda, "get_current_stream", lambda: current)
    monkeypatch.setattr(current, "synchronize", lambda: waited.append(True), raising=False)
    first, second = backend.memory(), backend.memory()
    streams = [first.stream, first.copying, second.stream, second.copying]
    assert len(set(map(id, streams))) == 4
    done: list[int] = []
    for stream in streams[:2]:
        stream.actions.append(lambda: done.append(1))
    del first
    gc.collect()
    assert done == [1, 1]  # while there was what they worked on
    third = backend.memory()
    assert (third.stream, third.copying) == (streams[0], streams[1])
    assert len(waited) == 3


def test_streams_that_another_thread_took_are_made(cupy: StandIn) -> None:
    """There were some when it was asked, and none when they were taken."""

    class Taken(list):  # type: ignore[type-arg]
        def pop(self, *_: object) -> None:
            self.clear()
            raise IndexError

    memory = CudaBackend(_streams={0: Taken([("these", "those")])}).memory()
    assert isinstance(memory.stream, Stream)


def test_copies_use_the_streams_of_a_memory_that_is_gone(cupy: StandIn) -> None:
    """Which therefore go to nobody else until they are gone too."""
    backend = CudaBackend()
    memory = backend.memory()
    memory.full("a", (3,), np.float64, 2.0)
    copies = memory.copied(["a"])
    stream = copies.stream
    del memory
    gc.collect()
    assert backend.memory().stream is not stream
    assert copies.read("a").tolist() == [2.0] * 3
    del copies
    gc.collect()
    assert stream in [backend.memory().stream for _ in range(3)]


@pytest.mark.parametrize("how", ["stays", "launched", "host"])
@pytest.mark.parametrize("other", [False, True])
def test_what_users_keep_is_memory_of_their_stream(cupy: StandIn, how: str, other: bool) -> None:
    """Freed there, it goes to no launch of a later run; what they had on their way is over when it is written to."""
    users, waited = Stream(cupy) if other else None, []
    with users or nullcontext():
        cupy.cuda.get_current_stream().actions.append(lambda: waited.append(True))
        memory = DeviceMemory(cupy)
        memory["a"] = np.full(3, 2.0)
        if how == "stays":
            memory.full("a", (3,), np.float64, 2.0, stays=True)
        if how == "launched":
            change(memory, "a", 1.0)
        kept = memory.on_device("a")
        assert kept.home is users
        assert np.array_equal(np.asarray(kept), [2.0] * 3)
        assert waited or not other
        if how != "stays":
            memory["b"] = np.ones(4)
            change(memory, "b", 1.0)
            assert memory.views["b"].home is memory.stream


@pytest.mark.parametrize("bad", [None, np.nan, -np.inf])
def test_threads_find_what_is_not_finite(monkeypatch: pytest.MonkeyPatch, bad: float | None) -> None:
    """In the last part as in the first, and where sums overflow."""
    monkeypatch.setattr(memory_module, "MANY", 64)
    values = np.full(1000, 1e308)
    assert all_finite(values, 3)
    values[999 if bad is None else 998] = 1.0 if bad is None else bad
    assert all_finite(values, 3) is (bad is None)
    assert all_finite(values[::-1], 3) is (bad is None)


@pytest.mark.parametrize("shape", [(7,), (3, 50_000), (50_000, 3), (1, 100_001)])
@pytest.mark.parametrize("threads", [1, 3])
def test_copies_by_threads_are_copies(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], threads: int) -> None:
    """Of all shapes, to another precision, into a view with gaps, and again with the same threads; kinds are kept."""
    monkeypatch.setattr(copier, "SHARE", 1 << 10)
    values, whole = np.random.default_rng(1).normal(size=shape), np.zeros((2, *shape), dtype=np.float32)
    by = copier.Copier(threads)
    for factor in (1.0, 2.0):
        by.copy(whole[1], factor * values)
        np.testing.assert_array_equal(whole[1], (factor * values).astype(np.float32))
    assert not whole[0].any()
    with pytest.raises(TypeError, match="Cannot cast"):
        by.copy(whole[1], values + 0j)
