"""Loops whose turns threads can share out among themselves: none needs what another leaves, but for sums."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

from codegen.ir import Kind, Node, constant_value, walk
from codegen.optimise.traverse import Substitution
from codegen.product import affine
from codegen.program import (
    Accumulate,
    Assign,
    Block,
    Call,
    Comment,
    For,
    Let,
    Load,
    Local,
    Statement,
    Store,
    Var,
    nodes_of,
    statements,
)

UNROLLED = 6  # turns of a loop that are written one after the other at most
PLAIN = (Let, Var, Assign, Load, Store, Accumulate, Comment, For, Call)


@dataclass(frozen=True)
class Spread:
    """A loop whose turns may be shared out; `sums`: the registers to which all turns add."""

    sums: tuple[Node, ...]


@dataclass(frozen=True)
class _Range:
    """Places that move by `step` a turn: from `low` to `high` past `base` in the first."""

    base: frozenset[tuple[bytes, int]]
    step: int
    low: int
    high: int


def spread(loop: For) -> Spread | None:
    """Whether turns may be shared out among threads that see the same memory; None if not."""
    inside = list(statements(loop.body))
    if not all(isinstance(s, PLAIN) for s in inside) or any(isinstance(s, Local) for s in inside):
        return None
    own = {s.target for s in inside if isinstance(s, Var)}
    sums = tuple(dict.fromkeys(s.target for s in inside if isinstance(s, Assign) and s.target not in own))
    if any(not _adds(s, sums) for s in inside):
        return None
    stored = {s.array for s in inside if isinstance(s, Store)}
    found: dict[str, list[_Range | None]] = {name: [] for name in stored}
    outer: dict[str, tuple[Node, ...]] = {}
    for s, place in _places(loop.body, loop.counter, Substitution(), {}, stored):
        found[s.array].append(place)
        if outer.setdefault(s.array, s.index[:-1]) != s.index[:-1]:
            return None
    if not all(_apart(ranges, loop) for ranges in found.values()):
        return None
    return Spread(sums)


def _adds(s: Statement, sums: Collection[Node]) -> bool:
    """Whether a statement looks at no sum, but to add to it."""
    nodes = nodes_of(s)
    if isinstance(s, Assign) and s.target in sums:
        nodes = tuple(_terms(s.value, s.target))
        if s.target.kind is not Kind.REAL or nodes.count(s.target) != 1:
            return False
        nodes = tuple(n for n in nodes if n != s.target)
    return not any(n in sums for n in walk(nodes))


def _terms(value: Node, target: Node) -> Iterator[Node]:
    """The terms of a sum, taken apart as far as the target is in it."""
    if value.op == "add":
        for part in value.args:
            yield from _terms(part, target)
    elif value.op == "sub":
        yield from _terms(value.args[0], target)
        yield value.args[1]
    else:
        yield value


def _places(
    block: Block, counter: Node, values: Substitution, limits: dict[bytes, tuple[int, int]], stored: Collection[str]
) -> Iterator[tuple[Load | Store, _Range | None]]:
    """Where a turn reaches into arrays to which the loop stores."""
    for s in block:
        match s:
            case Let(target, value) if value.kind is Kind.INT:
                values.set(target, values(value))
            case For(inner, start, stop, body):
                first, last = constant_value(start), constant_value(stop)
                known = dict(limits)
                if first is not None and last is not None and last > first:
                    known[inner.key] = (int(first), int(last) - 1)
                yield from _places(body, counter, values, known, stored)
            case Load(_, array, index, _) | Store(array, index, _) if array in stored:
                yield s, _range(values(index[-1]), counter, limits) if index else None


def _range(place: Node, counter: Node, limits: dict[bytes, tuple[int, int]]) -> _Range | None:
    parts = affine(place)
    if parts is None or counter.key not in parts:
        return None
    low = high = parts.pop(b"", 0)
    step = parts.pop(counter.key)
    for key in [key for key in parts if key in limits]:
        ends = [parts[key] * n for n in limits[key]]
        del parts[key]
        low, high = low + min(ends), high + max(ends)
    return _Range(frozenset(parts.items()), step, low, high)


def _apart(ranges: list[_Range | None], loop: For) -> bool:
    """Whether no two turns reach the same place: alike moves keep their distance, others have places of their own."""
    kinds: dict[tuple[frozenset[tuple[bytes, int]], int], list[_Range]] = {}
    for r in ranges:
        if r is None:
            return False
        kinds.setdefault((r.base, r.step), []).append(r)
    if any(max(r.high for r in alike) - min(r.low for r in alike) >= abs(step) for (_, step), alike in kinds.items()):
        return False
    first, last = constant_value(loop.start), constant_value(loop.stop)
    if len(kinds) == 1:
        return True
    if first is None or last is None or len({base for base, _ in kinds}) > 1:
        return False
    extents = []
    for (_, step), alike in kinds.items():
        ends = [step * int(first), step * (int(last) - 1)]
        extents.append((min(r.low for r in alike) + min(ends), max(r.high for r in alike) + max(ends)))
    extents.sort()
    return all(before[1] < after[0] for before, after in pairwise(extents))


def even_turns(loop: For, threads: int) -> int:
    """How many turns each of some threads takes, of those that are shared out; 0 where it is unknown or not the same
    for all.
    """
    first, last = constant_value(loop.start), constant_value(loop.stop)
    if first is None or last is None:
        return 0
    turns, rest = divmod(int(last) - int(first), threads)
    return 0 if rest else turns


def at_once(turns: int) -> int:
    """How many of them are written one after the other: no turn is left over."""
    return max(n for n in range(1, UNROLLED + 1) if turns % n == 0)


def keeps_groups_whole(loop: For, threads: int) -> bool:
    """Whether as many neighbours among threads all take a turn, or none does."""
    first, last = constant_value(loop.start), constant_value(loop.stop)
    ends = [constant_value(n) for s in statements(loop.body) if isinstance(s, For) for n in (s.start, s.stop)]
    if first is None or last is None or None in ends:
        return False
    return (int(last) - int(first)) % threads == 0
