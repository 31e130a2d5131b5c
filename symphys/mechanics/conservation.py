"""Constants of the motion that show in the variables themselves: the energy, and momenta of cyclic coordinates."""

from collections.abc import Collection
from typing import Any

import sympy

from symphys.mechanics.action import Action
from symphys.mechanics.differentiate import gradient
from symphys.mechanics.dynamics import ConservedQuantity
from symphys.mechanics.energy import additive_terms, energy_terms
from symphys.mechanics.euler_lagrange import generalised_forces, ostrogradsky_momenta
from symphys.mechanics.graph import free_symbols
from symphys.mechanics.jets import JetSpace, from_jet
from symphys.mechanics.probe import depends, vanishes, vanishing
from symphys.mechanics.read import name_of
from symphys.mechanics.tidy import readable


def energy_of(action: Action) -> tuple[Any, ...]:
    """The additive terms of the energy function sum_k P_k q^(k) - L, in jet symbols (Goldstein, section 2.7)."""
    if action.order == 1:
        return energy_terms(action.lagrangian, action.jet(1))
    momenta = ostrogradsky_momenta(action.lagrangian, action.coordinates, action.space, action.order)
    products = [
        momentum * rate
        for k in range(1, action.order + 1)
        for momentum, rate in zip(momenta[k], action.jet(k), strict=True)
    ]
    return tuple(sympy.Add.make_args(sympy.expand(sympy.Add(*products) - action.lagrangian)))


def is_closed(action: Action) -> bool:
    """Whether there are no friction, no forces and no inputs."""
    outer = free_symbols((action.lagrangian, action.dissipation, *action.forces)) & set(action.input_symbols)
    return not outer and vanishes(generalised_forces(action))


def cyclic_coordinates(action: Action) -> tuple[Any, ...]:
    """The coordinates that do not occur in L but through their velocities."""
    slopes = gradient(action.lagrangian, action.jet(0))
    return tuple(q for q, zero in zip(action.coordinates, vanishing(slopes), strict=True) if zero)


def evident_laws(
    action: Action,
    state: tuple[Any, ...],
    momenta: tuple[Any, ...],
    sides: tuple[Any, ...],
    known: Collection[str] = (),
) -> tuple[ConservedQuantity, ...]:
    """The energy, if nothing depends on time, and those of the `momenta` whose rates, the `sides`, vanish.

    Only what can be told from the `state` (jet symbols) is listed, and nothing of a name that is `known`.
    """
    found = []
    if "energy" not in known and is_closed(action) and not depends((action.lagrangian,), (action.space.time,)):
        found.append(_quantity("energy", energy_of(action), action.space))
    for q, momentum, constant in zip(action.coordinates, momenta, vanishing(sides), strict=True):
        name = f"momentum {name_of(q)}"
        if constant and name not in known:
            found.append(_quantity(name, additive_terms(momentum), action.space))
    allowed = {*state, *action.parameters, *action.input_symbols, action.space.time}
    return tuple(law for law in found if law.jet != 0 and free_symbols((law.jet,)) <= allowed)


def _quantity(name: str, terms: tuple[Any, ...], space: JetSpace) -> ConservedQuantity:
    jet = sympy.Add(*terms)
    return ConservedQuantity(name, from_jet(readable(jet), space), jet, tuple(terms))
