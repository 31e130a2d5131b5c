"""Arrays that stay on the device while a run goes on: the host is given copies where it asks for them.

Whole allocations are mirrored, so that arrays that share memory on the host share it on the device too. Each knows on
which side it was changed last; launches and questions of the host copy what is behind. What is recorded goes to the
host by a stream of its own, through two buffers of pinned memory, while launches go on.
"""

from __future__ import annotations

import ctypes
import math
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cuda_memory import block_of, room
from .cuda_transfer import Transfers, pieces
from .memory import Answer, Copies, Memory, count_of, laid_out

SMALL = 1 << 16  # bytes that are not worth a way of their own


@dataclass
class Block:
    """An allocation: its bytes on the host (None while only the device has them) and on the device."""

    size: int
    owner: NDArray[Any] | None
    bytes_of_host: NDArray[np.uint8] | None
    device: Any = None
    host_is_newer: bool = True
    device_is_newer: bool = False
    stays: bool = False  # of the stream of users, who may keep it


@dataclass(frozen=True)
class Place:
    """Where in its allocation an array lies."""

    block: Block
    first: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Its bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def on_device(self) -> Any:
        """The array on the device."""
        return self.block.device[self.first : self.first + self.size].view(self.dtype).reshape(self.shape)

    @property
    def on_host(self) -> NDArray[Any]:
        """The array on the host."""
        there = self.block.bytes_of_host
        assert there is not None
        return there[self.first : self.first + self.size].view(self.dtype).reshape(self.shape)


