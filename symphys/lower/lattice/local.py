"""Residuals of fields at one site as functions of what stands there: jets of the fields, what is given, parameters.

A site is then a sample like any other: derivatives by space are among its arguments, and kernels know no neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from codegen import Node, identifier, real, variable
from symphys.fields.dynamics import FieldDynamics
from symphys.lower.arguments import Arguments
from symphys.lower.expressions import weight_arrays
from symphys.lower.lattice.pairs import Pair, PairLowering
from symphys.lower.residual import RESERVED, Terms

Part = tuple[Any, int]  # a jet symbol, not conjugated, or a coordinate; 0: its real part or the whole, 1: imaginary


@dataclass(frozen=True)
class LocalTerms:
    """Residuals at a site, and what their arguments are: `terms.arguments.state` are the parts `moving` of jets of
    what evolves, `terms.arguments.signals` the parts `given` of given functions and coordinates of space.
    """

    terms: Terms
    moving: tuple[Part, ...]
    given: tuple[Part, ...]


def lower_local_terms(
    dynamics: FieldDynamics,
    residuals: Sequence[Any],
    predictions: Mapping[Any, tuple[Any, int]],
    measured: Sequence[Any],
    squared: bool = True,
) -> LocalTerms:
    """Real residuals in jet symbols, in `measured` symbols (the rows of the data) and in keys of `predictions`.

    predictions: {symbol: (expression in jets of the state, 0 for its real part or 1 for its imaginary one)}.
    """
    weights = weight_arrays(dynamics.networks)
    taken = {*RESERVED, *(array.name for array in weights)}
    nodes: dict[Part, Node] = {}

    def named(symbol: Any, part: int, parts: int) -> Node:
        key = (symbol, part)
        if key not in nodes:
            text = identifier(symbol.name + ("_re", "_im")[part] * (parts > 1), taken)
            taken.add(text)
            nodes[key] = variable(text)
        return nodes[key]

    time = named(dynamics.time, 0, 1)
    parameters = tuple(named(s, 0, 1) for s in dynamics.parameters)
    data = tuple(named(s, 0, 1) for s in measured)
    moving: dict[Part, Node] = {}
    given: dict[Part, Node] = {}
    fields = {u.field for u in dynamics.unknowns}

    def pair(symbol: Any) -> Pair:
        if symbol in predictions:
            expression, part = predictions[symbol]
            value = lowering.run(expression)[part]
            return (real(0.0) if value is None else value), None
        jet = dynamics.jets.jet(symbol)
        if jet is None:
            node = named(symbol, 0, 1)
            if symbol in dynamics.axes or symbol in dynamics.places:
                given[symbol, 0] = node
            return node, None
        base = dynamics.jets.of(replace(jet, conjugated=False))
        group = moving if jet.function in fields else given
        parts = 1 if base.is_real else 2
        for i in range(parts):
            group[base, i] = named(base, i, parts)
        if parts == 1:
            return group[base, 0], None
        x, y = group[base, 0], group[base, 1]
        return x, -y if jet.conjugated else y

    lowering = PairLowering(pair)
    roots = tuple(variable(identifier(f"root_{i}", taken)) for i in range(len(residuals)))
    values = []
    for residual, root in zip(residuals, roots, strict=True):
        weighed = lowering.real(residual) * root
        values.append(weighed if squared else weighed * root)
    symbols = {s: node for (s, part), node in nodes.items() if not part} | nodes
    arguments = Arguments(time, tuple(moving.values()), tuple(given.values()), parameters, symbols, weights)
    return LocalTerms(Terms(arguments, data, roots, tuple(values), squared), tuple(moving), tuple(given))
