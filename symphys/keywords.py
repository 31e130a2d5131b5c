"""Options that several functions take: each list stands once, typed and with defaults, and every signature shows it.

A list is a `TypedDict` whose hints carry the default beside the type, `Annotated[float, 1e-3]`; lists inherit from
lists. A function takes one by `**options: Unpack[List]` under `@takes(List)`: type checkers know each option, users see
them in `inspect.signature` and `help`, and a misspelt one is named with the nearest.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any, TypeVar, cast, get_type_hints

from symphys.errors import InputError

Function = TypeVar("Function", bound=Callable[..., Any])
List = TypeVar("List")


def takes(listed: type, instead: Mapping[str, str] = MappingProxyType({})) -> Callable[[Function], Function]:
    """Decorates a function of `**options: Unpack[listed]`, which gets every option; None is the default.

    The function raises `InputError` for an option that it does not take, and names the nearest that it does. instead:
    of options that others of its kind take, what to do in their place.
    """

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        options = _parameters(listed)
        known = [p.name for p in (*own, *options) if p.name != "self" and p.kind is not p.POSITIONAL_ONLY]
        defaults, names = {p.name: p.default for p in options}, frozenset(known)

        @wraps(function)
        def checked(*args: Any, **given: Any) -> Any:
            for name in given.keys() - names:
                near = difflib.get_close_matches(name, known, 1)
                remedy = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
                raise InputError(f"{function.__name__} takes no option {name!r}; {instead.get(name, remedy)}")
            left = {name: value for name, value in defaults.items() if given.get(name) is None}
            return function(*args, **{**given, **left})

        checked.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
        return cast(Function, checked)

    return decorate


def part_of(options: Mapping[str, Any], listed: type[List]) -> List:
    """Those of some options that stand in a list."""
    return cast(List, {name: options[name] for name in get_type_hints(listed) if name in options})


def _parameters(listed: type) -> list[inspect.Parameter]:
    """The options as a signature names them."""
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=hint.__metadata__[0], annotation=_plain(hint))
        for name, hint in get_type_hints(listed, include_extras=True).items()
    ]


def _plain(hint: Any) -> str:
    """A type without the default beside it and without the modules that its names come from."""
    return re.sub(r"(\w+\.)+", "", inspect.formatannotation(hint.__origin__))
