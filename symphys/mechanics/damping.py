"""Linear friction with constant coefficients on a system that is separable without it: p' = F(q, t) - A p.

Then the kick of a splitting can take the friction with it and stay exact (McLachlan, Quispel, Acta Numerica 11, 2002,
section 3.12; Bhatt, Floyd, Moore, Journal of Scientific Computing 66, 2016, 1234).
"""

from typing import Any

from symphys.errors import UnsupportedError
from symphys.mechanics.action import Action
from symphys.mechanics.differentiate import gradient, jacobian
from symphys.mechanics.euler_lagrange import NewtonForm
from symphys.mechanics.phase_space import PhaseSpace
from symphys.mechanics.probe import depends, vanishing
from symphys.mechanics.solve import solve_linear
from symphys.mechanics.tidy import readable

Rows = tuple[tuple[Any, ...], ...]
_LARGEST = 6  # of a matrix that couples velocities: its exponential is written out


def lagrangian_damping(action: Action, form: NewtonForm, constant_mass: bool) -> Rows | None:
    """A = M^-1 C for D = v^T C v / 2, [n][n]; None where C or M varies, or other forces depend on velocities."""
    v = action.jet(1)
    moving = (*action.jet(0), *v, action.space.time, *action.input_symbols)
    friction = jacobian(gradient(action.dissipation, v), v)
    entries = [entry for row in friction for entry in row]
    outer = [force + slope for force, slope in zip(form.forcing, gradient(action.dissipation, v), strict=True)]
    if not constant_mass or all(vanishing(entries)) or depends(entries, moving) or depends(outer, v):
        return None
    right = [tuple(map(readable, column)) for column in zip(*friction, strict=True)]
    try:
        columns = [solve_linear(form.mass_matrix, column, "The damping matrix") for column in right]
    except UnsupportedError:
        return None
    return _written(tuple(zip(*columns, strict=True)))


def port_damping(system: PhaseSpace, rates: tuple[Any, ...], signals: tuple[Any, ...]) -> Rows | None:
    """A with p' = F(q, t) - A p for friction on momenta; None where it is none, or q' or F do not suit."""
    n = len(system.positions)
    q, p = system.state[:n], system.state[n:]
    moving = (*q, *p, system.space.time, *signals)
    on_positions = [entry for row in system.friction[:n] for entry in row]
    if not all(vanishing(on_positions)) or all(vanishing(system.resistive)):
        return None
    if depends(rates[:n], (*q, system.space.time, *signals)):
        return None
    slopes = jacobian(rates[n:], p)
    if depends([entry for row in slopes for entry in row], moving):
        return None
    return _written(tuple(tuple(readable(-entry) for entry in row) for row in slopes))


def _written(rows: Rows) -> Rows | None:
    """The matrix with zeros written as such; None for one that is too large to be exponentiated."""
    zero = [vanishing(row) for row in rows]
    settled = tuple(
        tuple(entry * 0 if nothing else entry for entry, nothing in zip(row, flags, strict=True))
        for row, flags in zip(rows, zero, strict=True)
    )
    coupled = any(entry != 0 for i, row in enumerate(settled) for j, entry in enumerate(row) if i != j)
    return None if coupled and len(rows) > _LARGEST else settled
