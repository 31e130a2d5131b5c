"""A few particles as one instance: whole runs inside a kernel, the runs side by side as lanes.

Pairs stand in lists, `first<t>` and `second<t>` [pairs<t>] for each pair term t, so that no code grows with the number
of particles. Every pair is evaluated once; what it does to one particle is taken from the other. So do the ends of
acts, `act<n>_<e>` [acts<n>].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from codegen import (
    Array,
    Bar,
    Function,
    Intent,
    Kernel,
    Kind,
    Node,
    add_many,
    apply,
    integer,
    real,
    variable,
    vjp_function,
)
from symphys.language.particle_sums import LABELS
from symphys.language.particle_symbols import LocalSymbol
from symphys.language.symbols import t
from symphys.lower.expressions import dense, lower_expressions, weights_read
from symphys.lower.particles.acts import Act, HeldActs, acts_of, force_acts, held_acts, rate_act
from symphys.lower.particles.site import Site, axis_wish, chosen
from symphys.mechanics.particles import ParticleDynamics
from symphys.mechanics.particles.derive import PairForce
from symphys.mechanics.particles.surroundings import CUTOFF, ONSET, SQUARE

I, J = LABELS[:2]
INT = Kind.INT
Where = Mapping[int, tuple[str, tuple[Node, ...]]]  # in which arrays, behind which axes, places and velocities stand
Given = Sequence[Node] | Callable[[Node], Sequence[Node]]
STANDING: Where = {0: ("position", ()), 1: ("velocity", ())}


def central(dynamics: ParticleDynamics) -> bool:
    """Whether all forces are pair forces along the line between two particles."""
    alone = dynamics.sites or dynamics.environments or dynamics.bonded or dynamics.turning
    return not alone and not any(each.along for each in dynamics.pairs)


@dataclass(frozen=True)
class Unknown:
    """By what forces are differentiated: parameters, and networks, whose weights stand behind them."""

    symbols: tuple[Any, ...] = ()
    networks: tuple[Any, ...] = ()

    @property
    def weight_count(self) -> int:
        """The number of all weights."""
        return sum(dense(network).count for network in self.networks)

    @property
    def count(self) -> int:
        """How many columns they take."""
        return len(self.symbols) + self.weight_count

    def row(self, intent: Intent) -> Array:
        """Memory for the cotangents of all weights: a sum over all runs, or what each run has for itself."""
        return Array("weight_bars", (max(self.weight_count, 1),), intent=intent, instanced=intent is not Intent.SUM)

    def bars(self, array: Array) -> dict[str, Bar]:
        """Where the cotangents of the weights go in one array."""
        found, place = {}, 0
        for network in self.networks:
            layers = dense(network)
            found[layers.array.name] = Bar(array, (), place)
            place += layers.count
        return found


@dataclass(frozen=True)
class PairFunction:
    """The factor f of r_i - r_j as a function of q = |r_i - r_j|^2 and of `symbols`: attributes, parameters, cutoff."""

    number: int
    function: Function
    square: Node
    symbols: tuple[Any, ...]

    @classmethod
    def of(cls, number: int, each: PairForce) -> PairFunction:
        """That of a pair term."""
        known: dict[Any, Node] = {SQUARE: variable("square")}
        symbols = tuple(sorted(each.factor.free_symbols - {SQUARE}, key=str))
        known |= {s: variable(f"given_{k}") for k, s in enumerate(symbols)}
        (factor,) = lower_expressions((each.factor,), known)
        parameters = (known[SQUARE], *(known[s] for s in symbols))
        return cls(number, Function(f"pair_{number}", parameters, (), (factor,)), known[SQUARE], symbols)

    @property
    def weights(self) -> tuple[Array, ...]:
        """The weights that it reads."""
        return weights_read(self.function.results)

    def chosen(self, unknown: Unknown) -> list[int]:
        """The places of those unknown parameters that occur."""
        return [a for a, s in enumerate(unknown.symbols) if s in self.symbols]

    def reverse(self, unknown: Unknown, bars: Mapping[str, Bar]) -> Function:
        """f, and its cotangents for q and the unknown parameters that occur; those of weights go to their bars."""
        given = dict(zip(self.symbols, self.function.parameters[1:], strict=True))
        wrt = [self.square, *(given[unknown.symbols[a]] for a in self.chosen(unknown))]
        return vjp_function(self.function, wrt, bars={k: bar for k, bar in bars.items() if self._reads(k)})

    def _reads(self, name: str) -> bool:
        return any(array.name == name for array in self.weights)


@dataclass(frozen=True)
class Link:
    """A pair inside a loop: who, how far apart, and its place among all pairs."""

    first: Node
    second: Node
    steps: tuple[Node, ...]
    square: Node
    slot: Node
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Grip:
    """An act inside a loop: its place among those of its number, who its ends are, and the arguments of its function.

    near: whether it happens; None where nothing says that it might not.
    """

    place: Node
    who: Mapping[str, Node]
    arguments: tuple[Node, ...]
    near: Node | None

    def chosen(self, value: Node) -> Node:
        """A value, or zero where nothing happens."""
        return chosen(self.near, value)


@dataclass
class Bodies(Site):
    """A kernel of whole runs under construction. now: the time, where forces depend on it."""

    pairs: tuple[PairFunction, ...] = field(default_factory=tuple)
    acts: tuple[Act, ...] = field(default_factory=tuple)
    rates: Act | None = None
    held: tuple[HeldActs, ...] = field(default_factory=tuple)
    now: Node | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        dynamics = self.layout.dynamics
        self.pairs = tuple(PairFunction.of(n, each) for n, each in enumerate(dynamics.pairs) if not each.along)
        self.acts, self.rates, self.held = force_acts(dynamics), rate_act(dynamics), held_acts(dynamics)
        made: tuple[PairFunction | Act, ...] = (*self.pairs, *acts_of(dynamics))
        for each in made:
            for array in each.weights:
                self.declare(array)
        self._parameters: dict[Any, Node] = {}
        for symbol in sorted({s for each in made for s in each.symbols} - {t}, key=str):
            if not isinstance(symbol, LocalSymbol):
                self._parameters[symbol] = self._known(symbol)

    def _known(self, symbol: Any) -> Node:
        if symbol in (CUTOFF, ONSET):
            return self.scalar("cutoff" if symbol == CUTOFF else "onset")
        return self.parameter(symbol)

    def vectors(self, name: str, *leading: int | str, intent: Intent = Intent.INOUT) -> str:
        """Declare an array of vectors, one for each particle, behind `leading` axes."""
        return self.declare(Array(name, (*leading, "count", self.layout.dim), Kind.REAL, intent))

    def each_particle(self) -> Iterator[Node]:
        """A loop over all particles."""
        with self.builder.loop("body", 0, self.scalar("count", INT)) as i:
            yield i

    def weigh(self) -> None:
        """`inverse_mass` [count], read by kicks."""
        mass = self.layout.dynamics.mass
        self.declare(Array("inverse_mass", ("count",), intent=Intent.INOUT))
        for i in self.each_particle():
            known = {s: self.other(s.word, i) for s in mass.free_symbols if isinstance(s, LocalSymbol)}
            (value,) = self.lower((mass,), known)
            self.builder.store("inverse_mass", i, value=1.0 / value)

    def pace(self, i: Node, weight: Node) -> Node:
        """weight / m_i."""
        return self.builder.let("pace", weight * self.builder.load("lightness", "inverse_mass", i))

    def vector(self, wish: str, array: str, *index: Node | int) -> list[Node]:
        """The components of one particle's vector."""
        return [self.builder.load(axis_wish(wish, k), array, *index, k) for k in range(self.layout.dim)]

    def add(self, array: str, *index: Node | int, values: Sequence[Node]) -> None:
        """Add to the components of one particle's vector."""
        for k, value in enumerate(values):
            before = self.builder.load("before", array, *index, k)
            self.builder.store(array, *index, k, value=before + value)

    def clear(self, array: str, *leading: Node | int) -> None:
        """All vectors zero."""
        for i in self.each_particle():
            for k in range(self.layout.dim):
                self.builder.store(array, *leading, i, k, value=real(0.0))

    def links(self, places: str, *leading: Node, visit: Callable[[PairFunction, Link], None]) -> None:
        """Write `visit` for every pair, at the places in an array."""
        b, slots = self.builder, integer(0)
        for each in self.pairs:
            n = each.number
            for name in (f"first{n}", f"second{n}"):
                self.declare(Array(name, (f"pairs{n}",), INT, instanced=False))
            with b.loop("pair", 0, self.scalar(f"pairs{n}", INT)) as p:
                first, second = (b.load(w, f"{w}{n}", p, kind=INT) for w in ("first", "second"))
                here, there = (
                    self.vector("here", places, *leading, first),
                    self.vector("there", places, *leading, second),
                )
                steps = [b.let(axis_wish("step", k), x - y) for k, (x, y) in enumerate(zip(here, there, strict=True))]
                steps = self.nearest(steps)
                square = b.let("square", add_many(s * s for s in steps))
                arguments = (square, *(self._argument(s, {I: first, J: second}) for s in each.symbols))
                visit(each, Link(first, second, tuple(steps), square, b.let("slot", slots + p), arguments))
            slots = slots + self.scalar(f"pairs{n}", INT)

    def _argument(self, symbol: Any, who: Mapping[str, Node]) -> Node:
        if isinstance(symbol, LocalSymbol):
            return self.other(symbol.word, who[symbol.labels[0]])
        if symbol == t:
            assert self.now is not None
            return self.now
        return self._parameters[symbol]

    @contextmanager
    def gripped(self, act: Act, where: Where, given: Given = ()) -> Iterator[Grip]:
        """A loop over all who act so, at the places and velocities of `where`; given: nodes, or made of who it is."""
        with self._legs(act, where) as (place, who, legs):
            apart = (leg.order == 0 and leg.other is not None for leg in act.legs)
            values = [self.nearest(value) if far else value for far, value in zip(apart, legs, strict=True)]
            near = None
            if act.cut and self.layout.cut:
                reach = self.scalar("cutoff")
                near = self.builder.let("near", apply("lt", add_many(x * x for x in values[0]), reach * reach))
            symbols = (self._argument(s, who) for s in act.symbols)
            more = given(place) if callable(given) else given
            yield Grip(place, who, (*(x for value in values for x in value), *symbols, *more), near)

    @contextmanager
    def gripped_dots(self, act: Act, where: Where) -> Iterator[Grip]:
        """Likewise, with the derivatives of legs alone, from those of places and velocities."""
        with self._legs(act, where) as (place, who, legs):
            yield Grip(place, who, tuple(x for value in legs for x in value), None)

    @contextmanager
    def ends(self, act: Act) -> Iterator[tuple[Node, dict[str, Node]]]:
        """A loop over all who act so: their number, and who the ends are."""
        b, n = self.builder, act.number
        for e in range(len(act.ends)):
            self.declare(Array(f"act{n}_{e}", (f"acts{n}",), INT, instanced=False))
        with b.loop("grip", 0, self.scalar(f"acts{n}", INT)) as place:
            yield place, {end: b.load(f"end_{end}", f"act{n}_{e}", place, kind=INT) for e, end in enumerate(act.ends)}

    @contextmanager
    def _legs(self, act: Act, where: Where) -> Iterator[tuple[Node, dict[str, Node], list[list[Node]]]]:
        b = self.builder
        with self.ends(act) as (place, who):
            values: list[list[Node]] = []
            for leg in act.legs:
                array, leading = where[leg.order]
                value = self.vector("leg", array, *leading, who[leg.end])
                if leg.other is not None:
                    other = self.vector("other", array, *leading, who[leg.other])
                    value = [b.let("step", x - y) for x, y in zip(value, other, strict=True)]
                values.append(value)
            yield place, who, values

    def pull_legs(self, act: Act, grip: Grip, bars: Sequence[Node], arrays: Mapping[int, str]) -> None:
        """Add the cotangents of legs to those of places and velocities."""
        dim = self.layout.dim
        for number, leg in enumerate(act.legs):
            part = [grip.chosen(bar) for bar in bars[number * dim : (number + 1) * dim]]
            self.add(arrays[leg.order], grip.who[leg.end], values=part)
            if leg.other is not None:
                self.add(arrays[leg.order], grip.who[leg.other], values=[-bar for bar in part])

    def deal(self, act: Act, grip: Grip, values: Sequence[Node], array: str, *leading: Node | int) -> None:
        """Add what an act comes to to vectors of its ends."""
        for each in act.deals:
            part = values[each.first : each.first + self.layout.dim]
            self.add(array, *leading, grip.who[each.end], values=[each.sign * value for value in part])

    def dealt(self, act: Act, grip: Grip, array: str) -> list[Node]:
        """The cotangents of the results of an act, from those of the vectors to which they were added."""
        found: list[Node] = [real(0.0)] * act.outputs
        for each in act.deals:
            bars = self.vector("bar", array, grip.who[each.end])
            for k, bar in enumerate(bars):
                found[each.first + k] = found[each.first + k] + each.sign * bar
        return [self.builder.let("seed", grip.chosen(value)) for value in found]

    def near(self, link: Link, value: Node) -> Node:
        """A value, or zero beyond the cutoff."""
        if not self.layout.cut:
            return value
        reach = self.scalar("cutoff")
        return apply("select", apply("lt", link.square, reach * reach), value, 0.0)

    def forces(self) -> None:
        """`force` at `position`."""
        self.clear("force")

        def visit(each: PairFunction, link: Link) -> None:
            (factor,) = self.builder.call(each.function, link.arguments, ("factor",))
            self.pull(link, self.near(link, factor))

        self.links("position", visit=visit)
        for act in self.acts:
            with self.gripped(act, STANDING) as grip:
                values = self.builder.call(act.function, grip.arguments, ["acts"] * act.outputs)
                self.deal(act, grip, [grip.chosen(value) for value in values], "force")

    def pull(self, link: Link, factor: Node) -> None:
        """f (r_i - r_j) to one particle, its opposite to the other."""
        factor = self.builder.let("factor", factor)
        pulls = [self.builder.let(axis_wish("pull", k), factor * s) for k, s in enumerate(link.steps)]
        self.add("force", link.first, values=pulls)
        self.add("force", link.second, values=[-p for p in pulls])

    def whole(self, name: str) -> Kernel:
        """What was written, as a kernel of whole runs."""
        arrays, scalars = tuple(self.arrays.values()), tuple(self.scalars.values())
        return Kernel(name, self.layout.lane, arrays, scalars, self.builder.block())
