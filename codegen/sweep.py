"""Launches that follow one another on a lattice of rings, taken in one walk through memory.

What the first computes around a place the next reads as its neighbours. A block of threads walks along the first outer
axis with a tile of the others; each launch is a `Stage` that lags behind the one before it, and is computed on the tile
and a ring around it, wide enough for what later ones read. So memory is read and written once for all of them.

What passes from stage to stage is a `Stream`: the values of one array over the places of a lattice, as they are in
memory before the sweep, or as a stage has made them. Overlapped tiles are those of Holewinski, Pouchet, Sadayappan
(ICS 2012), the walk is that of Micikevicius (GPGPU-2, 2009).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from .bindings import names_in, names_read, names_used
from .builder import Names
from .ir import Kind, Node, constant_value, integer, variable
from .optimise.traverse import Renaming
from .program import (
    Array,
    Block,
    Comment,
    Intent,
    Kernel,
    Launch,
    Let,
    Load,
    Scalar,
    Size,
    Statement,
    Store,
)
from .rings import Rings

Offset = tuple[int, int, int]  # along the walk, the rows and the lanes


@dataclass(frozen=True)
class Stream:
    """Values of `array` over all places; `stage` made them (None: they come from memory), `reads` says who reads which
    neighbours; `output`: they are written to memory, into `target`."""

    name: str
    array: str
    stage: int | None
    reads: tuple[tuple[int, Offset], ...]
    target: str = ""

    @property
    def output(self) -> bool:
        """Whether they are written to memory."""
        return bool(self.target)


@dataclass(frozen=True)
class Stage:
    """What one launch computes at a place: loads of streams have offsets as their indices, (walk, row) and the shift.

    walk: how its statements call the place along the walk. lag: how far it is behind the front of the walk. ring: how
    far around the tile it is computed, by axis.
    """

    body: Block
    walk: Node
    lag: int
    ring: Offset


@dataclass(frozen=True)
class Sweep:
    """A kernel that does what several launches do: `kernel` is what it asks for, by the names of the program.

    head: loads that are the same everywhere. streams: by their names. lattice: the arrays of the program that any of
    the launches reads or writes, place by place. apart: how many times an array is read or written by the launches as
    they are.
    """

    kernel: Kernel
    head: Block
    stages: tuple[Stage, ...]
    streams: Mapping[str, Stream]
    lattice: Mapping[str, Array]
    extents: tuple[Size, ...]
    apart: int

    @property
    def walk(self) -> str:
        """The axis along which blocks walk."""
        return self.kernel.outer[0]

    @cached_property
    def inner(self) -> Kernel:
        """The kernel with the streams as arrays, and all that the stages bind."""
        made = (replace(self.lattice[s.array], name=s.name, intent=Intent.INOUT) for s in self.streams.values())
        body = (*self.head, *(s for stage in self.stages for s in stage.body))
        return replace(self.kernel, arrays=(*self.kernel.arrays, *made), body=body)

    @cached_property
    def margin(self) -> Offset:
        """How far around the tile memory is read, by axis."""
        far = [self.around(s) for s in self.streams.values() if s.stage is None]
        return tuple(max((ring[axis] for ring in far), default=0) for axis in range(3))  # type: ignore[return-value]

    def around(self, stream: Stream) -> Offset:
        """How far around the tile a stream is read, by axis."""
        return _around(stream.reads, [stage.ring for stage in self.stages])

    def planes(self, stream: Stream) -> tuple[int, int]:
        """The oldest and the newest of its places along the walk that are needed at once, counted from the front."""
        places = [offset[0] - self.stages[stage].lag for stage, offset in stream.reads]
        newest = max(places, default=0) if stream.stage is None else -self.stages[stream.stage].lag
        return min([*places, newest]), newest

    def beside(self, stream: Stream) -> tuple[int, ...]:
        """Those of which neighbours along the other axes are read, in order."""
        return tuple(sorted({o[0] - self.stages[s].lag for s, o in stream.reads if o[1] or o[2]}))

    @property
    def begin(self) -> int:
        """Where the front begins, counted from the first place of a stretch."""
        return min(stage.lag - stage.ring[0] for stage in self.stages)

    @property
    def end(self) -> int:
        """Where it ends, counted from the end of the stretch."""
        return max(stage.lag + stage.ring[0] for stage in self.stages)


def sweep_of(
    launches: Sequence[Launch],
    rings: Rings,
    keeps: Collection[str],
    prepared: Callable[[Kernel], Kernel],
    later: Sequence[Mapping[str, int]] = (),
) -> Sweep | None:
    """The sweep that takes some launches together; None where one of them does more than load, compute and store at a
    place of a lattice of two or three axes.

    keeps: the arrays of the program whose last values are needed. later: how much further scalars of each launch are
    than they are for the first.
    """
    first = launches[0]
    places = {(launch.extents, launch.kernel.outer, launch.kernel.lane) for launch in launches}
    if not 1 <= len(first.kernel.outer) <= 2 or len(places) > 1:
        return None
    making = _Making(rings, len(launches), names_of(launches))
    for number, launch in enumerate(launches):
        if not making.add(number, launch, prepared(launch.kernel), later[number] if later else {}):
            return None
    return making.sweep(first, keeps)


def names_of(launches: Sequence[Launch]) -> tuple[str, ...]:
    """All names that launches take up, those of their kernels and those of the program."""
    renamed = (name for launch in launches for pair in launch.rename for name in pair)
    return (*(name for launch in launches for name in names_in(launch.kernel)), *renamed)


def _around(reads: Sequence[tuple[int, Offset]], rings: Sequence[Offset]) -> Offset:
    far = [[rings[stage][axis] + abs(offset[axis]) for stage, offset in reads] for axis in range(3)]
    return max(far[0], default=0), max(far[1], default=0), max(far[2], default=0)


@dataclass
class _Making:
    """A sweep under construction."""

    rings: Rings
    count: int
    taken: tuple[str, ...]
    arrays: dict[str, Array] = field(default_factory=dict)
    scalars: dict[str, Scalar] = field(default_factory=dict)
    head: dict[tuple[str, tuple[bytes, ...]], Load] = field(default_factory=dict)
    bodies: list[Block] = field(default_factory=list)
    walks: list[Node] = field(default_factory=list)
    current: dict[str, str] = field(default_factory=dict)  # the stream that an array is now
    streams: dict[str, Stream] = field(default_factory=dict)
    apart: int = 0

    def __post_init__(self) -> None:
        self.names = Names(self.taken)

    def add(self, number: int, launch: Launch, kernel: Kernel, later: Mapping[str, int]) -> bool:
        """One launch more; False where it does not suit."""
        names = dict(launch.rename)
        walk = variable(self.names.fresh(f"{kernel.outer[0]}_{number}"), Kind.INT)
        self.walks.append(walk)
        swap = Renaming({variable(kernel.outer[0], Kind.INT): walk})
        for scalar in kernel.scalars:
            name = names.get(scalar.name, scalar.name)
            known = self.scalars[name] = replace(scalar, name=name)
            swap.set(scalar.node, known.node + later[name] if name in later else known.node)
        tables = _places(kernel, names, self.rings)
        given = {a.name: a for a in kernel.arrays}
        lattice = {name for name, a in given.items() if _covers(a, kernel)}
        if any(a.intent is not Intent.IN for name, a in given.items() if name not in lattice):
            return False
        self.apart += sum(1 + (given[name].intent is Intent.INOUT) for name in lattice)
        stored: dict[str, str] = {}
        body: list[Statement] = []
        for s in kernel.body:
            match s:
                case Comment():
                    body.append(s)
                case Store(array, index, value) if array not in stored and _is_own(index, kernel):
                    there = names.get(array, array)
                    stored[array] = name = self.names.fresh(f"{there}_{number + 1}")
                    self.streams[name] = Stream(name, there, number, ())
                    body.append(Store(name, (integer(0),) * len(index), swap(value)))
                case Load(_, array) if array in lattice:
                    offset = _offset(s, kernel, tables)
                    if offset is None or array in stored or (given[array].intent is not Intent.IN and any(offset)):
                        return False
                    body.append(self._load(number, s, names.get(array, array), offset, swap))
                case Load(_, array):
                    there = names.get(array, array)
                    moved = replace(s, array=there, index=swap.all(s.index))
                    body += self._bound(moved, not given[array].instanced, swap)
                case Let(_, value):
                    body += self._bound(replace(s, value=swap(value)), False, swap)
                case _:
                    return False
        for each in kernel.arrays:
            there = names.get(each.name, each.name)
            self.arrays.setdefault(there, replace(each, name=there, intent=Intent.IN))
        self.current |= {names.get(a, a): stream for a, stream in stored.items()}
        self.bodies.append(_without_unused(tuple(body)))
        return True

    def _load(self, number: int, s: Load, array: str, offset: Offset, swap: Renaming) -> Load:
        """A load of what the array is now, at an offset."""
        if array not in self.current:
            name = self.current[array] = self.names.fresh(f"{array}_0")
            self.streams[name] = Stream(name, array, None, ())
        stream = self.streams[self.current[array]]
        self.streams[stream.name] = replace(stream, reads=(*stream.reads, (number, offset)))
        where = tuple(integer(k) for k in offset[: len(s.index)])
        return Load(self._target(s.target, swap), stream.name, where, offset[2])

    def _bound(self, s: Let | Load, shared: bool, swap: Renaming) -> tuple[Statement, ...]:
        """What binds a name, under one of its own; loads that are the same everywhere stand at the head, once."""
        known = {*self.scalars, *(str(load.target.attribute) for load in self.head.values())}
        if isinstance(s, Load) and shared and names_read(s.index) <= known:
            key = (s.array, tuple(i.key for i in s.index))
            if key not in self.head:
                self.head[key] = replace(s, target=self._target(s.target, swap))
            swap.set(s.target, self.head[key].target)
            return ()
        return (replace(s, target=self._target(s.target, swap)),)

    def _target(self, target: Node, swap: Renaming) -> Node:
        new = variable(self.names.fresh(str(target.attribute)), target.kind)
        swap.set(target, new)
        return new

    def sweep(self, first: Launch, keeps: Collection[str]) -> Sweep | None:
        """The sweep: how far stages are computed around the tile, and how far each lags behind the front."""
        like = first.kernel
        lattice = {name: a for name, a in self.arrays.items() if _covers(a, like)}
        last = {array: name for array, name in self.current.items() if self.streams[name].stage is not None}
        for array, name in last.items():
            if array in keeps:
                target = self.names.fresh(f"{array}_after")
                self.streams[name] = replace(self.streams[name], target=target)
                self.arrays[target] = replace(self.arrays[array], name=target, intent=Intent.OUT)
        rings: list[Offset] = [(0, 0, 0)] * self.count
        lags = [0] * self.count
        for number in reversed(range(self.count)):
            own = [s for s in self.streams.values() if s.stage == number]
            rings[number] = _around([read for s in own for read in s.reads], rings)
        for stream in sorted((s for s in self.streams.values() if s.stage is not None), key=lambda s: s.stage or 0):
            for reader, offset in stream.reads:
                behind = lags[stream.stage or 0] + offset[0] + bool(offset[1] or offset[2])
                lags[reader] = max(lags[reader], behind)
        used = {s.array for s in self.streams.values() if s.stage is None}
        used |= {s.array for b in (*self.bodies, tuple(self.head.values())) for s in b if isinstance(s, Load)}
        arrays = tuple(a for n, a in self.arrays.items() if n in used or a.intent is Intent.OUT)
        if not used or not any(a.intent is Intent.OUT for a in arrays):
            return None
        stages = zip(self.bodies, self.walks, lags, rings, strict=True)
        kernel = Kernel(self.names.fresh("sweep"), like.lane, arrays, tuple(self.scalars.values()), (), like.outer)
        made = tuple(Stage(*each) for each in stages)
        return Sweep(kernel, tuple(self.head.values()), made, self.streams, lattice, first.extents, self.apart)


def _covers(array: Array, kernel: Kernel) -> bool:
    """Whether an array has one real number at every place."""
    whole = array.instanced and array.kind is Kind.REAL and array.components == 1
    return whole and len(array.shape) == len(kernel.outer)


def _is_own(index: tuple[Node, ...], kernel: Kernel) -> bool:
    return index == tuple(variable(axis, Kind.INT) for axis in kernel.outer)


def _places(kernel: Kernel, names: Mapping[str, str], rings: Rings) -> dict[str, tuple[str, int]]:
    """Along which axis, and how far from here, the places are that a kernel reads from the tables of neighbours."""
    centres = dict(rings.tables)
    found = {axis: (axis, 0) for axis in kernel.outer}
    for s in kernel.body:
        if isinstance(s, Load) and len(s.index) == 1 and (table := names.get(s.array, s.array)) in centres:
            centre, parts = centres[table], _sum(s.index[0])
            if parts is None:
                continue
            variable_names = [names.get(name, name) for name in parts[0]]
            for axis in kernel.outer:
                if isinstance(centre, str) and sorted(variable_names) == sorted((axis, centre)):
                    found[str(s.target.attribute)] = (axis, parts[1])
                elif isinstance(centre, int) and variable_names == [axis]:
                    found[str(s.target.attribute)] = (axis, parts[1] - centre)
    return found


def _sum(n: Node) -> tuple[tuple[str, ...], int] | None:
    """The variables and the constant of a sum; None where it is none."""
    if n.op == "variable":
        return (str(n.attribute),), 0
    if n.op == "constant":
        return (), int(constant_value(n) or 0)
    if n.op not in ("add", "sub"):
        return None
    left, right = (_sum(a) for a in n.args)
    if left is None or right is None or (n.op == "sub" and right[0]):
        return None
    return left[0] + right[0], left[1] + (right[1] if n.op == "add" else -right[1])


def _offset(s: Load, kernel: Kernel, places: Mapping[str, tuple[str, int]]) -> Offset | None:
    """How far from its own place a load reads; None where that is not known."""
    far = []
    for axis, n in zip(kernel.outer, s.index, strict=True):
        place = places.get(str(n.attribute)) if n.op == "variable" else None
        if place is None or place[0] != axis:
            return None
        far.append(place[1])
    return far[0], far[1] if len(far) > 1 else 0, s.shift


def _without_unused(body: Block) -> Block:
    """A block without the loads and values that nobody reads."""
    kept: list[Statement] = []
    for number in reversed(range(len(body))):
        s = body[number]
        if isinstance(s, Let | Load) and str(s.target.attribute) not in names_used(kept):
            continue
        kept.insert(0, s)
    return tuple(kept)
