"""What surroundings inside an energy do to neighbours: U(rho_j) of particle j pulls at every i that j sees.

F_i = sum over j and environments a of g_a(j) (-2 dw_a/dq) (r_i - r_j), with g_a = dU/drho_a and q = |r_i - r_j|^2. The
slopes g and the factors -2 dw/dq are lowered here, as terms whose values and derivatives kernels give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from codegen import Node, identifier, variable
from symphys.language.networks import networks_in
from symphys.language.particle_sums import LABELS
from symphys.language.particle_symbols import LocalSymbol, attribute, component
from symphys.lower.arguments import Arguments
from symphys.lower.expressions import lower_expressions, weight_arrays
from symphys.lower.residual import RESERVED, Terms
from symphys.mechanics.particles import ParticleDynamics
from symphys.mechanics.particles.derive import SQUARE

I = LABELS[0]


@dataclass(frozen=True)
class Slopes:
    """[environments] slopes g_a of the energies of one species, and which parameters and networks they hold.

    `state` of the terms holds what a particle sees [environments], its place [dim] and its `attributes`.
    """

    terms: Terms
    symbols: tuple[Any, ...]
    networks: tuple[Any, ...]
    attributes: tuple[str, ...]


def slopes_of(dynamics: ParticleDynamics, species: str | None) -> Slopes:
    """The slopes of all energies of the particles of a species."""
    sites = [each for each in dynamics.sites if each.species in (None, species)]
    slopes = [sympy.Add(*(each.slopes[a] for each in sites)) for a in range(len(dynamics.environments))]
    free = {s for slope in slopes for s in sympy.sympify(slope).free_symbols}
    symbols = tuple(s for s in dynamics.parameters if s in free)
    attributes = tuple(sorted({s.word for s in free if isinstance(s, LocalSymbol) and s.role == "attribute"}))
    held = {n for slope in slopes for n in networks_in(sympy.preorder_traversal(slope))}
    networks = tuple(n for n in dynamics.networks if n in held)
    weights = weight_arrays(networks)
    fresh = _names({*RESERVED, *(array.name for array in weights)})
    known: dict[Any, Node] = {each.symbol: fresh(f"rho_{a}") for a, each in enumerate(dynamics.environments)}
    known |= {component(I, 0, k): fresh(f"place_{k}") for k in range(dynamics.particles.dim)}
    known |= {attribute(word, I): fresh(word) for word in attributes}
    state = tuple(known.values())
    parameters = {s: fresh(s.name) for s in symbols}
    arguments = Arguments(fresh("time"), state, (), tuple(parameters.values()), known | parameters, weights)
    values = lower_expressions(slopes, known | parameters)
    return Slopes(Terms(arguments, (), (), tuple(values), True), symbols, networks, attributes)


def pair_factors(factors: Sequence[Any]) -> tuple[Terms, tuple[Any, ...]]:
    """Factors of pairs as terms whose `state` is q = r^2, and the symbols that they hold besides."""
    symbols = tuple(sorted({s for each in factors for s in each.free_symbols} - {SQUARE}, key=str))
    fresh = _names(set(RESERVED))
    square = fresh("square")
    parameters = {s: fresh(s.name) for s in symbols}
    known = {SQUARE: square, **parameters}
    arguments = Arguments(fresh("time"), (square,), (), tuple(parameters.values()), known)
    return Terms(arguments, (), (), tuple(lower_expressions(list(factors), known)), True), symbols


def _names(taken: set[str]) -> Callable[[str], Node]:
    def fresh(wish: str) -> Node:
        text = identifier(wish, taken)
        taken.add(text)
        return variable(text)

    return fresh
