"""What feels velocities: Rayleigh friction of single particles, and terms of L that are linear in velocities.

L = ... + sum_i A(r_i, t) . v_i gives the force F v with F_kl = dA_l/dr_k - dA_k/dr_l, antisymmetric: it turns v and
does no work, as a magnetic field does; and -dA/dt, the electric field that comes with one that changes (Landau,
Lifshitz, "The Classical Theory of Fields", section 17).
"""

from __future__ import annotations

from typing import Any

import sympy

from symphys.errors import InputError, UnsupportedError
from symphys.language.particle_sums import sums_in
from symphys.language.particle_symbols import LocalSymbol, component
from symphys.language.symbols import t

_PLANES = {2: ((0, 1),), 3: ((1, 2), (2, 0), (0, 1))}


def potential_and_turning(body: Any, label: str, dim: int) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """What of the term of one particle is free of velocities, b with the force v x b (in a plane: b alone), and -dA/dt.

    Raises UnsupportedError where velocities are not linear, space has neither two nor three dimensions, or A depends on
    other particles, which would feel velocities of others.
    """
    rates = [component(label, 1, axis) for axis in range(dim)]
    slopes = [sympy.expand(body.diff(rate)) for rate in rates]
    if not any(slopes):
        return body, (), ()
    if any(True for slope in slopes for _ in sums_in(slope)):
        raise UnsupportedError(
            f"the velocities in {body} are multiplied by what depends on other particles; A in A(r, t) . v may hold "
            "the time, the place, attributes and parameters of one particle"
        )
    rest = sympy.expand(body - sympy.Add(*(slope * rate for slope, rate in zip(slopes, rates, strict=True))))
    if any(part.has(*rates) for part in (rest, *slopes)) or dim not in _PLANES:
        raise UnsupportedError(
            f"the term {body} of the Lagrangian is neither quadratic in the speed nor linear in velocities in two or "
            "three dimensions; particles move with m |v|^2 / 2, potentials of places, and A(r, t) . v"
        )
    places = [component(label, 0, axis) for axis in range(dim)]
    turning = tuple(sympy.expand(slopes[l].diff(places[k]) - slopes[k].diff(places[l])) for k, l in _PLANES[dim])
    induced = tuple(-slope.diff(t) for slope in slopes)
    return rest, turning if any(turning) else (), induced if any(induced) else ()


def friction_of(coefficient: Any, rest: Any, dissipation: Any, mass: Any) -> Any:
    """1 / tau = c / m of a Rayleigh function sum c |v|^2 / 2, given its coefficient and what else it holds.

    Raises InputError for a function that holds anything else.
    """
    strange = {s for s in coefficient.free_symbols if isinstance(s, LocalSymbol) and s.role != "attribute"}
    if rest != 0 or coefficient == 0 or strange or beyond_one(coefficient):
        raise InputError(
            f"the dissipation {dissipation} is no sum over particles of c |v|^2 / 2; write atoms.sum(lambda a: c * "
            "a.speed_squared / 2), with c of parameters and attributes, 0 for those that nothing slows"
        )
    return coefficient / mass


def beyond_one(part: Any) -> bool:
    """Whether an expression depends on the time, or on what a particle sees of others."""
    return bool(part.has(t)) or any(True for _ in sums_in(part))
