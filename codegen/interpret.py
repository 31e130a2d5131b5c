"""The NumPy interpreter: what the statements and primitives mean, one array element per instance.

It is the definition that every backend is compared with, and the `reference` backend. Registers hold arrays [lanes];
control flow is by masks, each lane as if it ran alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import CompilerBug
from .ir import Kind, Node, walk
from .primitives import PRIMITIVES
from .program import (
    Accumulate,
    Array,
    Assign,
    Block,
    Call,
    Comment,
    For,
    Function,
    If,
    Intent,
    Kernel,
    Let,
    Load,
    Local,
    Outer,
    Product,
    Store,
    Var,
    While,
)
from .singles import one_by_one

Values = dict[str, Any]


def evaluate(roots: tuple[Node, ...], values: Mapping[str, Any], dtype: Any = np.float64) -> tuple[Any, ...]:
    """The values of nodes, given those of their variables by name (numbers or arrays that broadcast)."""
    done: dict[bytes, Any] = {}
    with np.errstate(all="ignore"):
        for n in walk(roots):
            done[n.key] = _evaluate_one(n, done, values, dtype)
    return tuple(done[root.key] for root in roots)


def _evaluate_one(n: Node, done: dict[bytes, Any], values: Mapping[str, Any], dtype: Any) -> Any:
    if n.op == "variable":
        return values[str(n.attribute)]
    if n.op == "constant":
        return dtype(n.attribute) if n.kind is Kind.REAL else n.attribute
    result = PRIMITIVES[n.op].meaning(*(done[a.key] for a in n.args))
    return np.asarray(result, dtype=dtype) if n.kind is Kind.REAL else result


class _Instances:
    """The state of all lanes of one outer index while a block runs."""

    def __init__(self, kernel: Kernel, arrays: Mapping[str, NDArray[Any]], lanes: int, dtype: Any, halo: int) -> None:
        self.kernel, self.lanes, self.dtype, self.halo = kernel, lanes, dtype, halo
        self.arrays: dict[str, NDArray[Any]] = dict(arrays)
        self.declared: dict[str, Array] = {a.name: a for a in kernel.arrays}
        self.ids = np.arange(lanes)

    def evaluate(self, n: Node, values: Values) -> Any:
        return evaluate((n,), values, self.dtype)[0]

    def spread(self, value: Any, kind: Kind) -> NDArray[Any]:
        dtype = {Kind.REAL: self.dtype, Kind.INT: np.int64, Kind.BOOL: np.bool_}[kind]
        return np.array(np.broadcast_to(np.asarray(value, dtype=dtype), (self.lanes,)))

    def position(self, name: str, index: tuple[Node, ...], values: Values, shift: int = 0) -> tuple[Any, ...]:
        where = tuple(self.evaluate(i, values) for i in index)
        array = self.declared[name]
        if not array.instanced:
            return where
        lanes = self.ids + shift + self.halo
        if array.components == 1:
            return (*where, lanes)
        return (*where[:-1], lanes * array.components + where[-1])


def run_kernel(
    kernel: Kernel,
    arrays: Mapping[str, NDArray[Any]],
    scalars: Mapping[str, float | int],
    extents: tuple[int, ...],
    dtype: Any = np.float64,
    halo: int = 0,
    first: int = 0,
) -> None:
    """Run a kernel on arrays in place; `extents` are those of the outer axes, then of the lane axis.

    Instanced arrays have lane axis `(lanes + 2 halo) components`; the halo is what shifted loads reach and is the
    caller's to fill. `first` is the number of the first instance, where the arrays hold a part of them.
    """
    lanes = extents[-1]
    for array in kernel.arrays:
        if array.intent is Intent.SUM:
            arrays[array.name][...] = 0
    for outer in np.ndindex(*extents[:-1]):
        instances = _Instances(kernel, arrays, lanes, dtype, halo)
        values: Values = {s.name: _scalar(s.kind, scalars[s.name], dtype) for s in kernel.scalars}
        values.update(zip(kernel.outer, outer, strict=True))
        values[kernel.lane] = instances.ids.astype(np.int64) + first
        _run_block(kernel.body, values, np.ones(lanes, dtype=bool), instances)


def _scalar(kind: Kind, value: float | int, dtype: Any) -> Any:
    return dtype(value) if kind is Kind.REAL else int(value)


def _run_block(block: Block, values: Values, mask: NDArray[np.bool_], at: _Instances) -> None:
    for statement in one_by_one(block):
        _run(statement, values, mask, at)


def _run(statement: Any, values: Values, mask: NDArray[np.bool_], at: _Instances) -> None:
    match statement:
        case Let(target, value):
            values[str(target.attribute)] = at.evaluate(value, values)
        case Var(target, value):
            values[str(target.attribute)] = at.spread(at.evaluate(value, values), target.kind)
        case Assign(target, value):
            name = str(target.attribute)
            values[name] = np.where(mask, at.spread(at.evaluate(value, values), target.kind), values[name])
        case Local(array):
            dtype = at.dtype if array.kind is Kind.REAL else np.int64
            at.declared[array.name] = array
            at.arrays[array.name] = np.zeros((*(int(s) for s in array.shape), at.lanes + 2 * at.halo), dtype=dtype)
        case Load() | Store() | Accumulate() | Outer() | Product():
            _reach(statement, values, mask, at)
        case For(counter, start, stop, body):
            for i in range(int(at.evaluate(start, values)), int(at.evaluate(stop, values))):
                values[str(counter.attribute)] = i
                _run_block(body, values, mask, at)
        case While(condition, body):
            alive = mask & at.spread(at.evaluate(condition, values), Kind.BOOL)
            while alive.any():
                _run_block(body, values, alive, at)
                alive = alive & at.spread(at.evaluate(condition, values), Kind.BOOL)
        case If(condition, body):
            inner = mask & at.spread(at.evaluate(condition, values), Kind.BOOL)
            if inner.any():
                _run_block(body, values, inner, at)
        case Call(targets, function, arguments):
            results = _call(function, tuple(at.evaluate(a, values) for a in arguments), mask, at)
            values.update(zip((str(t.attribute) for t in targets), results, strict=True))
        case Comment():
            pass
        case _:
            raise CompilerBug(f"the interpreter has no meaning for {type(statement).__name__}")


def _reach(
    statement: Load | Store | Accumulate | Outer | Product, values: Values, mask: NDArray[np.bool_], at: _Instances
) -> None:
    """Memory, at indices that may differ by lane."""
    match statement:
        case Load(target, array, index, shift):
            where = at.position(array, index, values, shift)
            found = _gather(at.arrays[array], where, mask)
            values[str(target.attribute)] = found.astype(np.int64) if found.dtype == np.int32 else found
        case Store(array, index, value):
            where = np.broadcast_arrays(*at.position(array, index, values), mask)[:-1]
            stored = np.broadcast_to(at.evaluate(value, values), mask.shape)
            at.arrays[array][tuple(w[mask] for w in where)] = stored[mask]
        case Accumulate(array, index, value):
            where = tuple(np.broadcast_to(at.evaluate(i, values), mask.shape)[mask] for i in index)
            added = np.broadcast_to(at.evaluate(value, values), mask.shape)[mask]
            if where:
                np.add.at(at.arrays[array], where, added)
            else:  # one number: no index that could spread over the lanes
                at.arrays[array][...] += added.sum()
        case Outer():
            _add_products(statement, values, mask, at)
        case Product():
            _multiply(statement, values, mask, at)


def _add_products(outer: Outer, values: Values, mask: NDArray[np.bool_], at: _Instances) -> None:
    """Outer products of private vectors, over the lanes at work."""

    def vectors(names: tuple[str, ...], begin: Node, size: int) -> NDArray[Any]:
        first, lanes = int(at.evaluate(begin, values)), slice(at.halo, at.halo + at.lanes)
        return np.stack([at.arrays[name][first : first + size, lanes][:, mask] for name in names])

    left = vectors(outer.left, outer.left_begin, outer.rows)
    right = vectors(outer.right, outer.right_begin, outer.columns)
    *row, first = (int(at.evaluate(i, values)) for i in outer.index)
    at.arrays[outer.array][tuple(row)][first : first + outer.rows * outer.columns] += np.einsum(
        "pil,pkl->ik", left, right
    ).ravel()


def _multiply(product: Product, values: Values, mask: NDArray[np.bool_], at: _Instances) -> None:
    """Private vectors times a matrix, in the lanes at work."""
    lanes = slice(at.halo, at.halo + at.lanes)
    begin, end = (int(at.evaluate(place, values)) for place in (product.given_begin, product.made_begin))
    *row, first = (int(at.evaluate(i, values)) for i in product.index)
    matrix = at.arrays[product.array][tuple(row)][first : first + product.rows * product.columns]
    matrix = matrix.reshape(product.rows, product.columns)
    for given, made in zip(product.given, product.made, strict=True):
        vector = at.arrays[given][begin : begin + product.terms, lanes][:, mask]
        there = at.arrays[made][end : end + product.sums, lanes]
        there[:, mask] = (matrix.T if product.transposed else matrix) @ vector


def _call(function: Function, arguments: tuple[Any, ...], mask: NDArray[np.bool_], at: _Instances) -> tuple[Any, ...]:
    values: Values = dict(zip((str(p.attribute) for p in function.parameters), arguments, strict=True))
    declared, arrays = dict(at.declared), dict(at.arrays)  # private memory of the function may bear names of the kernel
    _run_block(function.body, values, mask, at)
    at.declared, at.arrays = declared, arrays
    return evaluate(function.results, values, at.dtype)


def _gather(array: NDArray[Any], where: tuple[Any, ...], mask: NDArray[np.bool_]) -> Any:
    """Elements at indices that may differ by lane; lanes that are masked out must read something: element zero."""
    lanewise = [w for w in where if np.ndim(w)]
    if not lanewise:
        return array[where]
    return array[tuple(np.where(mask, w, 0) if np.ndim(w) else w for w in where)]
