"""What friction and turning do to velocities at standing places, followed exactly; the same in runs and in fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codegen import Node, add_many, apply

Naming = Callable[[str, Node], Node]


def decayed(v: Sequence[Node], duration: Node, friction: Node, let: Naming) -> list[Node]:
    """v exp(-w / tau)."""
    factor = let("left_over", apply("exp", -duration * friction))
    return [rate * factor for rate in v]


def turned(v: Sequence[Node], duration: Node, mass: Node, field: Sequence[Node], let: Naming) -> list[Node]:
    """v turned about b by |b| w / m: v cos + v x n sin + n (n . v) (1 - cos); smooth where there is no field."""
    pace = let("pace", duration / mass)
    turns = [let("turn", part * pace) for part in field]
    if len(turns) == 1:
        c, s = let("cosine", apply("cos", turns[0])), let("sine", apply("sin", turns[0]))
        return [v[0] * c + v[1] * s, v[1] * c - v[0] * s]
    square = let("angle_squared", add_many(part * part for part in turns))
    some = apply("lt", 0.0, square)
    angle = let("angle", apply("sqrt", apply("select", some, square, 1.0)))
    c = let("cosine", apply("select", some, apply("cos", angle), 1.0))
    s = let("sine", apply("select", some, apply("sin", angle) / angle, 1.0))
    along = let("along", add_many(n * u for n, u in zip(turns, v, strict=True)) * ((1.0 - c) / (angle * angle)))
    return [v[k] * c + (v[k - 2] * turns[k - 1] - v[k - 1] * turns[k - 2]) * s + turns[k] * along for k in range(3)]
