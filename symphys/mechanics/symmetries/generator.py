"""Infinitesimal point transformations in jet symbols: how they act on an action, and the charges that they give.

t -> t + eps tau, q -> q + eps xi changes the action of L by B = pr X(L) + L D_t tau; Noether's theorem needs B = D_t K
(Olver, "Applications of Lie Groups to Differential Equations", 2nd ed., sections 2.3 and 4.4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy

from symphys.mechanics.action import Action
from symphys.mechanics.conservation import energy_of
from symphys.mechanics.differentiate import directional, gradient
from symphys.mechanics.energy import additive_terms
from symphys.mechanics.euler_lagrange import generalised_forces, ostrogradsky_momenta


@dataclass(frozen=True)
class Generator:
    """X = tau d/dt + sum xi_i d/dq_i, in jet symbols; `xi` has one entry a coordinate."""

    time: Any
    xi: tuple[Any, ...]


@dataclass(frozen=True)
class Variations:
    """What is needed of an action to vary it along many generators and to write their charges."""

    action: Action
    by_time: Any
    slopes: tuple[tuple[Any, ...], ...]
    forces: tuple[Any, ...]

    @classmethod
    def of(cls, action: Action) -> "Variations":
        """One reverse sweep over L; given signals count as explicit time."""
        orders = range(action.order + 1)
        coordinates = [symbol for k in orders for symbol in action.jet(k)]
        rates = action.space.total_derivative
        outside = (action.space.time, *(symbol for symbol in action.input_symbols if symbol in rates))
        found = gradient(action.lagrangian, (*coordinates, *outside))
        n = len(action.coordinates)
        by_time = sympy.Add(*(s * rates[u] for s, u in zip(found[len(coordinates) :], outside, strict=True)))
        return cls(action, by_time, tuple(found[k * n : (k + 1) * n] for k in orders), generalised_forces(action))

    @cached_property
    def momenta(self) -> tuple[tuple[Any, ...], ...]:
        """Ostrogradsky's momenta conjugate to q, q', ...; for a Lagrangian of first order p = dL/dq'."""
        action = self.action
        if action.order == 1:
            return (self.slopes[1],)
        return tuple(ostrogradsky_momenta(action.lagrangian, action.coordinates, action.space, action.order)[1:])

    @cached_property
    def energy(self) -> tuple[Any, ...]:
        """The terms of the energy function."""
        return energy_of(self.action)

    def characteristic(self, generator: Generator) -> tuple[Any, ...]:
        """xi_i - q'_i tau: the change of q_i at a fixed time."""
        return tuple(xi - v * generator.time for xi, v in zip(generator.xi, self.action.jet(1), strict=True))

    def power(self, generator: Generator) -> Any:
        """sum (Q_i - dD/dq'_i) (xi_i - q'_i tau): what friction and forces do along the transformation."""
        pairs = zip(self.characteristic(generator), self.forces, strict=True)
        return sympy.Add(*(change * force for change, force in pairs if force != 0))

    def change(self, generator: Generator) -> Any:
        """B = pr X(L) + L D_t tau, in jet symbols."""
        rates = self.action.space.total_derivative
        (stretch,) = directional((generator.time,), rates)
        pairs = [(generator.time, self.by_time), (stretch, self.action.lagrangian)]
        moved = generator.xi
        for k, slopes in enumerate(self.slopes):
            if k:
                moved = directional(moved, rates)
                speeds = self.action.jet(k)
                moved = tuple(each - v * stretch for each, v in zip(moved, speeds, strict=True))
            pairs += zip(moved, slopes, strict=True)
        return sympy.Add(*(change * slope for change, slope in pairs if change != 0 and slope != 0))


def charge_terms(variations: Variations, generator: Generator, boundary: Any) -> tuple[Any, ...]:
    """The additive terms of sum p_i xi_i - tau h - K, h the energy function, in jet symbols.

    With higher derivatives: sum_k P_k D_t^(k-1) (xi - q' tau) + L tau - K with Ostrogradsky's momenta P_k.
    """
    action, time = variations.action, generator.time
    rates = action.space.total_derivative
    whole = action.order > 1 and directional((time,), rates)[0] != 0
    moved = variations.characteristic(generator) if whole else generator.xi
    products: list[Any] = []
    for k, row in enumerate(variations.momenta):
        moved = directional(moved, rates) if k else moved
        products += [xi * term for xi, p in zip(moved, row, strict=True) if xi != 0 for term in additive_terms(p)]
    if whole:
        products.append(action.lagrangian * time)
    elif time != 0:
        products += [-time * term for term in variations.energy]
    products += [-term for term in sympy.Add.make_args(boundary)]
    return tuple(term for product in products for term in additive_terms(product) if term != 0)


def polynomial(coefficients: Mapping[tuple[int, ...], Any], variables: tuple[Any, ...]) -> Any:
    """The polynomial with the given coefficients; a monomial is written as the indices of its `variables`."""
    over: dict[Any, list[Any]] = {}
    for monomial, coefficient in coefficients.items():
        above, below = sympy.fraction(coefficient)
        over.setdefault(below, []).append(above * sympy.Mul(*(variables[i] for i in monomial)))
    return sympy.Add(*(sympy.Add(*terms) / below for below, terms in over.items()))
