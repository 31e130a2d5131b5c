"""Names: how a string of names is read, and in which order named things stand."""

import re
from typing import Any

import sympy

from symphys.errors import InputError


def read_names(names: str, what: str) -> tuple[str, ...]:
    """Read names as `sympy.symbols` does: separated by blanks or commas, with ranges such as `q1:4` or `q(a:c)`.

    Raises `InputError` if `names` is no string, holds no name, or holds one twice; `what` says in the message
    which kind of thing was being named.
    """
    if not isinstance(names, str):
        raise InputError(
            f"{what} are named by a string such as 'a b', but {names!r} is of type {type(names).__name__}."
        )
    if not names.strip(" ,"):
        raise InputError(f"No name for {what} was given: {names!r} is empty; write for example 'a b'.")
    try:
        found: Any = sympy.symbols(names, seq=True)
    except ValueError as error:
        raise InputError(f"{names!r} cannot be read as names of {what}: {error}.") from error
    read = tuple(symbol.name for symbol in found)
    twice = sorted({name for name in read if read.count(name) > 1})
    if twice:
        raise InputError(f"The name {twice[0]!r} stands twice in {names!r}; every one of the {what} needs its own.")
    return read


def natural_order(name: str) -> tuple[str | int, ...]:
    """Sort key that reads numbers as numbers, so that theta2 stands before theta10."""
    return tuple(int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name))
