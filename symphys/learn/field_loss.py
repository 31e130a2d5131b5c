"""What a fit of fields compares: the rates that the field equations give, and those that were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import InputError
from symphys.fields.dynamics import FieldDynamics
from symphys.fields.jets import FieldJets
from symphys.fields.read import scalar, to_jet
from symphys.language import predicted
from symphys.learn.loss import Question, squares
from symphys.mechanics.probe import vanishes
from symphys.simulate.lattice.naming import field_name


def field_rates(dynamics: FieldDynamics) -> dict[Any, tuple[Any, bool]]:
    """{label: (its expression in jets of the state, whether it is complex)} of all rates that the equations give."""
    found = {}
    for u, rate in zip(dynamics.unknowns, dynamics.rates, strict=True):
        label = dynamics.jets.written(dynamics.jets.symbol(u.field, (u.order, *u.index[1:])))
        found[label] = (rate, u.complex)
    return found


def field_tops(dynamics: FieldDynamics) -> dict[Any, Any]:
    """{jet symbol: expression in jets of the state} of the same, conjugates too."""
    jets = dynamics.jets
    found: dict[Any, Any] = {}
    for u, rate in zip(dynamics.unknowns, dynamics.rates, strict=True):
        top = jets.symbol(u.field, (u.order, *u.index[1:]))
        found |= {jets.conjugate(top): jets.conjugated(rate), top: rate}
    return found


def field_states(dynamics: FieldDynamics) -> dict[Any, tuple[Any, bool]]:
    """{label: (its jet symbol, whether it is complex)} of all parts of the state."""
    found = {}
    for u in dynamics.unknowns:
        found[u.label] = (u.jet, u.complex)
        if u.order == 2:
            found[u.velocity_label] = (u.velocity, u.complex)
    return found


@dataclass(frozen=True)
class FieldQuestion(Question):
    """A question about fields; real and imaginary parts of what was measured are symbols of their own.

    predictions: {symbol: (jet expression, part of it)}; keys, parts: of each of `measured` what it is a part of.
    """

    parts: tuple[int, ...]

    def row(self, key: Any) -> int:
        """The first row of the data of a key."""
        return self.keys.index(key)

    def holds(self, residual: Any) -> list[int]:
        """The rows of the data that a residual uses."""
        return [row for row, symbol in enumerate(self.measured) if symbol in residual.free_symbols]


def ask_for_fields(known: Mapping[Any, tuple[Any, bool]], keys: Sequence[Any]) -> FieldQuestion:
    """A residual for each key, two for a complex one: the prediction less the measured value.

    known: {label: (expression, whether it is complex)}. Raises InputError for keys that are none of these.
    """
    _refuse_strange(known, keys)
    measured = _measured(known, keys)
    says: dict[Any, Any] = {}
    residuals = []
    for (key, part), symbol in measured.items():
        model = _symbol("model", key, part)
        says[model] = (known[key][0], part)
        residuals.append(model - symbol)
    targets = tuple(key for key, _ in measured)
    parts = tuple(part for _, part in measured)
    return FieldQuestion(tuple(residuals), says, tuple(measured.values()), targets, targets, True, parts)


def ask_fields(
    jets: FieldJets, known: Mapping[Any, tuple[Any, bool]], loss: Any, keys: Sequence[Any], tops: Mapping[Any, Any]
) -> FieldQuestion:
    """The residuals of a loss of the user's own: an expression, or several whose squares are taken.

    keys: what was measured, as in `ask_for_fields`. tops: {jet symbol: expression}, what the equations give for rates
    in what is predicted. Raises InputError for a loss that does not use what was measured, or is complex.
    """
    _refuse_strange(known, keys)
    several = isinstance(loss, Sequence | sympy.MatrixBase)
    written = [scalar(each, "loss") for each in (list(loss) if several else [loss])]
    parts, squared = (written, True) if several else squares(written[0])
    measured = _measured(known, keys)
    by_key = {key: [s for (k, _), s in measured.items() if k == key] for key in keys}
    if unused := [key for key in keys if not any(part.has(key) for part in parts)]:
        raise InputError(f"the data hold {unused[0]}, which the loss does not use; remove it or use it in the loss")
    says: dict[Any, Any] = {}
    told: dict[Any, Any] = {}
    for number, node in enumerate(sorted({n for part in parts for n in part.atoms(predicted)}, key=str)):
        expression = to_jet(scalar(node.args[0], "prediction"), jets).xreplace(dict(tops))
        pair = [sympy.Symbol(f"model {number} {part}", real=True) for part in (0, 1)]
        says |= {symbol: (expression, part) for part, symbol in enumerate(pair)}
        real = vanishes((expression - jets.conjugated(expression),))
        told[node] = pair[0] if real else pair[0] + sympy.I * pair[1]
    residuals: list[Any] = []
    for shown, part in zip(parts, (each.xreplace(told) for each in parts), strict=True):
        for key in sorted(by_key, key=lambda each: -each.count_ops()):
            symbols = by_key[key]
            part = part.xreplace({key: symbols[0] + (sympy.I * symbols[1] if len(symbols) > 1 else 0)})
        read = to_jet(part, jets)
        conjugated = jets.conjugated(read)
        if vanishes((read - conjugated,)):
            residuals.append(read)
        elif several:
            residuals += [(read + conjugated) / 2, (read - conjugated) / (2 * sympy.I)]
        else:
            raise InputError(f"the loss {shown} is complex; take Abs(...)**2, or give a list of residuals")
    parts_of = tuple(part for _, part in measured)
    keys_of = tuple(key for key, _ in measured)
    return FieldQuestion(
        tuple(residuals), says, tuple(measured.values()), keys_of, (None,) * len(residuals), squared, parts_of
    )


def _refuse_strange(known: Mapping[Any, Any], keys: Sequence[Any]) -> None:
    if strange := [key for key in keys if key not in known]:
        listed = ", ".join(map(str, known))
        raise InputError(f"the data hold {strange[0]}, which the field equations do not give; they give {listed}")


def _measured(known: Mapping[Any, tuple[Any, bool]], keys: Sequence[Any]) -> dict[tuple[Any, int], Any]:
    """{(key, part): symbol} of what was measured."""
    return {(key, part): _symbol("measured", key, part) for key in keys for part in range(1 + known[key][1])}


def _symbol(role: str, key: Any, part: int) -> Any:
    return sympy.Symbol(f"{role} {field_name(key)} {part}", real=True)
