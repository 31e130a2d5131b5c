"""A result as a table of named variables over named axes: what data sets and files hold.

Everything is numbers and text, so that reading a file evaluates nothing: symbols come back as their plain names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
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


@contextmanager
def reading(table: Table, form: str, what: str) -> Iterator[Attributes]:
    """The attributes of a table of a format; InputError for one of another, and where what is read is not there."""
    found = table.attributes.get("format")
    if found != form:
        raise InputError(f"this is no {what} of symphys: its format is {found!r}, not {form!r}")
    try:
        yield table.attributes
    except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
        raise InputError(f"this result of symphys is damaged: {error}") from error


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

    def table(self, form: str, result: Any, **more: Any) -> Table:
        """All of them, and what every kind of result says of itself, for `reading` and `ends_of`."""
        attributes = {
            "format": form,
            "method": result.method,
            "drift": ", ".join(f"{name}: {float(np.max(d)):.3g}" for name, d in result.drift.items() if np.size(d)),
            "ensemble": json.dumps(list(result.shape)),
            "details": json.dumps([] if result.details is None else [str(each) for each in result.details.flat]),
        }
        return Table(self.variables, attributes | more)


def status_codes(outcomes: NDArray[Any]) -> NDArray[np.int64]:
    """The numbers that stand for outcomes in files."""
    codes = np.zeros(outcomes.shape, dtype=np.int64)
    for code, outcome in enumerate(Outcome):
        codes[outcomes == outcome] = code
    return codes


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
    named = {plain_name(s): (latex_name(s), on_host(values)) for s, values in result.parameters.items()}
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
    return columns.table(
        FORMAT,
        result,
        conserved=laws_text(result.conserved),
        pairs=json.dumps([[plain_name(q), plain_name(p)] for q, p in result.pairs]),
        events=len(result.events),
    )


def laws_text(laws: Mapping[str, Any]) -> str:
    """Conserved quantities {name: expression} as text."""
    return json.dumps({name: str(law) for name, law in laws.items()})


def laws_in(attributes: Attributes) -> dict[str, str]:
    """{name: expression as text} of `laws_text`."""
    return {str(name): str(law) for name, law in json.loads(attributes["conserved"]).items()}


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
    with reading(table, FORMAT, "result") as attributes:
        return {
            "t": the_one(table, "time").values,
            "states": by_symbol(table, "state"),
            "parameters": parameters_in(table),
            "drift": by_symbol(table, "drift"),
            **ends_of(table),
            "steps": the_one(table, "steps").values,
            "rejected": the_one(table, "rejected").values,
            "events": tuple(_event(table, number) for number in range(int(attributes["events"]))),
            "conserved": laws_in(attributes),
            "pairs": tuple((str(q), str(p)) for q, p in json.loads(attributes["pairs"])),
            "multipliers": by_symbol(table, "multiplier"),
            "ledger": by_symbol(table, "ledger"),
        }


def ends_of(table: Table) -> dict[str, Any]:
    """By what method and how each run of a result ended, as fields of the result."""
    details = np.array(json.loads(table.attributes.get("details", "[]")), dtype=object)
    return {
        "method": str(table.attributes["method"]),
        "outcomes": outcomes_of(the_one(table, "status")),
        "times_reached": the_one(table, "time_reached").values,
        "details": details.reshape(ensemble_of(table)) if details.size else None,
    }


def ensemble_of(table: Table) -> tuple[int, ...]:
    """The shape of the ensemble."""
    return tuple(int(length) for length in json.loads(table.attributes["ensemble"]))


def parameters_in(table: Table) -> dict[str, NDArray[Any]]:
    """{name: [...]}, over the whole ensemble."""
    shape = ensemble_of(table)
    return {name: np.broadcast_to(v, shape).copy() for name, v in by_symbol(table, "parameter").items()}


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
    known = np.array([Outcome[name] for name in names], dtype=object)
    return np.asarray(known[variable.values])


def _event(table: Table, number: int) -> tuple[NDArray[Any], dict[str, NDArray[Any]], NDArray[Any]]:
    count = the_one(table, f"event {number} count").values
    used = slice(0, int(count.max()) if count.size else 0)
    states = {name: values[..., used] for name, values in by_symbol(table, f"event {number} state").items()}
    return the_one(table, f"event {number} times").values[..., used], states, count
