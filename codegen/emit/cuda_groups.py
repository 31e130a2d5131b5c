"""Loops over neighbours by groups of turns that share their loads.

All threads read the same place in such a loop, each turn one further on, so that what counts is how many loads are
issued; and whether a neighbour is oneself is asked once a group.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from math import prod

from codegen.bindings import bound_names, names_read
from codegen.ir import Kind, Node, boolean, constant_value, integer, variable, variables, walk
from codegen.optimise.traverse import with_nodes
from codegen.program import (
    Accumulate,
    Array,
    Assign,
    Block,
    Comment,
    For,
    Intent,
    Kernel,
    Let,
    Load,
    Statement,
    nodes_of,
    statements,
)
from codegen.rewrite import with_arguments

from .expressions import Sharing
from .text import Printer, inside_loop

GROUP = 16
LARGE = 100  # operations of a turn, past which a group of them is too much text
LEAST = 4  # turns of a group: sixteen bytes in single precision
PLAIN = (Let, Load, Assign, Accumulate, Comment)


def turns_of_a_group(kernel: Kernel, rows: int, group: int = GROUP) -> int:
    """How many turns a group has where threads take several rows at once: fewer where the text would be too long."""
    loops = [s for s in kernel.body if isinstance(s, For)]
    most = max((sum(bool(n.args) for n in walk([n for s in f.body for n in nodes_of(s)])) for f in loops), default=0)
    return group if rows * most <= LARGE else max(LEAST, group // rows)


def grouped_loads(
    loop: For, arrays: Mapping[str, Array], where: Callable[[Load], tuple[Node, ...]], large: int = LARGE
) -> dict[int, Node]:
    """By its place in the body, the position less the counter of each load of shared memory that only reads.

    None in loops with control flow or bodies of more than `large` operations; `where` gives the position of a load.
    """
    if not all(isinstance(s, PLAIN) for s in loop.body):
        return {}
    if sum(1 for _ in walk([n for s in loop.body for n in nodes_of(s)])) > large:
        return {}
    inside = _inside(loop)
    found = {}
    for i, s in enumerate(loop.body):
        array = arrays.get(s.array) if isinstance(s, Load) else None
        if not isinstance(s, Load) or array is None:
            continue
        if array.instanced or array.intent is not Intent.IN or array.kind is not Kind.REAL:
            continue
        (position,) = where(s)
        rest = _less(position, loop.counter)
        if rest is not None and not names_read((rest,)) & inside:
            found[i] = rest
    return found


def away_from(loop: For) -> tuple[Block, tuple[Node, ...]]:
    """The body where the counter equals none of the places that it is compared with, and these places."""
    inside, places = _inside(loop), {}
    for n in walk([n for s in loop.body for n in nodes_of(s)]):
        if n.op == "eq" and loop.counter in n.args:
            (place,) = (a for a in n.args if a != loop.counter) if n.args[0] != n.args[1] else (None,)
            if place is not None and not names_read((place,)) & inside:
                places[n.key] = place
    if not places:
        return loop.body, ()
    return tuple(_decided(s, places) for s in loop.body), tuple(dict.fromkeys(places.values()))


def _decided(statement: Statement, false: Collection[bytes]) -> Statement:
    """The statement where some comparisons are known to fail."""
    if not any(n.key in false for n in walk(nodes_of(statement))):
        return statement
    done: dict[bytes, Node] = {}
    for n in walk(nodes_of(statement)):
        done[n.key] = boolean(False) if n.key in false else with_arguments(n, tuple([done[a.key] for a in n.args]))
    return with_nodes(statement, [done[n.key] for n in nodes_of(statement)])


def is_narrow(n: Node, narrow: Collection[Node]) -> bool:
    """Whether an integer is made of axes, counters and constants by sums and by products with constants."""
    if n.kind is not Kind.INT:
        return False
    if n.op == "variable":
        return n in narrow
    if n.op == "select":
        return all(is_narrow(a, narrow) for a in n.args[1:])
    if n.op == "mul" and all(constant_value(a) is None for a in n.args):
        return False
    return n.op == "constant" or (n.op in ("add", "sub", "mul") and all(is_narrow(a, narrow) for a in n.args))


def largest_factor(kernel: Kernel, walks: Collection[Node] = ()) -> int:
    """How many times an axis or a counter the largest integer is that the kernel computes in narrow ones; `walks`:
    other names of axes."""
    narrow = {*(variable(a, Kind.INT) for a in (kernel.lane, *kernel.outer)), *walks}
    factors: dict[bytes, int] = {v.key: 1 for v in narrow}
    for s in statements(kernel.body):
        for n in walk(nodes_of(s)):
            if n.key in factors or not is_narrow(n, narrow):
                continue
            parts = [factors.get(a.key, 0) for a in n.args]
            if n.op == "constant":
                factors[n.key] = abs(int(constant_value(n) or 0))
            else:
                factors[n.key] = prod(parts) if n.op == "mul" else sum(parts[-2:])
        if isinstance(s, For):
            narrow.add(s.counter)
            factors[s.counter.key] = 1
        elif isinstance(s, Let) and is_narrow(s.value, narrow):
            narrow.add(s.target)
            factors[s.target.key] = factors[s.value.key]
    return max([1, *factors.values()])


def _inside(loop: For) -> set[str]:
    """The names that change in a loop."""
    assigned = {str(s.target.attribute) for s in loop.body if isinstance(s, Assign)}
    return {str(loop.counter.attribute), *bound_names(loop.body), *assigned}


def _less(position: Node, counter: Node) -> Node | None:
    """What is left of a sum that holds the counter once; None for other nodes."""
    if position == counter:
        return integer(0)
    if position.op == "add":
        for mine, other in (position.args, position.args[::-1]):
            if counter not in variables((other,)) and (rest := _less(mine, counter)) is not None:
                return rest + other
    if position.op == "sub" and counter not in variables((position.args[1],)):
        rest = _less(position.args[0], counter)
        return None if rest is None else rest - position.args[1]
    return None


def beside(text: str) -> str:
    """An expression beside a comparison or a sum: choices and tests bind less tightly, and are enclosed."""
    return f"({text})" if re.search(r"[?<>=&|!]", text) else text


class GroupPrinter(Printer):
    """A printer that knows what a group holds: `parts`, by the id of the statement that loads it."""

    parts: dict[int, str]


def write_groups(p: GroupPrinter, loop: For, loads: Mapping[int, Node], sharing: Sharing, group: int = GROUP) -> None:
    """Groups of turns where they begin on a boundary, without tests that none of their turns passes; then the rest."""
    counter, body = p.name(loop.counter), loop.body
    start, stop, *first = p.render((loop.start, loop.stop, *(loop.start + r for r in loads.values())), sharing)
    at, turn, aligned = (p.naming.take(wish) for wish in (f"{counter}_at", "turn", f"{counter}_aligned"))
    arrays = [p.naming(s.array) for i, s in enumerate(body) if i in loads and isinstance(s, Load)]
    p.line(f"sym_place {at} = {start};")
    p.line(f"bool {aligned} = true;")
    for array, position in zip(arrays, first, strict=True):
        p.line(f"{aligned} = {aligned} && sym_aligned(&{array}[(sym_place)({position})]);")
    p.line(f"for (; {aligned} && {at} + {group} <= {beside(stop)}; {at} += {group}) {{")
    p.depth += 1
    for (i, rest), array in zip(loads.items(), arrays, strict=True):
        name = p.naming.take(f"{array}_group")
        (position,) = p.render((rest,), Sharing())
        p.line(f"const sym_group {name} = sym_load_group(&{array}[(sym_place)({at} + {beside(position)})]);")
        p.parts[id(body[i])] = f"{name}.part[{turn}]"
    elsewhere, places = away_from(loop)
    if places:
        asked = [beside(place) for place in p.render(places, Sharing(sharing))]
        p.open_if(" || ".join(f"({place} >= {at} && {place} < {at} + {group})" for place in asked))
        _turns(p, loop, body, at, turn, sharing, group)
        p.line("} else {")
    _turns(p, loop, elsewhere, at, turn, sharing, group)
    if places:
        p.close(())
    p.depth -= 1
    p.close(())
    for i in loads:
        del p.parts[id(body[i])]
    p.open_for(counter, at, stop)
    p.nested(body, inside_loop(loop, sharing))


def _turns(p: GroupPrinter, loop: For, body: Block, at: str, turn: str, sharing: Sharing, group: int) -> None:
    """The turns of a group."""
    p.depth += 1
    p.line("#pragma unroll")
    p.line(f"for (int {turn} = 0; {turn} < {group}; ++{turn}) {{")
    p.line(f"{p.indent}const sym_place {p.name(loop.counter)} = {at} + {turn};")
    p.nested(body, inside_loop(loop, sharing))
    p.depth -= 1
