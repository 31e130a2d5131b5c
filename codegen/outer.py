"""Outer products of private vectors written out as loops, for what has no products of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from .bindings import names_in
from .builder import Builder, Names
from .ir import Node, add_many
from .optimise.traverse import everywhere, results_of, with_body
from .program import Block, For, Function, If, Kernel, Outer, Statement, While, statements
from .tiles import NEIGHBOURS, tile_width, tiled

Scope = TypeVar("Scope", Kernel, Function)
Add = Callable[[tuple[Node, ...], tuple[Node, ...]], None]  # the place of an element; values for it and what follows


def write_products(b: Builder, outer: Outer, add: Add) -> None:
    """The sums of products of one instance, some rows and neighbouring columns at a time."""

    def rows(numbers: tuple[Node, ...]) -> None:
        left = [[b.load("left", name, outer.left_begin + i) for name in outer.left] for i in numbers]

        def columns(neighbours: tuple[Node, ...]) -> None:
            right = [[b.load("right", name, outer.right_begin + k) for name in outer.right] for k in neighbours]
            for i, own in zip(numbers, left, strict=True):
                values = tuple(add_many(x * y for x, y in zip(own, vector, strict=True)) for vector in right)
                add((*outer.index[:-1], outer.index[-1] + i * outer.columns + neighbours[0]), values)

        tiled(b, outer.columns, NEIGHBOURS, columns)

    tiled(b, outer.rows, tile_width(len(outer.left)), rows)


def write_out(kernel: Kernel) -> Kernel:
    """The kernel, and the functions that it calls, with all outer products as loops."""
    return _written_out(replace(kernel, body=everywhere(_written_out, kernel.body)))


def _written_out(scope: Scope) -> Scope:
    if not any(isinstance(s, Outer) for s in statements(scope.body)):
        return scope
    return with_body(scope, _block(scope.body, Names(names_in(scope))), results_of(scope))


def _loops(outer: Outer, names: Names) -> Block:
    b = Builder(names)

    def add(place: tuple[Node, ...], values: tuple[Node, ...]) -> None:
        b.accumulate(outer.array, *place, value=values[0], more=values[1:])

    write_products(b, outer, add)
    return b.block()


def _block(block: Block, names: Names) -> Block:
    out: list[Statement] = []
    for statement in block:
        match statement:
            case Outer():
                out.extend(_loops(statement, names))
            case For(_, _, _, body) | While(_, body) | If(_, body):
                out.append(replace(statement, body=_block(body, names)))
            case _:
                out.append(statement)
    return tuple(out)
