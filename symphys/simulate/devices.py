"""Ensembles over several devices: each takes a stretch of neighbouring trajectories, and what they leave is joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event, Lock
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from codegen import Backend, HostMemory
from symphys.errors import InputError
from symphys.simulate.execute import Buffers, Report
from symphys.simulate.inputs import whole_number
from symphys.simulate.request import RunRequest

LEAST = 32  # trajectories that are worth a device: fewer leave a warp half empty


class Left(Protocol):
    """What a run leaves."""

    def on_host(self) -> Self:
        """The same with its arrays on the host."""


Run = TypeVar("Run", bound=Left)


def read_devices(devices: Any, arrays: Any, backend: Backend, steps_here: str = "") -> tuple[int, bool]:
    """How many devices a run is shared out to, and whether its states stay there. `steps_here`: the method, if it is
    one that steps on the host.

    InputError for more devices than there are, for CuPy arrays of another backend, or of several devices, and for
    either with a method that steps on the host.
    """
    if arrays not in ("numpy", "cupy"):
        raise InputError(f'arrays = {arrays!r}; choose "numpy", or "cupy" with backend="cuda"')
    on_device = arrays == "cupy"
    if on_device and backend.name != "cuda":
        raise InputError(f'arrays="cupy" goes with backend="cuda"; this system was compiled for {backend.name!r}')
    count = 1 if devices is None else whole_number("devices", devices)
    if count > 1 and count > (have := backend.devices()):
        what = "1 device" if have == 1 else f"{have} devices"
        raise InputError(
            f"devices = {count}, but backend {backend.name!r} finds {what} here; "
            + (f"give devices={have}" if have > 1 else "leave devices out")
        )
    if steps_here and (count > 1 or on_device):
        wish = 'arrays="cupy"' if on_device else f"devices = {count}"
        raise InputError(
            f"{wish} does not go with {steps_here!r}, which is SciPy's and takes one trajectory after the other on the "
            f"host; leave {wish.split()[0].split('=')[0]} out, or compile with another method"
        )
    if count > 1 and on_device:
        raise InputError(f'arrays="cupy" would lie on devices = {count}; give one of them')
    return count, on_device


def shared_out(
    request: RunRequest, devices: int, advance: Callable[[RunRequest], Run], join: Callable[[Sequence[Run]], Run]
) -> Run:
    """The run of a request: on the current device, or in parts on several at once, joined in order.

    Trajectories know nothing of each other, so that every part gives the bits that one device would.
    """
    count = request.instances.count
    parts = min(devices, count // LEAST)
    if parts < 2:
        return advance(request)
    edges = [count * i // parts for i in range(parts + 1)]
    watch = _Watch(request.report, [0.0] * parts)

    def run(device: int) -> Run:
        part = slice(edges[device], edges[device + 1])
        some = request.instances.part(part)
        with request.kernels.backend.on(device):
            return advance(replace(request, instances=some, report=watch.reporter(device))).on_host()

    with ThreadPoolExecutor(parts) as pool:
        running = [pool.submit(run, device) for device in range(parts)]
        with suppress(KeyboardInterrupt):
            wait(running, return_when=FIRST_EXCEPTION)
        watch.stop.set()  # those that go on, as one failed or the user wants no more, stop where they look up next
        return join([each.result() for each in running])


@dataclass
class _Watch:
    """The shares that the devices have done."""

    report: Report
    done: list[float]
    stop: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def reporter(self, device: int) -> Report:
        """What the run on a device tells."""

        def told(share: float) -> None:
            if self.stop.is_set():
                raise KeyboardInterrupt
            with self.lock:
                self.done[device] = share
                self.report(sum(self.done) / len(self.done))

        return told


def joined(parts: Sequence[Buffers]) -> Buffers:
    """The buffers of all trajectories; where parts have different numbers of rows, NaN fills up what is missing."""
    first = parts[0]
    arrays = HostMemory()
    for name in sorted(first.own):
        pieces = [part.read(name) for part in parts]
        rows = max(piece.shape[-2] for piece in pieces) if pieces[0].ndim > 1 else 0
        arrays[name] = np.concatenate([_with_rows(piece, rows) for piece in pieces], axis=-1)
    return Buffers(arrays, sum(part.instances for part in parts), 1, first.dtype, set(first.own))


def _with_rows(piece: NDArray[Any], rows: int) -> NDArray[Any]:
    missing = rows - piece.shape[-2] if piece.ndim > 1 else 0
    if not missing:
        return piece
    more = np.full((*piece.shape[:-2], missing, piece.shape[-1]), np.nan, piece.dtype)
    return np.concatenate([piece, more], axis=-2)
