"""What surroundings inside an energy do to those who are seen: U(I_j) of particle j pulls at every i that j sees.

F_i = sum over j and invariants p of u_p(j) (-dI_p(j)/dr_i), with u_p = dU/dI_p. The slopes u and the pulls of single
environments are lowered here, as terms whose values and derivatives kernels give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from codegen import Node, add_many, apply, identifier, variable
from symphys.language.networks import networks_in
from symphys.language.particle_sums import LABELS
from symphys.language.particle_symbols import LocalSymbol, attribute, component
from symphys.lower.arguments import Arguments
from symphys.lower.expressions import lower_expressions, weight_arrays
from symphys.lower.particles.neighbours import Neighbour, lowered
from symphys.lower.residual import RESERVED, Terms
from symphys.mechanics.particles import ParticleDynamics
from symphys.mechanics.particles.surroundings import SQUARE, Environment

I = LABELS[0]


@dataclass(frozen=True)
class Slopes:
    """u_p of the energies of one species, for the invariants `used`, and which parameters and networks they hold.

    terms: [used] values. along: their sum along a direction, [1], whose components stand where measured values do: from
    its derivatives those of all slopes are made, a direction each, by one function and not by as many as there are
    slopes. `state` of both holds what a particle sees [invariants], its place [dim] and its `attributes`.
    """

    used: tuple[int, ...]
    terms: Terms
    along: Terms
    symbols: tuple[Any, ...]
    networks: tuple[Any, ...]
    attributes: tuple[str, ...]


def slopes_of(dynamics: ParticleDynamics, species: str | None) -> Slopes:
    """The slopes of all energies of the particles of a species."""
    sites = [each for each in dynamics.sites if each.species in (None, species)]
    every = [sympy.Add(*(each.slopes[p] for each in sites)) for p in range(len(dynamics.invariants))]
    used = tuple(p for p, slope in enumerate(every) if slope != 0)
    slopes = [every[p] for p in used]
    free = {s for slope in slopes for s in sympy.sympify(slope).free_symbols}
    symbols = tuple(s for s in dynamics.parameters if s in free)
    attributes = tuple(sorted({s.word for s in free if isinstance(s, LocalSymbol) and s.role == "attribute"}))
    held = {n for slope in slopes for n in networks_in(sympy.preorder_traversal(slope))}
    networks = tuple(n for n in dynamics.networks if n in held)
    weights = weight_arrays(networks)
    fresh = _names({*RESERVED, *(array.name for array in weights)})
    known: dict[Any, Node] = {each.symbol: fresh(f"seen_{p}") for p, each in enumerate(dynamics.invariants)}
    known |= {component(I, 0, k): fresh(f"place_{k}") for k in range(dynamics.particles.dim)}
    known |= {attribute(word, I): fresh(word) for word in attributes}
    state = tuple(known.values())
    parameters = {s: fresh(s.name) for s in symbols}
    arguments = Arguments(fresh("time"), state, (), tuple(parameters.values()), known | parameters, weights)
    values = lower_expressions(slopes, known | parameters)
    directions = tuple(fresh(f"direction_{p}") for p in used)
    total = add_many(v * value for v, value in zip(directions, values, strict=True))
    return Slopes(
        used,
        Terms(arguments, (), (), tuple(values), True),
        Terms(arguments, directions, (), (total,), True),
        symbols,
        networks,
        attributes,
    )


def reaction_terms(dim: int, environments: Sequence[Environment]) -> tuple[Terms, tuple[Any, ...]]:
    """[environments * dim], what rho_a of particle j does to a particle i by -d/dr_i, and the symbols in it.

    `state` is r_i - r_j [dim].
    """
    symbols = {s for each in environments for e in (each.weight, each.factor) for s in e.free_symbols}
    given = tuple(sorted(symbols - {SQUARE}, key=str))
    fresh = _names(set(RESERVED))
    steps = tuple(fresh(f"step_{k}") for k in range(dim))
    parameters = {s: fresh(s.name) for s in given}
    square = add_many(step * step for step in steps)
    inner = {SQUARE: square, **parameters}
    weights, factors = lowered(environments, lambda expressions: lower_expressions(expressions, inner))
    near = Neighbour(environments, steps, 1.0 / apply("sqrt", square), weights, factors, lambda _, node: node)
    # j sees i in the other direction than i sees j
    pulls = [-x if each.degree % 2 else x for each, pull in zip(environments, near.pulls(), strict=True) for x in pull]
    arguments = Arguments(fresh("time"), steps, (), tuple(parameters.values()), dict(parameters))
    return Terms(arguments, (), (), tuple(pulls), True), given


def _names(taken: set[str]) -> Callable[[str], Node]:
    def fresh(wish: str) -> Node:
        text = identifier(wish, taken)
        taken.add(text)
        return variable(text)

    return fresh
