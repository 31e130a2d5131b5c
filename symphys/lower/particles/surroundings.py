"""What forces are made of that is known before anything is learnt: invariants of surroundings, pulls along pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from codegen import Array, Intent, Kernel, Node, apply
from symphys.lower.particles.force import both_ways
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.neighbours import added, neighbour
from symphys.lower.particles.site import Site, axis_wish, chosen, summed
from symphys.mechanics.particles.derive import PairForce
from symphys.mechanics.particles.surroundings import Environment


@dataclass(frozen=True)
class Pulls:
    """Sums over the neighbours j of i: of environments and their pulls -d/dr_i, of pairs c (r_i - r_j).

    pairs: pair terms, each with its factor c.
    """

    environments: tuple[Environment, ...]
    pairs: tuple[tuple[PairForce, Any], ...]

    @property
    def count(self) -> int:
        """How many vectors there are."""
        return len(self.environments) + len(self.pairs)


def surroundings_kernel(layout: Layout, pulls: Pulls) -> Kernel:
    """`seen` [environments], the sums of weights, and `pulls` [environments + pairs, dim], those of vectors."""
    site = Site(layout)
    b, axes = site.builder, range(layout.dim)
    site.declare(Array("seen", (max(len(pulls.environments), 1), layout.rows), intent=Intent.OUT))
    site.declare(Array("pulls", (max(pulls.count, 1), layout.dim, layout.rows), intent=Intent.OUT))
    wishes = [f"rho_{a}" for a in range(len(pulls.environments))]
    wishes += [axis_wish(f"pull_{p}", k) for p in range(pulls.count) for k in axes]
    registers, add = summed(site, wishes)
    with site.others() as pair:
        within = b.let("within", site.within(pair))
        scalars = added(site, pair, within, pulls.environments)
        vectors = neighbour(site, pair, within, pulls.environments).pulls()
        for each, vector in zip(pulls.environments, vectors, strict=True):
            mask = _and(within, site.of_species(pair, None, each.of))
            vector[:] = [chosen(mask, value) for value in vector]
        for term, expression in pulls.pairs:
            parts = []
            for species, factor, _ in both_ways(term, expression):
                (value,) = site.lower((factor,), {**pair.symbols(), **site.seen(pair.j, (factor,))})
                parts.append(chosen(_and(within, site.of_species(pair, *species)), value))
            factor = b.let("factor", sum(parts[1:], parts[0]))
            vectors.append([factor * step for step in pair.steps])
        add([*scalars, *(value for vector in vectors for value in vector)])
    count = len(pulls.environments)
    _store(site, "seen", registers[:count], ())
    for p in range(pulls.count):
        _store(site, "pulls", registers[count + p * layout.dim : count + (p + 1) * layout.dim], (p,))
    return site.kernel("surroundings")


def _and(a: Node, b: Node | None) -> Node:
    return a if b is None else apply("and", a, b)


def _store(site: Site, array: str, values: Sequence[Node], leading: tuple[int, ...]) -> None:
    for k, value in enumerate(values):
        site.builder.store(array, *leading, k, site.row, value=value)
