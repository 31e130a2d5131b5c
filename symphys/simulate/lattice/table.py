"""A result of fields as a table of named variables over named axes: what data sets and files hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from symphys.discretise import Grid
from symphys.errors import InputError
from symphys.simulate.lattice.naming import field_latex, field_name
from symphys.simulate.run_fixed import Marks
from symphys.simulate.table import (
    Columns,
    Table,
    Variable,
    by_symbol,
    drift_text,
    ensemble_axes,
    outcomes_of,
    the_one,
)

if TYPE_CHECKING:
    from symphys.simulate.lattice.result import FieldResult

FORMAT = "symphys field result 1"


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
        columns.add(name, (*axes, clock, *places), values, "state", name, long_name=f"${field_latex(label)}$")
    named = {field_name(s): (field_latex(s), values) for s, values in result.parameters.items()}
    columns.add_parameters(axes, named)
    columns.add_drifts(axes, result.drift, result.conserved)
    for role, what, courses in (
        ("total", "integral of {}", result.totals),
        ("size", "integral of the absolute values of the terms of {}", result.sizes),
    ):
        for name, values in courses.items():
            wish = f"{role}_{name.replace(' ', '_')}"
            columns.add(wish, (*axes, clock), values, role, name, long_name=what.format(name))
    columns.add_outcomes(axes, result.outcomes, result.times_reached)
    marks, saved = result.marks, len(result.t)
    columns.add("step", (clock,), marks.steps[:saved], "step", long_name="number of the step")
    if saved < len(marks.steps):
        columns.add("planned_step", ("planned",), marks.steps[saved:], "planned step")
        columns.add(f"planned_{clock}", ("planned",), marks.times[saved:], "planned time")
    attributes = {
        "format": FORMAT,
        "method": result.method,
        "derivatives": result.derivatives,
        "drift": drift_text(result.drift),
        "conserved": json.dumps({name: str(law) for name, law in result.conserved.items()}),
        "ensemble": json.dumps(list(result.shape)),
        "time": clock,
        "space": json.dumps(places),
        "t_start": result.t_start,
        "dt": result.dt,
        "steps": marks.count,
    }
    return Table(columns.variables, attributes)


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
    if table.attributes.get("format") != FORMAT:
        found = table.attributes.get("format")
        raise InputError(f"this is no result of fields of symphys: its format is {found!r}, not {FORMAT!r}")
    try:
        a = table.attributes
        shape = tuple(int(length) for length in json.loads(a["ensemble"]))
        parameters = {name: np.broadcast_to(v, shape).copy() for name, v in by_symbol(table, "parameter").items()}
        times = the_one(table, "time").values
        planned = [v.values for role in ("planned step", "planned time") for v in _all(table, role)]
        steps, late = planned or (np.zeros(0, dtype=np.int64), np.zeros(0))
        marks = Marks(
            np.concatenate([the_one(table, "step").values, steps]),
            np.concatenate([times, late]),
            int(a["steps"]),
            float(a["dt"]),
        )
        return {
            "t": times,
            "states": by_symbol(table, "state"),
            "grid": _grid(table, json.loads(a["space"])),
            "parameters": parameters,
            "drift": by_symbol(table, "drift"),
            "outcomes": outcomes_of(the_one(table, "status")),
            "times_reached": the_one(table, "time_reached").values,
            "method": str(a["method"]),
            "derivatives": str(a["derivatives"]),
            "conserved": {str(name): str(law) for name, law in json.loads(a["conserved"]).items()},
            "totals": by_symbol(table, "total"),
            "sizes": by_symbol(table, "size"),
            "time": str(a["time"]),
            "t_start": float(a["t_start"]),
            "marks": marks,
        }
    except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
        raise InputError(f"this result of symphys is damaged: {error}") from error


def _all(table: Table, role: str) -> list[Variable]:
    return [v for v in table.variables.values() if v.role == role]


def _grid(table: Table, names: list[str]) -> Grid:
    places: Mapping[str, Variable] = {v.symbol: v for v in _all(table, "space")}
    intervals, boundary = {}, {}
    for name in names:
        v = places[name]
        symbol = sympy.Symbol(name, real=True)
        intervals[symbol] = (float(v.attributes["start"]), float(v.attributes["stop"]), len(v.values))
        boundary[symbol] = str(v.attributes["boundary"])
    return Grid(intervals, boundary)
