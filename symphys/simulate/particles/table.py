"""A result of particles as a table of named variables over named axes: what data sets and files hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from symphys.language.arrays import on_host
from symphys.language.particles import particles
from symphys.simulate.naming import latex_name
from symphys.simulate.particles.box import Box
from symphys.simulate.table import Columns, Table, Variable, by_symbol, ends_of, ensemble_axes, reading, the_one

if TYPE_CHECKING:
    from symphys.simulate.particles.result import ParticleResult

FORMAT = "symphys particle result 1"
PLACES = ("particle", "component")


def particle_table(result: ParticleResult) -> Table:
    """A result as a table: positions and velocities over (ensemble..., time, particle, component)."""
    axes = ensemble_axes(result.shape)
    columns = Columns({"t", "particle", "component", *axes})
    columns.variables["t"] = Variable(("t",), result.t, {"role": "time", "symbol": "t", "long_name": "t"})
    count, dim = result.positions.shape[-2:]
    columns.variables["particle"] = Variable(("particle",), np.arange(count), {"role": "space", "symbol": "particle"})
    if dim <= 3:
        letters = np.array(list("xyz"[:dim]))
        columns.variables["component"] = Variable(("component",), letters, {"role": "space", "symbol": "component"})
    if result.species is not None:
        columns.add("species", ("particle",), np.array(result.species), "parameter", "species")
    for order, values in enumerate((result.positions, result.velocities)):
        name = str(result.particles.rate(1)) if order else str(result.particles)
        columns.add(name, (*axes, "t", *PLACES), on_host(values), "state", name, long_name=f"${latex_name(name)}$")
    for name, values in result.totals.items():
        parts = ("component",) if values.shape[-1:] == (dim,) and values.ndim == len(axes) + 2 else ()
        if not parts and values.ndim > len(axes) + 1:
            parts = (f"component_of_{name.replace(' ', '_')}",)
        columns.add(name.replace(" ", "_"), (*axes, "t", *parts), values, "total", name, long_name=name)
    derived = {"energy": result.energy, "temperature": result.temperature}
    if result.box is not None:
        derived["pressure"] = result.pressure
        columns.add("box", ("edge", "component"), result.box.matrix, "box", "box", long_name="edges in rows")
    for name, values in derived.items():
        columns.add(name, (*axes, "t"), values, "derived", name, long_name=name)
    columns.add_drifts(axes, result.drift, {})
    columns.add_outcomes(axes, result.outcomes, result.times_reached)
    return columns.table(
        FORMAT,
        result,
        degrees=result.degrees,
        counts=json.dumps(dict(result.counts)),
        name=str(result.particles),
        kinds=json.dumps(list(result.particles.species)),
        numbers=json.dumps(list(result.particles.attributes)),
    )


def particle_parts(table: Table) -> dict[str, Any]:
    """The fields of the result that a table was made of; InputError for tables that are no results of particles."""
    with reading(table, FORMAT, "result of particles") as a:
        states = list(by_symbol(table, "state").values())
        own = particles(
            str(a["name"]), states[0].shape[-1], tuple(json.loads(a["kinds"])), tuple(json.loads(a["numbers"]))
        )
        boxes, kinds = by_symbol(table, "box"), by_symbol(table, "parameter").get("species")
        return {
            "t": the_one(table, "time").values,
            "particles": own,
            "positions": states[0],
            "velocities": states[1],
            "drift": by_symbol(table, "drift"),
            "totals": by_symbol(table, "total"),
            "degrees": int(a["degrees"]),
            "box": Box(boxes["box"]) if boxes else None,
            **ends_of(table),
            "species": None if kinds is None else tuple(map(str, kinds)),
            "counts": {str(name): int(number) for name, number in json.loads(a["counts"]).items()},
        }
