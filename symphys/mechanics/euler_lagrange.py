"""The Euler operator and what belongs to it: momenta, mass matrix, forcing; all in jet space, nothing simplified.

E_i(L) = sum_k (-1)^k D_t^k dL/dq_i^(k), where D_t is the total derivative (Olver, section 4.1; for k <= 1 Goldstein,
"Classical Mechanics", 3rd ed., section 2.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.mechanics.action import Action
from symphys.mechanics.differentiate import directional, gradient, jacobian
from symphys.mechanics.jets import JetSpace
from symphys.mechanics.structure import settled
from symphys.mechanics.tidy import distributed


@dataclass(frozen=True)
class NewtonForm:
    """M(q, v, t) a = F(q, v, t), with p_i = dL/dv_i and dp_i/dt = gradient_i = dL/dq_i + Q_i - dD/dv_i.

    `bare` is F without friction and forces, so that the Euler operator is M a - bare.
    """

    mass_matrix: tuple[tuple[Any, ...], ...]
    forcing: tuple[Any, ...]
    momenta: tuple[Any, ...]
    gradient: tuple[Any, ...]
    bare: tuple[Any, ...]

    def operator(self, accelerations: Sequence[Any]) -> tuple[Any, ...]:
        """The Euler operator d/dt dL/dq' - dL/dq, in terms of the symbols of the accelerations."""
        return tuple(
            sympy.Add(*(m * a for m, a in zip(row, accelerations, strict=True)), -force)
            for row, force in zip(self.mass_matrix, self.bare, strict=True)
        )


def ostrogradsky_momenta(lagrangian: Any, coordinates: Sequence[Any], space: JetSpace, order: int) -> list[Any]:
    """P_k,i = dL/dq_i^(k) - D_t P_(k+1),i for k = order ... 0, as a list of tuples from k = 0 upward.

    P_1 ... P_order are the momenta conjugate to q, q', ...; -P_0 is the Euler operator d/dt dL/dq' - dL/dq + ...
    (Ostrogradsky 1850; Whittaker, "Analytical Dynamics", section 110).
    """
    n = len(coordinates)
    variables = [symbol for k in range(order + 1) for symbol in space.symbols(coordinates, k)]
    slopes = gradient(lagrangian, variables)
    slopes_of_order = [slopes[k * n : (k + 1) * n] for k in range(order + 1)]
    momenta = [slopes_of_order[order]]
    for k in reversed(range(order)):
        rates = directional(momenta[0], space.total_derivative)
        momenta.insert(0, tuple(slope - rate for slope, rate in zip(slopes_of_order[k], rates, strict=True)))
    return momenta


def euler_operator(lagrangian: Any, coordinates: Sequence[Any], space: JetSpace, order: int) -> tuple[Any, ...]:
    """d/dt dL/dq'_i - dL/dq_i (with all higher derivatives) for each coordinate, in jet symbols."""
    return tuple(-lowest for lowest in ostrogradsky_momenta(lagrangian, coordinates, space, order)[0])


def generalised_forces(action: Action) -> tuple[Any, ...]:
    """Q_i - dD/dq'_i: what the Euler operator of each coordinate equals."""
    friction = gradient(action.dissipation, action.jet(1))
    return tuple(force - slope for force, slope in zip(action.forces, friction, strict=True))


def newton_form(action: Action) -> NewtonForm:
    """Mass matrix, forcing and momenta of a Lagrangian of first order in the derivatives."""
    q, v = action.jet(0), action.jet(1)
    slopes = gradient(action.lagrangian, (*q, *v))
    momenta = slopes[len(q) :]
    mass_matrix = settled(jacobian(momenta, v), (*q, *v, action.space.time, *action.input_symbols))
    # the rate of p along the flow without the acceleration: the tangents are q -> v, t -> 1 and the inputs' rates
    tangents = {s: rate for s, rate in action.space.total_derivative.items() if s not in v}
    drift = directional(momenta, tangents)
    bare = distributed((slope - rate for slope, rate in zip(slopes[: len(q)], drift, strict=True)), v)
    outer = generalised_forces(action)
    forcing = tuple(inner + force for inner, force in zip(bare, outer, strict=True))
    sides = tuple(slope + force for slope, force in zip(slopes[: len(q)], outer, strict=True))
    return NewtonForm(mass_matrix, forcing, momenta, sides, bare)
