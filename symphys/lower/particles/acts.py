"""What one, two or more particles do, as straight lines that are differentiated once: forces, friction, turns.

An act has legs, places or velocities of one particle or the difference of two, and results, each a component of what
happens to one of its ends. Forces of single particles, of pairs across the line between them, and along lists are
acts, and so is what friction and turning do to velocities. Pair forces along the line between two have a form of their
own, of one number (`symphys.lower.particles.bodies`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy

from codegen import Array, Bar, Function, Node, variable, vjp_function
from symphys.language.particle_sums import LABELS, SumOver
from symphys.language.particle_symbols import LocalSymbol, component, displacement
from symphys.lower.expressions import lower_expressions, weights_read
from symphys.lower.particles.velocities import decayed, turned
from symphys.mechanics.particles import ParticleDynamics
from symphys.mechanics.particles.derive import Held, PairForce
from symphys.mechanics.particles.surroundings import SQUARE

I, J = LABELS[:2]


@dataclass(frozen=True)
class Leg:
    """The place (order 0) or velocity (order 1) of one end; with `other`, less that of another."""

    order: int
    end: str
    other: str | None = None


@dataclass(frozen=True)
class Deal:
    """Results from `first` on, one for each axis, go to an end, with a sign."""

    end: str
    first: int
    sign: float


@dataclass(frozen=True)
class Act:
    """A function of the components of `legs`, of `symbols` (attributes, parameters, time, cutoff), and of `given`.

    over: who acts. ends: their labels. cut: whether nothing happens where the first leg is longer than the cutoff.
    """

    number: int
    over: SumOver
    ends: tuple[str, ...]
    legs: tuple[Leg, ...]
    symbols: tuple[Any, ...]
    given: int
    deals: tuple[Deal, ...]
    function: Function
    cut: bool = False

    @property
    def inputs(self) -> int:
        """How many components legs have in all."""
        return len(self.function.parameters) - len(self.symbols) - self.given

    @property
    def outputs(self) -> int:
        """The number of results."""
        return len(self.function.results)

    @property
    def weights(self) -> tuple[Array, ...]:
        """The weights that it reads."""
        return weights_read(self.function.results)

    def chosen(self, unknown: Sequence[Any]) -> list[int]:
        """The places of those unknown parameters that occur."""
        return [a for a, s in enumerate(unknown) if s in self.symbols]

    def reverse(self, unknown: Sequence[Any], bars: Mapping[str, Bar]) -> Function:
        """The cotangents of legs and of the unknown parameters that occur, for those of the results."""
        nodes = self.function.parameters
        known = dict(zip(self.symbols, nodes[self.inputs :], strict=False))
        wrt = [*nodes[: self.inputs], *(known[unknown[a]] for a in self.chosen(unknown))]
        read = {array.name for array in self.weights}
        mine = {name: bar for name, bar in bars.items() if name in read}
        return vjp_function(self.function, wrt, with_results=False, bars=mine)


def followed(dynamics: ParticleDynamics) -> bool:
    """Whether all forces are acts or go along the line between two: nothing depends on all that a particle sees."""
    return not dynamics.environments


def force_acts(dynamics: ParticleDynamics) -> tuple[Act, ...]:
    """Forces that do not go along the line between two particles, one act for each sum of energies."""
    found: list[Act] = []
    for site in dynamics.sites:
        if any(site.along):
            over = SumOver(dynamics.particles, "sum", (site.species,))
            found.append(_act(len(found), over, (Leg(0, I),), site.along, (Deal(I, 0, 1.0),)))
    for pair in dynamics.pairs:
        if pair.along:
            both = (Deal(I, 0, 1.0), Deal(J, 0, -1.0))
            found.append(_act(len(found), pair.over, (Leg(0, I, J),), _across(pair), both, cut=True))
    for bonded in dynamics.bonded:
        labels, dim = bonded.over.bound, dynamics.particles.dim
        forces = [each for row in bonded.forces for each in row]
        deals = tuple(Deal(label, number * dim, 1.0) for number, label in enumerate(labels))
        found.append(_act(len(found), bonded.over, _legs(forces), forces, deals))
    return tuple(found)


def rate_act(dynamics: ParticleDynamics) -> Act | None:
    """What friction and turning make of a velocity within a duration, which is given; None where there are neither.

    Friction shrinks and turning turns, so that it does not matter which comes first.
    """
    if dynamics.friction is None and not dynamics.turning:
        return None
    dim, felt = dynamics.particles.dim, (dynamics.mass, dynamics.friction or sympy.S.Zero, *dynamics.turning)
    names = _symbols(felt)
    r, v = ([variable(f"{word}_{k}") for k in range(dim)] for word in ("place", "rate"))
    duration, others = variable("duration"), [variable(f"given_{k}") for k in range(len(names))]
    known = dict(zip((component(I, 0, k) for k in range(dim)), r, strict=True)) | dict(zip(names, others, strict=True))
    mass, friction, *field = lower_expressions(felt, known)

    def let(_: str, value: Node) -> Node:
        return value

    after = list(v)
    if dynamics.friction is not None:
        after = decayed(after, duration, friction, let)
    if field:
        after = turned(after, duration, mass, field, let)
    number = len(force_acts(dynamics))
    function = Function(f"act_{number}", (*r, *v, *others, duration), (), tuple(after))
    over = SumOver(dynamics.particles, "sum", (None,))
    return Act(number, over, (I,), (Leg(0, I), Leg(1, I)), names, 1, (Deal(I, 0, 1.0),), function)


@dataclass(frozen=True)
class HeldActs:
    """What is held along one list: `value`, f; `rate`, df/dt; and `pull`, so much of df/dr at each end as is given."""

    value: Act
    rate: Act
    pull: Act


def held_acts(dynamics: ParticleDynamics) -> tuple[HeldActs, ...]:
    """One for each list of constraints."""
    first = len(force_acts(dynamics)) + (rate_act(dynamics) is not None)
    return tuple(_held(first + 3 * c, each) for c, each in enumerate(dynamics.held))


def acts_of(dynamics: ParticleDynamics) -> Iterator[Act]:
    """All of them, by number."""
    yield from force_acts(dynamics)
    if (act := rate_act(dynamics)) is not None:
        yield act
    for each in held_acts(dynamics):
        yield from (each.value, each.rate, each.pull)


def _held(number: int, held: Held) -> HeldActs:
    over, dim = held.over, held.over.particles.dim
    legs = _legs([held.value])
    fast = tuple(replace(leg, order=1) for leg in legs)
    steps = [_component(leg, k) for leg in legs for k in range(dim)]
    rates = [sympy.Symbol(f"rate_{n}_{k}", real=True) for n in range(len(legs)) for k in range(dim)]
    slopes = [held.value.diff(step) for step in steps]
    amount = sympy.Symbol("amount", real=True)
    pulls = [amount * slope for row in held.slopes for slope in row]
    deals = tuple(Deal(label, e * dim, 1.0) for e, label in enumerate(over.bound))
    rate = sympy.Add(*(a * v for a, v in zip(slopes, rates, strict=True)))
    return HeldActs(
        _written(number, over, legs, steps, [held.value], ()),
        _written(number + 1, over, (*legs, *fast), [*steps, *rates], [rate], ()),
        _written(number + 2, over, legs, steps, pulls, deals, given=(amount,)),
    )


def _act(
    number: int, over: SumOver, legs: tuple[Leg, ...], forces: Sequence[Any], deals: tuple[Deal, ...], cut: bool = False
) -> Act:
    written = [_component(leg, k) for leg in legs for k in range(over.particles.dim)]
    return _written(number, over, legs, written, forces, deals, cut=cut)


def _written(
    number: int,
    over: SumOver,
    legs: tuple[Leg, ...],
    moving: Sequence[Any],
    results: Sequence[Any],
    deals: tuple[Deal, ...],
    given: tuple[Any, ...] = (),
    cut: bool = False,
) -> Act:
    """An act of expressions, in symbols for the components of legs and for what is given."""
    names = tuple(s for s in _symbols(results) if s not in (*moving, *given))
    words = (("leg", moving), ("other", names), ("given", given))
    nodes = {s: variable(f"{word}_{k}") for word, some in words for k, s in enumerate(some)}
    function = Function(f"act_{number}", tuple(nodes.values()), (), lower_expressions(results, nodes))
    return Act(number, over, over.bound, legs, names, len(given), deals, function, cut)


def _component(leg: Leg, axis: int) -> Any:
    return component(leg.end, leg.order, axis) if leg.other is None else displacement(leg.end, leg.other, axis)


def _symbols(expressions: Sequence[Any]) -> tuple[Any, ...]:
    """What expressions hold besides places, velocities and displacements."""
    symbols = {s for e in expressions for s in sympy.sympify(e).free_symbols}
    moving = ("position", "velocity", "displacement")
    return tuple(sorted((s for s in symbols if getattr(s, "role", "") not in moving), key=str))


def _legs(forces: Sequence[Any]) -> tuple[Leg, ...]:
    """The displacements that occur."""
    symbols = {s for force in forces for s in force.free_symbols if isinstance(s, LocalSymbol)}
    labels = sorted({s.labels for s in symbols if s.role == "displacement"})
    return tuple(Leg(0, first, second) for first, second in labels)


def _across(pair: PairForce) -> tuple[Any, ...]:
    """The force on i of a pair, in the components of the displacement alone."""
    dim = pair.over.particles.dim
    steps = [displacement(I, J, k) for k in range(dim)]
    square = {SQUARE: sympy.Add(*(d**2 for d in steps))}
    return tuple((pair.factor * d + more).xreplace(square) for d, more in zip(steps, pair.along, strict=True))
