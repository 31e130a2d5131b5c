"""`symphys run` for fields on a grid: integrate a theory, say what was kept, save it, draw it."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from symphys.cli.names import field_labels, field_values, read_assignments
from symphys.discretise import Grid
from symphys.errors import InputError
from symphys.models import FieldModel
from symphys.simulate.lattice.naming import field_name
from symphys.simulate.lattice.result import FieldResult

ROWS = 100  # how many times are saved where nothing else is said
STREAMED = (".nc", ".zarr")  # written while running


def run_fields(
    model: FieldModel, assignments: tuple[str, ...], starts: tuple[str, ...], t_end: float | None, dt: float | None,
    method: str, backend: str, samples: int | None, points: int | None, out: Path | None, plot: Path | None,
    animate: Path | None,
) -> FieldResult:  # fmt: skip
    """Integrate a field theory from its own start; see the command `run`."""
    grid = grid_of(model, points)
    parameters = {**model.parameters, **read_assignments(assignments, field_values(model.system))}
    places = dict(zip(grid.coordinates, grid.mesh, strict=True))
    initial = {**model.setting.initial(places, parameters), **read_assignments(starts, field_labels(model.system))}
    step = dt or model.dt
    if not step:
        raise InputError(f"{model.source} gives no step; define dt there, or give --dt.")
    simulator = model.system.compile(grid, method, backend=backend)
    click.echo(simulator.explain())
    begun = time.perf_counter()
    span = (model.t_span[0], model.t_span[1] if t_end is None else t_end)
    every = max(1, round(abs(span[1] - span[0]) / abs(step)) // (samples or ROWS))
    stream = out if out is not None and out.suffix in STREAMED else None
    result = simulator.run(initial, parameters, t_span=span, dt=step, save_every=every, out=stream)
    click.echo(f"\n{summary(result)}\n{time.perf_counter() - begun:.2f} s, compilation included")
    if out is not None and stream is None:
        result.save(out)
    if plot is not None:
        result.plot().savefig(plot)
    if animate is not None:
        result.animate().save(animate, writer="pillow")
    return result


def grid_of(model: FieldModel, points: int | None) -> Grid:
    """The grid of a theory, with another number of points along every axis where one is given."""
    domain = model.setting.domain
    if not domain:
        raise InputError(f"{model.source} defines no grid; write grid = Grid({{x: (start, stop, points), ...}}) there.")
    if points is not None:
        domain = {x: (start, stop, points) for x, (start, stop, _) in domain.items()}
    return Grid(domain, boundary=model.setting.boundary)


def summary(result: FieldResult) -> str:
    """How the run ended, the range of every field at the last time, and what was kept."""
    count = int(np.prod(result.shape))
    good = int(np.count_nonzero(result.ok))
    many = f"{good} of {count} runs" if result.shape else "1 run" if good else "no run"
    lines = [f"{many} went where sent, in steps of {result.dt:g} of {result.method}"]
    lines.append(f"at t = {float(np.max(result.times_reached)):.12g}")
    last: Any = (*(slice(None) for _ in result.shape), -1)
    if len(result.t):
        lines += [_range(label, np.asarray(values[last])) for label, values in result.states.items()]
    lines += [f"drift of {name}: {float(np.nanmax(drift)):.2g}" for name, drift in result.drift.items()]
    return "\n".join(lines)


def _range(label: Any, values: Any) -> str:
    shown = np.abs(values) if np.iscomplexobj(values) else values
    name = f"|{field_name(label)}|" if np.iscomplexobj(values) else field_name(label)
    return f"  {name} from {np.nanmin(shown):.6g} to {np.nanmax(shown):.6g}"


def refuse_options(given: Mapping[str, Any], why: str) -> None:
    """Raise `InputError` for options that mean nothing here."""
    for option, value in given.items():
        if value is not None:
            raise InputError(f"{option} {why}")
