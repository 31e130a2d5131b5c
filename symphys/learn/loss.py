"""What a fit compares: residuals of what a model predicts and what was measured, by default or from an expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.function import Derivative

from symphys.errors import InputError
from symphys.language import predicted, t
from symphys.mechanics.dynamics import Dynamics, SecondOrder
from symphys.mechanics.jets import to_jet
from symphys.mechanics.read import scalar
from symphys.simulate.evaluate import read_expression
from symphys.simulate.naming import plain_name


@dataclass(frozen=True)
class Question:
    """Residuals in jet symbols, in the symbols `measured` and in the keys of `predictions` {symbol: jet expression}.

    squared: the loss is the mean of the squares of the residuals, else of the residuals. keys: what users call each of
    `measured`. targets: for each residual the key that it is about, None for residuals of a loss of the user's own.
    """

    residuals: tuple[Any, ...]
    predictions: dict[Any, Any]
    measured: tuple[Any, ...]
    keys: tuple[Any, ...]
    targets: tuple[Any, ...]
    squared: bool

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells these residuals from others."""
        return self.residuals, tuple(self.predictions.items()), self.squared


def ask_for(dynamics: Dynamics, keys: Sequence[Any]) -> Question:
    """One residual for each key: the prediction less the measured value."""
    measured = tuple(_symbol("measured", plain_name(key)) for key in keys)
    says = {_symbol("model", plain_name(key)): read_expression(dynamics, key) for key in keys}
    residuals = tuple(a - b for a, b in zip(says, measured, strict=True))
    return Question(residuals, says, measured, tuple(keys), tuple(keys), True)


def ask(dynamics: Dynamics, loss: Any, keys: Sequence[Any], free: Sequence[Any]) -> Question:
    """The residuals of a loss of the user's own: an expression, or several whose squares are taken.

    keys: what was measured. free: what may stand in it besides, as data and not as prediction (the state of samples).
    An expression that is a sum of squares is taken apart, so that it is fitted as least squares.
    Raises InputError for a loss that uses what was not measured, or does not use what was.
    """
    several = isinstance(loss, Sequence | sympy.MatrixBase)
    written = [scalar(each, "loss") for each in (list(loss) if several else [loss])]
    parts, squared = (written, True) if several else squares(written[0])
    says: dict[Any, Any] = {}
    told: dict[Any, Any] = {}
    for node in {n for part in parts for n in part.atoms(predicted)}:
        told[node] = _symbol("model", plain_name(node.args[0]))
        says[told[node]] = read_expression(dynamics, node.args[0])
    symbols = {key: _symbol("measured", plain_name(key)) for key in keys}
    bare = [part.xreplace(told) for part in parts]
    used = {key for key in symbols if any(part.has(key) for part in bare)}
    if unused := [key for key in keys if key not in used]:
        raise InputError(f"the data hold {unused[0]}, which the loss does not use; remove it or use it in the loss")
    # rates first: q'' contains q, and must not lose it to q's own symbol
    ordered = sorted(symbols, key=lambda key: -key.count_ops() if isinstance(key, sympy.Basic) else 0)
    residuals = []
    for part in bare:
        for key in (*(k for k in ordered if isinstance(k, Derivative)), *ordered):
            part = part.xreplace({key: symbols[key]})
        residuals.append(to_jet(part, dynamics.space))
    known = {*symbols.values(), *says, *free, *dynamics.parameters, dynamics.time, *(s for s, _ in dynamics.signals)}
    for part, shown in zip(residuals, parts, strict=True):
        if strange := sorted(map(str, part.free_symbols - known)):
            raise InputError(
                f"the loss {shown} uses {strange[0]}, which is not among the data; measure it, or write "
                "symphys.predicted(...) for what the model says"
            )
    chosen = tuple(key for key in keys if key in used)
    return Question(
        tuple(residuals), says, tuple(symbols[k] for k in chosen), chosen, (None,) * len(residuals), squared
    )


def _symbol(role: str, name: str) -> Any:
    """A symbol that no user makes, the same in every fit: kernels are found again by it."""
    return sympy.Symbol(f"{role} {name}", real=True)


def squares(loss: Any) -> tuple[list[Any], bool]:
    """The residuals whose squares a loss is the sum of, if it is one."""
    found = []
    for term in sympy.Add.make_args(loss):
        factor, rest = term.as_coeff_Mul()
        if not (isinstance(rest, sympy.Pow) and rest.exp == 2 and factor.is_positive):
            return [loss], False
        found.append(sympy.sqrt(factor) * rest.base)
    return found, True


def rates_of(dynamics: Dynamics) -> tuple[Any, ...]:
    """What the equations of motion give, as users write it: accelerations, or the rates of a first-order state."""
    labels = dynamics.labels
    if isinstance(dynamics, SecondOrder):
        labels = labels[len(labels) // 2 :]
    return tuple(sympy.Derivative(label, t) for label in labels)
