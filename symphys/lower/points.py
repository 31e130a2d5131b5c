"""Expressions that are to vanish at points, as terms that kernels differentiate: real and imaginary parts apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import Node, identifier, variable
from symphys.language.networks import networks_in
from symphys.lower.arguments import Arguments
from symphys.lower.expressions import weight_arrays
from symphys.lower.lattice.pairs import PairLowering
from symphys.lower.residual import RESERVED, Terms
from symphys.mechanics.graph import postorder

Floats = NDArray[np.float64]


def point_terms(
    coordinates: Sequence[Any], parameters: Sequence[Any], expressions: Sequence[Any], measured: Sequence[Any] = ()
) -> Terms:
    """Complex expressions in real coordinates, parameters, measured values and networks; coordinates are the state.

    One residual for a real expression, two for a complex one. Raises UnsupportedError for functions of complex numbers
    that do not compile.
    """
    arrays = weight_arrays(networks_in(postorder(expressions)))
    taken = {*RESERVED, *(array.name for array in arrays)}
    symbols: dict[Any, Node] = {}

    def fresh(wish: str) -> Node:
        text = identifier(wish, taken)
        taken.add(text)
        return variable(text)

    for symbol in (*coordinates, *parameters, *measured):
        symbols[symbol] = fresh(symbol.name)
    place = tuple(symbols[x] for x in coordinates)
    known = tuple(symbols[p] for p in parameters)
    arguments = Arguments(fresh("no_time"), place, (), known, symbols, arrays)
    lowering = PairLowering(lambda symbol: (symbols[symbol], None))
    parts = [part for e in expressions for part in lowering.run(e) if part is not None]
    roots = tuple(fresh(f"root_{i}") for i in range(len(parts)))
    residuals = tuple(part * root for part, root in zip(parts, roots, strict=True))
    return Terms(arguments, tuple(symbols[s] for s in measured), roots, residuals, squared=True)


def point_columns(place: Floats, values: Sequence[float], residuals: int) -> dict[str, Floats]:
    """What the kernels of that many residuals read: points [coordinates, n], and one value for each parameter."""
    n = place.shape[1]
    return {
        "state": place if len(place) else np.zeros((1, n)),
        "signals": np.zeros((1, n)),
        "parameters": np.tile(np.array([*values] or [0.0])[:, None], (1, n)),
        "data": np.zeros((1, n)),
        "roots": np.ones((residuals, n)),
        "times": np.zeros(n),
    }
