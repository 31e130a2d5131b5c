"""The balance of energy: what friction takes, what forces, driven terms of L or H and moving constraints give.

dE/dt = -dissipated + supplied + explicit + constrained, each a power along the motion (Goldstein, "Classical
Mechanics", 3rd ed., sections 1.5 and 2.7; for x' = (J - R) grad H + u van der Schaft, Jeltsema, "Port-Hamiltonian
Systems Theory", 2014, eq. 2.21).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.mechanics.action import Action
from symphys.mechanics.conservation import energy_of
from symphys.mechanics.differentiate import directional, gradient
from symphys.mechanics.graph import free_symbols
from symphys.mechanics.probe import vanishing


@dataclass(frozen=True)
class EnergyBalance:
    """Energy and powers of a system in jet symbols (and multipliers); what vanishes is 0.

    energy: the additive terms of E.
    dissipated: sum v_i dD/dv_i, or grad H^T R grad H.
    supplied: sum Q_i v_i, or grad H . u.
    explicit: -dL/dt, or dH/dt, at fixed coordinates and velocities.
    constrained: -sum lambda_a b_a, what constraints a_a . v + b_a = 0 do that move.
    """

    energy: tuple[Any, ...]
    dissipated: Any
    supplied: Any
    explicit: Any
    constrained: Any

    @property
    def powers(self) -> dict[str, Any]:
        """The powers that do not vanish, by name."""
        named = {name: getattr(self, name) for name in ("dissipated", "supplied", "explicit", "constrained")}
        return {name: power for name, power in named.items() if power != 0}


def balance_of(
    action: Action, multipliers: Sequence[Any], drifts: Sequence[Any], known: Sequence[Any]
) -> EnergyBalance | None:
    """The balance of a Lagrangian system of first order in the derivatives; None where energy cannot change.

    drifts: b_a of the constraints.  known: the input signals of the equations; where a power needs further derivatives
    of inputs there is no balance either.
    """
    v = action.jet(1)
    outer = {s: rate for s, rate in action.space.total_derivative.items() if s not in (*action.jet(0), *v)}
    friction = gradient(action.dissipation, v)
    (explicit,) = directional((action.lagrangian,), outer)
    powers = (
        sympy.Add(*(slope * speed for slope, speed in zip(friction, v, strict=True))),
        sympy.Add(*(force * speed for force, speed in zip(action.forces, v, strict=True))),
        -explicit,
        sympy.Add(*(-symbol * drift for symbol, drift in zip(multipliers, drifts, strict=True))),
    )
    if all(vanishing(powers)):  # the energy of a large system takes its time
        return None
    return _balance(energy_of(action), powers, {*action.input_symbols} - {*known})


def port_balance(
    energy: tuple[Any, ...], dissipated: Any, supplied: Any, explicit: Any, unknown: Sequence[Any]
) -> EnergyBalance | None:
    """The balance of x' = (J - R) grad H + u; `unknown` are the input symbols that the equations do not hold."""
    return _balance(energy, (dissipated, supplied, explicit, sympy.S.Zero), set(unknown))


def _balance(energy: tuple[Any, ...], powers: tuple[Any, ...], unknown: set[Any]) -> EnergyBalance | None:
    settled = [sympy.S.Zero if zero else power for power, zero in zip(powers, vanishing(powers), strict=True)]
    if all(power == 0 for power in settled) or free_symbols((*energy, *settled)) & unknown:
        return None
    return EnergyBalance(energy, *settled)
