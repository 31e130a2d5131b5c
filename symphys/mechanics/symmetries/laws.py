"""What is conserved by an action: the charges of its symmetries, and what shows in the variables themselves."""

from typing import Any

from symphys.mechanics.action import Action
from symphys.mechanics.conservation import evident_laws
from symphys.mechanics.dynamics import ConservedQuantity
from symphys.mechanics.graph import free_symbols
from symphys.mechanics.symmetries.find import find_laws


def conserved_quantities(
    action: Action,
    state: tuple[Any, ...],
    momenta: tuple[Any, ...],
    sides: tuple[Any, ...],
    operator: tuple[Any, ...],
) -> tuple[ConservedQuantity, ...]:
    """The charges of all affine point symmetries, besides the energy and those of the `momenta` with rate zero.

    sides: the rates of the momenta.  operator: the Euler-Lagrange expressions of L.  Only what can be told from the
    `state` (jet symbols) is listed.
    """
    found = find_laws(action, operator)
    names = {law.name for law in found}
    evident = evident_laws(action, state, momenta, sides, names)
    allowed = {*state, *action.parameters, *action.input_symbols, action.space.time}
    return tuple(law for law in (*evident, *found) if free_symbols((law.jet,)) <= allowed)
