"""The rates of a derived system in closed form, as people read them."""

from typing import Any

import sympy

from symphys.language.symbols import t
from symphys.mechanics.constrained import Constrained, saddle_matrix
from symphys.mechanics.dynamics import FirstOrder, SecondOrder
from symphys.mechanics.jets import from_jet
from symphys.mechanics.solve import solve_linear
from symphys.mechanics.tidy import readable


def solved_rates(dynamics: SecondOrder | FirstOrder) -> dict[Any, Any]:
    """The time derivative of each component of the state, solved for in symbols; keys and values as users write them.

    Raises `UnsupportedError` for large dense mass matrices.
    """
    what = "The closed form of the rates"
    if isinstance(dynamics, Constrained):
        right = (*map(readable, dynamics.forcing), *(-readable(c) for c in dynamics.curvature))
        solved = solve_linear(saddle_matrix(dynamics.mass_matrix, dynamics.constraint_jacobian), right, what)
        rates: tuple[Any, ...] = (*dynamics.velocities, *solved[: len(dynamics.velocities)])
    elif isinstance(dynamics, SecondOrder):
        right = tuple(readable(force) for force in dynamics.forcing)
        rates = (*dynamics.velocities, *solve_linear(dynamics.mass_matrix, right, what))
    elif dynamics.matrix is not None:
        rates = solve_linear(dynamics.matrix, dynamics.rates, what)
    else:
        rates = tuple(readable(rate) for rate in dynamics.rates)
    return {
        sympy.Derivative(label, t): from_jet(rate, dynamics.space)
        for label, rate in zip(dynamics.labels, rates, strict=True)
    }
