"""The residuals of accelerations of one species as terms of what its particles see: samples, like those of coordinates.

m a = sum over invariants I of what is seen of dU/dI (-dI/dr) + sum over pair terms + pulls on single particles, with
dU/dI a function of what is seen alone. So a particle is a sample whose state is `seen` and `pulls`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from codegen import Node, add_many, identifier, variable
from symphys.language.networks import networks_in
from symphys.language.particle_sums import LABELS
from symphys.language.particle_symbols import LocalSymbol, attribute, component
from symphys.lower.arguments import Arguments
from symphys.lower.expressions import lower_expressions, weight_arrays
from symphys.lower.residual import RESERVED, Terms
from symphys.mechanics.particles import ParticleDynamics
from symphys.mechanics.particles.derive import PairForce

I = LABELS[0]


@dataclass(frozen=True)
class Linear:
    """A pair term whose factor is c_0 + sum_k theta_k c_k: its parts (theta_k or 1, c_k)."""

    term: PairForce
    parts: tuple[tuple[Any, Any], ...]


def linear_pairs(dynamics: ParticleDynamics, unknown: Sequence[Any]) -> tuple[Linear, ...] | None:
    """The pair terms as sums of known functions; None where one is not linear in what is unknown."""
    found = []
    for each in dynamics.pairs:
        if any(_holds(each.factor, network) for network in dynamics.networks):
            return None
        mine = [s for s in unknown if s in each.factor.free_symbols]
        factor = sympy.expand(each.factor) if mine else each.factor
        parts = [(s, factor.diff(s)) for s in mine]
        if each.along or any(set(c.free_symbols) & set(mine) for _, c in parts):
            return None
        rest = factor.xreplace(dict.fromkeys(mine, sympy.S.Zero))
        found.append(Linear(each, (*parts, *(((sympy.S.One, rest),) if rest != 0 else ()))))
    return tuple(found)


@dataclass(frozen=True)
class Share:
    """The residuals of one species: [axes] terms, and which parameters and networks they hold.

    axes: those of space, or one, where all axes are alike and each is a sample of its own: then code is a third as long
    and nothing is evaluated more often but a few products. `state` holds `seen`, `pulls`, places, velocities and
    `attributes`, vectors with `axes` components.
    """

    terms: Terms
    symbols: tuple[Any, ...]
    networks: tuple[Any, ...]
    attributes: tuple[str, ...]
    axes: int


def share_of(dynamics: ParticleDynamics, pairs: Sequence[Linear], species: str | None, friction: Any = None) -> Share:
    """The residuals m_i a_i - F_i of a species, divided by m_i; `friction`: minus so many times the velocity."""
    dim = dynamics.particles.dim
    sites = [each for each in dynamics.sites if each.species in (None, species)]
    slopes = [sympy.Add(*(each.slopes[a] for each in sites)) for a in range(len(dynamics.invariants))]
    along = [sympy.Add(*(each.along[k] for each in sites)) for k in range(dim)]
    factors = [theta for each in pairs for theta, _ in each.parts]
    acting = [species is None or each.term.over.species == (None, None) or species in each.term.over.species
              for each in pairs for _ in each.parts]  # fmt: skip
    expressions = [*slopes, *along, *(f for f, yes in zip(factors, acting, strict=True) if yes), dynamics.mass]
    expressions += [friction] if friction is not None else []
    free = {s for e in expressions for s in sympy.sympify(e).free_symbols}
    symbols = tuple(s for s in dynamics.parameters if s in free)
    attributes = tuple(sorted({s.word for s in free if isinstance(s, LocalSymbol) and s.role == "attribute"}))
    networks = tuple(n for n in dynamics.networks if any(_holds(e, n) for e in expressions))
    axes = dim if networks or any(along) else 1
    weights = weight_arrays(networks)
    taken = {*RESERVED, *(array.name for array in weights)}

    def fresh(wish: str) -> Node:
        text = identifier(wish, taken)
        taken.add(text)
        return variable(text)

    known: dict[Any, Node] = {}
    seen = [fresh(f"seen_{a}") for a in range(len(dynamics.invariants))]
    known |= {each.symbol: node for each, node in zip(dynamics.invariants, seen, strict=True)}
    vectors = [[fresh(f"pull_{p}_{k}") for k in range(axes)] for p in range(len(seen) + len(factors))]
    places, rates = ([fresh(f"{wish}_{k}") for k in range(axes)] for wish in ("place", "rate"))
    known |= {component(I, 0, k): node for k, node in enumerate(places)}
    kept = [fresh(word) for word in attributes]
    known |= {attribute(word, I): node for word, node in zip(attributes, kept, strict=True)}
    parameters = {s: fresh(s.name) for s in symbols}
    known |= parameters
    moving = [*seen, *(x for row in vectors for x in row), *places, *rates, *kept]
    arguments = Arguments(fresh("time"), tuple(moving), (), tuple(parameters.values()), known, weights)
    data, roots = (tuple(fresh(f"{wish}_{k}") for k in range(axes)) for wish in ("measured", "root"))
    lowered = lower_expressions([*slopes, *along, *factors_of(factors, acting), dynamics.mass], known)
    count = len(slopes)
    g, alone, theta, mass = lowered[:count], lowered[count : count + dim], lowered[count + dim : -1], lowered[-1]
    brake = lower_expressions([friction], known)[0] if friction is not None else None
    residuals = []
    for k in range(axes):
        pull = [g[a] * vectors[a][k] for a in range(count) if slopes[a] != 0] + [alone[k]]
        pull += [x * vectors[count + p][k] for p, (x, yes) in enumerate(zip(theta, acting, strict=True)) if yes]
        value = add_many(pull) / mass - data[k]
        residuals.append((value if brake is None else value - brake * rates[k]) * roots[k])
    return Share(Terms(arguments, data, roots, tuple(residuals), True), symbols, networks, attributes, axes)


def factors_of(factors: Sequence[Any], acting: Sequence[bool]) -> list[Any]:
    """The unknown factors of pair terms; 0 for those that do not act on the species."""
    return [f if yes else sympy.S.Zero for f, yes in zip(factors, acting, strict=True)]


def _holds(expression: Any, network: Any) -> bool:
    return network in networks_in(sympy.preorder_traversal(sympy.sympify(expression)))
