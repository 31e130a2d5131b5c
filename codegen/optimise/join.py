"""Launches that follow one another joined into one, which reads and writes memory once instead of twice.

A kick reads a field at neighbouring sites and changes the velocity; the drift after it changes the field by the
velocity at its own site. Joined, no site may see a neighbour that has drifted already: the new field goes to a second
buffer, and the two change places after every launch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from codegen.ir import Node, variable
from codegen.program import (
    Accumulate,
    Array,
    Block,
    Comment,
    Intent,
    Kernel,
    Launch,
    Let,
    Load,
    Program,
    Repeat,
    Scalar,
    Statement,
    Step,
    Store,
    nodes_of,
)
from codegen.rewrite import rebuild

from .traverse import targets, with_nodes


@dataclass(frozen=True)
class Joined:
    """A launch that writes the new values of some arrays to second buffers, {array: its second buffer} of the program,
    which take the arrays' names when it is done."""

    launch: Launch
    swaps: tuple[tuple[str, str], ...]


JoinedStep = Step | Joined


@dataclass(frozen=True)
class JoinedRepeat:
    """A repetition with joined launches in its body."""

    count: int | str
    body: tuple[JoinedStep, ...]
    counter: str | None


def join_launches(program: Program) -> tuple[JoinedStep | JoinedRepeat, ...]:
    """The steps of a program in which repeated launches are joined where they may be.

    Bodies are turned to begin elsewhere, AB AB A -> A BA BA, where that brings a pair together and what follows the
    repetition begins as its body does.
    """
    out: list[JoinedStep | JoinedRepeat] = []
    waiting = list(program.body)
    while waiting:
        step = waiting.pop(0)
        if not isinstance(step, Repeat) or any(isinstance(s, Repeat) for s in step.body):
            out.append(step)
            continue
        best: tuple[int, list[JoinedStep]] = (0, _pairs(step.body))
        for turn in range(1, len(step.body)):
            alike = tuple(waiting[:turn]) == step.body[:turn]
            if not alike or _counts(step.body, step.counter):
                break
            found = _pairs((*step.body[turn:], *step.body[:turn]))
            if len(found) < len(best[1]):
                best = (turn, found)
        turn, body = best
        if len(body) == len(step.body):
            out.append(step)
            continue
        out += step.body[:turn]
        out.append(JoinedRepeat(step.count, tuple(body), step.counter))
        del waiting[:turn]
    return tuple(out)


def _counts(body: Sequence[Step], counter: str | None) -> bool:
    """Whether a launch of a body knows the number of its turn."""
    launches = [step for step in body if isinstance(step, Launch)]
    names = (dict(launch.rename).get(s.name, s.name) for launch in launches for s in launch.kernel.scalars)
    return counter is not None and counter in set(names)


def _pairs(body: Sequence[Step]) -> list[JoinedStep]:
    """A body with neighbours joined, from the left."""
    out: list[JoinedStep] = []
    i = 0
    while i < len(body):
        joined = None
        if i + 1 < len(body):
            first, second = body[i], body[i + 1]
            if isinstance(first, Launch) and isinstance(second, Launch):
                joined = join(first, second)
        out.append(joined or body[i])
        i += 2 if joined else 1
    return out


def join(first: Launch, second: Launch) -> Joined | None:
    """Two launches as one; None where they may not be, or where nothing is read twice.

    Both must be free of control flow, over the same sites; the second may look at its own site alone in what the first
    writes, and must write all of what it writes.
    """
    a, b = first.kernel, second.kernel
    if first.extents != second.extents or (a.lane, a.outer) != (b.lane, b.outer) or second.reach:
        return None
    if not all(isinstance(s, Let | Load | Store | Comment) for s in (*a.body, *b.body)):
        return None
    one, other = _in_program(first, ""), _in_program(second, "_then")
    stored = {s.array: s for s in one if isinstance(s, Store)}
    if len(stored) < sum(isinstance(s, Store) for s in one):
        return None
    loads = [s for s in other if isinstance(s, Load)]
    shared = [s for s in loads if s.array in stored]
    if not shared or any(s.shift or s.index != stored[s.array].index for s in shared):
        return None
    written = [s for s in other if isinstance(s, Store)]
    read = {s.array for s in one if isinstance(s, Load)}
    if any(s.array in stored or s.index != own_place(s.index) for s in written):
        return None
    swaps = tuple((name, f"{name}_then") for name in dict.fromkeys(s.array for s in written) if name in read)
    body = _joined(one, other, stored, dict(swaps))
    return Joined(_launch(first, second, body, dict(swaps)), swaps)


