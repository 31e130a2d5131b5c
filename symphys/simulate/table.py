"""A result as a table of named variables over named axes: what data sets and files hold.

Everything is numbers and text, so that reading a file evaluates nothing: symbols come back as their plain names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language.arrays import on_host
from symphys.simulate.naming import latex_name, plain_name
from symphys.simulate.status import Outcome

if TYPE_CHECKING:
    from symphys.simulate.result import Result

FORMAT = "symphys result 1"
Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Variable:
    """Values over named axes; `attributes` hold the `role`, the `symbol` it stands for, and what readers use."""

    axes: tuple[str, ...]
    values: NDArray[Any]
    attributes: Attributes

    @property
    def role(self) -> str:
        """What part of a result it is."""
        return str(self.attributes.get("role", ""))

    @property
    def symbol(self) -> str:
        """The plain name of what it holds."""
        return str(self.attributes.get("symbol", ""))


@dataclass(frozen=True)
class Table:
    """Variables by name; those of the roles `time` and `parameter` are coordinates of the others."""

    variables: Mapping[str, Variable]
    attributes: Attributes


@dataclass
class Columns:
    """Variables that are being gathered; a name that is taken makes way, by underscores."""

    taken: set[str]
    variables: dict[str, Variable] = field(default_factory=dict)

    def add(self, wish: str, over: Iterable[str], values: Any, role: str, symbol: str = "", **more: Any) -> str:
        """Add a variable under that name, or the next that is free, which is returned."""
        name = wish
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        self.variables[name] = Variable(tuple(over), np.asarray(values), {"role": role, "symbol": symbol, **more})
        return name

    def add_parameters(self, axes: tuple[str, ...], parameters: Mapping[str, tuple[str, NDArray[Any]]]) -> None:
        """{name: (LaTeX, [...])}; those that are the same all over the ensemble are one number."""
        for name, (latex, values) in parameters.items():
            same = values.size > 0 and bool((values == values.flat[0]).all())
            over, kept = ((), values.flat[0]) if same else (axes, values)
            self.add(name, over, kept, "parameter", name, long_name=f"${latex}$")

    def add_drifts(self, axes: tuple[str, ...], drift: Mapping[str, NDArray[Any]], laws: Mapping[str, Any]) -> None:
        """The drifts [...] of conserved quantities, by name."""
        for name, values in drift.items():
            wish, law = f"drift_{name.replace(' ', '_')}", str(laws.get(name, ""))
            self.add(wish, axes, values, "drift", name, long_name=f"drift of {name}", expression=law)

    def add_outcomes(self, axes: tuple[str, ...], outcomes: NDArray[Any], reached: NDArray[Any]) -> None:
        """How and when each run ended [...]."""
        self.add("status", axes, status_codes(outcomes), "status", **status_flags())
        self.add("time_reached", axes, reached, "time_reached")


def status_codes(outcomes: NDArray[Any]) -> NDArray[np.int64]:
    """The numbers that stand for outcomes in files."""
    codes = {outcome: code for code, outcome in enumerate(Outcome)}
    return np.asarray(np.vectorize(codes.get, otypes=[np.int64])(outcomes))


def status_flags() -> dict[str, Any]:
    """The attributes, by the conventions of CF, that say what the numbers of `status_codes` mean."""
    return {"flag_values": np.arange(len(Outcome)), "flag_meanings": " ".join(outcome.name for outcome in Outcome)}


def table_of(result: Result) -> Table:
    """A result as a table."""
    axes = ensemble_axes(result.shape)
    clock = "t" if result.t.ndim == 1 else "step"
    columns = Columns({"t", "step", *axes})
    add = columns.add
    times = {"role": "time", "symbol": "t", "long_name": "t"}
    columns.variables["t"] = Variable((clock,) if result.t.ndim == 1 else (*axes, clock), result.t, times)
    for role, along in (("state", result.states), ("multiplier", result.multipliers)):
        for label, values in along.items():
            name = plain_name(label)
            add(name, (*axes, clock), on_host(values), role, name, long_name=f"${latex_name(label)}$")
    for entry in fields(result.ledger) if result.ledger is not None else ():
        values = getattr(result.ledger, entry.name)
        add(f"ledger_{entry.name}", (*axes, clock), values, "ledger", entry.name, long_name=entry.name)
    named = {plain_name(symbol): (latex_name(symbol), values) for symbol, values in result.parameters.items()}
    columns.add_parameters(axes, named)
    columns.add_drifts(axes, result.drift, result.conserved)
    columns.add_outcomes(axes, result.outcomes, result.times_reached)
    add("steps", axes, result.steps, "steps")
    add("rejected", axes, result.rejected, "rejected")
    for number, record in enumerate(result.events):
        over = (*axes, f"event_{number}_crossing")
        add(f"event_{number}_count", axes, record.count, f"event {number} count")
        add(f"event_{number}_t", over, _at_least_one(record.times), f"event {number} times")
        for label, values in record.states.items():
            name = plain_name(label)
            add(f"event_{number}_{name}", over, _at_least_one(values), f"event {number} state", name)
    attributes = {
        "format": FORMAT,
        "method": result.method,
        "drift": drift_text(result.drift),
        "conserved": json.dumps({name: str(law) for name, law in result.conserved.items()}),
        "pairs": json.dumps([[plain_name(q), plain_name(p)] for q, p in result.pairs]),
        "ensemble": json.dumps(list(result.shape)),
        "events": len(result.events),
    }
    return Table(columns.variables, attributes)


def drift_text(drift: Mapping[str, NDArray[Any]]) -> str:
    """The largest drifts in a line, for readers."""
    return ", ".join(f"{name}: {float(np.max(d)):.3g}" for name, d in drift.items() if np.size(d))


def ensemble_axes(shape: tuple[int, ...]) -> tuple[str, ...]:
    """The names of the axes of an ensemble."""
    return ("trajectory",) if len(shape) == 1 else tuple(f"axis_{i}" for i in range(len(shape)))


def _at_least_one(values: NDArray[Any]) -> NDArray[Any]:
    """Room for one crossing where there was none: files have no axes without length."""
    if values.shape[-1]:
        return values
    return np.full((*values.shape[:-1], 1), np.nan, dtype=values.dtype)


def result_fields(table: Table) -> dict[str, Any]:
    """The fields of the result that a table was made of, symbols as plain names; `events` as (times, states, count).

    Raises InputError for tables that are no results of ours.
    """
    if table.attributes.get("format") != FORMAT:
        found = table.attributes.get("format")
        raise InputError(f"this is no result of symphys: its format is {found!r}, not {FORMAT!r}")
    try:
        shape = tuple(int(length) for length in json.loads(table.attributes["ensemble"]))
        conserved = {str(name): str(law) for name, law in json.loads(table.attributes["conserved"]).items()}
        pairs = tuple((str(q), str(p)) for q, p in json.loads(table.attributes["pairs"]))
        states = by_symbol(table, "state")
        parameters = {name: np.broadcast_to(v, shape).copy() for name, v in by_symbol(table, "parameter").items()}
        return {
            "t": the_one(table, "time").values,
            "states": states,
            "parameters": parameters,
            "drift": by_symbol(table, "drift"),
            "outcomes": outcomes_of(the_one(table, "status")),
            "times_reached": the_one(table, "time_reached").values,
            "steps": the_one(table, "steps").values,
            "rejected": the_one(table, "rejected").values,
            "events": tuple(_event(table, number) for number in range(int(table.attributes["events"]))),
            "method": str(table.attributes["method"]),
            "conserved": conserved,
            "pairs": pairs,
            "multipliers": by_symbol(table, "multiplier"),
            "ledger": by_symbol(table, "ledger"),
        }
    except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
        raise InputError(f"this result of symphys is damaged: {error}") from error


def by_symbol(table: Table, role: str) -> dict[str, NDArray[Any]]:
    """The values of all variables of a role, by the names of what they hold."""
    return {variable.symbol: variable.values for variable in table.variables.values() if variable.role == role}


def the_one(table: Table, role: str) -> Variable:
    """The variable of a role; KeyError where there is none."""
    return next(iter([v for v in table.variables.values() if v.role == role] or [_absent(role)]))


def _absent(role: str) -> Variable:
    raise KeyError(role)


def outcomes_of(variable: Variable) -> NDArray[np.object_]:
    """The outcomes whose numbers a variable holds, by the names that it brings along."""
    names = str(variable.attributes["flag_meanings"]).split()
    outcomes = np.empty(variable.values.shape, dtype=object)
    outcomes[...] = np.vectorize(lambda code: Outcome[names[code]], otypes=[object])(variable.values)
    return outcomes


def _event(table: Table, number: int) -> tuple[NDArray[Any], dict[str, NDArray[Any]], NDArray[Any]]:
    count = the_one(table, f"event {number} count").values
    used = slice(0, int(count.max()) if count.size else 0)
    states = {name: values[..., used] for name, values in by_symbol(table, f"event {number} state").items()}
    return the_one(table, f"event {number} times").values[..., used], states, count
