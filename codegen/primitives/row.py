"""What one row of the table of primitives says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..ir import Kind, Node
from .series import TaylorRule

Partials = Callable[[tuple[Node, ...], Node], tuple["Node | None", ...]]


@dataclass(frozen=True)
class Primitive:
    """One scalar operation: its meaning, its derivative and how each backend spells it.

    `meaning` is the NumPy function that defines it. `partials(arguments, result)` gives d result / d argument as nodes,
    None where the derivative vanishes identically. `taylor(k, node, series)` gives the Taylor coefficient of order k >=
    1 from `series(argument, j)`; without it the chain rule k y_k = sum_j j u_j g_(k-j), g the partial, is used.
    `python` and `c` are templates ({0}, {1}: arguments; {a}: the attribute; {f}: "f" in single precision). `llvm` is an
    instruction, an intrinsic ("llvm.sqrt") or a function of our vector mathematics ("math.sin"). `ulp` bounds the error
    of any backend against `meaning` in units in the last place of the result. `kinds` are those of the arguments, None
    where reals and integers are both taken; `result` None means the kind of the last argument.
    """

    name: str
    kinds: tuple[Kind | None, ...]
    result: Kind | None
    meaning: Callable[..., Any]
    python: str
    c: str
    llvm: str
    partials: Partials | None = None
    taylor: TaylorRule | None = None
    ulp: float = 1.0
