"""One site of a lattice: what a kernel over sites reads, from the fields and their derivatives to x and t.

Neighbours along the last axis are read across lanes, from rows with a halo; those along the others through the arrays
`near_a` [places_a], whose entry row + r + k is the row that stands k rows further on (the same row, its mirror image,
or the other side), so that no kernel knows the boundary but for odd images (`sign_a`, `edge_a`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from codegen import Array, Builder, CompilerBug, Intent, Kind, Node, Scalar, apply, as_node, variable
from symphys.discretise import reach_of
from symphys.errors import UnsupportedError
from symphys.fields.jets import Jet, Nonlocal
from symphys.lower.expressions import weight_arrays
from symphys.lower.lattice.layout import Component, Layout
from symphys.lower.lattice.pairs import Pair, PairLowering

LANE = "site"


@dataclass
class Site:
    """A kernel over sites under construction.

    source: the array that each component is read from, where it is not the one of its name.
    written: the components that the kernel writes, which are read at the site alone.
    """

    layout: Layout
    builder: Builder = field(default_factory=Builder)
    source: Mapping[str, str] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    scalars: dict[str, Scalar] = field(default_factory=dict)
    reach: int = 0  # along the outer axes
    _loaded: dict[Any, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lowering = PairLowering(self.pair)
        weights = [array.name for array in weight_arrays(self.layout.dynamics.networks)]
        for name in (*self.layout.rows, LANE, *self.layout.names.values(), *weights):
            self.builder.names.fresh(name)

    # -- declarations --------------------------------------------------------------------------------------------------
    def scalar(self, name: str, kind: Kind = Kind.REAL) -> Node:
        """A scalar of the kernel, declared where it is new."""
        if name not in self.scalars:
            self.scalars[name] = Scalar(name, kind)
            self.builder.names.fresh(name)
        return self.scalars[name].node

    def over_sites(self, name: str, intent: Intent = Intent.IN, components: int = 1) -> str:
        """An array with one element a site, declared where it is new."""
        sizes = self.layout.sizes[:-1]
        for size in sizes:
            self.scalar(size, Kind.INT)
        known = self.arrays.get(name)
        if known is None:
            self.builder.names.fresh(name)
        elif known.intent is not intent and Intent.IN in (known.intent, intent):
            intent = Intent.INOUT
        self.arrays[name] = Array(name, sizes, Kind.REAL, intent, components=components)
        return name

    def along(self, name: str, size: str, kind: Kind = Kind.REAL) -> str:
        """A list of `size` numbers that all sites share, declared where it is new."""
        if name not in self.arrays:
            self.scalar(size, Kind.INT)
            self.builder.names.fresh(name)
            self.arrays[name] = Array(name, (size,), kind, instanced=False)
        return name

    @property
    def where(self) -> tuple[Node, ...]:
        """The counters of the outer axes."""
        return tuple(variable(row, Kind.INT) for row in self.layout.rows)

    # -- values --------------------------------------------------------------------------------------------------------
    def pair(self, symbol: Any) -> Pair:
        """The value here of a symbol: a jet of a field or of what is given, a parameter, a coordinate."""
        jet = self.layout.dynamics.jets.jet(symbol)
        if jet is not None:
            return self._jet(symbol, jet)
        coordinates = self.layout.dynamics.coordinates
        if symbol in coordinates:
            axis = coordinates.index(symbol) - 1
            return (self.time() if axis < 0 else self._coordinate(axis)), None
        if symbol in self.layout.dynamics.places:
            return self._abscissa(*self.layout.dynamics.places[symbol]), None
        if symbol not in self.layout.names:
            raise CompilerBug(f"{symbol} is no symbol of the theory")
        return self.scalar(self.layout.names[symbol]), None

    def time(self) -> Node:
        """t_start + (k + offset) dt, which never accumulates rounding."""
        if "time" not in self._loaded:
            place = apply("to_real", self.scalar("k", Kind.INT)) + self.scalar("offset")
            self._loaded["time"] = self.builder.let("time", self.scalar("t_start") + place * self.scalar("dt"))
        return self._loaded["time"]

    def _coordinate(self, axis: int) -> Node:
        key = ("coordinate", axis)
        if key not in self._loaded:
            last = axis == self.layout.dimensions - 1
            place = variable(LANE if last else self.layout.rows[axis], Kind.INT)
            value = self.scalar(f"start_{axis}") + apply("to_real", place) * self.scalar(f"step_{axis}")
            name = self.layout.names[self.layout.dynamics.axes[axis]]
            self._loaded[key] = self.builder.let(name, value)
        return self._loaded[key]

    def _abscissa(self, axis: int, sites: int) -> Node:
        """The coordinate of a neighbouring site, across the seam of a ring, or mirrored at an end."""
        if axis == self.layout.dimensions - 1:
            name = f"abscissa_{axis}"
            if name not in self.arrays:
                self.builder.names.fresh(name)
                self.arrays[name] = Array(name, ())
            return self._load(name, None, shift=sites)
        self.reach = max(self.reach, abs(sites))
        return self.scalar(f"start_{axis}") + apply("to_real", self._row(axis, sites)) * self.scalar(f"step_{axis}")

    def _jet(self, symbol: Any, jet: Jet) -> Pair:
        base = self.layout.dynamics.jets.of(replace(jet, shift=()))
        if isinstance(jet.function, Nonlocal) or base in self.layout.dynamics.given:
            return self._given(jet)
        for number, unknown in enumerate(self.layout.dynamics.unknowns):
            if unknown.field != jet.function:
                continue
            index = tuple(a - b for a, b in zip(jet.index, unknown.index, strict=True))
            if min(index[1:], default=0) < 0:
                break
            if index[0] >= unknown.order:
                raise CompilerBug(f"{symbol} holds the highest derivative by time of its unknown; lower its rate")
            parts = self.layout.parts(number, velocity=index[0] == 1)
            values = [self.derivative(c, index[1:], jet.shift) for c in parts]
            if len(values) == 1:
                return values[0], None
            return values[0], -values[1] if jet.conjugated else values[1]
        raise UnsupportedError(
            f"{self.layout.dynamics.jets.written(symbol)} is needed, but the equations evolve its derivatives alone; "
            "write the density without it"
        )

    def _given(self, jet: Jet) -> Pair:
        base = self.layout.dynamics.jets.of(replace(jet, conjugated=False, shift=()))
        if self.timelike(base):
            return self.scalar(self.layout.names[base]), None
        if isinstance(jet.function, Nonlocal):
            name = self.over_sites(self.layout.names[base], components=2)
            x, y = (self._load(name, (), component) for component in (0, 1))
            return x, None if base.is_real else y
        *rows, shift = jet.shift or (0,) * self.layout.dimensions
        self.reach = max(self.reach, *map(abs, rows), 0)
        index = tuple(self._row(axis, k) for axis, k in enumerate(rows)) if any(rows) else ()
        name = self.over_sites(self.layout.names[base], components=1 if base.is_real else 2)
        if base.is_real:
            return self._load(name, index, shift=shift), None
        x, y = (self._load(name, index, component, shift) for component in (0, 1))
        return x, -y if jet.conjugated else y

    def timelike(self, symbol: Any) -> bool:
        """Whether a given function depends on the time alone, and is one number for all sites."""
        jet = self.layout.dynamics.jets.jet(symbol)
        if jet is None or isinstance(jet.function, Nonlocal):
            return False
        return tuple(jet.function.args) == (self.layout.dynamics.time,)

    # -- derivatives ---------------------------------------------------------------------------------------------------
    def derivative(self, component: Component, index: tuple[int, ...], shift: tuple[int, ...] = ()) -> Node:
        """A mixed derivative by space of a component, `shift` sites further on: the product of central differences."""
        order = self.layout.order
        name = self.source.get(component.name, component.name)
        base = shift or (0,) * len(index)
        if not any(index):
            return self.at(name, base)
        key = ("derivative", name, index, base)
        if key not in self._loaded:
            if order is None and any(base):
                raise UnsupportedError(
                    "derivatives by waves are not taken at neighbouring sites; choose differences, such as order=4"
                )
            if order is None:
                self._loaded[key] = self._load(self.over_sites(derivative_name(name, index)), ())
            else:
                self._loaded[key] = self._stencil(name, index, order, base)
        return self._loaded[key]

    def _stencil(self, name: str, index: tuple[int, ...], order: int, base: tuple[int, ...]) -> Node:
        """Sum of weights times values, opposite neighbours joined, axis by axis from the first to the last."""

        def along(axis: int, offsets: tuple[int, ...]) -> Node:
            if axis == len(index):
                return self.at(name, tuple(k + n for k, n in zip(offsets, base, strict=True)))
            if not index[axis]:
                return along(axis + 1, (*offsets, 0))
            r = reach_of(index[axis], order)
            even = index[axis] % 2 == 0
            total = along(axis + 1, (*offsets, 0)) * self._weight(axis, index[axis], order, 0) if even else None
            for k in range(1, r + 1):
                ahead, behind = along(axis + 1, (*offsets, k)), along(axis + 1, (*offsets, -k))
                term = self._weight(axis, index[axis], order, k) * (behind + ahead if even else ahead - behind)
                total = term if total is None else total + term
            assert total is not None
            return total

        return self.builder.let(derivative_name(name, index), along(0, ()))

    def _weight(self, axis: int, derivative: int, order: int, k: int) -> Node:
        """w_k / dx^m from a table, so that a chain of fused multiply-adds is all that a site has to do."""
        name = stencil_table(axis, derivative)
        if name not in self.arrays:
            self.builder.names.fresh(name)
            self.arrays[name] = Array(name, (reach_of(derivative, order) + 1,), instanced=False)
        return self._shared(name, as_node(k))

    def at(self, name: str, offsets: tuple[int, ...]) -> Node:
        """The value of a component at a neighbouring site."""
        self.over_sites(name)
        *rows, shift = offsets
        if not any(rows):
            return self._load(name, (), shift=shift)
        self.reach = max(self.reach, *map(abs, rows))
        index = tuple(self._row(axis, k) for axis, k in enumerate(rows))
        value = self._load(name, index, shift=shift)
        for axis, k in enumerate(rows):
            if k and "dirichlet" in self.layout.ends[axis]:
                value = self._odd(name, index, axis, k, shift, value)
        return value

    def _odd(self, name: str, index: tuple[Node, ...], axis: int, k: int, shift: int, value: Node) -> Node:
        """sign value + (1 - sign) end, the image about an end that is held."""
        if sum("dirichlet" in ends for ends in self.layout.ends[:-1]) > 1:
            mixed = [i for i, node in enumerate(index) if node != self.where[i]]
            if len(mixed) > 1:
                raise UnsupportedError(
                    "mixed derivatives across two held ends need the corner values; take periodic or neumann sides"
                )
        size = f"places_{axis}"
        place = self.where[axis] + (self.scalar(f"margin_{axis}", Kind.INT) + k)
        sign = self._shared(self.along(f"sign_{axis}", size), place)
        edge = self._shared(self.along(f"edge_{axis}", size, Kind.INT), place, Kind.INT)
        there = tuple(edge if a == axis else node for a, node in enumerate(index))
        end = self._load(name, there, shift=shift)
        return sign * value + (1.0 - sign) * end

    def _row(self, axis: int, k: int) -> Node:
        if k == 0:
            return self.where[axis]
        place = self.where[axis] + (self.scalar(f"margin_{axis}", Kind.INT) + k)
        return self._shared(self.along(f"near_{axis}", f"places_{axis}", Kind.INT), place, Kind.INT)

    def _shared(self, name: str, place: Node, kind: Kind = Kind.REAL) -> Node:
        key = ("shared", name, place)
        if key not in self._loaded:
            self._loaded[key] = self.builder.load(f"{name}_here", name, place, kind=kind)
        return self._loaded[key]

    def complex_at(self, name: str) -> tuple[Node, Node]:
        """Real and imaginary part of an element of an array of complex numbers."""
        return self._load(name, (), 0), self._load(name, (), 1)

    def profile(self, word: str, axis: int) -> Node:
        """The entry for this site of a list along one axis, such as quadrature weights."""
        if axis == self.layout.dimensions - 1:
            name = f"{word}_{axis}"
            if name not in self.arrays:
                self.builder.names.fresh(name)
                self.arrays[name] = Array(name, ())
            return self._load(name, None)
        name = self.along(f"{word}_{axis}", self.layout.sizes[axis])
        return self._shared(name, self.where[axis])

    def _load(self, name: str, index: tuple[Node, ...] | None, component: int | None = None, shift: int = 0) -> Node:
        where = () if index is None else index or self.where
        key = ("load", name, where, component, shift)
        if key not in self._loaded:
            wish = f"{name}_here" if index == () and not shift else f"{name}_near"
            place = where if component is None else (*where, as_node(component))
            self._loaded[key] = self.builder.load(wish, name, *place, shift=shift)
        return self._loaded[key]


def stencil_table(axis: int, derivative: int) -> str:
    """The table of the weights w_0, w_1, ..., w_r of a central difference along an axis, divided by dx^derivative."""
    return f"stencil_{axis}_{derivative}"


def derivative_name(name: str, index: tuple[int, ...]) -> str:
    """What the array or variable of a derivative by space is called."""
    return f"{name}_d{''.join(map(str, index))}"
