"""From an action to its equations of motion: of second order where L is regular, else in their right phase space."""

from typing import Any

import sympy

from symphys.errors import DegenerateLagrangianError
from symphys.mechanics.action import Action
from symphys.mechanics.balance import balance_of
from symphys.mechanics.conservation import energy_of, is_closed
from symphys.mechanics.constrained import derive_constrained
from symphys.mechanics.damping import lagrangian_damping
from symphys.mechanics.differentiate import gradient, jacobian
from symphys.mechanics.dynamics import FirstOrder, SecondOrder
from symphys.mechanics.euler_lagrange import NewtonForm, generalised_forces, newton_form, ostrogradsky_momenta
from symphys.mechanics.graph import free_symbols, substitute
from symphys.mechanics.jets import from_jet
from symphys.mechanics.probe import depends, vanishes
from symphys.mechanics.read import name_of
from symphys.mechanics.structure import null_direction, positive_definite, regular, settled
from symphys.mechanics.symmetries.laws import conserved_quantities

Rows = tuple[tuple[Any, ...], ...]


def derive_lagrangian_dynamics(action: Action, form: NewtonForm | None = None) -> SecondOrder | FirstOrder:
    """The dynamics of an action: `Constrained` with constraints, `SecondOrder` where M is regular, else `FirstOrder`.

    `form` is the action's `newton_form`, if it is known already.

    Raises `DegenerateLagrangianError`, naming the null direction, if the Euler-Lagrange equations fix no dynamics, and
    what `derive_constrained` raises.
    """
    if action.constraints:
        return derive_constrained(action, form)
    if action.order == 1:
        form = form or newton_form(action)
        if regular(form.mass_matrix):
            return _second_order(action, form)
    return _first_order(action)


def _second_order(action: Action, form: NewtonForm) -> SecondOrder:
    q, v = action.jet(0), action.jet(1)
    moving = (*q, *v, action.space.time, *action.input_symbols)
    mass_matrix = form.mass_matrix
    entries = [entry for row in mass_matrix for entry in row]
    constant_mass = not free_symbols(entries) & set(moving)
    state = (*q, *v)
    written = (action.lagrangian, action.dissipation, *action.forces)
    signals = action.signals((*form.forcing, *entries, *form.momenta))
    return SecondOrder(
        balance=balance_of(action, (), (), [symbol for symbol, _ in signals]),
        damping=lagrangian_damping(action, form, constant_mass),
        time=action.space.time,
        state=state,
        labels=tuple(action.space.to_user[symbol] for symbol in state),
        parameters=action.parameters,
        signals=signals,
        conserved=conserved_quantities(action, state, form.momenta, form.gradient, form.operator(action.jet(2))),
        space=action.space,
        coordinates=q,
        velocities=v,
        mass_matrix=mass_matrix,
        forcing=form.forcing,
        momenta=form.momenta,
        gradient=form.gradient,
        constant_mass=constant_mass,
        diagonal_mass=all(entry == 0 for i, row in enumerate(mass_matrix) for j, entry in enumerate(row) if i != j),
        quadratic=not depends(entries, v),
        separable=constant_mass and not depends(form.forcing, v),
        autonomous=not depends(written, (action.space.time, *action.input_symbols)),
        conservative=is_closed(action),
        positive=positive_definite(mass_matrix, v),
    )


def _first_order(action: Action) -> FirstOrder:
    """E(z, x, t) = 0, linear in the leading derivatives z, as matrix x' = rates with x all lower derivatives."""
    space = action.space
    momenta = ostrogradsky_momenta(action.lagrangian, action.coordinates, space, action.order)
    forces = generalised_forces(action)
    sides = tuple(-lowest - force for lowest, force in zip(momenta[0], forces, strict=True))
    slopes = gradient(action.lagrangian, action.jet(0))
    pushes = tuple(slope + force for slope, force in zip(slopes, forces, strict=True))
    orders = [_leading_order(sides, coordinate, action) for coordinate in action.coordinates]
    leading = tuple(space.symbol(coordinate, k) for coordinate, k in zip(action.coordinates, orders, strict=True))
    matrix = settled(jacobian(sides, leading), leading)
    _refuse_degenerate(action, matrix, orders, leading)
    rest = tuple(-side for side in substitute(sides, dict.fromkeys(leading, sympy.S.Zero)))
    lower = [
        (c, k) for k in range(max(orders)) for c, order in zip(action.coordinates, orders, strict=True) if k < order
    ]
    state = tuple(space.symbol(coordinate, k) for coordinate, k in lower)
    rates, rows = _assemble(matrix, rest, state, leading, action)
    rates, solved = _inverted(rates, rows)
    closed = is_closed(action)
    pairs = _pairs(rows, {*state, space.time}) if closed and max(orders) == 1 and solved else ()
    hamiltonian = sympy.Add(*energy_of(action)) if closed and max(orders) == 1 else None
    moving = (space.time, *action.input_symbols)
    everything = (*rates, *(entry for row in rows for entry in row))
    return FirstOrder(
        time=space.time,
        state=state,
        labels=tuple(space.to_user[symbol] for symbol in state),
        parameters=action.parameters,
        signals=action.signals(everything),
        conserved=conserved_quantities(action, state, momenta[1], pushes, tuple(-lowest for lowest in momenta[0])),
        space=space,
        rates=rates,
        matrix=None if solved else rows,
        pairs=pairs,
        hamiltonian=hamiltonian,
        separable=bool(pairs) and is_separable(rates, state, pairs),
        autonomous=not depends(everything, moving),
        conservative=closed,
    )


