"""The arrays of a run by name: on the host, or (`cuda_resident`) on a device, where they stay from launch to launch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from codegen.errors import CompilerBug, InputError

Copies = Callable[[], Mapping[str, NDArray[Any]]]
Answer = TypeVar("Answer")


MANY = 1 << 22  # bytes of which a thread is worth while that adds up some


def all_finite(values: Any, threads: int = 1) -> bool:
    """Whether an array, of the host or of a device, holds nothing but finite numbers.

    A sum tells, in one pass that makes no array of answers; where finite numbers overflow it, each is asked.
    """
    parts = min(threads, values.nbytes // MANY)
    if parts > 1 and isinstance(values, np.ndarray) and values.flags.c_contiguous:
        with ThreadPoolExecutor(parts) as pool:
            return all(pool.map(all_finite, np.array_split(values.reshape(-1), parts)))
    with np.errstate(all="ignore"):
        return bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())


def laid_out(rows: Sequence[Any], width: int, dtype: Any) -> NDArray[Any]:
    """[rows, width] of rows that are one number, [], or many, [count]; beyond these the last goes on. At least one, of
    zeros. Raises as `count_of`."""
    out = np.empty((max(len(rows), 1), width), dtype=dtype)
    if not len(rows):
        out[...] = 0.0
    for line, row in zip(out, rows, strict=False):
        count = count_of(row, width)
        line[:count] = row
        line[count:] = line[count - 1 : count]
    return out


def count_of(row: Any, width: int) -> int:
    """How many places of a line [width] a row gives, all if it is one number. CompilerBug where it gives more than
    there are, or nothing that could go on."""
    count = len(row) if np.ndim(row) else width
    if count > width or (width and not count):
        raise CompilerBug(f"a line of {width} numbers cannot be laid out of a row of {count}")
    return count


class Memory(MutableMapping[str, NDArray[Any]]):
    """What programs and kernels work on. `memory[name]` is an array of the host that the caller may change until the
    next launch; `read` and the rest leave everything as it is. What shares memory on the host shares it everywhere.
    """

    ahead: int  # snapshots that may wait while the device goes on

    def __ior__(self, arrays: Mapping[str, NDArray[Any]]) -> Self:
        self.update(arrays)
        return self

    @abstractmethod
    def read(self, name: str) -> NDArray[Any]:
        """An array as it is now, not to be changed."""

    @abstractmethod
    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array."""

    @abstractmethod
    def full(self, name: str, shape: tuple[int, ...], dtype: Any, fill: float, stays: bool = False) -> None:
        """A new array where launches need it, all of one value; `stays`: users will be given it by `on_device`."""

    @abstractmethod
    def lay_out(self, name: str, rows: Sequence[Any], width: int, dtype: Any) -> None:
        """A new array [rows, width] where launches need it, of rows of the host or of a device; see `laid_out`."""

    @abstractmethod
    def ask(self, names: Collection[str], act: Callable[[Mapping[str, Any]], Answer]) -> Answer:
        """What `act` finds in arrays where they are, after the launches before: numbers, not arrays. It may use what
        arrays of NumPy and CuPy have in common."""

    @abstractmethod
    def line(self, name: str, number: int, count: int) -> NDArray[Any]:
        """The first numbers of one line of an array [lines, width] as they are now, a copy of the caller's own."""

    @abstractmethod
    def copied(self, names: Collection[str]) -> Memory:
        """Copies of some arrays, where they are."""

    @abstractmethod
    def restore(self, copies: Memory, names: Collection[str]) -> None:
        """Put back what was copied."""

    @abstractmethod
    def finite(self, parts: Mapping[str, slice]) -> bool:
        """Whether parts of arrays, along their last axis, hold nothing but finite numbers."""

    @abstractmethod
    def note_finite(self, name: str, parts: Mapping[str, slice]) -> None:
        """Let an array [parts] hold which of them are `finite`, when the launches before are over; nobody waits."""

    @abstractmethod
    def snapshot(self, names: Collection[str]) -> Copies:
        """Arrays as they are now, for the host. Where launches run `ahead` of the host they are copied beside them, and
        what this returns waits for the copies, which hold until as many more were taken; else it must be called before
        the next launch.
        """

    @abstractmethod
    def bring(self, name: str, rows: slice, out: NDArray[Any], since: Any) -> None:
        """Copy rows, along the last axis but one, that no launch after `since` changes, while launches go on."""

    @abstractmethod
    def mark(self) -> Any:
        """This moment among the launches, for `bring`."""

    @abstractmethod
    def blank(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """A new array of NaN where launches are, for `lay`."""

    @abstractmethod
    def lay(self, names: Collection[str], act: Callable[[Mapping[str, Any]], None]) -> None:
        """Have `act` read arrays where they are, when the launches before are over and none after has begun. It may
        write to what `blank` made, by assignments to parts of it."""

    @abstractmethod
    def settle(self) -> None:
        """Wait until all that was asked for is over: who works on another stream sees what `lay` wrote from then on."""

    @abstractmethod
    def here(self) -> AbstractContextManager[Any]:
        """What is done inside to arrays of `place` and `given` keeps its order among launches."""

    @abstractmethod
    def place(self, name: str, changed: bool = False) -> Any:
        """The array on which launches work, for use in `here`; `changed`: it will be written to. What is done to it may
        only be what arrays of NumPy and CuPy have in common."""

    @abstractmethod
    def given(self, values: NDArray[Any]) -> Any:
        """An array of the host as one that goes with those of `place`."""

    @abstractmethod
    def on_device(self, name: str) -> Any:
        """The array as one of the device for users to keep, whose memory belongs to the stream that is current for the
        caller: a copy, unless it was made to stay or was on the host alone. InputError where there is no device."""


class HostMemory(Memory):
    """Arrays on the host; launches are over when they return."""

    ahead = 0

    def __init__(self, arrays: Mapping[str, NDArray[Any]] | None = None) -> None:
        self.arrays = dict(arrays or {})

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def __setitem__(self, name: str, array: NDArray[Any]) -> None:
        self.arrays[name] = array

    def __delitem__(self, name: str) -> None:
        del self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def read(self, name: str) -> NDArray[Any]:
        """See `Memory`."""
        view = self[name].view()
        view.flags.writeable = False
        return view

    def shape(self, name: str) -> tuple[int, ...]:
        """See `Memory`."""
        return self[name].shape

    def full(self, name: str, shape: tuple[int, ...], dtype: Any, fill: float, stays: bool = False) -> None:
        """See `Memory`."""
        del stays
        self[name] = np.full(shape, fill, dtype) if fill else np.zeros(shape, dtype)

    def lay_out(self, name: str, rows: Sequence[Any], width: int, dtype: Any) -> None:
        """See `Memory`."""
        self[name] = laid_out(rows, width, dtype)

    def ask(self, names: Collection[str], act: Callable[[Mapping[str, Any]], Answer]) -> Answer:
        """See `Memory`."""
        return act({name: self.read(name) for name in names})

    def line(self, name: str, number: int, count: int) -> NDArray[Any]:
        """See `Memory`."""
        found: NDArray[Any] = self[name][number, :count].copy()
        return found

    def copied(self, names: Collection[str]) -> HostMemory:
        """See `Memory`."""
        return HostMemory({name: self[name].copy() for name in names})

    def restore(self, copies: Memory, names: Collection[str]) -> None:
        """See `Memory`."""
        for name in names:
            self[name][...] = copies[name]

    def finite(self, parts: Mapping[str, slice]) -> bool:
        """See `Memory`."""
        return all(all_finite(self[name][..., part]) for name, part in parts.items())

    def note_finite(self, name: str, parts: Mapping[str, slice]) -> None:
        """See `Memory`."""
        self[name] = np.array([self.finite({other: part}) for other, part in parts.items()])

    def snapshot(self, names: Collection[str]) -> Copies:
        """See `Memory`."""
        return lambda: {name: self.read(name) for name in names}

    def bring(self, name: str, rows: slice, out: NDArray[Any], since: Any) -> None:
        """See `Memory`."""
        del since
        out[..., rows, :] = self[name][..., rows, :]

    def mark(self) -> Any:
        """See `Memory`."""
        return None

    def blank(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """See `Memory`."""
        return np.full(shape, np.nan, dtype)

    def lay(self, names: Collection[str], act: Callable[[Mapping[str, Any]], None]) -> None:
        """See `Memory`."""
        act({name: self.read(name) for name in names})

    def settle(self) -> None:
        """See `Memory`."""

    def here(self) -> AbstractContextManager[Any]:
        """See `Memory`."""
        return nullcontext()

    def place(self, name: str, changed: bool = False) -> Any:
        """See `Memory`."""
        return self[name] if changed else self.read(name)

    def given(self, values: NDArray[Any]) -> Any:
        """See `Memory`."""
        return values

    def on_device(self, name: str) -> Any:
        """See `Memory`."""
        raise InputError(f'the array {name} is on the host; arrays="cupy" goes with backend="cuda"')
