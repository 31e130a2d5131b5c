"""A result of fields as a table of named variables over named axes: what data sets and files hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.discretise import Grid
from symphys.language.arrays import on_host
from symphys.simulate.lattice.naming import field_latex, field_name
from symphys.simulate.lattice.watch import Watch
from symphys.simulate.run_fixed import Marks
from symphys.simulate.table import (
    Columns,
    Table,
    Variable,
    by_symbol,
    ends_of,
    ensemble_axes,
    ensemble_of,
    laws_in,
    laws_text,
    parameters_in,
    reading,
    the_one,
)

if TYPE_CHECKING:
    from symphys.simulate.lattice.result import FieldResult

FORMAT = "symphys field result 1"
WATCHED = ("first", "change", "scale")


def field_table(result: FieldResult) -> Table:
    """A result as a table: fields over (ensemble..., time, space...)."""
    clock, places = result.time, tuple(str(x) for x in result.grid.coordinates)
    axes = tuple(name + "_" * (name in (clock, *places)) for name in ensemble_axes(result.shape))
    columns = Columns({clock, *places, *axes})
    times = {"role": "time", "symbol": clock, "long_name": f"${field_latex(clock)}$"}
    columns.variables[clock] = Variable((clock,), result.t, times)
    for axis, name in zip(result.grid.axes, places, strict=True):
        columns.variables[name] = Variable((name,), axis.points, _axis_attributes(axis, name))
    for label, values in result.states.items():
        name = field_name(label)
        columns.add(name, (*axes, clock, *places), on_host(values), "state", name, long_name=f"${field_latex(label)}$")
    named = {field_name(s): (field_latex(s), values) for s, values in result.parameters.items()}
    columns.add_parameters(axes, named)
    columns.add_drifts(axes, result.drift, result.conserved)
    for name, values in result.totals.items():
        wish = f"total_{name.replace(' ', '_')}"
        columns.add(wish, (*axes, clock), values, "total", name, long_name=f"integral of {name}")
    for role in WATCHED:
        for name, values in getattr(result.watch, role).items():
            columns.add(f"{role}_{name.replace(' ', '_')}", axes, values, role, name)
    columns.add_outcomes(axes, result.outcomes, result.times_reached)
    columns.add("rows", axes, result.rows, "rows", long_name="number of saved rows")
    columns.add("step", (clock,), result.steps, "step", long_name="number of the step")
    left = ~np.isin(result.marks.steps, result.steps)
    if left.any():
        columns.add("planned_step", ("planned",), result.marks.steps[left], "planned step")
        columns.add(f"planned_{clock}", ("planned",), result.marks.times[left], "planned time")
    return columns.table(
        FORMAT,
        result,
        derivatives=result.derivatives,
        conserved=laws_text(result.conserved),
        time=clock,
        space=json.dumps(places),
        t_start=result.t_start,
        dt=result.dt,
        steps=result.marks.count,
    )


def _axis_attributes(axis: Any, name: str) -> dict[str, Any]:
    return {
        "role": "space",
        "symbol": name,
        "long_name": f"${field_latex(name)}$",
        "start": axis.start,
        "stop": axis.stop,
        "boundary": axis.boundary,
    }


def field_parts(table: Table) -> dict[str, Any]:
    """The fields of the result that a table was made of, symbols as plain names; coordinates are real symbols.

    Raises InputError for tables that are no results of ours.
    """
    with reading(table, FORMAT, "result of fields") as a:
        shape = ensemble_of(table)
        steps, times = (the_one(table, role).values for role in ("step", "time"))
        rows = the_one(table, "rows").values
        kept = len(steps) if shape else int(rows)  # what was not reached is cut off (one run) or NaN (ensembles)
        return {
            "t": times[:kept],
            "states": {name: _head(values, kept, shape) for name, values in by_symbol(table, "state").items()},
            "steps": steps[:kept],
            "rows": rows,
            "marks": _marks(table, steps, times),
            "grid": _grid(table, json.loads(a["space"])),
            "parameters": parameters_in(table),
            "watch": Watch(*(by_symbol(table, role) for role in WATCHED)),
            **ends_of(table),
            "derivatives": str(a["derivatives"]),
            "conserved": laws_in(a),
            "totals": {name: _head(values, kept, shape) for name, values in by_symbol(table, "total").items()},
            "time": str(a["time"]),
            "t_start": float(a["t_start"]),
        }


def _head(values: Any, rows: int, shape: tuple[int, ...]) -> Any:
    """The rows that a run reached, unread where they are in a file; all of them in ensembles."""
    if shape or len(values) == rows:
        return values
    return values.first(rows) if hasattr(values, "first") else values[:rows]


def _marks(table: Table, steps: NDArray[np.int64], times: NDArray[np.float64]) -> Marks:
    """All steps that were to be saved: those that were, and those that are left."""
    steps = np.concatenate([steps, *(v.values for v in _all(table, "planned step"))])
    times = np.concatenate([times, *(v.values for v in _all(table, "planned time"))])
    order = np.argsort(steps, kind="stable")
    a = table.attributes
    return Marks(steps[order], times[order], int(a["steps"]), float(a["dt"]))


def _all(table: Table, role: str) -> list[Variable]:
    return [v for v in table.variables.values() if v.role == role]


def _grid(table: Table, names: list[str]) -> Grid:
    places: Mapping[str, Variable] = {v.symbol: v for v in _all(table, "space")}
    intervals, boundary = {}, {}
    for name in names:
        v = places[name]
        symbol = sympy.Symbol(name, real=True)
        intervals[symbol] = (float(v.attributes["start"]), float(v.attributes["stop"]), len(v.values))
        ends = str(v.attributes["boundary"]).split(", ")
        boundary[symbol] = (ends[0], ends[-1])
    return Grid(intervals, boundary)
