"""One particle i under construction: what it reads of itself and of others, and sums over the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from codegen import Array, Builder, Intent, Kernel, Kind, Node, Scalar, add_many, apply, integer, variable
from symphys.errors import UnsupportedError
from symphys.language.particle_sums import LABELS
from symphys.language.particle_symbols import LocalSymbol, displacement
from symphys.language.symbols import t
from symphys.lower.expressions import lower_expressions, weights_read
from symphys.lower.particles.layout import OWN, Layout
from symphys.mechanics.particles.coupling import SPLIT
from symphys.mechanics.particles.surroundings import CUTOFF, ONSET, SQUARE

I, J = LABELS[:2]


@dataclass
class Site:
    """The body of a kernel that runs for every particle."""

    layout: Layout
    builder: Builder = field(default_factory=Builder)
    arrays: dict[str, Array] = field(default_factory=dict)
    scalars: dict[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*OWN, *self.layout.taken):  # no local name may be one of those that are declared when needed
            self.builder.names.fresh(name)
        self._loaded: dict[Any, Node] = {}

    # -- what there is -------------------------------------------------------------------------------------------------
    def scalar(self, name: str, kind: Kind = Kind.REAL) -> Node:
        """A number that is the same for all instances of a launch."""
        if name not in self.scalars:
            self.builder.names.fresh(name)
            self.scalars[name] = Scalar(name, kind)
        return self.scalars[name].node

    def declare(self, array: Array) -> str:
        """An array of the kernel; one that is written stays so."""
        known = self.arrays.get(array.name)
        if known is None:
            self.builder.names.fresh(array.name)
        if known is None or known.intent is Intent.IN:
            self.arrays[array.name] = array
        for size in array.shape:
            if isinstance(size, str):
                self.scalar(size, Kind.INT)
        return array.name

    @property
    def row(self) -> Node:
        """The index of the outer axis."""
        return variable(self.layout.row, Kind.INT)

    @property
    def index(self) -> Node:
        """The number of particle i."""
        if self.layout.batch:
            return self.row
        return self.row * integer(self.layout.size) + variable(self.layout.lane, Kind.INT)

    def own_array(self, name: str, vector: bool, intent: Intent = Intent.IN, kind: Kind = Kind.REAL) -> str:
        """An array with a number, or a vector, of each particle."""
        shape = (self.layout.leading(name), self.layout.rows) if vector else (self.layout.rows,)
        return self.declare(Array(name, shape, kind, intent))

    def own(self, name: str, axis: int | None = None, kind: Kind = Kind.REAL) -> Node:
        """What particle i has of it."""
        key = (name, axis)
        if key not in self._loaded:
            self.own_array(name, axis is not None, kind=kind)
            where = (self.row,) if axis is None else (integer(axis), self.row)
            self._loaded[key] = self.builder.load(axis_wish(name, axis), name, *where, kind=kind)
        return self._loaded[key]

    def store(self, name: str, axis: int | None, value: Node, kind: Kind = Kind.REAL) -> None:
        """Give particle i a new number or component."""
        self.own_array(name, axis is not None, Intent.INOUT, kind)
        where = (self.row,) if axis is None else (integer(axis), self.row)
        self.builder.store(name, *where, value=value)
        self._loaded.pop((name, axis), None)

    def of_real(self, value: Node) -> Node:
        """A value, or zero for what fills up rows: it is of kind -1, acts on nobody, and must not move."""
        if self.layout.batch:
            return value
        if ("real", None) not in self._loaded:
            is_real = apply("le", integer(0), self.own("kind", kind=Kind.INT))
            self._loaded["real", None] = self.builder.let("real", is_real)
        return apply("select", self._loaded["real", None], value, 0.0)

    def other(self, name: str, j: Node, axis: int | None = None, kind: Kind = Kind.REAL) -> Node:
        """What particle j has of it."""
        wish = f"{axis_wish(name, axis)}_{J}"
        if self.layout.batch:
            self.own_array(name, axis is not None, kind=kind)
            where = (j,) if axis is None else (integer(axis), j)
            return self.builder.load(wish, name, *where, kind=kind)
        if name == "position" and axis is not None:
            return self.builder.load(wish, self.declare(self.layout.places()), *self.layout.place(j, axis), kind=kind)
        shape = ("width",) if axis is None else (self.layout.leading(name), "width")
        self.declare(Array(f"{name}_all", shape, kind, instanced=False))
        return self.builder.load(wish, f"{name}_all", *((j,) if axis is None else (integer(axis), j)), kind=kind)

    def parameter(self, symbol: Any) -> Node:
        """The value of a parameter: one for all particles of a run."""
        name = self.layout.names[symbol]
        if not self.layout.batch:
            return self.scalar(name)
        if name not in self._loaded:
            self.declare(Array(name, ()))
            self._loaded[name] = self.builder.load(f"{name}_here", name)
        return self._loaded[name]

    @property
    def time(self) -> Node:
        """The time: that of the start and as many steps as have been taken, whole ones and `time_share` of this one."""
        passed = apply("to_real", self.scalar("k", Kind.INT)) + self.scalar("time_share")
        return self.scalar("time_begin") + self.scalar("time_step") * passed

    # -- expressions ---------------------------------------------------------------------------------------------------
    def lower(self, expressions: Iterable[Any], symbols: Mapping[Any, Node]) -> tuple[Node, ...]:
        """Nodes of expressions, given those of what belongs to particles other than i alone."""
        expressions = tuple(expressions)
        known = dict(symbols)
        for symbol in {s for e in expressions for s in e.free_symbols} - set(known):
            known[symbol] = self._symbol(symbol)
        nodes = lower_expressions(expressions, known)
        for array in weights_read(nodes):
            self.declare(array)
        return nodes

    def _symbol(self, symbol: Any) -> Node:
        if symbol == CUTOFF:
            return self.scalar("cutoff")
        if symbol == ONSET:
            return self.scalar("onset")
        if symbol == SPLIT:
            return self.scalar("ewald_split")
        if symbol == t:
            return self.time
        if not isinstance(symbol, LocalSymbol):
            return self.parameter(symbol)
        if symbol.labels == (I,):
            if symbol.role == "attribute":
                return self.own(symbol.word)
            if symbol.role == "position":
                return self.unfolded(symbol.axis)
            if symbol.role == "velocity":
                return self.own("velocity", symbol.axis)
        raise UnsupportedError(f"{symbol} has no meaning in a kernel here")

    def unfolded(self, axis: int | None) -> Node:
        """A component of the place of particle i as users see it: lists fold places into the box."""
        place = self.own("position", axis)
        return place + self.own("taken_off", axis) if self.layout.folds else place

    def seen(self, j: Node, expressions: Iterable[Any]) -> dict[Any, Node]:
        """Attributes of j in expressions of i and j."""
        symbols = {s for e in expressions for s in e.free_symbols}
        found = sorted(
            (s for s in symbols if isinstance(s, LocalSymbol) and s.role == "attribute" and s.labels == (J,)), key=str
        )
        return {s: self.other(s.word, j) for s in found}

    # -- others --------------------------------------------------------------------------------------------------------
    @contextmanager
    def others(self) -> Iterator[Pair]:
        """A loop over all particles j that may be near i; what is inside runs for i itself too."""
        for axis in range(self.layout.dim):
            self.own("position", axis)
        for name in self.layout.dynamics.attributes:
            self.own(name)
        with self._indices() as j, self.scope():
            steps = [self.own("position", axis) - self.other("position", j, axis) for axis in range(self.layout.dim)]
            steps = [self.builder.let(axis_wish("step", axis), s) for axis, s in enumerate(steps)]
            steps = steps if self.layout.listed else self.nearest(steps)  # lists name the images themselves
            square = self.builder.let("square", add_many(s * s for s in steps))
            yield Pair(j, tuple(steps), square)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is loaded inside is out of scope outside."""
        before = dict(self._loaded)
        yield
        self._loaded = before

    @contextmanager
    def _indices(self) -> Iterator[Node]:
        if not self.layout.listed:
            with self.builder.loop("j", 0, self.scalar("count", Kind.INT)) as j:
                yield j
            return
        b = self.builder
        self.declare(Array("found_all", ("clusters",), Kind.INT, instanced=False))
        self.declare(Array("neighbours", ("clusters", "capacity"), Kind.INT, short=True))
        count = b.load("near_ones", "found_all", self.row, kind=Kind.INT)
        with b.loop("entry", 0, count) as entry:
            yield b.load("j", "neighbours", self.row, entry, kind=Kind.INT)

    def nearest(self, steps: list[Node]) -> list[Node]:
        """The displacement to the nearest image: whole turns round(d B^-1) of the box B are taken off."""
        box, axes = self.layout.box, range(self.layout.dim)
        if box is None:
            return steps
        full = box == "triclinic"
        turns = []
        for k in axes:
            parts = [steps[a] * self.scalar(f"per_{a}{k}") for a in axes if full or a == k]
            turns.append(self.builder.let(axis_wish("turns", k), apply("round", add_many(parts))))
        nearest = []
        for a in axes:
            parts = [turns[k] * self.scalar(f"box_{k}{a}") for k in axes if full or a == k]
            nearest.append(self.builder.let(axis_wish("near", a), steps[a] - add_many(parts)))
        return nearest

    def is_self(self, pair: Pair) -> Node:
        """Whether j is i."""
        return apply("eq", self.index, pair.j)

    def within(self, pair: Pair) -> Node:
        """Whether j acts on i: another particle, no further than the cutoff; lists do not name i itself."""
        apart = None if self.layout.listed else apply("not", self.is_self(pair))
        if not self.layout.cut:
            assert apart is not None
            return apart
        reach = self.scalar("cutoff")
        near = apply("lt", pair.square, reach * reach)
        return near if apart is None else apply("and", apart, near)

    def of_species(self, pair: Pair, first: str | None, second: str | None) -> Node | None:
        """Whether i and j are of the given species; None where any will do."""
        names = self.layout.dynamics.particles.species
        tests = []
        if first is not None:
            tests.append(apply("eq", self.own("kind", kind=Kind.INT), integer(names.index(first))))
        if second is not None:
            tests.append(apply("eq", self.other("kind", pair.j, kind=Kind.INT), integer(names.index(second))))
        return reduce(lambda a, b: apply("and", a, b), tests) if tests else None

    def kernel(self, name: str) -> Kernel:
        """What was written."""
        arrays, scalars = tuple(self.arrays.values()), tuple(self.scalars.values())
        widest = None if self.layout.batch else self.layout.size
        return Kernel(name, self.layout.lane, arrays, scalars, self.builder.block(), (self.layout.row,), widest)


@dataclass(frozen=True)
class Pair:
    """A particle j beside i: r_i - r_j, and its square q."""

    j: Node
    steps: tuple[Node, ...]
    square: Node

    def symbols(self) -> dict[Any, Node]:
        """The square of the distance and the components of the displacement by their symbols."""
        found = {displacement(I, J, axis): step for axis, step in enumerate(self.steps)}
        return {SQUARE: self.square, **found}


def chosen(condition: Node | None, value: Node) -> Node:
    """The value where a condition holds, else zero."""
    return value if condition is None else apply("select", condition, value, 0.0)


def summed(site: Site, wishes: Iterable[str]) -> tuple[list[Node], Callable[[list[Node]], None]]:
    """Registers that start at zero, and what adds to them."""
    registers = [site.builder.register(wish, 0.0) for wish in wishes]

    def add(values: list[Node]) -> None:
        for register, value in zip(registers, values, strict=True):
            site.builder.assign(register, register + value)

    return registers, add


def axis_wish(name: str, axis: int | None) -> str:
    """What a component is called in the code."""
    return name if axis is None else f"{name}_{'xyz'[axis] if axis < 3 else axis}"
