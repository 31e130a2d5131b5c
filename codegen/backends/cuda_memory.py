"""Host arrays on the device: copied there once, copied back where something wrote to them.

Arrays that share memory on the host (a list of places, and the same places in rows) share it on the device too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.errors import InputError

BOUNDARY = 512  # bytes, at which memory of the device begins


@dataclass(frozen=True)
class Mirror:
    """Arrays by name on the device; `host` holds those that were copied there."""

    arrays: Mapping[str, Any]
    host: Mapping[str, NDArray[Any]]

    @classmethod
    def of(cls, cupy: Any, given: Mapping[str, Any]) -> Mirror:
        """Copies of NumPy arrays; CuPy arrays are themselves. InputError where the device has too little memory."""
        host = {name: a for name, a in given.items() if not isinstance(a, cupy.ndarray)}
        with room(cupy, sum(a.nbytes for a in host.values())):
            made = _copied(cupy, host)
        return cls({**given, **made}, host)

    def fetch(self, names: Collection[str]) -> None:
        """Copy what was written back to the host, shared memory once."""
        done: set[tuple[int, int]] = set()
        for name in names:
            array = self.host.get(name)
            if array is None or (span := _span(array)) in done:
                continue
            done.add(span)
            _fetch(self.arrays[name], array)


@contextmanager
def room(cupy: Any, size: int) -> Iterator[None]:
    """InputError, with the remedy, where the device has too little memory for `size` bytes more."""
    try:
        yield
    except cupy.cuda.memory.OutOfMemoryError as error:
        raise InputError(
            f"the arrays of this run ({size / 2**30:.1f} GiB) do not fit the memory of the device ({error}); use a "
            'smaller grid or ensemble, dtype="float32", or backend="cpu"'
        ) from error


def _fetch(device: Any, host: NDArray[Any]) -> None:
    device.get(out=host)


def _span(array: NDArray[Any]) -> tuple[int, int]:
    """The addresses of the first byte of a contiguous array and of what follows its last."""
    return array.ctypes.data, array.ctypes.data + array.nbytes


def _copied(cupy: Any, host: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Blocks of host memory that touch no other become blocks of the device, with the arrays as views."""
    made: dict[str, Any] = {}
    for names in _overlapping(host):
        first = min(_span(host[n])[0] for n in names)
        end = max(_span(host[n])[1] for n in names)
        block = block_of(cupy, end - first, first)
        done: set[tuple[int, int]] = set()
        for name in names:
            array, span = host[name], _span(host[name])
            low, high = (place - first for place in span)
            made[name] = block[low:high].view(array.dtype).reshape(array.shape)
            if span not in done:
                made[name].set(array)
            done.add(span)
    return made


def block_of(cupy: Any, size: int, address: int) -> Any:
    """Bytes of the device as far from a boundary as those of the host: rows that begin on a line do so there too."""
    lead = address % BOUNDARY
    return cupy.empty(size + lead, dtype=np.uint8)[lead:]


def _overlapping(host: Mapping[str, NDArray[Any]]) -> list[list[str]]:
    """The names in groups: arrays of different groups share no byte."""
    groups: list[list[str]] = []
    end = -1
    for name in sorted(host, key=lambda n: _span(host[n])):
        low, high = _span(host[name])
        if low >= end or low == high:
            groups.append([])
        groups[-1].append(name)
        end = max(end, high)
    return groups
