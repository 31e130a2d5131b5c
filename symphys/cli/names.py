"""What things are called on the command line."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from symphys.errors import InputError
from symphys.mechanics.notation import text
from symphys.models import System
from symphys.simulate.lattice.given import labels_of
from symphys.simulate.lattice.naming import field_name
from symphys.simulate.naming import plain_name
from symphys.systems import LagrangianDensity


def state_names(system: System) -> dict[str, Any]:
    """{name: label} of the state; the velocity of theta is theta_dot, or theta' as it is printed."""
    labels = system.dynamics.labels
    return {**{text(label): label for label in labels}, **{plain_name(label): label for label in labels}}


def value_names(system: System) -> dict[str, Any]:
    """{name: symbol} of parameters and input signals."""
    return {text(symbol): symbol for symbol in (*system.parameters, *system.signals)}


def field_labels(system: LagrangianDensity) -> dict[str, Any]:
    """{name: label} of the fields that are evolved, and of their rates: phi, phi_t."""
    return {field_name(label): label for u in system.dynamics.unknowns for label in labels_of(u)}


def field_values(system: LagrangianDensity) -> dict[str, Any]:
    """{name: symbol} of parameters and given functions of a field theory."""
    return {field_name(symbol): symbol for symbol in (*system.parameters, *system.given)}


def resolve(given: Mapping[Any, Any], known: Mapping[str, Any]) -> dict[Any, Any]:
    """The same values by symbol; keys may be symbols or names.

    Raises `InputError`, with the names that come close, for one that is unknown.
    """
    symbols = set(known.values())
    return {key if key in symbols else _look_up(str(key), known): value for key, value in given.items()}


def read_assignments(assignments: Iterable[str], known: Mapping[str, Any]) -> dict[Any, float]:
    """{symbol: number} from texts such as "m=2" or "l=0.5".

    Raises `InputError` for a text without =, an unknown name, and a right-hand side that is no number.
    """
    found = {}
    for assignment in assignments:
        name, equals, number = assignment.partition("=")
        if not equals:
            raise InputError(f"{assignment!r} is no assignment; write name=number, such as {next(iter(known), 'm')}=2.")
        symbol = _look_up(name.strip(), known)
        try:
            found[symbol] = float(number)
        except ValueError:
            raise InputError(f"{number!r} in {assignment!r} is no number; formulas are not evaluated.") from None
    return found


def _look_up(name: str, known: Mapping[str, Any]) -> Any:
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known) or 'none'}."
    raise InputError(f"{name} is unknown here; {hint}")
