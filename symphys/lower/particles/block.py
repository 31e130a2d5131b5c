"""A molecule under construction: what its constraints read, their slopes, and the linear system that they make.

Particles that constraints bind belong to one molecule. A block holds molecules of one shape: as many as there are
lanes, or one where lanes are runs. A row is one constraint of one molecule; each of its ends is a grip. All molecules
of a shape share the list of turns, `target -= left * right / pivot`, that solves their linear system; the right-hand
side takes part in them (`symphys.simulate.particles.shapes`; docs/compiler.md, "What is held", has an example).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codegen import Array, Intent, Kind, Node, add_many, apply, integer, real
from symphys.language.particle_symbols import LocalSymbol
from symphys.lower.particles.aside import Aside
from symphys.lower.particles.bonds import member_symbols
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.site import axis_wish
from symphys.mechanics.particles.derive import Held

I = Kind.INT
COLUMNS = ("entry", "entries", "mix", "mixes", "turn", "turns")  # of `hold_base`, before where each list begins


def grips_of(layout: Layout) -> int:
    """How many ends a row has room for."""
    return max(len(each.over.bound) for each in layout.dynamics.held)


@dataclass(frozen=True)
class Row:
    """A constraint inside a loop: its number, its ends by label, and nodes of what it is about."""

    number: Node
    held: Held
    members: dict[str, Node]


class Block(Aside):
    """The body of a kernel that runs for every molecule."""

    axis = "hold_block"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.lists = self.layout.dynamics.held
        self.width = grips_of(self.layout)
        names = (*COLUMNS, *(f"list_{c}" for c in range(len(self.lists) + 1)))
        self.declare(Array("hold_base", ("hold_blocks", len(names)), I, instanced=False))
        self.base = {
            name: self.builder.load(f"begin_{name}", "hold_base", self.row, k, kind=I) for k, name in enumerate(names)
        }
        self.first, self.last = self.base["list_0"], self.base[f"list_{len(self.lists)}"]
        self.real: Node | None = None  # whether there is a molecule in this lane
        if not self.layout.batch:
            self.declare(Array("hold_real", ("hold_blocks",), I))
            self.real = apply("lt", integer(0), self.builder.load("present", "hold_real", self.row, kind=I))

    # -- memory --------------------------------------------------------------------------------------------------------
    def give(self, name: str, j: Node, axis: int | None, value: Node) -> None:
        """Give particle j a new number or component."""
        where = (j,) if axis is None else (integer(axis), j)
        if self.layout.batch:
            self.own_array(name, axis is not None, Intent.INOUT)
            self.builder.store(name, *where, value=value)
        else:
            self.builder.store(self.flat(name, axis is not None, Intent.INOUT), *where, value=value)

    def scratch(self, name: str) -> str:
        """Memory of a molecule: of vectors by grip, or of numbers by row or by entry."""
        shapes: dict[str, tuple[int | str, ...]] = {
            "hold_slope": ("hold_grips", self.layout.dim), "hold_pull": ("hold_grips", self.layout.dim),
            "hold_floor": ("hold_rows",), "hold_entry": ("hold_entries",),
        }  # fmt: skip
        return self.declare(Array(name, shapes[name], intent=Intent.INOUT))

    def note(self, name: str, kind: Kind = Kind.REAL) -> str:
        """A number that a molecule leaves for the host."""
        return self.declare(Array(name, ("hold_blocks",), kind, Intent.INOUT))

    def vector(self, name: str, grip: Node) -> list[Node]:
        """A vector of one grip."""
        array = self.scratch(name)
        return [self.builder.load(axis_wish(name[5:], axis), array, grip, axis) for axis in range(self.layout.dim)]

    def table(self, name: str, size: str, index: Node) -> Node:
        """An entry of a list that all molecules of a shape share."""
        self.declare(Array(name, (size,), I, instanced=False))
        return self.builder.load(name.split("_")[1], name, index, kind=I)

    @contextmanager
    def where_real(self) -> Iterator[None]:
        """What is inside runs in lanes that hold a molecule."""
        if self.real is None:
            yield
        else:
            with self.builder.where(self.real):
                yield

    # -- rows ----------------------------------------------------------------------------------------------------------
    def rows(self, visit: Callable[[Row], None]) -> None:
        """Write `visit` for every constraint."""
        self.declare(Array("hold_member", ("hold_grips",), I, instanced=not self.layout.batch))
        for c, held in enumerate(self.lists):
            with self.scope(), self.builder.loop("row", self.base[f"list_{c}"], self.base[f"list_{c + 1}"]) as row:
                members = {
                    label: self.builder.load("member", "hold_member", self.grip(row, end), kind=I)
                    for end, label in enumerate(held.over.bound)
                }
                visit(Row(row, held, members))

    def grip(self, row: Node, end: int) -> Node:
        """The number of a grip."""
        return row * integer(self.width) + integer(end)

    def entry(self, row: Node, kind: int = 0) -> Node:
        """Where the right-hand side of a row stands (kind 0), or its diagonal element (kind 1)."""
        count = self.last - self.first
        return self.base["entry"] + row - self.first + (count if kind else integer(0))

    def evaluate(self, row: Row, *, value: bool, pulls: bool) -> tuple[Node, Node, Node, Node]:
        """Store df/dr_e by grip and, if asked for, over the masses; f, its steepness, and what sizes it has."""
        b, held, axes = self.builder, row.held, range(self.layout.dim)
        expressions = (*((held.value,) if value else ()), *(slope for each in held.slopes for slope in each))
        symbols, places = member_symbols(self, row.members, expressions)
        found = [b.let("held", x) for x in self.lower(expressions, symbols)]
        amount, slopes = (found[0], found[1:]) if value else (real(0.0), found)
        for end, label in enumerate(held.over.bound):
            per_mass = self.lightness(row.members[label]) if pulls else None
            for axis in axes:
                slope = slopes[end * len(axes) + axis]
                b.store(self.scratch("hold_slope"), self.grip(row.number, end), axis, value=slope)
                if per_mass is not None:
                    b.store(self.scratch("hold_pull"), self.grip(row.number, end), axis, value=slope * per_mass)
        lengths = [x for s, x in symbols.items() if isinstance(s, LocalSymbol) and s.role == "displacement"]
        span, far = largest(lengths), largest([x for each in places.values() for x in each])
        return amount, add_many(x * x for x in slopes), span, far

    def lightness(self, j: Node) -> Node:
        """1 / m of particle j."""
        mass = self.layout.dynamics.mass
        own = {s: self.other(s.word, j) for s in mass.free_symbols if isinstance(s, LocalSymbol)}
        (value,) = self.lower((mass,), own)
        return self.builder.let("per_mass", 1.0 / value)

    def along(self, row: Row, name: str, what: str) -> Node:
        """The sum over the ends of a row of the vectors of its grips times what particles have."""
        parts = []
        for end, label in enumerate(row.held.over.bound):
            for axis, x in enumerate(self.vector(name, self.grip(row.number, end))):
                parts.append(x * self.other(what, row.members[label], axis))
        return self.builder.let("along", add_many(parts))

    # -- the linear system ---------------------------------------------------------------------------------------------
    def eliminate(self) -> None:
        """From slopes and pulls the matrix G M^-1 G^T, and the turns that solve it for the right-hand sides."""
        b, entries = self.builder, self.scratch("hold_entry")
        start = self.base["entry"] + self.last - self.first
        with b.loop("blank", start, self.base["entry"] + self.base["entries"]) as place:
            b.store(entries, place, value=real(0.0))
        with b.loop("mix", self.base["mix"], self.base["mixes"]) as mix:
            place = self.base["entry"] + self.table("mix_entry", "hold_mixes", mix)
            one, two = (self.first * self.width + self.table(f"mix_{w}", "hold_mixes", mix) for w in ("one", "two"))
            slope, pull = self.vector("hold_slope", one), self.vector("hold_pull", two)
            more = add_many(x * y for x, y in zip(slope, pull, strict=True))
            b.store(entries, place, value=b.load("before", entries, place) + more)
        with b.loop("row", self.first, self.last) as row:
            size = apply("abs", b.load("diagonal", entries, self.entry(row, 1)))
            b.store(self.scratch("hold_floor"), row, value=self.scalar("hold_slight") * size)
        with b.loop("turn", self.base["turn"], self.base["turns"]) as turn:
            names = ("target", "left", "right", "pivot")
            target, left, right, pivot = (self.table(f"turn_{w}", "hold_turns", turn) for w in names)
            target = self.base["entry"] + target
            share = b.load("left_entry", entries, self.base["entry"] + left) * self.inverse(self.first + pivot)
            less = share * b.load("right_entry", entries, self.base["entry"] + right)
            b.store(entries, target, value=b.load("before", entries, target) - less)

    def inverse(self, row: Node) -> Node:
        """1 / pivot of a row; 0 where it is rounding."""
        b = self.builder
        pivot = b.load("pivot_entry", self.scratch("hold_entry"), self.entry(row, 1))
        good = apply("lt", b.load("floor", self.scratch("hold_floor"), row), apply("abs", pivot))
        return b.let("per_pivot", apply("select", good, 1.0 / apply("select", good, pivot, 1.0), 0.0))

    def amount(self, row: Node) -> Node:
        """What the turns have found for a row."""
        found = self.builder.load("found", self.scratch("hold_entry"), self.entry(row))
        return self.builder.let("amount", found * self.inverse(row))

    def move(self, row: Row, amount: Node, names: dict[str, Node | None]) -> Node:
        """Add pulls times an amount to what the ends of a row have, times a factor each; the largest move."""
        b, sizes = self.builder, []
        for end, label in enumerate(row.held.over.bound):
            for axis, pull in enumerate(self.vector("hold_pull", self.grip(row.number, end))):
                move = b.let("move", pull * amount)
                sizes.append(move)
                for name, factor in names.items():
                    more = move if factor is None else move * factor
                    new = b.let("new", self.other(name, row.members[label], axis) + more)
                    with self.where_real():
                        self.give(name, row.members[label], axis, new)
        return largest(sizes)


def largest(values: list[Node]) -> Node:
    """The largest absolute value."""
    total: Node = real(0.0)
    for value in values:
        total = apply("max", total, apply("abs", value))
    return total