class DeviceMemory(Memory):
    """See `memory.Memory`."""

    ahead = 1

    def __init__(
        self, cupy: Any, streams: tuple[Any, Any] | None = None, copied_from: DeviceMemory | None = None
    ) -> None:
        """streams: those of launches and of copies to the host, if others have used or use them. copied_from: the
        memory whose streams these are; they are in use as long as there is one that works on them."""
        self.cupy, self.copied_from = cupy, copied_from
        self.stream, self.copying = streams or (cupy.cuda.Stream(non_blocking=True) for _ in range(2))
        self.places: dict[str, Place] = {}
        self.host: dict[str, NDArray[Any]] = {}
        self.views: dict[str, Any] = {}  # arrays of the device by name, made when they are first asked for
        self.transfers = Transfers(cupy, self.stream, self.copying)
        self.in_flight: deque[tuple[Any, object]] = deque()
        self.plans: dict[Any, Any] = {}  # of transforms: they work on this stream, one after the other

    # -- names ---------------------------------------------------------------------------------------------------------
    def __getitem__(self, name: str) -> NDArray[Any]:
        found = self._current(name)
        self.places[name].block.host_is_newer = True
        return found

    def __setitem__(self, name: str, array: NDArray[Any]) -> None:
        owner = _owner(array)
        known = next((p.block for p in self.places.values() if p.block.owner is owner), None)
        block = known or Block(owner.nbytes, owner, _bytes(owner))
        if known is not None:
            self._fetch(block)
        block.host_is_newer = True
        self.places[name] = Place(block, array.ctypes.data - owner.ctypes.data, array.dtype, array.shape)
        self.views.pop(name, None)
        self.host[name] = array

    def __delitem__(self, name: str) -> None:
        del self.places[name]
        self.host.pop(name, None)
        self.views.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, name: object) -> bool:
        return name in self.places

    def shape(self, name: str) -> tuple[int, ...]:
        """See `Memory`."""
        return self.places[name].shape

    def full(self, name: str, shape: tuple[int, ...], dtype: Any, fill: float | None, stays: bool = False) -> None:
        """See `Memory`; None leaves what was there."""
        kind = np.dtype(dtype)
        size = math.prod(shape) * kind.itemsize
        there = self._for_users(size) if stays else self._own(size)
        place = Place(Block(size, None, None, there, False, True, stays), 0, kind, shape)
        if fill is not None:
            with self.stream:
                place.on_device.fill(fill)
        self.places[name] = place
        self.host.pop(name, None)
        self.views.pop(name, None)

    def lay_out(self, name: str, rows: Sequence[Any], width: int, dtype: Any) -> None:
        """See `Memory`: rows of the host go through pinned memory, where they take the type that is wanted."""
        kind = np.dtype(dtype)
        there = [row for row in rows if isinstance(row, self.cupy.ndarray)]
        if len(rows) * width * kind.itemsize <= SMALL and not there:
            self[name] = laid_out(rows, width, kind)
            return
        if there:
            self.cupy.cuda.get_current_stream().synchronize()  # of what the caller has on its way
        counts = [count_of(row, width) for row in rows]
        self.full(name, (max(len(rows), 1), width), kind, None if counts else 0.0)
        with self.stream:
            for line, row, count in zip(self.places[name].on_device, rows, counts, strict=False):
                if not np.ndim(row):
                    line.fill(float(row))
                elif isinstance(row, self.cupy.ndarray):
                    line[:count] = row
                else:
                    self.transfers.upload(np.asarray(row), line[:count])
                if count < width:
                    line[count:] = line[count - 1 : count]

    def _own(self, size: int, address: int = 0) -> Any:
        """Bytes of the device that only launches work on."""
        with self.stream, room(self.cupy, size):
            return block_of(self.cupy, size, address)

    def _for_users(self, size: int, address: int = 0) -> Any:
        """Bytes of the stream that is current for the caller: who frees them there gives them to none of our launches.
        What he has on its way may still read what was there before."""
        with room(self.cupy, size):
            made = block_of(self.cupy, size, address)
        self.cupy.cuda.get_current_stream().synchronize()
        return made

    # -- the two sides -------------------------------------------------------------------------------------------------
    def arrays_for(self, names: Collection[str]) -> dict[str, Any]:
        """Arrays of the device by name, up to date; call inside `with memory.stream`."""
        for name in names:
            block = self.places[name].block
            if block.device is None:
                assert block.owner is not None
                block.device = self._own(block.size, block.owner.ctypes.data)
            if block.host_is_newer:
                block.device.set(block.bytes_of_host)
                block.host_is_newer = False
        for name in names:
            if name not in self.views:
                self.views[name] = self.places[name].on_device
        return {name: self.views[name] for name in names}

    def hold(self, used: object) -> None:
        """Keep what launches use until they are over."""
        self.in_flight.append((self.mark(), used))
        while self.in_flight[0][0].done and len(self.in_flight) > 1:
            self.in_flight.popleft()

    def wrote(self, names: Collection[str]) -> None:
        """Note that launches change these arrays."""
        for name in names:
            self.places[name].block.device_is_newer = True

    def read(self, name: str) -> NDArray[Any]:
        """See `Memory`."""
        view = self._current(name).view()
        view.flags.writeable = False
        return view

    def on_device(self, name: str) -> Any:
        """See `Memory`."""
        place = self.places[name]
        block = place.block
        if block.device is None:
            assert block.owner is not None
            block.device, block.stays = self._for_users(block.size, block.owner.ctypes.data), True
        made = None if block.stays else self._for_users(place.size).view(place.dtype).reshape(place.shape)
        with self.stream:
            found = self.arrays_for([name])[name]
            if made is not None:
                made[...] = found
        self.stream.synchronize()
        return found if made is None else made

    def _current(self, name: str) -> NDArray[Any]:
        place = self.places[name]
        self._fetch(place.block)
        if name not in self.host:
            self.host[name] = place.on_host
        return self.host[name]

    def _fetch(self, block: Block) -> None:
        if not block.device_is_newer:
            return
        if block.bytes_of_host is None:
            block.bytes_of_host = np.empty(block.size, dtype=np.uint8)
        with self.stream:
            block.device.get(out=block.bytes_of_host)
            self.stream.synchronize()
        block.device_is_newer = False

    # -- copies that stay ----------------------------------------------------------------------------------------------
    def copied(self, names: Collection[str]) -> DeviceMemory:
        """See `Memory`."""
        copies = DeviceMemory(self.cupy, (self.stream, self.copying), self)
        with self.stream:
            for name, array in self.arrays_for(names).items():
                place = self.places[name]
                with room(self.cupy, place.size):
                    there = block_of(self.cupy, place.size, 0)
                block = Block(place.size, None, None, there, host_is_newer=False, device_is_newer=True)
                copies.places[name] = Place(block, 0, place.dtype, place.shape)
                copies.places[name].on_device[...] = array
        return copies

    def restore(self, copies: Memory, names: Collection[str]) -> None:
        """See `Memory`."""
        assert isinstance(copies, DeviceMemory)
        with self.stream:
            given = copies.arrays_for(names)
            for name, array in self.arrays_for(names).items():
                array[...] = given[name]
        self.wrote(names)

    def finite(self, parts: Mapping[str, slice]) -> bool:
        """See `Memory`."""
        with self.stream:
            arrays = self.arrays_for(list(parts))
            found = [self.cupy.isfinite(arrays[name][..., part]).all() for name, part in parts.items()]
            return all(bool(each) for each in found)

    def note_finite(self, name: str, parts: Mapping[str, slice]) -> None:
        """See `Memory`."""
        if name not in self.places:
            self.full(name, (len(parts),), np.bool_, None)
        with self.stream:
            arrays, noted = self.arrays_for(list(parts)), self.places[name].on_device
            for number, (other, part) in enumerate(parts.items()):
                self.cupy.isfinite(arrays[other][..., part]).all(out=noted[number : number + 1].reshape(()))
        self.wrote([name])

    def ask(self, names: Collection[str], act: Callable[[Mapping[str, Any]], Answer]) -> Answer:
        """See `Memory`."""
        with self.stream:
            return act(self.arrays_for(names))

    def line(self, name: str, number: int, count: int) -> NDArray[Any]:
        """See `Memory`."""
        with self.stream:
            given = self.arrays_for([name])[name][number, :count]
            if given.nbytes <= SMALL:
                found: NDArray[Any] = given.get()
                return found
        out = np.empty(count, dtype=given.dtype)
        self.transfers.bring(pieces(given, out), self.mark())
        return out

    def here(self) -> AbstractContextManager[Any]:
        """See `Memory`."""
        stream: AbstractContextManager[Any] = self.stream
        return stream

    def place(self, name: str, changed: bool = False) -> Any:
        """See `Memory`."""
        found = self.arrays_for([name])[name]
        if changed:
            self.wrote([name])
        return found

    def given(self, values: NDArray[Any]) -> Any:
        """See `Memory`."""
        with room(self.cupy, values.nbytes):
            return self.cupy.asarray(values)

    # -- what stays for users ------------------------------------------------------------------------------------------
    def blank(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """See `Memory`."""
        kind = np.dtype(dtype)
        with room(self.cupy, math.prod(shape) * kind.itemsize):
            made = self.cupy.empty(shape, dtype=kind)
        made.fill(np.nan)
        self.cupy.cuda.get_current_stream().synchronize()  # streams that lay anything there do not wait for this one
        return made

    def lay(self, names: Collection[str], act: Callable[[Mapping[str, Any]], None]) -> None:
        """See `Memory`."""
        with self.stream:
            act(self.arrays_for(names))

    def settle(self) -> None:
        """See `Memory`."""
        self.stream.synchronize()

    # -- what is recorded while launches go on -------------------------------------------------------------------------
    def snapshot(self, names: Collection[str]) -> Copies:
        """See `Memory`."""
        places = {name: self.places[name] for name in names}
        size = sum(_lines(place.size) for place in places.values())
        buffer = self.transfers.next(size)
        with self.stream:
            arrays = self.arrays_for(names)
            if buffer.staged is None or len(buffer.staged) < size:
                with room(self.cupy, size):
                    buffer.staged = self.cupy.empty(size, dtype=np.uint8)
            if buffer.filled is not None:  # what is staged here has still to leave
                self.stream.wait_event(buffer.filled)
            first, spans = 0, {}
            for name, place in places.items():
                spans[name] = slice(first, first + place.size)
                buffer.staged[spans[name]].view(place.dtype).reshape(place.shape)[...] = arrays[name]
                first += _lines(place.size)
            ready = self.cupy.cuda.Event(disable_timing=True)
            ready.record(self.stream)
        self.transfers.send(buffer, buffer.staged, first, ready)
        filled, pinned = buffer.filled, buffer.pinned

        def copies() -> dict[str, NDArray[Any]]:
            filled.synchronize()
            return {n: pinned[spans[n]].view(p.dtype).reshape(p.shape) for n, p in places.items()}

        return copies

    def mark(self) -> Any:
        """See `Memory`."""
        event = self.cupy.cuda.Event(disable_timing=True)
        event.record(self.stream)
        return event

    def bring(self, name: str, rows: slice, out: NDArray[Any], since: Any) -> None:
        """See `Memory`."""
        place = self.places[name]
        given, target = place.on_device.reshape(-1, *place.shape[-2:]), out.reshape(-1, *out.shape[-2:])
        self.transfers.bring(
            (piece for lead in range(len(given)) for piece in pieces(given[lead, rows], target[lead, rows])), since
        )


def _lines(size: int) -> int:
    """Bytes with what follows up to the next boundary, so that every array begins on one."""
    return -(-size // 256) * 256


def _owner(array: NDArray[Any]) -> NDArray[Any]:
    """The array that owns the memory of a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _bytes(owner: NDArray[Any]) -> NDArray[np.uint8]:
    """The memory of an array, whatever the order of its axes."""
    if not owner.nbytes:
        return np.empty(0, dtype=np.uint8)
    memory = (ctypes.c_uint8 * owner.nbytes).from_address(owner.ctypes.data)
    return np.ctypeslib.as_array(memory)
