"""What plots and animations share: figures without global state, names in LaTeX, which components belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.extras import optional
from symphys.language.arrays import on_host
from symphys.simulate.naming import latex_name, plain_name

if TYPE_CHECKING:
    from symphys.simulate.result import Result


@dataclass(frozen=True)
class Plane:
    """A component, its velocity or momentum, and what it is drawn against in a portrait; None where there is none."""

    first: Any
    second: Any | None
    against: Any | None


def new_figure(width: float, height: float) -> Any:
    """A figure of its own, known to no global list, in inches."""
    return optional("matplotlib.figure", "plot", "plotting").Figure(figsize=(width, height), layout="constrained")


def planes(result: Result, symbols: Sequence[Any] = ()) -> list[Plane]:
    """The components of a state in the order of its coordinates; only those named in `symbols`, if any are.

    Pairs (q, q') and (q, p) share a phase plane; components without a partner are drawn against the next one.
    """
    paired = {name for pair in result.pairs for name in map(plain_name, pair)}
    found = [Plane(q, p, p) for q, p in result.pairs]
    alone = [label for label in result.states if plain_name(label) not in paired]
    found += [Plane(x, None, y) for x, y in zip_longest(alone, alone[1:])]
    if not symbols:
        return found
    wanted = [plain_name(symbol) for symbol in symbols]
    known = {plain_name(label) for label in result.states}
    if strange := [name for name in wanted if name not in known]:
        raise InputError(f"{strange[0]} is no part of this result; it has {', '.join(sorted(known))}")
    return [plane for plane in found if {plain_name(plane.first), plain_name(plane.second)} & set(wanted)]


def label_of(symbol: Any) -> str:
    """The LaTeX name between dollar signs, or the plain name where matplotlib cannot set it."""
    return typeset(latex_name(symbol), plain_name(symbol))


def typeset(latex: str, plain: str) -> str:
    """LaTeX between dollar signs, or a plain name where matplotlib cannot set it."""
    text = f"${latex}$"
    try:
        optional("matplotlib.mathtext", "plot", "plotting").MathTextParser("path").parse(text)
    except ValueError:
        return plain
    return text


def by_trajectory(values: NDArray[Any]) -> NDArray[Any]:
    """[..., time] as [trajectories, time], on the host."""
    return np.asarray(on_host(values)).reshape(-1, values.shape[-1])


def some_of(count: int, most: int) -> NDArray[np.int64]:
    """At most that many of `count` trajectories, evenly chosen."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