def own_place(index: tuple[Node, ...]) -> tuple[Node, ...]:
    """An index if it is that of the site itself: axes by name."""
    return index if all(n.op == "variable" for n in index) else ()


def _in_program(launch: Launch, suffix: str) -> Block:
    """The body of a kernel with arrays and scalars by the names of the program, and own names for all it binds."""
    names = dict(launch.rename)
    kept = {launch.kernel.lane, *launch.kernel.outer}
    replacement: dict[Node, Node] = {}
    for scalar in launch.kernel.scalars:
        replacement[scalar.node] = variable(names.get(scalar.name, scalar.name), scalar.kind)
    for s in launch.kernel.body:
        for target in targets(s):
            replacement[target] = variable(f"{target.attribute}{suffix}_here", target.kind)
    assert not kept & {str(old.attribute) for old in replacement}
    out: list[Statement] = []
    for s in launch.kernel.body:
        s = with_nodes(s, rebuild(nodes_of(s), replacement))
        if isinstance(s, Let | Load):
            s = replace(s, target=replacement[s.target])
        if isinstance(s, Load | Store):
            s = replace(s, array=names.get(s.array, s.array))
        out.append(s)
    return tuple(out)


def _joined(one: Block, other: Block, stored: Mapping[str, Store], swaps: Mapping[str, str]) -> Block:
    """What the first does but for its stores, then the second with what would have been stored, then all stores."""
    out = [s for s in one if not isinstance(s, Store)]
    for s in other:
        if isinstance(s, Load) and s.array in stored:
            out.append(Let(s.target, stored[s.array].value))
        elif not isinstance(s, Store):
            out.append(s)
    ends = (replace(s, array=swaps.get(s.array, s.array)) for s in other if isinstance(s, Store))
    return (*out, *stored.values(), *ends)


def _launch(first: Launch, second: Launch, body: Block, swaps: Mapping[str, str]) -> Launch:
    arrays: dict[str, Array] = {}
    scalars: dict[str, Scalar] = {}
    written = {s.array for s in body if isinstance(s, Store | Accumulate)}
    read = {s.array for s in body if isinstance(s, Load)}
    for launch in (first, second):
        names = dict(launch.rename)
        for array in launch.kernel.arrays:
            there = names.get(array.name, array.name)
            arrays[there] = replace(array, name=there)
        for scalar in launch.kernel.scalars:
            there = names.get(scalar.name, scalar.name)
            scalars[there] = replace(scalar, name=there)
    for name, second_buffer in swaps.items():
        arrays[second_buffer] = replace(arrays[name], name=second_buffer)
    for name, array in arrays.items():
        intent = Intent.INOUT if name in read else Intent.OUT
        arrays[name] = replace(array, intent=intent if name in written else Intent.IN)
    a, b = first.kernel, second.kernel
    name = f"{a.name}_{b.name}_{'_'.join(s for s in scalars if s not in _sizes(arrays.values()))}"
    kernel = Kernel(name, a.lane, tuple(arrays.values()), tuple(scalars.values()), body, a.outer, a.widest)
    return Launch(kernel, first.extents, (), first.reach)


def _sizes(arrays: Iterable[Array]) -> set[str]:
    """The scalars that are sizes of arrays."""
    return {size for array in arrays for size in array.shape if isinstance(size, str)}
