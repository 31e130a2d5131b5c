"""What every function of a system takes, and functions that are straight lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codegen import Array, Builder, Function, Node, identifier, variable
from symphys.lower.expressions import weight_arrays
from symphys.mechanics.dynamics import Dynamics


@dataclass(frozen=True)
class Arguments:
    """The variables that all functions of one system share, and the node of each symbol."""

    time: Node
    state: tuple[Node, ...]
    signals: tuple[Node, ...]
    parameters: tuple[Node, ...]
    symbols: Mapping[Any, Node]
    weights: tuple[Array, ...] = ()  # of the networks, which functions read where they stand

    @property
    def all(self) -> tuple[Node, ...]:
        """The parameters of every function, in order."""
        return (self.time, *self.state, *self.signals, *self.parameters)


def arguments_of(dynamics: Dynamics) -> Arguments:
    """Identifiers for every symbol of a system, readable where the symbol's name is one already."""
    weights = weight_arrays(dynamics.networks)
    taken = {array.name for array in weights}
    symbols: dict[Any, Node] = {}

    def name(symbol: Any) -> Node:
        text = identifier(symbol.name, taken)
        taken.add(text)
        symbols[symbol] = variable(text)
        return symbols[symbol]

    state = tuple(name(s) for s in dynamics.state)
    parameters = tuple(name(s) for s in dynamics.parameters)
    signals = tuple(name(s) for s, _ in dynamics.signals)
    return Arguments(name(dynamics.time), state, signals, parameters, symbols, weights)


def function_of(name: str, parameters: Sequence[Node], results: Sequence[Node], wishes: Sequence[str]) -> Function:
    """A straight-line function whose results are bound to readable names."""
    builder = Builder()
    for p in parameters:
        builder.names.fresh(str(p.attribute))
    named = tuple(builder.let(wish, result) for wish, result in zip(wishes, results, strict=True))
    return Function(name, tuple(parameters), builder.block(), named)
