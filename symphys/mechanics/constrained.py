"""Lagrangian systems held by constraints f_a(q, t) = 0 or a_a . v + b_a = 0, with multipliers lambda_a as unknowns.

M a = F + J^T lambda and J a + c = 0, with J = df/dq or the coefficients of v, and c what D_t (J v + b) holds besides
accelerations.  Holonomic constraints enter twice differentiated, those on velocities once, so that the index is 1
(Hairer, Wanner, "Solving Ordinary Differential Equations II", VII.1; for forces of constraints on velocities by the
principle of Lagrange and d'Alembert Bloch, "Nonholonomic Mechanics and Control", 2nd ed., chapter 5).  What holds the
state to f = 0 and J v + b = 0 is the projection of the integrators.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import sympy

from symphys.errors import DegenerateLagrangianError, UnsupportedError
from symphys.mechanics.action import Action
from symphys.mechanics.balance import balance_of
from symphys.mechanics.conservation import evident_laws, is_closed
from symphys.mechanics.differentiate import directional, gradient
from symphys.mechanics.dynamics import ConservedQuantity, SecondOrder
from symphys.mechanics.euler_lagrange import NewtonForm, newton_form
from symphys.mechanics.graph import free_symbols
from symphys.mechanics.manifold import Manifold, numbers, table
from symphys.mechanics.pfaffian import pfaffian_of
from symphys.mechanics.probe import Probe, depends
from symphys.mechanics.read import name_of
from symphys.mechanics.redundant import manifold_of, redundant_constraints
from symphys.mechanics.structure import positive_definite, regular
from symphys.mechanics.symmetries.laws import conserved_quantities


@dataclass(frozen=True)
class Constrained(SecondOrder):
    """M a = F + J^T lambda with constraints; the state is (q, v), more than there are degrees of freedom.

    M may be singular where J holds the null direction; `separable` and `positive` speak of M and F alone.

    constraints: [m], f_a(q, t), or a_a . v + b_a for one on velocities.
    holonomic: which of them are f(q, t).
    constraint_rates: [m], J v + b; D_t f_a for a holonomic one.
    constraint_jacobian: [m][n], J_ai, df_a/dq_i for a holonomic one.
    curvature: [m], c_a such that the rate of J v + b is sum_i J_ai a_i + c_a.
    multipliers: [m], the symbols of lambda_a; sum_a lambda_a J_ai is the constraint force on coordinate i.
    redundant: constraints that follow from those above, and `redundant_rates` theirs.
    idle: the multipliers of redundant constraints; any value would do, and 0 is taken.
    """

    constraints: tuple[Any, ...]
    holonomic: tuple[int, ...]
    constraint_rates: tuple[Any, ...]
    constraint_jacobian: tuple[tuple[Any, ...], ...]
    curvature: tuple[Any, ...]
    multipliers: tuple[Any, ...]
    redundant: tuple[Any, ...] = ()
    redundant_rates: tuple[Any, ...] = ()
    idle: tuple[Any, ...] = ()


def multipliers_of(action: Action) -> tuple[Any, ...]:
    """The symbols lambda_1, lambda_2, ... of an action's constraints, with names that nothing else bears."""
    taken = {name_of(thing) for thing in (*action.parameters, *action.coordinates, *action.inputs)}
    base = "lambda"
    while any(f"{base}_{a + 1}" in taken for a in range(len(action.constraints))):
        base += "_"
    return tuple(sympy.Symbol(f"{base}_{a + 1}", real=True) for a in range(len(action.constraints)))


def constraint_forces(action: Action) -> tuple[Any, ...]:
    """[n], sum_a lambda_a J_ai, what the constraints add to the forces."""
    rows = pfaffian_of(action).rows
    return tuple(
        sympy.Add(*(symbol * row[i] for symbol, row in zip(multipliers_of(action), rows, strict=True)))
        for i in range(len(action.coordinates))
    )


