"""The force on one particle, and energies, as sums over the others.

Every particle sums over all its neighbours, so that a pair is evaluated twice and nothing is written but one's own
force: r_i - r_j and r_j - r_i are exact opposites, and so are the forces, to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codegen import Kind, Node, add_many, apply, integer, real
from symphys.language.particle_sums import LABELS, with_labels
from symphys.lower.particles.bonds import bonded_energies, bonded_forces
from symphys.lower.particles.far import far_energy, far_force
from symphys.lower.particles.neighbours import added, neighbour
from symphys.lower.particles.site import Pair, Site, axis_wish, chosen, summed
from symphys.mechanics.particles.derive import PairForce

I, J = LABELS[:2]
EXCHANGE = {I: J, J: I}


def force_on(site: Site) -> list[Node]:
    """[dim], the components of F_i; where there are environments, their slopes must be known."""
    dynamics, axes = site.layout.dynamics, range(site.layout.dim)
    bonds = bonded_forces(site)
    far = far_force(site)
    listed = [*bonds, far] if far else bonds
    own = [add_many([*_alone(site, axis), *(each[axis] for each in listed)]) for axis in axes]
    if not _pairs(site) and not dynamics.environments:
        return own
    slopes = [site.own("slope", a) for a in range(len(dynamics.environments))]
    registers, add = summed(site, [axis_wish("force", axis) for axis in axes])
    with site.others() as pair:
        within = site.builder.let("within", site.within(pair))
        factors, across = _factors(site, pair, within, slopes)
        factor = site.builder.let("factor", chosen(within, add_many(factors)))
        pulls = [factor * step for step in pair.steps]
        for axis in axes:
            turned = [*_sideways(site, pair, axis), *across[axis : axis + 1]]
            if turned:
                pulls[axis] = pulls[axis] + chosen(within, add_many(turned))
        add(pulls)
    return [a + b for a, b in zip(registers, own, strict=True)]


def surroundings_of(site: Site) -> list[Node]:
    """[environments], rho_a(i) = sum_j w_a(r_ij) times what it takes of directions."""
    environments = site.layout.dynamics.environments
    registers, add = summed(site, [f"rho_{a}" for a in range(len(environments))])
    with site.others() as pair:
        within = site.builder.let("within", site.within(pair))
        add(added(site, pair, within, environments))
    return registers


def seen_by(site: Site, surroundings: Sequence[Node]) -> list[Node]:
    """[invariants], as sums of products of environments."""
    found = []
    for each in site.layout.dynamics.invariants:
        coefficients = site.lower([coefficient for coefficient, _ in each.terms], {})
        terms = zip(coefficients, each.terms, strict=True)
        found.append(add_many(_product(c, [surroundings[a] for a in places]) for c, (_, places) in terms))
    return found


def slopes_of(site: Site, surroundings: Sequence[Node]) -> list[Node]:
    """[environments], g_a(i) = dU_i/drho_a, through the invariants that hold them."""
    dynamics = site.layout.dynamics
    values = [site.builder.let("seen", value) for value in seen_by(site, surroundings)]
    known = {each.symbol: value for each, value in zip(dynamics.invariants, values, strict=True)}
    totals: list[list[Node]] = [[] for _ in dynamics.invariants]
    for each in dynamics.sites:
        is_one = _is(site, each.species)
        used = [p for p, slope in enumerate(each.slopes) if slope != 0]
        for p, slope in zip(used, site.lower([each.slopes[p] for p in used], known), strict=True):
            totals[p].append(chosen(is_one, slope))
    found: list[list[Node]] = [[] for _ in dynamics.environments]
    for invariant, total in zip(dynamics.invariants, totals, strict=True):
        if not total:
            continue
        slope = site.builder.let("slope_seen", add_many(total))
        coefficients = site.lower([coefficient for coefficient, _ in invariant.terms], {})
        for c, (_, places) in zip(coefficients, invariant.terms, strict=True):
            for number, a in enumerate(places):
                rest = [surroundings[b] for k, b in enumerate(places) if k != number]
                found[a].append(slope * _product(c, rest))
    return [add_many(each) if each else real(0.0) for each in found]


def _product(coefficient: Node, factors: Sequence[Node]) -> Node:
    total = coefficient
    for factor in factors:
        total = total * factor
    return total


def _pairs(site: Site) -> list[PairForce]:
    return list(site.layout.dynamics.pairs)


def _is(site: Site, species: str | None) -> Node | None:
    """Whether i is of a species; None where any will do."""
    if species is None:
        return None
    names = site.layout.dynamics.particles.species
    return apply("eq", site.own("kind", kind=Kind.INT), integer(names.index(species)))


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


def _factors(site: Site, pair: Pair, within: Node, slopes: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """What r_i - r_j is multiplied by, and what acts across it, of environments as i sees j and j sees i."""
    parts = _pair_sum(site, pair, "factor")
    environments = site.layout.dynamics.environments
    if not environments:
        return parts, []
    strengths: list[Node | None] = []
    for a, each in enumerate(environments):
        total = chosen(site.of_species(pair, None, each.of), slopes[a])
        if site.layout.dynamics.reciprocal:
            back = chosen(_is(site, each.of), site.other("slope", pair.j, a))
            total = total - back if each.degree % 2 else total + back
        strengths.append(total)
    factor, across = neighbour(site, pair, within, environments).pull(strengths)
    return [*parts, factor], across


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
            factors, _ = _factors(site, pair, within, slopes)
            sideways = [s * step for axis, step in enumerate(pair.steps) for s in _sideways(site, pair, axis)]
            pull = chosen(within, add_many([add_many(factors) * pair.square, *sideways]))
            seen = added(site, pair, within, dynamics.environments)
            add([0.5 * value, 0.5 * apply("abs", value), 0.5 * pull, *seen])
        values = seen_by(site, densities)
        known = {each.symbol: value for each, value in zip(dynamics.invariants, values, strict=True)}
    potentials = site.lower([each.potential for each in dynamics.sites], known)
    alone = [chosen(_is(site, each.species), value) for each, value in zip(dynamics.sites, potentials, strict=True)]
    for share, share_size, pull in bonded_energies(site):
        energy, size, virial = energy + share, size + share_size, virial + pull
    far = far_energy(site)
    if far is not None:
        energy, size, virial = energy + far[0], size + apply("abs", far[0]), virial + far[1]
    return alone, energy, size, virial
