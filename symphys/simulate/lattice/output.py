"""What a run of fields leaves, and where: labels that are kept, files, checkpoints, and the blank that rows fill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.simulate.devices import read_devices
from symphys.simulate.inputs import whole_number
from symphys.simulate.keywords import FileOptions
from symphys.simulate.lattice.given import Inputs
from symphys.simulate.lattice.naming import field_name
from symphys.simulate.lattice.record import Checkpoints
from symphys.simulate.lattice.result import FieldResult
from symphys.simulate.lattice.stability import warn_of_long_steps
from symphys.simulate.lattice.watch import new_watch
from symphys.simulate.rowfile import check_row_path
from symphys.simulate.run_fixed import Marks
from symphys.simulate.status import Outcome

if TYPE_CHECKING:
    from symphys.simulate.lattice.simulator import FieldSimulator

LARGEST = 8 << 30  # bytes of results in memory above which a run is refused before it starts


@dataclass(frozen=True)
class Output:
    """out: the file that rows go to, None for memory. keep: the labels that are saved. checkpoint: where, or None.

    stays: rows lie on the device.
    """

    out: Path | None
    keep: tuple[Any, ...]
    checkpoint: Path | None
    every: int
    stays: bool = False


def read_output(simulator: FieldSimulator, options: FileOptions, arrays: str = "numpy") -> Output:
    """What was asked to be left.

    Raises InputError for files that cannot be written, labels that are none, checkpoints that are no .npz, and arrays
    that another backend has, or that are to go to files.
    """
    _, stays = read_devices(None, arrays, simulator.machine.backend)
    if stays and (options["out"] is not None or options["checkpoint"] is not None):
        raise InputError('arrays="cupy" leaves rows on the device; leave out and checkpoint away, or arrays')
    labels, keep, out, checkpoint = simulator.labels, options["keep"], options["out"], options["checkpoint"]
    if keep is not None:
        given = list(keep) if isinstance(keep, Iterable) and not isinstance(keep, str) else [keep]
        by_name = {field_name(label): label for label in labels}
        if unknown := [each for each in given if field_name(each) not in by_name]:
            raise InputError(f"keep names {unknown[0]}, which is no part of the state; that is {', '.join(by_name)}")
        wanted = {field_name(each) for each in given}
        labels = tuple(label for name, label in by_name.items() if name in wanted)
    path = None
    if checkpoint is not None:
        path = Path(checkpoint)
        if path.suffix != ".npz":
            raise InputError(f"the checkpoint {path.name} must end in .npz")
        if not path.resolve().parent.is_dir():
            raise InputError(f"there is no folder {path.parent} for {path.name}; make it first")
    every = whole_number("checkpoint_every", options["checkpoint_every"])
    return Output(None if out is None else check_row_path(out), labels, path, every, stays)


def blank_result(
    simulator: FieldSimulator, inputs: Inputs, marks: Marks, t_start: float, output: Output
) -> FieldResult:
    """The result before its first row: room in memory, or no more than its shape where rows go to a file."""
    shape, rows = inputs.shape, len(marks.steps)
    outcomes = np.empty(shape, dtype=object)
    outcomes[...] = Outcome.INTERRUPTED
    states = {}
    for label in output.keep:
        complex_field = np.iscomplexobj(inputs.state[label])
        kind = np.result_type(simulator.dtype, np.complex64) if complex_field else np.dtype(simulator.dtype)
        whole = (*shape, rows, *simulator.grid.shape)
        nothing = np.asarray(np.nan, dtype=kind)
        if output.stays:
            states[label] = simulator.machine.backend.memory().blank(whole, kind)
        else:
            states[label] = np.empty(whole, kind) if output.out is None else np.broadcast_to(nothing, whole)
    laws = simulator.machine.laws
    written = simulator.dynamics.jets.from_jet
    names = tuple(law.name for law in laws)
    return FieldResult(
        t=np.asarray(marks.times, dtype=np.float64),
        states=states,
        grid=simulator.grid,
        parameters={symbol: np.broadcast_to(values, shape).copy() for symbol, values in inputs.numbers.items()},
        watch=new_watch(names, shape),
        outcomes=outcomes,
        times_reached=np.full(shape, t_start),
        rows=np.zeros(shape, dtype=np.int64),
        steps=marks.steps,
        marks=marks,
        t_start=t_start,
        method=simulator.choice.method.name,
        derivatives=simulator.choice.derivatives,
        conserved={law.name: written(sum(law.terms)) for law in simulator.watched},
        totals={name: np.full((*shape, rows), np.nan) for name in names},
        time=str(simulator.dynamics.time),
        details=warn_of_long_steps(simulator, inputs, marks),
    )


def checkpoints_of(
    inputs: Inputs, begin: NDArray[np.int64], output: Output, grid: tuple[int, ...]
) -> Checkpoints | None:
    """Checkpoints, which know the states in which members begin."""
    if output.checkpoint is None:
        return None
    last: Mapping[Any, NDArray[Any]] = inputs.state
    whole = {label: np.broadcast_to(values, (*inputs.shape, *grid)).copy() for label, values in last.items()}
    return Checkpoints(output.checkpoint, output.every, whole, begin.copy())


def check_size(simulator: FieldSimulator, inputs: Inputs, rows: int, output: Output) -> None:
    """Raise InputError for results that memory should not be asked to hold."""
    if output.out is not None:
        return
    numbers = sum(2 if np.iscomplexobj(inputs.state[label]) else 1 for label in output.keep)
    sites = int(np.prod(simulator.grid.shape)) * max(1, int(np.prod(inputs.shape)))
    size = numbers * sites * rows * np.dtype(simulator.dtype).itemsize
    if size > LARGEST:
        raise InputError(
            f"saving {rows} times of {sites} sites takes {size / 2**30:.0f} GiB; give save_every, or out='run.nc'"
        )
