"""A result as a table of named variables over named axes: what data sets and files hold.

Everything is numbers and text, so that reading a file evaluates nothing: symbols come back as their plain names.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
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


def table_of(result: Result) -> Table:
    """A result as a table."""
    axes = _ensemble_axes(result.shape)
    clock = "t" if result.t.ndim == 1 else "step"
    variables: dict[str, Variable] = {}
    taken = {"t", "step", *axes}

    def add(wish: str, over: Iterable[str], values: Any, role: str, symbol: str = "", **more: Any) -> None:
        name = wish
        while name in taken:
            name += "_"
        taken.add(name)
        variables[name] = Variable(tuple(over), np.asarray(values), {"role": role, "symbol": symbol, **more})

    times = {"role": "time", "symbol": "t", "long_name": "t"}
    variables["t"] = Variable((clock,) if result.t.ndim == 1 else (*axes, clock), result.t, times)
    for label, values in result.states.items():
        add(plain_name(label), (*axes, clock), values, "state", plain_name(label), long_name=f"${latex_name(label)}$")
    for label, values in result.multipliers.items():
        add(
            plain_name(label),
            (*axes, clock),
            values,
            "multiplier",
            plain_name(label),
            long_name=f"${latex_name(label)}$",
        )
    for entry in fields(result.ledger) if result.ledger is not None else ():
        values = getattr(result.ledger, entry.name)
        add(f"ledger_{entry.name}", (*axes, clock), values, "ledger", entry.name, long_name=entry.name)
    for symbol, values in result.parameters.items():
        name, text = plain_name(symbol), f"${latex_name(symbol)}$"
        same = values.size > 0 and bool((values == values.flat[0]).all())
        add(name, () if same else axes, values.flat[0] if same else values, "parameter", name, long_name=text)
    for name, values in result.drift.items():
        law = str(result.conserved.get(name, ""))
        wish = f"drift_{name.replace(' ', '_')}"
        add(wish, axes, values, "drift", name, long_name=f"drift of {name}", expression=law)
    codes = {outcome: code for code, outcome in enumerate(Outcome)}
    flags: dict[str, Any] = {
        "flag_values": np.arange(len(codes)),
        "flag_meanings": " ".join(outcome.name for outcome in Outcome),
    }
    add("status", axes, np.vectorize(codes.get, otypes=[np.int64])(result.outcomes), "status", **flags)
    add("time_reached", axes, result.times_reached, "time_reached")
    add("steps", axes, result.steps, "steps")
    add("rejected", axes, result.rejected, "rejected")
    for number, record in enumerate(result.events):
        over = (*axes, f"event_{number}_crossing")
        add(f"event_{number}_count", axes, record.count, f"event {number} count")
        add(f"event_{number}_t", over, _at_least_one(record.times), f"event {number} times")
        for label, values in record.states.items():
            name = plain_name(label)
            add(f"event_{number}_{name}", over, _at_least_one(values), f"event {number} state", name)
    drifts = ", ".join(f"{name}: {float(np.max(d)):.3g}" for name, d in result.drift.items() if np.size(d))
    attributes = {
        "format": FORMAT,
        "method": result.method,
        "drift": drifts,
        "conserved": json.dumps({name: str(law) for name, law in result.conserved.items()}),
        "pairs": json.dumps([[plain_name(q), plain_name(p)] for q, p in result.pairs]),
        "ensemble": json.dumps(list(result.shape)),
        "events": len(result.events),
    }
    return Table(variables, attributes)


def _ensemble_axes(shape: tuple[int, ...]) -> tuple[str, ...]:
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
        states = _by_symbol(table, "state")
        parameters = {name: np.broadcast_to(v, shape).copy() for name, v in _by_symbol(table, "parameter").items()}
        return {
            "t": _one(table, "time").values,
            "states": states,
            "parameters": parameters,
            "drift": _by_symbol(table, "drift"),
            "outcomes": _outcomes(_one(table, "status")),
            "times_reached": _one(table, "time_reached").values,
            "steps": _one(table, "steps").values,
            "rejected": _one(table, "rejected").values,
            "events": tuple(_event(table, number) for number in range(int(table.attributes["events"]))),
            "method": str(table.attributes["method"]),
            "conserved": conserved,
            "pairs": pairs,
            "multipliers": _by_symbol(table, "multiplier"),
            "ledger": _by_symbol(table, "ledger"),
        }
    except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
        raise InputError(f"this result of symphys is damaged: {error}") from error


def _by_symbol(table: Table, role: str) -> dict[str, NDArray[Any]]:
    return {variable.symbol: variable.values for variable in table.variables.values() if variable.role == role}


def _one(table: Table, role: str) -> Variable:
    return next(iter([v for v in table.variables.values() if v.role == role] or [_absent(role)]))


def _absent(role: str) -> Variable:
    raise KeyError(role)


def _outcomes(variable: Variable) -> NDArray[np.object_]:
    names = str(variable.attributes["flag_meanings"]).split()
    outcomes = np.empty(variable.values.shape, dtype=object)
    outcomes[...] = np.vectorize(lambda code: Outcome[names[code]], otypes=[object])(variable.values)
    return outcomes


def _event(table: Table, number: int) -> tuple[NDArray[Any], dict[str, NDArray[Any]], NDArray[Any]]:
    count = _one(table, f"event {number} count").values
    used = slice(0, int(count.max()) if count.size else 0)
    states = {name: values[..., used] for name, values in _by_symbol(table, f"event {number} state").items()}
    return _one(table, f"event {number} times").values[..., used], states, count
