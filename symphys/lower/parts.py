"""The exact flows of the parts of a split, in nodes: by how much each component moves in a given duration.

Increments instead of states, so that sums may be compensated. A part becomes one function of (duration, t, state,
signals, parameters), whose results stand in the order of `moving`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from codegen import Builder, Function, Names, Node, apply, real, variable
from symphys.integrators.kepler_flow import stumpff
from symphys.lower.arguments import Arguments
from symphys.lower.expressions import lower_expressions
from symphys.lower.kepler import ELEMENTARY, Body, kepler_increments
from symphys.mechanics.split import Kepler, Linear, Part, Shear

MOST_TERMS = 30  # of the exponential series; where |A h| <= 1 it takes 19 to 2^-57


@dataclass(frozen=True)
class PartFlow:
    """The flow of one part: the components that it moves, and the function that gives their increments."""

    moving: tuple[int, ...]
    function: Function


def lower_part(part: Part, index: int, arguments: Arguments) -> PartFlow:
    """The flow of a part as a function of (duration, t, state, signals, parameters)."""
    names = Names([str(n.attribute) for n in arguments.all])
    b = Builder(names)
    duration = variable(names.fresh("duration"))
    moved: dict[int, Node] = {}
    bodies = []
    for component in part.components:
        if isinstance(component, Shear):
            rates = lower_expressions(component.rates, arguments.symbols)
            moved |= {i: duration * rate for i, rate in zip(component.moving, rates, strict=True)}
        elif isinstance(component, Linear):
            moved |= _linear(b, component, arguments, duration)
        else:
            bodies.append(_body(component, arguments))
    moved |= kepler_increments(b, bodies, duration)
    moving = tuple(sorted(moved))
    wishes = [f"change_{arguments.state[i].attribute}" for i in moving]
    results = tuple(b.let(wish, moved[i]) for wish, i in zip(wishes, moving, strict=True))
    return PartFlow(moving, Function(f"flow_{index + 1}", (duration, *arguments.all), b.block(), results))


def _body(component: Kepler, arguments: Arguments) -> Body:
    a, k = lower_expressions([component.a, component.k], arguments.symbols)
    q, w = (tuple(arguments.state[i] for i in each) for each in (component.q, component.w))
    return Body(component.q, component.w, q, w, a, k)


def _linear(b: Builder, component: Linear, arguments: Arguments, duration: Node) -> dict[int, Node]:
    """h phi_1(h A) (A x + b), with phi_1(z) = (exp(z) - 1) / z."""
    n = len(component.moving)
    entries = lower_expressions([e for row in component.matrix for e in row], arguments.symbols)
    matrix = [entries[i * n : (i + 1) * n] for i in range(n)]
    rates = lower_expressions(component.rates, arguments.symbols)
    rates = tuple(
        b.let(f"rate_{arguments.state[i].attribute}", r) for i, r in zip(component.moving, rates, strict=True)
    )
    if (square := _scalar_square(component.matrix)) is not None:
        (node,) = lower_expressions([square], arguments.symbols)
        values = _turned(node, square, matrix, rates, duration)
    else:
        values = _exponential(b, matrix, rates, duration)
    return dict(zip(component.moving, values, strict=True))


def _scalar_square(matrix: Sequence[Sequence[Any]]) -> Any | None:
    """-A^2 / identity for a 2 x 2 matrix without trace, whose exponential is a rotation or a hyperbolic one."""
    if len(matrix) != 2 or sympy.expand(matrix[0][0] + matrix[1][1]) != 0:
        return None
    return -(matrix[0][0] ** 2 + matrix[0][1] * matrix[1][0])


def _turned(
    node: Node, square: Any, matrix: Sequence[Sequence[Node]], rates: Sequence[Node], duration: Node
) -> tuple[Node, ...]:
    """h c_1(z) r + h^2 c_2(z) A r with z = h^2 `square`, r the rates, c_n Stumpff's functions."""
    if square.is_positive:
        w = apply("sqrt", node)
        half = apply("sin", real(0.5) * (w * duration))
        one, two = apply("sin", w * duration) / w, real(2.0) * (half * half) / node
    elif square == 0:
        one, two = duration, real(0.5) * (duration * duration)
    else:
        c1, c2, _ = stumpff(node * (duration * duration), ELEMENTARY)
        one, two = duration * c1, (duration * duration) * c2
    turned = [row[0] * rates[0] + row[1] * rates[1] for row in matrix]
    return tuple(one * r + two * s for r, s in zip(rates, turned, strict=True))


def _exponential(
    b: Builder, matrix: Sequence[Sequence[Node]], rates: Sequence[Node], duration: Node
) -> tuple[Node, ...]:
    """The same for any A, as the action of the exponential series in pieces with |A h| <= 1.

    Source: Al-Mohy and Higham, SIAM Journal on Scientific Computing 33 (2011) 488.
    """
    norm: Node = real(0.0)
    for row in matrix:
        total: Node = real(0.0)
        for entry in row:
            total = total + apply("abs", entry)
        norm = apply("max", norm, total)
    pieces = b.let("pieces", apply("floor", norm * apply("abs", duration)) + real(1.0))
    h = b.let("piece", duration / pieces)
    moved = [b.register(f"moved_{i}", real(0.0)) for i in range(len(rates))]
    piece = b.register("piece_number", real(0.0))

    def applied(vector: Sequence[Node]) -> list[Node]:
        found = []
        for row in matrix:
            total: Node = real(0.0)
            for entry, value in zip(row, vector, strict=True):
                total = total + entry * value
            found.append(total)
        return found

    with b.repeat_while(apply("lt", piece, pieces)):
        # the rates at the end of the pieces so far, A (x + moved) + b
        now = [b.let("rate_now", r + s) for r, s in zip(rates, applied(moved), strict=True)]
        terms = [b.register(f"term_{i}", h * r) for i, r in enumerate(now)]
        sums = [b.register(f"sum_{i}", t) for i, t in enumerate(terms)]
        order = b.register("order", real(1.0))
        going = apply("and", apply("lt", order, real(float(MOST_TERMS))), _matters(terms, sums))
        with b.repeat_while(going):
            b.assign(order, order + real(1.0))
            following = [b.let("next_term", h / order * value) for value in applied(terms)]
            for term, total, value in zip(terms, sums, following, strict=True):
                b.assign(term, value)
                b.assign(total, total + value)
        for register, total in zip(moved, sums, strict=True):
            b.assign(register, register + total)
        b.assign(piece, piece + real(1.0))
    return tuple(moved)


def _matters(terms: Sequence[Node], sums: Sequence[Node]) -> Node:
    """Whether a term still changes its sum: the largest one in the last place of the largest."""
    last, whole = real(0.0), real(0.0)
    for term, total in zip(terms, sums, strict=True):
        last, whole = apply("max", last, apply("abs", term)), apply("max", whole, apply("abs", total))
    return apply("lt", whole * real(2.0**-57), last)
