"""Copies between host and device through two buffers of pinned memory: one is filled or read while another travels."""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .copier import Copier

PIECE = 1 << 23  # bytes that go through a buffer at a time
THREADS = 4  # that copy between pinned memory and arrays: more find memory busy


@dataclass
class Buffer:
    """Pinned memory of the host, and memory of the device from which it is filled; `filled`: when the copy is over."""

    pinned: Any = None
    staged: Any = None
    filled: Any = None


@dataclass
class Transfers:
    """The two buffers, `stream`, which what goes to the device follows, and `copying`, in which the rest comes back."""

    cupy: Any
    stream: Any
    copying: Any
    buffers: tuple[Buffer, Buffer] = field(default_factory=lambda: (Buffer(), Buffer()))
    turn: int = 0
    copier: Copier = field(default_factory=lambda: Copier(THREADS))

    def next(self, size: int) -> Buffer:
        """The buffer whose turn it is, large enough; what it holds for the host is lost."""
        buffer = self.buffers[self.turn]
        self.turn = (self.turn + 1) % len(self.buffers)
        if buffer.pinned is None or len(buffer.pinned) < size:
            if buffer.filled is not None:
                buffer.filled.synchronize()
            buffer.pinned = np.frombuffer(self.cupy.cuda.alloc_pinned_memory(size), dtype=np.uint8, count=size)
            buffer.staged = None
        return buffer

    def send(self, buffer: Buffer, there: Any, size: int, since: Any) -> None:
        """Copy `size` bytes of contiguous memory of the device into a pinned buffer, once `since` is past."""
        if buffer.filled is not None:  # what went to the device from here has left
            self.copying.wait_event(buffer.filled)
        self.copying.wait_event(since)
        there.data.copy_to_host_async(ctypes.c_void_p(buffer.pinned.ctypes.data), size, self.copying)
        self._note(buffer, self.copying)

    def bring(self, given: Iterable[tuple[Any, NDArray[Any]]], since: Any) -> None:
        """Copy contiguous `pieces` of the device to where they belong on the host, once `since` is past."""
        waiting: deque[tuple[Buffer, NDArray[Any], NDArray[Any]]] = deque()
        for there, target in given:
            buffer = self.next(there.nbytes)
            self.send(buffer, there, there.nbytes, since)
            waiting.append((buffer, buffer.pinned[: there.nbytes].view(there.dtype).reshape(there.shape), target))
            if len(waiting) == len(self.buffers):
                self._take(*waiting.popleft())
        for arrived in waiting:
            self._take(*arrived)

    def upload(self, values: NDArray[Any], there: Any) -> None:
        """Send numbers [n], made of the type of those of the device on their way; launches wait for them."""
        for piece, part in pieces(there, values):
            buffer = self.next(piece.nbytes)
            if buffer.filled is not None:  # what is in it may still be on its way
                buffer.filled.synchronize()
            self.copier.copy(buffer.pinned[: piece.nbytes].view(piece.dtype).reshape(part.shape), part)
            piece.data.copy_from_host_async(ctypes.c_void_p(buffer.pinned.ctypes.data), piece.nbytes, self.stream)
            self._note(buffer, self.stream)

    def _take(self, buffer: Buffer, values: NDArray[Any], target: NDArray[Any]) -> None:
        buffer.filled.synchronize()
        self.copier.copy(target, values)

    def _note(self, buffer: Buffer, stream: Any) -> None:
        buffer.filled = self.cupy.cuda.Event(disable_timing=True)
        buffer.filled.record(stream)


def pieces(given: Any, beside: NDArray[Any]) -> Iterator[tuple[Any, NDArray[Any]]]:
    """A contiguous array of the device, [n] or [rows, n], and one of its shape, in pieces that a buffer holds."""
    if not given.size:
        return
    row = given[0].nbytes
    if given.ndim > 1 and row > PIECE:
        for there, part in zip(given, beside, strict=True):
            yield from pieces(there, part)
        return
    each = max(1, PIECE // row)
    for first in range(0, len(given), each):
        yield given[first : first + each], beside[first : first + each]
