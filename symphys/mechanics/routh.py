"""Routh's elimination of cyclic coordinates: their momenta are constants, and stay as parameters."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import InputError, UnsupportedError
from symphys.language.symbols import parameters
from symphys.mechanics.action import Action
from symphys.mechanics.differentiate import gradient
from symphys.mechanics.euler_lagrange import generalised_forces
from symphys.mechanics.graph import free_symbols, substitute
from symphys.mechanics.jets import from_jet
from symphys.mechanics.legendre import legendre_transform
from symphys.mechanics.probe import depends, vanishing
from symphys.mechanics.read import name_of
from symphys.mechanics.tidy import readable


@dataclass(frozen=True)
class RouthianForm:
    """What the reduced Lagrangian system is made from, as users write it."""

    expression: Any
    coordinates: tuple[Any, ...]
    dissipation: Any
    forces: dict[Any, Any]


def routhian_form(action: Action, eliminate: Iterable[Any] | None) -> RouthianForm:
    """R = L - sum p_c q'_c over cyclic coordinates, with q'_c solved for: a Lagrangian of what is left.

    The momenta become parameters called p_<coordinate>.  Raises `UnsupportedError` for higher derivatives and
    constraints, `InputError` for what is no coordinate or not cyclic, and if nothing would be left;
    `LegendreTransformError` or `DegenerateLagrangianError` where the velocities cannot be solved for.
    """
    if action.order > 1 or action.constraints:
        raise UnsupportedError("Cyclic coordinates are eliminated only from Lagrangians in velocities, unconstrained.")
    gone = _chosen(action, eliminate)
    kept = [i for i in range(len(action.coordinates)) if i not in gone]
    if not kept:
        raise InputError(
            "All coordinates are cyclic, so nothing would be left to move; keep one of them: routhian([...]) takes the "
            "coordinates to eliminate."
        )
    v = action.jet(1)
    speeds = [v[i] for i in gone]
    constants = _momentum_parameters(action, gone)
    negative, solved = legendre_transform(action.lagrangian, speeds, constants)
    inside = dict(zip(speeds, solved, strict=True))
    # friction that couples kept and eliminated velocities is a force in what is left, no Rayleigh function
    untouched = not free_symbols((action.dissipation,)) & set(speeds)
    friction = action.dissipation if untouched else sympy.S.Zero
    forces = action.forces if untouched else generalised_forces(action)
    pushes = [forces[i] for i in kept]
    written = substitute((friction, *pushes), inside)
    space = action.space
    return RouthianForm(
        from_jet(readable(-negative), space),
        tuple(action.coordinates[i] for i in kept),
        from_jet(written[0], space),
        {action.coordinates[i]: from_jet(p, space) for i, p in zip(kept, written[1:], strict=True) if p != 0},
    )


def _chosen(action: Action, eliminate: Iterable[Any] | None) -> list[int]:
    """The indices of the coordinates to eliminate: those given, or all whose momenta are constant and that show."""
    rates = [
        slope + force
        for slope, force in zip(gradient(action.lagrangian, action.jet(0)), generalised_forces(action), strict=True)
    ]
    elsewhere = (action.lagrangian, action.dissipation, *action.forces)
    cyclic = [
        i for i, constant in enumerate(vanishing(rates)) if constant and not depends(elsewhere, (action.jet(0)[i],))
    ]
    if eliminate is None:
        if not cyclic:
            names = ", ".join(map(str, action.coordinates))
            raise InputError(f"None of the coordinates {names} is cyclic, so there is nothing to eliminate.")
        return cyclic
    chosen = []
    for q in eliminate if isinstance(eliminate, Iterable) else (eliminate,):
        if q not in action.coordinates:
            raise InputError(f"{q} is no coordinate; these are {', '.join(map(str, action.coordinates))}.")
        index = action.coordinates.index(q)
        if index not in cyclic:
            raise InputError(f"{q} is not cyclic: L or the forces depend on it, so its momentum is not constant.")
        chosen.append(index)
    return sorted(set(chosen))


def _momentum_parameters(action: Action, gone: list[int]) -> list[Any]:
    taken = {name_of(thing) for thing in (*action.coordinates, *action.inputs, *action.parameters)}
    constants = []
    for i in gone:
        name = f"p_{name_of(action.coordinates[i])}"
        while name in taken:
            name += "_"
        taken.add(name)
        constants.append(parameters(name))
    return constants
