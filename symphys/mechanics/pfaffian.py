"""Constraints as Pfaffian forms sum_i a_i(q, t) dq_i + b(q, t) dt, whether they can be integrated or not.

A holonomic constraint f(q, t) = 0 has a = df/dq and b = df/dt; one that is written in velocities, a . v + b = 0, is its
form itself.  Constraint forces act along a, and do no work on displacements with a . dq = 0 (d'Alembert; Goldstein,
"Classical Mechanics", 3rd ed., section 2.4; Bloch, "Nonholonomic Mechanics and Control", 2nd ed., chapter 5).
"""

from dataclasses import dataclass
from typing import Any

import sympy

from symphys.mechanics.action import Action
from symphys.mechanics.differentiate import directional, jacobian
from symphys.mechanics.graph import free_symbols


@dataclass(frozen=True)
class Pfaffian:
    """m forms in jet symbols, in the order in which the constraints were given.

    rates: [m], sum_i a_ai v_i + b_a, which vanishes.
    rows: [m][n], a_ai.
    drifts: [m], b_a.
    holonomic: which of them hold positions too.
    """

    rates: tuple[Any, ...]
    rows: tuple[tuple[Any, ...], ...]
    drifts: tuple[Any, ...]
    holonomic: tuple[int, ...]


def pfaffian_of(action: Action) -> Pfaffian:
    """The forms of an action's constraints."""
    q, v = action.jet(0), action.jet(1)
    outer = {symbol: rate for symbol, rate in action.space.total_derivative.items() if symbol not in (*q, *v)}
    rates, rows, drifts, holonomic = [], [], [], []
    for index, constraint in enumerate(action.constraints):
        if free_symbols((constraint,)) & set(v):
            (row,) = jacobian((constraint,), v)
            drift = constraint.xreplace(dict.fromkeys(v, sympy.S.Zero))
            rate = constraint
        else:
            (row,) = jacobian((constraint,), q)
            (drift,) = directional((constraint,), outer)
            (rate,) = directional((constraint,), action.space.total_derivative)
            holonomic.append(index)
        rates.append(rate)
        rows.append(row)
        drifts.append(drift)
    return Pfaffian(tuple(rates), tuple(rows), tuple(drifts), tuple(holonomic))
