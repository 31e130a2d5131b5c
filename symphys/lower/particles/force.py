"""The force on one particle, and energies, as sums over the others.

Every particle sums over all its neighbours, so that a pair is evaluated twice and nothing is written but one's own
force: r_i - r_j and r_j - r_i are exact opposites, and so are the forces, to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen import Kind, Node, add_many, apply, integer
from symphys.language.particle_sums import LABELS, with_labels
from symphys.lower.particles.bonds import bonded_energies, bonded_forces
from symphys.lower.particles.site import Pair, Site, axis_wish, chosen, summed
from symphys.mechanics.particles.derive import SQUARE, Environment, PairForce

I, J = LABELS[:2]
EXCHANGE = {I: J, J: I}


def force_on(site: Site) -> list[Node]:
    """[dim], the components of F_i; where there are environments, their slopes must be known."""
    dynamics, axes = site.layout.dynamics, range(site.layout.dim)
    bonds = bonded_forces(site)
    own = [add_many([*_alone(site, axis), *(bond[axis] for bond in bonds)]) for axis in axes]
    if not _pairs(site) and not dynamics.environments:
        return own
    slopes = [site.own("slope", a) for a in range(len(dynamics.environments))]
    registers, add = summed(site, [axis_wish("force", axis) for axis in axes])
    with site.others() as pair:
        within = site.builder.let("within", site.within(pair))
        factor = site.builder.let("factor", chosen(within, add_many(_factors(site, pair, slopes))))
        added = [factor * step for step in pair.steps]
        for axis in axes:
            turned = _sideways(site, pair, axis)
            if turned:
                added[axis] = added[axis] + chosen(within, add_many(turned))
        add(added)
    return [a + b for a, b in zip(registers, own, strict=True)]


def surroundings_of(site: Site) -> list[Node]:
    """[environments], rho_a(i) = sum_j w_a(r_ij)."""
    environments = site.layout.dynamics.environments
    registers, add = summed(site, [f"rho_{a}" for a in range(len(environments))])
    with site.others() as pair:
        within = site.builder.let("within", site.within(pair))
        weights = site.lower([each.weight for each in environments], pair.symbols())
        add([
            chosen(_and(within, site.of_species(pair, None, each.of)), weight)
            for each, weight in zip(environments, weights, strict=True)
        ])  # fmt: skip
    return registers


def slopes_of(site: Site, surroundings: Sequence[Node]) -> list[Node]:
    """[environments], g_a(i) = dU_i/drho_a."""
    environments = site.layout.dynamics.environments
    known = {each.symbol: value for each, value in zip(environments, surroundings, strict=True)}
    totals: list[list[Node]] = [[] for _ in environments]
    for each in site.layout.dynamics.sites:
        is_one = _is(site, each.species)
        for total, slope in zip(totals, site.lower(each.slopes, known), strict=True):
            total.append(chosen(is_one, slope))
    return [add_many(total) for total in totals]


def _pairs(site: Site) -> list[PairForce]:
    return list(site.layout.dynamics.pairs)


def _is(site: Site, species: str | None) -> Node | None:
    """Whether i is of a species; None where any will do."""
    if species is None:
        return None
    names = site.layout.dynamics.particles.species
    return apply("eq", site.own("kind", kind=Kind.INT), integer(names.index(species)))


def _and(a: Node, b: Node | None) -> Node:
    return a if b is None else apply("and", a, b)


def _alone(site: Site, axis: int) -> list[Node]:
    """What acts on one particle alone, along an axis."""
    found = [each for each in site.layout.dynamics.sites if each.along[axis] != 0]
    values = site.lower([each.along[axis] for each in found], {})
    return [chosen(_is(site, each.species), value) for each, value in zip(found, values, strict=True)]


def both_ways(each: PairForce, expression: Any) -> list[tuple[tuple[str | None, str | None], Any, bool]]:
    """A pair term as i sees it: with i as its first particle, and as its second where species tell them apart."""
    first, second = each.over.species
    found = [((first, second), expression, False)]
    if first != second:
        found.append(((second, first), with_labels(expression, EXCHANGE), True))
    return found


def _pair_sum(site: Site, pair: Pair, attribute: str) -> list[Node]:
    """The values of one expression of every pair term for a pair, as far as the species allow."""
    parts = []
    for each in _pairs(site):
        for species, expression, _ in both_ways(each, getattr(each, attribute)):
            symbols = {**pair.symbols(), **site.seen(pair.j, (expression,))}
            (value,) = site.lower((expression,), symbols)
            parts.append(chosen(site.of_species(pair, *species), value))
    return parts


def _factors(site: Site, pair: Pair, slopes: Sequence[Node]) -> list[Node]:
    """What r_i - r_j is multiplied by: of pair terms, and of environments as i sees j and j sees i."""
    parts = _pair_sum(site, pair, "factor")
    environments: tuple[Environment, ...] = site.layout.dynamics.environments
    factors = site.lower([each.factor for each in environments], {SQUARE: pair.square})
    for a, (each, factor) in enumerate(zip(environments, factors, strict=True)):
        total = chosen(site.of_species(pair, None, each.of), slopes[a])
        if site.layout.dynamics.reciprocal:
            back = site.other("slope", pair.j, a)
            total = total + chosen(_is(site, each.of), back)
        parts.append(total * factor)
    return parts


def _sideways(site: Site, pair: Pair, axis: int) -> list[Node]:
    """Forces that are not along the line between the two; seen from the second particle, they have the other sign."""
    parts = []
    for each in _pairs(site):
        if not each.along:
            continue
        for species, expression, back in both_ways(each, each.along[axis]):
            symbols = {**pair.symbols(), **site.seen(pair.j, (expression,))}
            (value,) = site.lower((expression,), symbols)
            parts.append(chosen(site.of_species(pair, *species), -value if back else value))
    return parts


def energies_of(site: Site) -> tuple[list[Node], Node, Node, Node]:
    """What is i's share: of the energies on it alone, of pairs (one half), of their absolute values, and r . F."""
    dynamics = site.layout.dynamics
    zero = apply("to_real", site.index) * 0.0
    energy, size, virial = zero, zero, zero
    known: dict[Any, Node] = {}
    if _pairs(site) or dynamics.environments:
        slopes = [site.own("slope", a) for a in range(len(dynamics.environments))]
        wishes = ["pair_energy", "pair_size", "virial", *(f"rho_{a}" for a in range(len(dynamics.environments)))]
        (energy, size, virial, *densities), add = summed(site, wishes)
        with site.others() as pair:
            within = site.builder.let("within", site.within(pair))
            value = site.builder.let("energy", chosen(within, add_many(_pair_sum(site, pair, "potential"))))
            pull = chosen(within, add_many(_factors(site, pair, slopes))) * pair.square
            weights = site.lower([each.weight for each in dynamics.environments], pair.symbols())
            seen = [
                chosen(_and(within, site.of_species(pair, None, each.of)), weight)
                for each, weight in zip(dynamics.environments, weights, strict=True)
            ]
            add([0.5 * value, 0.5 * apply("abs", value), 0.5 * pull, *seen])
        known = {each.symbol: value for each, value in zip(dynamics.environments, densities, strict=True)}
    values = site.lower([each.potential for each in dynamics.sites], known)
    alone = [chosen(_is(site, each.species), value) for each, value in zip(dynamics.sites, values, strict=True)]
    for share, share_size, pull in bonded_energies(site):
        energy, size, virial = energy + share, size + share_size, virial + pull
    return alone, energy, size, virial
