"""The options of `fit`, which every system takes alike: named and typed here, with the defaults of `FitOptions`."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import wraps
from pathlib import Path
from typing import Any, TypedDict, TypeVar, cast

from symphys.errors import InputError
from symphys.learn.options import FitOptions
from symphys.learn.result import Fit

Function = TypeVar("Function", bound=Callable[..., Any])


class FitKeywords(TypedDict, total=False):
    """What every fit may be told; `Lagrangian.fit` says what each means."""

    guess: Mapping[Any, Any] | None
    bounds: Mapping[Any, tuple[float, float]] | None
    weights: Mapping[Any, Any] | None
    optimizer: str
    steps: int | None
    learning_rate: float
    schedule: str | Callable[[float], float]
    batch: int | None
    seed: int
    regularisation: float
    validation: Any
    patience: int | None
    start: Fit | str | Path | None
    checkpoint: str | Path | None
    progress: bool | Callable[[float], None] | None
    tries: int


class MotionKeywords(FitKeywords, total=False):
    """What a fit of something that moves may be told besides."""

    method: str
    dt: float | None
    dtype: str


class LossKeywords(MotionKeywords, total=False):
    """What a fit may be told whose loss the user may write himself."""

    loss: Any


def takes(keywords: type) -> Callable[[Function], Function]:
    """Decorates a function of `**options: Unpack[keywords]`, which shows them in its signature as written out.

    The function raises `InputError` for an option that it does not take, and names the nearest that it does.
    """

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        listed = [*own, *_parameters(keywords)]
        known = [p.name for p in listed if p.kind is not inspect.Parameter.POSITIONAL_ONLY][1:]

        @wraps(function)
        def checked(*args: Any, **given: Any) -> Any:
            for name in given:
                if name not in known:
                    near = difflib.get_close_matches(name, known, 1)
                    remedy = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
                    raise InputError(f"{function.__name__} takes no option {name!r}; {remedy}")
            return function(*args, **given)

        checked.__signature__ = signature.replace(parameters=listed)  # type: ignore[attr-defined]
        return cast(Function, checked)

    return decorate


def read_options(given: Mapping[str, Any]) -> FitOptions:
    """The options that were given, checked; None is the default."""
    return FitOptions(**{name: value for name, value in given.items() if value is not None})


def _parameters(keywords: type) -> list[inspect.Parameter]:
    """The options as a signature names them."""
    defaults = {f.name: None if f.default is MISSING else f.default for f in fields(FitOptions)}
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=_plain(hint))
        for name, hint in inspect.get_annotations(keywords).items()  # of a TypedDict, those of its bases too
    ]


def _plain(hint: Any) -> Any:
    """An annotation as it was written."""
    return getattr(hint, "__forward_arg__", hint)
