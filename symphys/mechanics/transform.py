"""Between Lagrangian and Hamiltonian systems: the Legendre transform of everything that belongs to them."""

from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import DegenerateLagrangianError, LegendreTransformError
from symphys.language.symbols import t
from symphys.mechanics.action import Action
from symphys.mechanics.differentiate import gradient, jacobian
from symphys.mechanics.dynamics import FirstOrder
from symphys.mechanics.euler_lagrange import generalised_forces
from symphys.mechanics.graph import free_symbols, substitute
from symphys.mechanics.jets import from_jet
from symphys.mechanics.legendre import legendre_transform
from symphys.mechanics.phase_space import PhaseSpace
from symphys.mechanics.probe import depends, vanishes
from symphys.mechanics.read import name_of
from symphys.mechanics.tidy import readable


@dataclass(frozen=True)
class HamiltonianForm:
    """What a Hamiltonian system is made from, as users write it."""

    expression: Any
    pairs: dict[Any, Any]
    dissipation: dict[Any, Any]  # of momenta, and of pairs of them
    inputs: dict[Any, Any]


@dataclass(frozen=True)
class LagrangianForm:
    """What a Lagrangian system is made from, as users write it."""

    expression: Any
    coordinates: tuple[Any, ...]
    dissipation: Any
    forces: dict[Any, Any]


def to_hamiltonian(action: Action, dynamics: Any) -> HamiltonianForm:
    """H(q, p, t) = sum p_i q'_i - L of an action, with momenta called p_<coordinate>; friction and forces go with it.

    A Lagrangian of first order whose coordinates are canonical pairs already keeps them.  Raises
    `DegenerateLagrangianError` for any other Lagrangian without a Legendre transform, `LegendreTransformError` where
    the velocities cannot be solved for.
    """
    if isinstance(dynamics, FirstOrder):
        return _own_pairs(action, dynamics)
    momenta = _momentum_functions(action)
    symbols = tuple(sympy.Dummy(name_of(p), real=True) for p in momenta)
    hamiltonian, velocities = legendre_transform(action.lagrangian, action.jet(1), symbols)
    outer = substitute(generalised_forces(action), dict(zip(action.jet(1), velocities, strict=True)))
    friction = _viscous(action)
    if friction is not None:
        outer = action.forces
        outer = substitute(outer, dict(zip(action.jet(1), velocities, strict=True)))
    names = dict(zip(symbols, momenta, strict=True))
    written = [substitute((from_jet(e, action.space),), names)[0] for e in (hamiltonian, *outer)]
    return HamiltonianForm(
        readable(written[0]),
        dict(zip(action.coordinates, momenta, strict=True)),
        _resistive(friction, momenta, action),
        {p: readable(force) for p, force in zip(momenta, written[1:], strict=True) if force != 0},
    )


def to_lagrangian(system: PhaseSpace) -> LagrangianForm:
    """L(q, q', t) = sum p_i q'_i - H of a Hamiltonian system; friction on momenta becomes a Rayleigh function.

    Raises `LegendreTransformError` if d2H/dp dp is singular, if the momenta cannot be solved for, or if friction or
    inputs act on coordinates, so that q' is not dH/dp.
    """
    n = len(system.positions)
    for row, push, position in zip(system.friction[:n], system.pushes[:n], system.positions, strict=True):
        if any(extra != 0 for extra in (*row, push)):
            raise LegendreTransformError(
                f"Friction or an input acts on {position} itself, so that its velocity is not dH/dp and there is no "
                "Lagrangian; work with the Hamiltonian."
            )
    p = system.state[n:]
    velocities = system.space.symbols(system.positions, 1)
    try:
        lagrangian, momenta = legendre_transform(system.hamiltonian, p, velocities)
    except DegenerateLagrangianError as error:
        names = ", ".join(map(str, system.momenta))
        raise LegendreTransformError(
            f"The Hamiltonian has no Lagrangian: its matrix of second derivatives by {names} is singular, so the "
            "velocities do not determine the momenta; work with the Hamiltonian."
        ) from error
    friction = tuple(row[n:] for row in system.friction[n:])
    if depends([entry for row in friction for entry in row], p):
        names = ", ".join(map(str, system.momenta))
        raise LegendreTransformError(
            f"The friction depends on the momenta {names}, which no Rayleigh function of this form describes; work "
            "with the Hamiltonian."
        )
    rayleigh = sympy.Add(
        *(c * velocities[i] * velocities[j] / 2 for i, row in enumerate(friction) for j, c in enumerate(row))
    )
    pushes = substitute(system.pushes[n:], dict(zip(p, momenta, strict=True)))
    space = system.space
    return LagrangianForm(
        from_jet(lagrangian, space),
        system.positions,
        from_jet(rayleigh, space),
        {q: from_jet(push, space) for q, push in zip(system.positions, pushes, strict=True) if push != 0},
    )


def _viscous(action: Action) -> tuple[tuple[Any, ...], ...] | None:
    """C of D = v^T C v / 2 with C free of velocities, or None for other friction."""
    v = action.jet(1)
    slopes = gradient(action.dissipation, v)
    rows = jacobian(slopes, v)
    if free_symbols(entry for row in rows for entry in row) & set(v):
        return None
    remainders = [
        slope - sympy.Add(*(c * velocity for c, velocity in zip(row, v, strict=True)))
        for slope, row in zip(slopes, rows, strict=True)
    ]
    return rows if vanishes(remainders) else None


def _resistive(
    friction: tuple[tuple[Any, ...], ...] | None, momenta: tuple[Any, ...], action: Action
) -> dict[Any, Any]:
    """The friction as a Hamiltonian system takes it, by momenta and by pairs of them."""
    return {
        momenta[i] if i == j else (momenta[j], momenta[i]): from_jet(c, action.space)
        for i, row in enumerate(friction or ())
        for j, c in enumerate(row[: i + 1])
        if c != 0
    }


def _momentum_functions(action: Action) -> tuple[Any, ...]:
    taken = {name_of(thing) for thing in (*action.coordinates, *action.inputs, *action.parameters)}
    momenta = []
    for coordinate in action.coordinates:
        name = f"p_{name_of(coordinate)}"
        while name in taken:
            name += "_"
        taken.add(name)
        momenta.append(sympy.Function(name, real=True)(t))
    return tuple(momenta)


def _own_pairs(action: Action, dynamics: FirstOrder) -> HamiltonianForm:
    pairs = {dynamics.labels[i]: dynamics.labels[j] for i, j in dynamics.pairs}
    if dynamics.hamiltonian is None or 2 * len(pairs) != len(dynamics.state):
        raise DegenerateLagrangianError(
            "The Legendre transform needs a Lagrangian whose velocities are determined by its momenta, but "
            f"d2L/dq'dq' is singular for the coordinates {', '.join(map(str, action.coordinates))}; its equations of "
            "motion stand in their own phase space and can be read from `equations` and run as they are."
        )
    slopes = gradient(dynamics.hamiltonian, dynamics.state)
    canonical = [dynamics.rates[i] - slopes[j] for i, j in dynamics.pairs]
    if not vanishes(canonical):
        raise DegenerateLagrangianError(
            f"The coordinates {', '.join(map(str, action.coordinates))} are conjugate up to constant factors only; "
            "scale them so that L = sum p q' - H, or run the Lagrangian as it is."
        )
    return HamiltonianForm(from_jet(readable(dynamics.hamiltonian), action.space), pairs, {}, {})