def is_separable(rates: tuple[Any, ...], state: tuple[Any, ...], pairs: tuple[tuple[int, int], ...]) -> bool:
    """Whether q' depends on p alone and p' on q and t alone, for canonical pairs that cover the whole state."""
    if 2 * len(pairs) != len(state):
        return False
    q, p = [i for i, _ in pairs], [j for _, j in pairs]
    return not depends([rates[i] for i in q], [state[i] for i in q]) and not depends(
        [rates[j] for j in p], [state[j] for j in p]
    )


def _leading_order(sides: tuple[Any, ...], coordinate: Any, action: Action) -> int:
    for order in range(2 * action.order, 0, -1):
        if depends(sides, (action.space.symbol(coordinate, order),)):
            return order
    return 0


def _assemble(
    matrix: Rows, rest: tuple[Any, ...], state: tuple[Any, ...], leading: tuple[Any, ...], action: Action
) -> tuple[tuple[Any, ...], Rows]:
    """One row for each state: x' is the next derivative where that is a state too, else an Euler-Lagrange equation."""
    tops = {_below(symbol, action): index for index, symbol in enumerate(leading)}
    rates, rows = [], []
    for place, symbol in enumerate(state):
        if symbol in tops:
            index = tops[symbol]
            entries = {_below(other, action): value for other, value in zip(leading, matrix[index], strict=True)}
            rows.append(tuple(entries.get(other, sympy.S.Zero) for other in state))
            rates.append(rest[index])
        else:
            rows.append(tuple(sympy.S(int(place == column)) for column in range(len(state))))
            rates.append(action.space.total_derivative[symbol])
    return tuple(rates), tuple(rows)


def _below(symbol: Any, action: Action) -> Any:
    function, order = action.space.order(symbol) or (None, 0)
    return action.space.symbol(function, order - 1)


def _inverted(rates: tuple[Any, ...], rows: Rows) -> tuple[tuple[Any, ...], bool]:
    """The rates solved for x' where each row and each column holds one entry only; else as they are."""
    places = [[j for j, entry in enumerate(row) if entry != 0] for row in rows]
    if any(len(place) != 1 for place in places) or len({place[0] for place in places}) != len(rows):
        return rates, False
    solved: dict[int, Any] = {j: rate / rows[i][j] for i, (rate, (j,)) in enumerate(zip(rates, places, strict=True))}
    return tuple(solved[j] for j in range(len(rows))), True


def _pairs(rows: Rows, moving: set[Any]) -> tuple[tuple[int, int], ...]:
    """Canonical pairs (q, p) of a constant symplectic matrix: row q of it reads (+c) p' = -dH/dq with c > 0."""
    if free_symbols(entry for row in rows for entry in row) & moving:
        return ()
    pairs = []
    for i, row in enumerate(rows):
        j = next(column for column, entry in enumerate(row) if entry != 0)
        if i < j:
            pairs.append((i, j) if row[j].could_extract_minus_sign() is False else (j, i))
    return tuple(pairs)


def _refuse_degenerate(action: Action, matrix: Rows, orders: list[int], leading: tuple[Any, ...]) -> None:
    unfixed = [name_of(c) for c, order in zip(action.coordinates, orders, strict=True) if order == 0]
    if unfixed:
        raise DegenerateLagrangianError(
            f"The Lagrangian is degenerate: no rate of {', '.join(unfixed)} occurs in the equations of motion, so they "
            f"do not say how {unfixed[0]} moves. Give {unfixed[0]} a kinetic term, or eliminate it (or make it an "
            f"input_signal('{unfixed[0]}') if it is a given function of time)."
        )
    if regular(matrix):
        entries = [entry for row in matrix for entry in row]
        if depends(entries, leading):
            raise DegenerateLagrangianError(
                f"The Lagrangian is degenerate in its highest derivatives, and the equations that are left are not "
                f"linear in {', '.join(str(from_jet(symbol, action.space)) for symbol in leading)}, so they cannot be "
                "solved for them."
            )
        return
    mass_matrix = newton_form(action).mass_matrix if action.order == 1 else matrix
    rows = matrix if vanishes([entry for row in mass_matrix for entry in row]) else mass_matrix
    direction = null_direction(rows)
    raise DegenerateLagrangianError(_null_message(action, direction))


def _null_message(action: Action, direction: tuple[Any, ...] | None) -> str:
    names = [name_of(coordinate) for coordinate in action.coordinates]
    if direction is None:
        return (
            f"The Lagrangian is degenerate: its matrix of second derivatives by the highest derivatives of "
            f"{', '.join(names)} is singular or undefined at random points."
        )
    parts = {name: entry for name, entry in zip(names, direction, strict=True) if entry != 0}
    listed = ", ".join(f"d {name} = {from_jet(entry, action.space)}" for name, entry in parts.items())
    return (
        f"The Lagrangian is degenerate: it fixes no acceleration along the direction ({listed}), in which moving "
        f"{' and '.join(parts)} together changes no momentum. Use coordinates without that direction, or add the "
        "kinetic energy that is missing in it."
    )
