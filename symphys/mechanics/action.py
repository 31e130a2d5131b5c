"""A Lagrangian with its friction, forces and constraints, read from what a user wrote and carried to jet space."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.function import Derivative

from symphys.errors import InputError, UnsupportedError
from symphys.language.symbols import is_function_of_time, is_input_signal
from symphys.mechanics.differentiate import gradient
from symphys.mechanics.graph import free_symbols
from symphys.mechanics.jets import JetSpace, jet_space, to_jet
from symphys.mechanics.probe import depends
from symphys.mechanics.read import Contents, by_name, contents, scalar


@dataclass(frozen=True)
class Action:
    """S[q] = int L(q, q', ..., t) dt, with a Rayleigh function D, forces Q and constraints f = 0; all in jet symbols.

    Constraints are f(q, t) = 0, or of first degree in the velocities too.  `coordinates`, `inputs` and `parameters` are
    the user's own, in order; `order` is the highest derivative of a coordinate in L (at least 1).
    """

    space: JetSpace
    coordinates: tuple[Any, ...]
    inputs: tuple[Any, ...]
    parameters: tuple[Any, ...]
    order: int
    lagrangian: Any
    dissipation: Any
    forces: tuple[Any, ...]
    constraints: tuple[Any, ...] = ()

    def jet(self, order: int) -> tuple[Any, ...]:
        """The jet symbols of the coordinates' derivatives of one order."""
        return self.space.symbols(self.coordinates, order)

    @property
    def input_symbols(self) -> tuple[Any, ...]:
        """The jet symbols of the inputs and of all their derivatives."""
        return tuple(self.space.symbol(function, k) for function in self.inputs for k in range(self.space.depth + 1))

    def signals(self, expressions: Iterable[Any]) -> tuple[tuple[Any, Any], ...]:
        """(jet symbol, as users write it) of each input or derivative of one that occurs here or in `expressions`."""
        own = (self.lagrangian, self.dissipation, *self.forces, *self.constraints)
        present = free_symbols((*expressions, *own))
        return tuple((symbol, self.space.to_user[symbol]) for symbol in self.input_symbols if symbol in present)


def read_action(
    expression: Any,
    coordinates: Iterable[Any] | None,
    dissipation: Any,
    forces: Mapping[Any, Any] | None,
    constraints: Iterable[Any] = (),
) -> Action:
    """The `Action` of a Lagrangian as the user wrote it.

    Raises `InputError`, in this order, for expressions that are no real scalars, for wrong `coordinates`, for a
    Lagrangian without velocities, for `forces` on things that are no coordinates, for friction or forces with
    accelerations in them, and for `constraints` that are no expressions or equations; `UnsupportedError` for
    constraints on accelerations, and for those that are not of first degree in the velocities.
    """
    lagrangian = scalar(expression, "Lagrangian")
    rayleigh = scalar(dissipation, "dissipation function")
    pushes = {key: scalar(force, f"force on {key}") for key, force in _as_mapping(forces).items()}
    held = tuple(_constraint(each, number) for number, each in enumerate(constraint_list(constraints), start=1))
    # a coordinate without kinetic energy may stand in the constraints alone
    found = contents((lagrangian, *held), "Lagrangian" + (" and its constraints" if held else ""))
    orders = contents((lagrangian,), "Lagrangian").orders
    everything = contents((lagrangian, rayleigh, *pushes.values(), *held), "Lagrangian and its forces")
    chosen = _found_coordinates(found) if coordinates is None else _given_coordinates(coordinates, found)
    _check_dynamics(lagrangian, orders, chosen)
    _check_forces(pushes, chosen)
    _check_outer(contents((rayleigh, *pushes.values()), "friction and forces"), chosen, coordinates is None)
    for each in held:
        _check_constraint(each, contents((each,), "constraint"), chosen)
    order = max(1, *(orders.get(q, 0) for q in chosen))
    inputs = tuple(function for function in everything.functions if function not in chosen)
    space = jet_space((*chosen, *inputs), everything.parameters, depth=max(4, 2 * max(everything.orders.values()) + 1))
    constraints_in_jets = tuple(to_jet(each, space) for each in held)
    _check_linear(held, constraints_in_jets, space.symbols(chosen, 1))
    return Action(
        space,
        chosen,
        inputs,
        everything.parameters,
        order,
        to_jet(lagrangian, space),
        to_jet(rayleigh, space),
        tuple(to_jet(pushes.get(q, sympy.S.Zero), space) for q in chosen),
        constraints_in_jets,
    )


def _as_mapping(forces: Any) -> Mapping[Any, Any]:
    if forces is None:
        return {}
    if not isinstance(forces, Mapping):
        raise InputError(
            f"forces must be a mapping from coordinates to expressions, {{q: force}}, not a {type(forces).__name__}."
        )
    return forces


def constraint_list(constraints: Any) -> list[Any]:
    """The constraints one by one; InputError where one alone, or something else, was given."""
    if isinstance(constraints, sympy.Basic | str) or not isinstance(constraints, Iterable):
        raise InputError(
            f"constraints must be a sequence of expressions that vanish, or of equations, not {constraints!r}; write "
            "constraints=[...]."
        )
    return list(constraints)


def _constraint(given: Any, number: int) -> Any:
    """What vanishes; an equation counts as its left side less its right."""
    if isinstance(given, sympy.Eq):
        return scalar(given.lhs - given.rhs, f"constraint number {number}")
    if isinstance(given, sympy.core.relational.Relational):
        raise InputError(f"The constraint {given} is no equation; only equalities can hold a system.")
    return scalar(given, f"constraint number {number}")


def _check_constraint(constraint: Any, found: Contents, chosen: tuple[Any, ...]) -> None:
    for function, order in found.orders.items():
        if function in chosen and order > 1:
            raise UnsupportedError(
                f"The constraint {constraint} = 0 holds {function} in its derivative of order {order}; only "
                "constraints on coordinates, velocities and time are derived. Integrate it in time if that is possible."
            )


def _check_linear(written: Iterable[Any], constraints: Iterable[Any], velocities: tuple[Any, ...]) -> None:
    """Refuse what Lagrange-d'Alembert does not cover: without linearity the direction of the force is not given."""
    for text, constraint in zip(written, constraints, strict=True):
        if depends(gradient(constraint, velocities), velocities):
            raise UnsupportedError(
                f"The constraint {text} = 0 is not linear in the velocities, so that d'Alembert's principle does "
                "not say along what its force acts; multiply out quotients of velocities, or give a force."
            )


def _found_coordinates(found: Contents) -> tuple[Any, ...]:
    return tuple(function for function in found.functions if not is_input_signal(function))


def _given_coordinates(given: Iterable[Any], found: Contents) -> tuple[Any, ...]:
    if is_function_of_time(given):
        given = (given,)
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputError(f"coordinates must be a sequence of functions of time, not {given!r}.")
    chosen = tuple(given)
    for q in chosen:
        if isinstance(q, Derivative):
            raise InputError(f"{q} is a velocity; give the coordinate {q.expr} itself among the coordinates.")
        if not is_function_of_time(q):
            raise InputError(f"{q} is no coordinate; coordinates are functions of time, made by coordinates('q').")
        if is_input_signal(q):
            raise InputError(f"{q} is an input signal and cannot be a coordinate too.")
        if chosen.count(q) > 1:
            raise InputError(f"The coordinate {q} stands twice among the coordinates.")
        if q not in found.orders:
            there = ", ".join(str(function) for function in found.functions) or "no function of time"
            raise InputError(f"The coordinate {q} does not occur in the Lagrangian, which has {there}.")
    return chosen


def _check_dynamics(lagrangian: Any, orders: Mapping[Any, int], chosen: tuple[Any, ...]) -> None:
    if not chosen:
        raise InputError(
            f"There is no coordinate and no velocity in the Lagrangian {lagrangian}, so it has no dynamics; write it "
            "in coordinates('q') and their velocities dot(q)."
        )
    if not any(orders.get(q, 0) for q in chosen):
        names = ", ".join(str(q) for q in chosen)
        raise InputError(
            f"There is no velocity in the Lagrangian {lagrangian}: of its coordinates {names} only the values occur, "
            "so it has no dynamics; add a kinetic energy written with dot(q)."
        )


def _check_forces(pushes: Mapping[Any, Any], chosen: tuple[Any, ...]) -> None:
    for key in pushes:
        if key not in chosen:
            names = ", ".join(str(q) for q in chosen)
            hint = f"; give the force on {key.expr} under the coordinate itself" if isinstance(key, Derivative) else ""
            raise InputError(f"A force was given on {key}, which is no coordinate: these are {names}{hint}.")


def _check_outer(outer: Contents, chosen: tuple[Any, ...], guessed: bool) -> None:
    for function, order in outer.orders.items():
        if function in chosen:
            if order > 1:
                raise InputError(
                    f"Friction and forces may depend on {function} and its velocity, not on its derivative of order "
                    f"{order}."
                )
        elif guessed and not is_input_signal(function):
            names = ", ".join(str(q) for q in by_name(chosen))
            raise InputError(
                f"{function} in the friction or forces is no coordinate of the Lagrangian (these are {names}); if it "
                f"is a given function of time, make it by input_signal('{function.func.__name__}')."
            )
