"""Expressions along trajectories: what a result holds, put into conserved quantities, positions, what users write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.function import Derivative

from codegen import Array, Builder, Intent, Kernel, get_backend, lower_expressions, optimise_kernel
from symphys.errors import InputError
from symphys.language import is_function_of_time
from symphys.language import t as time_symbol
from symphys.language.arrays import on_host
from symphys.mechanics.jets import evaluated
from symphys.simulate.naming import plain_name

if TYPE_CHECKING:
    from symphys.simulate.result import Result


def values_along(result: Result, expressions: Sequence[Any]) -> list[NDArray[np.float64]]:
    """The values [..., time] of expressions in the state, the parameters and t, along every trajectory of a result.

    Raises InputError for what is no expression, and for symbols that the result does not hold.
    """
    if not expressions:
        return []
    written = [_expression(e) for e in expressions]
    shape = np.broadcast_shapes(result.t.shape, *(values.shape for values in result.states.values()))
    known = _known(result)
    inputs: dict[Any, NDArray[Any]] = {}
    for expression in written:
        for piece in _pieces(expression):
            if plain_name(piece) not in known:
                names = ", ".join(known)
                raise InputError(f"{expression} holds {piece}, which this result does not have; it has {names}")
            inputs[piece] = np.broadcast_to(known[plain_name(piece)], shape)
    stand_ins = {piece: sympy.Dummy(f"x{i}", real=True) for i, piece in enumerate(inputs)}
    kernel = _kernel([e.xreplace(stand_ins) for e in written], list(stand_ins.values()))
    count = int(np.prod(shape, dtype=np.int64))
    arrays = {
        "inputs": np.zeros((max(len(inputs), 1), count)),
        "values": np.zeros((len(written), count)),
    }
    for row, values in zip(arrays["inputs"], inputs.values(), strict=False):
        row[:] = values.reshape(-1)
    if count:
        with np.errstate(all="ignore"):  # beyond its end a trajectory is NaN
            get_backend("reference").compile(optimise_kernel(kernel))(arrays, {}, (count,))
    return [values.reshape(shape) for values in arrays["values"]]


def _expression(expression: Any) -> Any:
    try:
        return evaluated(sympy.sympify(expression, strict=True))
    except (sympy.SympifyError, TypeError):
        raise InputError(f"{expression!r} is no expression; write one in coordinates, parameters and t") from None


def _known(result: Result) -> Mapping[str, NDArray[Any]]:
    """What can be put into expressions, by plain name, with the axes of the ensemble and of time."""
    parameters = {plain_name(s): np.asarray(on_host(value))[..., None] for s, value in result.parameters.items()}
    states = {plain_name(label): on_host(values) for label, values in result.states.items()}
    return {**parameters, **states, time_symbol.name: result.t}


def _pieces(expression: Any) -> list[Any]:
    """The outermost rates, functions of time and symbols of an expression."""
    function = expression.expr if isinstance(expression, Derivative) else expression
    if is_function_of_time(function) or expression.is_Symbol:
        return [expression]
    return [piece for argument in expression.args for piece in _pieces(argument)]


def _kernel(expressions: Sequence[Any], symbols: Sequence[Any]) -> Kernel:
    b = Builder()
    nodes = {symbol: b.load(f"x{i}", "inputs", i) for i, symbol in enumerate(symbols)}
    for i, value in enumerate(lower_expressions(expressions, nodes)):
        b.store("values", i, value=value)
    arrays = (Array("inputs", (max(len(symbols), 1),)), Array("values", (len(expressions),), intent=Intent.OUT))
    return Kernel("quantities", "point", arrays, (), b.block())
