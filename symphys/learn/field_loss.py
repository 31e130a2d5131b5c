"""What a fit of fields compares: the rates that the field equations give, and those that were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy

from symphys.errors import InputError
from symphys.fields.dynamics import FieldDynamics
from symphys.learn.loss import Question
from symphys.simulate.lattice.naming import field_name


def field_rates(dynamics: FieldDynamics) -> dict[Any, tuple[Any, bool]]:
    """{label: (its expression in jets of the state, whether it is complex)} of all rates that the equations give."""
    found = {}
    for u, rate in zip(dynamics.unknowns, dynamics.rates, strict=True):
        label = dynamics.jets.written(dynamics.jets.symbol(u.field, (u.order, *u.index[1:])))
        found[label] = (rate, u.complex)
    return found


def field_states(dynamics: FieldDynamics) -> dict[Any, tuple[Any, bool]]:
    """{label: (its jet symbol, whether it is complex)} of all parts of the state."""
    found = {}
    for u in dynamics.unknowns:
        found[u.label] = (u.jet, u.complex)
        if u.order == 2:
            found[u.velocity_label] = (u.velocity, u.complex)
    return found


def ask_for_fields(known: Mapping[Any, tuple[Any, bool]], keys: Sequence[Any]) -> tuple[Question, Mapping[Any, int]]:
    """A residual for each key, two for a complex one: the prediction less the measured value; {symbol: parts} of these.

    known: {label: (expression, whether it is complex)}. Raises InputError for keys that are none of these.
    """
    if strange := [key for key in keys if key not in known]:
        listed = ", ".join(map(str, known))
        raise InputError(f"the data hold {strange[0]}, which the field equations do not give; they give {listed}")
    measured: dict[Any, int] = {}
    says: dict[Any, Any] = {}
    residuals: list[tuple[Any, int]] = []
    targets: list[Any] = []
    for key in keys:
        expression, is_complex = known[key]
        symbol, model = (sympy.Symbol(f"{role} {field_name(key)}") for role in ("measured", "model"))
        measured[symbol] = 2 if is_complex else 1
        says[model] = expression
        for part in range(measured[symbol]):
            residuals.append((model - symbol, part))
            targets.append(key)
    return Question(tuple(residuals), says, tuple(measured), tuple(keys), tuple(targets), True), measured
