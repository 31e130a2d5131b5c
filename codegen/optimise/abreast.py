"""Several rows of a kernel in one turn: what they read is asked for together, before any of them writes.

A thread that walks along rows waits for memory in each; with the loads of several rows on their way it waits once. At
the end of its stretch the last row is done again in place of those beyond it, with the same result.
"""

from __future__ import annotations

from dataclasses import replace

from codegen.ir import Kind, Node, integer, variable, walk
from codegen.primitives import apply
from codegen.program import Block, Comment, Kernel, Let, Load, Statement, Store, nodes_of
from codegen.rewrite import rebuild

from .cost import cost
from .traverse import targets, with_nodes

MOST = ((4, 4), (16, 2))  # (loads of one row that are its own, rows)
LIGHT = 60  # operations of a row: with more, its registers are worth more than its waiting


def rows_abreast(kernel: Kernel) -> int:
    """How many rows of the axis along which threads walk suit the kernel.

    One where there is control flow, a sum, a load that follows a store, or much to compute.
    """
    if not kernel.outer or not all(isinstance(s, Let | Load | Store | Comment) for s in kernel.body):
        return 1
    stored: set[str] = set()
    for s in kernel.body:
        if isinstance(s, Store):
            stored.add(s.array)
        elif isinstance(s, Load) and s.array in stored:
            return 1
    instanced = {array.name for array in kernel.arrays if array.instanced}
    loads = sum(isinstance(s, Load) and s.array in instanced for s in kernel.body)
    if sum(map(cost, walk([n for s in kernel.body for n in nodes_of(s)]))) > LIGHT + loads:
        return 1
    return next((rows for most, rows in MOST if loads <= most), 1)


def walked_axis(kernel: Kernel) -> str:
    """The outer axis along which threads walk, the one before the last where there are two: threads side by side share
    the neighbours along the last."""
    return kernel.outer[-2:][0]


def last_row(kernel: Kernel) -> Node:
    """The variable that holds the last row of the stretch, which whoever prints the kernel declares."""
    return variable(f"{walked_axis(kernel)}_last", Kind.INT)


def abreast(kernel: Kernel, rows: int) -> Kernel:
    """The kernel over `rows` rows from the present one on, or as many as the stretch has."""
    if rows == 1:
        return kernel
    row, last = variable(walked_axis(kernel), Kind.INT), last_row(kernel)
    bodies: list[Block] = [kernel.body]
    for further in range(1, rows):
        there = variable(f"{row.attribute}_{further}", Kind.INT)
        place = row + integer(further)
        head = Let(there, apply("select", apply("lt", last, place), last, place))
        bodies.append((head, *_renamed(kernel.body, row, there, f"_row_{further}")))
    out: list[Statement] = []
    waiting = [list(body) for body in bodies]
    for body in waiting:
        out += [s for s in body if not isinstance(s, Store)]
    for body in waiting:
        out += [s for s in body if isinstance(s, Store)]
    return replace(kernel, body=tuple(out))


def _renamed(body: Block, row: Node, there: Node, suffix: str) -> Block:
    replacement = {row: there}
    for s in body:
        for target in targets(s):
            replacement[target] = variable(f"{target.attribute}{suffix}", target.kind)
    out: list[Statement] = []
    for s in body:
        if isinstance(s, Comment):
            continue
        s = with_nodes(s, rebuild(nodes_of(s), replacement))
        if isinstance(s, Let | Load):
            s = replace(s, target=replacement[s.target])
        out.append(s)
    return tuple(out)
