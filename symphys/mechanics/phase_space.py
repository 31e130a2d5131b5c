"""Hamiltonian systems and plain vector fields, read from what a user wrote and carried to jet space."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.function import Derivative

from symphys.errors import InputError
from symphys.language.symbols import is_function_of_time, is_input_signal
from symphys.mechanics.jets import JetSpace, jet_space, to_jet
from symphys.mechanics.read import Contents, contents, scalar
from symphys.mechanics.resistive import check_resistive, read_resistive


@dataclass(frozen=True)
class PhaseSpace:
    """x' = (J - R) grad H + u on canonical pairs, in jet symbols; the state is (q_1 .. q_n, p_1 .. p_n).

    `positions`, `momenta`, `inputs` and `parameters` are the user's own; `friction` is R, [2n][2n], and `pushes` what
    is added to each rate.
    """

    space: JetSpace
    positions: tuple[Any, ...]
    momenta: tuple[Any, ...]
    inputs: tuple[Any, ...]
    parameters: tuple[Any, ...]
    hamiltonian: Any
    friction: tuple[tuple[Any, ...], ...]
    pushes: tuple[Any, ...]

    @property
    def resistive(self) -> tuple[Any, ...]:
        """The entries of R, row by row."""
        return tuple(entry for row in self.friction for entry in row)

    @property
    def state(self) -> tuple[Any, ...]:
        """The jet symbols of positions and momenta."""
        return self.space.symbols((*self.positions, *self.momenta))


@dataclass(frozen=True)
class Flow:
    """x' = rates(x, t), in jet symbols; `variables`, `inputs` and `parameters` are the user's own."""

    space: JetSpace
    variables: tuple[Any, ...]
    inputs: tuple[Any, ...]
    parameters: tuple[Any, ...]
    rates: tuple[Any, ...]

    @property
    def state(self) -> tuple[Any, ...]:
        """The jet symbols of the variables."""
        return self.space.symbols(self.variables)


def read_hamiltonian(expression: Any, pairs: Any, dissipation: Any, inputs: Any) -> PhaseSpace:
    """The `PhaseSpace` of a Hamiltonian as the user wrote it.

    Raises `InputError`, in this order, for expressions that are no real scalars, for `pairs` that overlap or are no
    functions of time, for `dissipation` or `inputs` of things outside the pairs, for derivatives of phase-space
    coordinates in any expression, and for dissipation that is not positive semidefinite.
    """
    hamiltonian = scalar(expression, "Hamiltonian")
    positions, momenta = _read_pairs(pairs)
    variables = (*positions, *momenta)
    friction = read_resistive(dissipation, variables)
    pushes = _read_extras(inputs, variables, "inputs")
    found = contents((hamiltonian, *(entry for row in friction for entry in row), *pushes.values()), "Hamiltonian")
    missing = contents((hamiltonian,), "Hamiltonian").orders
    if not any(variable in missing for variable in variables):
        names = ", ".join(str(variable) for variable in variables)
        raise InputError(f"The Hamiltonian {hamiltonian} depends on none of its coordinates and momenta {names}.")
    given = _others(found, variables, "Hamiltonian")
    space = jet_space((*variables, *given), found.parameters, depth=max(4, 1 + max(found.orders.values())))
    return PhaseSpace(
        space,
        positions,
        momenta,
        given,
        found.parameters,
        to_jet(hamiltonian, space),
        check_resistive(friction, variables, space),
        tuple(to_jet(pushes.get(variable, sympy.S.Zero), space) for variable in variables),
    )


def read_flow(rates: Any) -> Flow:
    """The `Flow` of {variable: rate} as the user wrote it; raises `InputError` as `read_hamiltonian` does."""
    if not isinstance(rates, Mapping) or not rates:
        raise InputError("A vector field is given as a mapping {x: rate of x, ...} with at least one variable.")
    for variable in rates:
        _check_variable(variable, "variable of the vector field")
    read = {variable: scalar(rate, f"rate of {variable}") for variable, rate in rates.items()}
    found = contents((*read, *read.values()), "vector field")
    given = _others(found, tuple(read), "vector field")
    space = jet_space((*read, *given), found.parameters, depth=max(4, 1 + max(found.orders.values())))
    jets = tuple(to_jet(rate, space) for rate in read.values())
    return Flow(space, tuple(read), given, found.parameters, jets)


def _read_pairs(pairs: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    if isinstance(pairs, Mapping):
        listed = list(pairs.items())
    elif isinstance(pairs, Iterable) and all(isinstance(pair, Iterable) and len(tuple(pair)) == 2 for pair in pairs):
        listed = [tuple(pair) for pair in pairs]
    else:
        raise InputError(f"pairs must map each coordinate to its momentum, {{q: p}}, but {pairs!r} was given.")
    if not listed:
        raise InputError("A Hamiltonian needs at least one canonical pair {q: p}.")
    flat = [thing for pair in listed for thing in pair]
    for thing in flat:
        _check_variable(thing, "member of a canonical pair")
        if flat.count(thing) > 1:
            raise InputError(
                f"{thing} stands in the canonical pairs twice; each coordinate and momentum belongs to one."
            )
    return tuple(q for q, _ in listed), tuple(p for _, p in listed)


def _check_variable(thing: Any, role: str) -> None:
    if isinstance(thing, Derivative):
        raise InputError(f"{thing} cannot be a {role}; use a function of time of its own, made by canonical('q p').")
    if is_input_signal(thing):
        raise InputError(f"{thing} is an input signal and cannot be a {role}.")
    if not is_function_of_time(thing):
        raise InputError(
            f"{thing!r} cannot be a {role}: it must be a function of time; make it by canonical('q p') or "
            "coordinates('q')."
        )


def _read_extras(given: Any, variables: tuple[Any, ...], name: str) -> dict[Any, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{name} must be a mapping {{p: expression}}, not a {type(given).__name__}.")
    for key in given:
        if key not in variables:
            names = ", ".join(str(variable) for variable in variables)
            raise InputError(f"{name} was given for {key}, which is in no canonical pair; these hold {names}.")
    return {key: scalar(value, f"{name} of {key}") for key, value in given.items()}


def _others(found: Contents, variables: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    others = []
    for function, order in found.orders.items():
        if function in variables:
            if order:
                raise InputError(
                    f"A derivative of {function} stands in the {what}, which must be written in {function} itself."
                )
        elif is_input_signal(function):
            others.append(function)
        else:
            raise InputError(
                f"{function} in the {what} is none of its variables {', '.join(map(str, variables))}; add it to them, "
                f"or make it by input_signal('{function.func.__name__}') if it is a given function of time."
            )
    return tuple(function for function in found.functions if function in others)
