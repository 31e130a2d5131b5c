"""One neighbour as environments see it: weights of its distance, monomials of its direction, and their slopes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from codegen import Node, add_many, apply, real
from symphys.lower.particles.site import Pair, Site, chosen
from symphys.mechanics.particles.surroundings import SQUARE, Environment

Radial = tuple[str | None, Any]  # what tells weights apart: the species that is seen, and the weight


@dataclass(frozen=True)
class Neighbour:
    """Particle j at r_i - r_j = d = -r n in the eyes of i, whose environments are functions of q = r^2 and n.

    steps, inverse: d [dim] and 1 / r; () and 0 where no environment knows directions. weights, factors: w and -2 dw/dq
    of each weight. let: gives a node a name.

    The pull of sum_a G_a rho_a on i is sum_a G_a [-2 dw_a/dq m_a d + (w_a / r) (dm_a/dn - n (n . dm_a/dn))] with the
    monomials m_a of n: along the line between the two, and across it.
    """

    environments: Sequence[Environment]
    steps: tuple[Node, ...]
    inverse: Node
    weights: Mapping[Radial, Node]
    factors: Mapping[Radial, Node]
    let: Callable[[str, Node], Node]
    _monomials: dict[tuple[int, ...], Node] = field(default_factory=dict)

    @cached_property
    def direction(self) -> tuple[Node, ...]:
        """n."""
        return tuple(self.let("direction", -step * self.inverse) for step in self.steps)

    def monomial(self, powers: tuple[int, ...]) -> Node:
        """n_1^a_1 n_2^a_2 ..."""
        if not any(powers):
            return real(1.0)
        if powers not in self._monomials:
            axis = next(k for k, power in enumerate(powers) if power)
            less = _less(powers, axis)
            made = self.direction[axis]
            self._monomials[powers] = self.let("monomial", made * self.monomial(less)) if any(less) else made
        return self._monomials[powers]

    def pull(self, strengths: Sequence[Node | None]) -> tuple[Node, list[Node]]:
        """The factor of d, and what acts across it, [dim] or () for nothing.

        strengths: [environments] G, None where one is left out.
        """
        mine: dict[Radial, list[tuple[Environment, Node]]] = {key: [] for key in self.weights}
        for each, strength in zip(self.environments, strengths, strict=True):
            if strength is not None:
                mine[each.of, each.weight].append((each, strength))
        along: list[Node] = []
        across: list[list[Node]] = [[] for _ in self.steps]
        for key, found in mine.items():
            parts = [strength * self.monomial(each.powers) if each.degree else strength for each, strength in found]
            if parts:
                along.append(add_many(parts) * self.factors[key])
            for axis, turned in enumerate(across):
                slopes = [
                    strength * float(each.powers[axis]) * self.monomial(_less(each.powers, axis))
                    for each, strength in found
                    if each.powers[axis]
                ]
                if slopes:
                    turned.append(add_many(slopes) * self.weights[key])
        factor = add_many(along) if along else real(0.0)
        if not any(across):
            return factor, []
        turns = [self.let("turn", self.inverse * add_many(found)) if found else real(0.0) for found in across]
        inward = self.let("inward", add_many(n * t for n, t in zip(self.direction, turns, strict=True)))
        return factor, [t - n * inward for n, t in zip(self.direction, turns, strict=True)]

    def pulls(self) -> list[list[Node]]:
        """[environments][dim], the pulls of single ones on i."""
        found = []
        for a in range(len(self.environments)):
            alone = [real(1.0) if b == a else None for b in range(len(self.environments))]
            factor, across = self.pull(alone)
            along = [factor * step for step in self.steps]
            found.append([x + y for x, y in zip(along, across, strict=True)] if across else along)
        return found


def radial(environments: Iterable[Environment]) -> dict[Radial, Environment]:
    """One environment for each weight of a species; the others differ by directions alone."""
    found: dict[Radial, Environment] = {}
    for each in environments:
        found.setdefault((each.of, each.weight), each)
    return found


def lowered(
    environments: Sequence[Environment], lower: Callable[[Sequence[Any]], Sequence[Node]]
) -> tuple[dict[Radial, Node], dict[Radial, Node]]:
    """Weights and factors of environments as nodes, each once."""
    known = radial(environments)
    weights = lower([each.weight for each in known.values()])
    factors = lower([each.factor for each in known.values()])
    return dict(zip(known, weights, strict=True)), dict(zip(known, factors, strict=True))


def neighbour(site: Site, pair: Pair, within: Node, environments: Sequence[Environment]) -> Neighbour:
    """A neighbour in a loop of a kernel; without meaning beyond reach, but for its direction, which is zero there."""
    b = site.builder
    weights, factors = lowered(environments, lambda expressions: site.lower(expressions, {SQUARE: pair.square}))
    inverse = real(0.0)
    if any(each.degree for each in environments):
        inverse = b.let("inverse", chosen(within, 1.0 / apply("sqrt", pair.square)))
    return Neighbour(environments, pair.steps, inverse, weights, factors, b.let)


def added(site: Site, pair: Pair, within: Node, environments: Sequence[Environment]) -> list[Node]:
    """[environments], what j adds to them; nothing where it is not seen."""
    near = neighbour(site, pair, within, environments)
    values = {}
    for (of, weight), value in near.weights.items():
        seen = site.of_species(pair, None, of)
        mask = within if seen is None else apply("and", within, seen)
        values[of, weight] = site.builder.let("weight", chosen(mask, value))
    found = []
    for each in environments:
        value = values[each.of, each.weight]
        found.append(value * near.monomial(each.powers) if each.degree else value)
    return found


def _less(powers: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return tuple(power - (k == axis) for k, power in enumerate(powers))
