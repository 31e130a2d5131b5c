"""Boundary terms: K^mu with D_mu K^mu = B, for a B that is a total divergence.

Along the scaling u -> lambda u of all fields, d/dlambda B[lambda u] = D_mu P^mu(u)[lambda u] / lambda where the Euler
operator of B vanishes, so K^mu is the integral of that over lambda from 0 to 1 (the homotopy operator; Olver,
"Applications of Lie Groups to Differential Equations", 2nd ed., section 5.4).
"""

from typing import Any

import sympy

from symphys.fields.calculus import euler_operators
from symphys.fields.currents import boundary_current, divergence
from symphys.fields.read import Density
from symphys.mechanics.graph import substitute
from symphys.mechanics.probe import vanishes
from symphys.mechanics.symmetries.integrate import antiderivative


def is_divergence(expression: Any, density: Density) -> bool:
    """Whether an expression in jet symbols is a total divergence: its Euler operator vanishes."""
    return vanishes(euler_operators(expression, density.variables, density.jets))


def boundary_terms(expression: Any, density: Density) -> tuple[Any, ...] | None:
    """K^mu with D_mu K^mu = `expression`; None if there is none, or none in closed form."""
    jets = density.jets
    if vanishes((expression,)):
        return (sympy.S.Zero,) * len(jets.coordinates)
    identity = {(f, bar): jets.symbol(f, conjugated=bar) for f, bar in density.variables}
    scale = sympy.Dummy("lambda", positive=True)
    found = []
    for part in boundary_current(sympy.expand(expression), identity, jets):
        (scaled,) = substitute((part,), {s: scale * s for s in _of_fields(part, density)})
        primitive = antiderivative(sympy.expand(scaled / scale), scale)
        if primitive is None:
            return None
        found.append(sympy.expand(primitive.subs(scale, 1) - primitive.subs(scale, 0)))
    (rest,) = substitute((expression,), dict.fromkeys(_of_fields(expression, density), sympy.S.Zero))
    primitive = antiderivative(rest, jets.coordinates[0])
    if primitive is None or jets.present((rest,)):
        return None
    found[0] += primitive
    return tuple(found) if vanishes((divergence(found, jets) - expression,)) else None


def _of_fields(expression: Any, density: Density) -> list[Any]:
    """The jet symbols of what varies."""
    jets = density.jets
    return [s for s in jets.present((expression,)) if (j := jets.jet(s)) is not None and j.function in density.fields]