def derive_constrained(action: Action, form: NewtonForm | None = None) -> Constrained:
    """The dynamics of an action with constraints.

    Raises `UnsupportedError` for a Lagrangian with higher derivatives, `InputError` by name for a constraint without
    coordinates and for constraints that contradict or touch each other, `DegenerateLagrangianError` where Lagrangian
    and constraints together fix no accelerations.  Hairer, Lubich, Wanner, "Geometric Numerical Integration", VII.1.
    """
    if action.order != 1:
        raise UnsupportedError(
            f"Constraints on a Lagrangian with derivatives of order {action.order} are not derived; write it with "
            "velocities alone."
        )
    form = form or newton_form(action)
    q, v = action.jet(0), action.jet(1)
    forms = pfaffian_of(action)
    dropped = redundant_constraints(action, forms)
    kept = tuple(index for index in range(len(action.constraints)) if index not in dropped)
    manifold = manifold_of(action, forms, kept)
    flow = {s: rate for s, rate in action.space.total_derivative.items() if s not in v}
    curvature = directional(manifold.rates, flow)
    saddle = saddle_matrix(form.mass_matrix, manifold.rows)
    if not _regular_somewhere(saddle, manifold):
        raise DegenerateLagrangianError(
            "The Lagrangian is degenerate: together with its constraints it does not fix the accelerations of "
            f"{', '.join(name_of(c) for c in action.coordinates)}. Add the kinetic energy that is missing, or a "
            "constraint that holds the direction without one."
        )
    entries = [entry for row in form.mass_matrix for entry in row]
    moving = (*q, *v, action.space.time, *action.input_symbols)
    outer = (*action.constraints, *forms.rates, *curvature)
    written = (action.lagrangian, action.dissipation, *action.forces, *action.constraints)
    constant_mass = not free_symbols(entries) & set(moving)
    symbols = multipliers_of(action)
    signals = action.signals((*form.forcing, *entries, *form.momenta, *outer))
    solved = SecondOrder(
        balance=balance_of(
            action, [symbols[a] for a in kept], [forms.drifts[a] for a in kept], [symbol for symbol, _ in signals]
        ),
        time=action.space.time,
        state=(*q, *v),
        labels=tuple(action.space.to_user[symbol] for symbol in (*q, *v)),
        parameters=action.parameters,
        signals=signals,
        conserved=_laws(action, form, manifold, curvature),
        space=action.space,
        coordinates=q,
        velocities=v,
        mass_matrix=form.mass_matrix,
        forcing=form.forcing,
        momenta=form.momenta,
        gradient=form.gradient,
        constant_mass=constant_mass,
        diagonal_mass=all(e == 0 for i, row in enumerate(form.mass_matrix) for j, e in enumerate(row) if i != j),
        quadratic=not depends(entries, v),
        separable=constant_mass and not depends(form.forcing, v),
        autonomous=not depends(written, (action.space.time, *action.input_symbols)),
        conservative=is_closed(action),
        positive=positive_definite(form.mass_matrix, v),
    )
    return Constrained(
        **{each.name: getattr(solved, each.name) for each in fields(SecondOrder)},
        constraints=tuple(action.constraints[index] for index in kept),
        holonomic=tuple(place for place, index in enumerate(kept) if index in forms.holonomic),
        constraint_rates=manifold.rates,
        constraint_jacobian=manifold.rows,
        curvature=curvature,
        multipliers=tuple(symbols[index] for index in kept),
        redundant=tuple(action.constraints[index] for index in dropped),
        redundant_rates=tuple(forms.rates[index] for index in dropped),
        idle=tuple(symbols[index] for index in dropped),
    )


def saddle_matrix(mass: Sequence[Sequence[Any]], rows: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    """[[M, -J^T], [J, 0]], which times (a, lambda) is (F, -c)."""
    upper = [(*row, *(-line[i] for line in rows)) for i, row in enumerate(mass)]
    return (*upper, *((*row, *(sympy.S.Zero,) * len(rows)) for row in rows))


def _regular_somewhere(saddle: tuple[tuple[Any, ...], ...], manifold: Manifold) -> bool:
    points = manifold.points(2)
    if not points:
        return regular(saddle)
    return any(_is_regular(table(probe, saddle)) for probe in points)


def _is_regular(matrix: Any) -> bool:
    sizes = np.abs(matrix).max(axis=1, keepdims=True)
    return bool(np.isfinite(matrix).all() and (sizes > 0).all() and np.linalg.cond(matrix / sizes) < 1e12)


def _laws(
    action: Action, form: NewtonForm, manifold: Manifold, curvature: tuple[Any, ...]
) -> tuple[ConservedQuantity, ...]:
    """Those constants of the free motion that the constraint forces leave alone, and the energy with them."""
    state = (*manifold.coordinates, *manifold.velocities)
    laws = (
        conserved_quantities(action, state, form.momenta, form.gradient, form.operator(action.jet(2)))
        if regular(form.mass_matrix)
        else evident_laws(action, state, form.momenta, form.gradient)
    )
    points = manifold.points(3)
    outer = {s: rate for s, rate in action.space.total_derivative.items() if s not in state}
    return tuple(
        law for law in laws if points and all(_constant(law, form, manifold, curvature, outer, p) for p in points)
    )


def _constant(
    law: ConservedQuantity,
    form: NewtonForm,
    manifold: Manifold,
    curvature: tuple[Any, ...],
    outer: Mapping[Any, Any],
    probe: Probe,
) -> bool:
    """Whether the rate of a law along the constrained flow vanishes at a point, to the rounding of its terms.

    outer: the rates of the time and of the inputs.
    """
    q, v = manifold.coordinates, manifold.velocities
    n = len(q)
    saddle = table(probe, saddle_matrix(form.mass_matrix, manifold.rows))
    right = np.concatenate([numbers(probe, form.forcing), -numbers(probe, curvature)])
    if not _is_regular(saddle):
        return False
    accelerations = np.linalg.solve(saddle, right)[:n]
    slopes = numbers(probe, gradient(law.jet, (*q, *v)))
    explicit = numbers(probe, directional((law.jet,), outer))
    terms = np.array([*(slopes[:n] * numbers(probe, v)), *(slopes[n:] * accelerations), *explicit])
    # an acceleration that vanishes is known to the rounding of the others
    size = np.abs(terms).sum() + np.abs(slopes[n:]).sum() * np.abs(accelerations).max(initial=0.0)
    return bool(abs(terms.sum()) <= 1e-8 * size)
