"""The force on one particle, and energies, as sums over the others.

Every particle sums over all its neighbours, so that a pair is evaluated twice and nothing is written but one's own
force: r_i - r_j and r_j - r_i are exact opposites, and so are the forces, to rounding.
"""

from __future__ import annotations

from typing import Any

from codegen import Node, add_many, apply
from symphys.language.particle_sums import LABELS, with_labels
from symphys.lower.particles.site import Pair, Site, chosen, summed

I, J = LABELS[:2]
EXCHANGE = {I: J, J: I}


def force_on(site: Site) -> list[Node]:
    """[dim], the components of F_i."""
    dynamics, dim = site.layout.dynamics, site.layout.dim
    forces = [site.lower(_along(site, axis), {}) for axis in range(dim)]
    own = [add_many(parts) for parts in forces]
    pairs = [each for each in dynamics.pairs if each.bonds is None]
    if not pairs and not dynamics.environments:
        return own
    registers, add = summed(site, [f"force_{'xyz'[k] if k < 3 else k}" for k in range(dim)])
    with site.others() as pair:
        within = site.builder.let("within", site.within(pair))
        factor = site.builder.let("factor", chosen(within, _factor(site, pair)))
        added = [factor * step for step in pair.steps]
        for axis in range(dim):
            extra = _sideways(site, pair, axis)
            if extra is not None:
                added[axis] = added[axis] + chosen(within, extra)
        add(added)
    return [a + b for a, b in zip(registers, own, strict=True)]


def _along(site: Site, axis: int) -> list[Any]:
    """What acts on one particle alone, along an axis."""
    return [each.along[axis] for each in site.layout.dynamics.sites if each.along[axis] != 0]


def _both_ways(each: Any, expression: Any) -> list[tuple[tuple[str | None, str | None], Any]]:
    """A pair term as i sees it: with i as the first of its particles, and as the second where species tell them."""
    first, second = each.over.species
    found = [((first, second), expression)]
    if first != second:
        found.append(((second, first), with_labels(expression, EXCHANGE)))
    return found


def _pair_sum(site: Site, pair: Pair, attribute: str) -> list[Node]:
    """The values of one expression of every pair term for a pair, as far as the species allow."""
    parts = []
    for each in site.layout.dynamics.pairs:
        if each.bonds is not None:
            continue
        for species, expression in _both_ways(each, getattr(each, attribute)):
            symbols = {**pair.symbols(), **site.seen(pair.j, (expression,))}
            (value,) = site.lower((expression,), symbols)
            parts.append(chosen(site.of_species(pair, *species), value))
    return parts


def _factor(site: Site, pair: Pair) -> Node:
    """What r_i - r_j is multiplied by."""
    return add_many(_pair_sum(site, pair, "factor"))


def _sideways(site: Site, pair: Pair, axis: int) -> Node | None:
    """Forces that are not along the line between the two; None where there are none."""
    del site, pair, axis
    return None


def energy_of_pair(site: Site, pair: Pair) -> Node:
    """V(i, j)."""
    return add_many(_pair_sum(site, pair, "potential"))


def energies_of(site: Site) -> tuple[list[Node], Node, Node, Node]:
    """What is i's share: of the energies on it alone, of pairs (one half), of their absolute values, and r . F."""
    dynamics = site.layout.dynamics
    alone = [chosen(None, site.lower((each.potential,), {})[0]) for each in dynamics.sites]
    zero = site.builder.let("nothing", apply("to_real", site.index) * 0.0)
    if not any(each.bonds is None for each in dynamics.pairs):
        return alone, zero, zero, zero
    (energy, size, virial), add = summed(site, ("pair_energy", "pair_size", "virial"))
    with site.others() as pair:
        within = site.builder.let("within", site.within(pair))
        value = site.builder.let("energy", chosen(within, energy_of_pair(site, pair)))
        pull = chosen(within, _factor(site, pair)) * pair.square
        add([0.5 * value, 0.5 * apply("abs", value), 0.5 * pull])
    return alone, energy, size, virial
