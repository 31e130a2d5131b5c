"""Expressions of physics as nodes: SymPy's own functions, and networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import codegen
from codegen import JET, Array, Dense, DenseJet, Node, apply, identifier, walk
from symphys.language.networks import NetworkSymbol, NetworkTerm


def lower_expressions(expressions: Iterable[Any], symbols: Mapping[Any, Node]) -> tuple[Node, ...]:
    """The nodes of expressions in jet symbols, given the node of each symbol; see `codegen.lower_expressions`."""
    return codegen.lower_expressions(expressions, symbols, _RULES)


@cache
def dense(network: NetworkSymbol) -> Dense:
    """The layers of a network as the compiler knows them."""
    return Dense(
        identifier(network.name, frozenset()),
        network.core_inputs,
        network.hidden,
        network.outputs,
        network.activation,
        2 * len(network.features),
    )


def weight_arrays(networks: Iterable[NetworkSymbol]) -> tuple[Array, ...]:
    """The arrays that kernels declare for the weights of networks."""
    return tuple(dense(network).array for network in networks)


def weights_read(nodes: Iterable[Node]) -> tuple[Array, ...]:
    """The arrays of the weights on which nodes depend."""
    found = {n.attribute.network.array: None for n in walk(nodes) if isinstance(n.attribute, DenseJet)}
    return tuple(sorted(found, key=lambda array: array.name))


def _network(term: NetworkTerm, point: list[Node]) -> Node:
    jet = term.jet
    orders = tuple(int(order) for order in jet.orders)
    return apply(JET, *point, attribute=DenseJet(dense(jet.network), int(jet.component), orders))


_RULES = MappingProxyType({NetworkTerm: _network})
