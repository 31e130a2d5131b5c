"""Products of private vectors with shared matrices written out as loops, a tile of sums in registers.

What is done with each sum stands in a loop behind the product. Where that loop looks at nothing but the sums of its own
turn, its turns are done while they are in registers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from .bindings import names_in
from .builder import Builder, Names
from .ir import Kind, Node, constant_value, integer
from .optimise.inline import Copier
from .optimise.traverse import Substitution, everywhere, results_of, with_body
from .program import Block, Call, For, Function, If, Kernel, Let, Load, Outer, Product, Statement, Store, While
from .program import statements as all_statements
from .tiles import groups, tile_width, tiled

Scope = TypeVar("Scope", Kernel, Function)
LOOPS = "_in_loops"  # ends the names of functions that were written out apart
Finish = Callable[[Node, list[Node]], None]  # the number of a sum; the sums of all vectors


def write_out_products(scope: Scope) -> Scope:
    """The kernel or function, and what it calls, with all products as loops, one instance for itself."""
    return _written_out(with_body(scope, everywhere(_written_out, scope.body), results_of(scope)))


def with_loops_of_its_own(function: Function) -> Function:
    """The same of a function, where what it calls goes by another name if it has changed: a kernel that calls the
    derivative of a function may call what that calls as well.
    """
    return _written_out(with_body(function, everywhere(_aside, function.body), results_of(function)))


def _aside(function: Function) -> Function:
    made = _written_out(function)
    calls = (s.function.name for s in all_statements(made.body) if isinstance(s, Call))
    if made is function and not any(name.endswith(LOOPS) for name in calls):
        return function
    return replace(made, name=made.name + LOOPS)


def _written_out(scope: Scope) -> Scope:
    if not any(isinstance(s, Product) for s in all_statements(scope.body)):
        return scope
    return with_body(scope, _block(scope.body, Names(tuple(names_in(scope)))), results_of(scope))


def _block(block: Block, names: Names) -> Block:
    out: list[Statement] = []
    done = False
    for statement, following in zip(block, (*block[1:], None), strict=True):
        if done:  # as part of the product before it
            done = False
            continue
        match statement:
            case Product():
                done = isinstance(following, For) and goes_with(statement, following)
                out.extend(_loops(statement, following if done and isinstance(following, For) else None, names))
            case For(_, _, _, body) | While(_, body) | If(_, body):
                out.append(replace(statement, body=_block(body, names)))
            case _:
                out.append(statement)
    return tuple(out)


def _loops(product: Product, following: For | None, names: Names) -> Block:
    """Vectors in groups, of each some sums at a time."""
    b = Builder(names)
    for group in groups(len(product.given)):
        finish = partial(_store, b, product, group) if following is None else partial(_go_on, b, product, following)
        tiled(b, product.sums, tile_width(len(group)), partial(_sums, b, product, group, finish))
    return b.block()


def _sums(b: Builder, product: Product, group: range, finish: Finish, places: tuple[Node, ...]) -> None:
    """Some sums of the vectors of a group."""
    *outer, first = product.index
    registers = [[b.register("sum", 0.0) for _ in group] for _ in places]
    starts = [] if product.transposed else [b.let("row", first + i * product.columns) for i in places]
    with b.loop("k", 0, product.terms) as k:
        if product.transposed:
            row = b.let("row", first + k * product.columns)
            elements = [row + j for j in places]
        else:
            elements = [start + k for start in starts]
        vectors = [b.load("y", product.given[g], product.given_begin + k) for g in group]
        for element, own in zip(elements, registers, strict=True):
            w = b.load("w", product.array, *outer, element)
            for register, vector in zip(own, vectors, strict=True):
                b.assign(register, register + w * vector)
    for i, own in zip(places, registers, strict=True):
        finish(i, own)


def _store(b: Builder, product: Product, group: range, place: Node, sums: list[Node]) -> None:
    for g, value in zip(group, sums, strict=True):
        b.store(product.made[g], product.made_begin + place, value=value)


def _go_on(b: Builder, product: Product, loop: For, place: Node, sums: list[Node]) -> None:
    """The sums of one turn of a loop, and that turn, which reads them from registers."""
    overwritten = {s.array for s in loop.body if isinstance(s, Store)}
    of = dict(zip(product.made, sums, strict=True))
    for name, value in of.items():
        if name not in overwritten:
            b.store(name, product.made_begin + place, value=value)
    substitution = Substitution({loop.counter: place})
    for s in loop.body:
        if isinstance(s, Load) and s.array in of:
            substitution.set(s.target, of[s.array])
    rest = tuple(s for s in loop.body if not (isinstance(s, Load) and s.array in of))
    for copied in Copier(substitution, b.names).block(rest):
        b.add(copied)


def goes_with(product: Product, loop: For) -> bool:
    """Whether turn i of a loop may be done as soon as sum i is known, and needs no other."""
    if len(groups(len(product.given))) > 1 or constant_value(loop.start) != 0:
        return False
    if constant_value(loop.stop) != product.sums:
        return False
    if any(isinstance(s, For | While | If | Call | Outer | Product) for s in loop.body):
        return False
    values = Substitution()
    own = affine(product.made_begin + loop.counter)
    stored: set[str] = set()
    for s in loop.body:
        match s:
            case Let(target, value):
                if value.kind is Kind.INT:
                    values.set(target, values(value))
            case Load(_, array, index, _) if array in product.made:
                if array in stored or affine(values(index[0])) != own:
                    return False
            case Store(array, index, _):
                stored.add(array)
                place = affine(values(index[0]))
                if array in product.made and place != own:
                    return False
                if array in product.given and not _apart(place, product, loop.counter):
                    return False
    return True


def affine(n: Node) -> dict[bytes, int] | None:
    """The coefficients of a sum of names and of products with constants, b"" for the constant; None for others."""
    value = constant_value(n)
    if value is not None:
        return {b"": int(value)} if value else {}
    if n.op == "variable":
        return {n.key: 1}
    if n.op not in ("add", "sub", "mul", "neg"):
        return None
    parts = [affine(a) for a in n.args]
    if any(part is None for part in parts):
        return None
    first, second = (*(part or {} for part in parts), {})[:2]
    if n.op == "mul":
        if second.keys() <= {b""}:
            first, second = second, first
        if not first.keys() <= {b""}:
            return None
        factor = first.get(b"", 0)
        return {key: factor * c for key, c in second.items() if factor}
    if n.op == "neg":
        return {key: -c for key, c in first.items()}
    sign = 1 if n.op == "add" else -1
    sums = {key: first.get(key, 0) + sign * second.get(key, 0) for key in {**first, **second}}
    return {key: c for key, c in sums.items() if c}


def _apart(place: dict[bytes, int] | None, product: Product, counter: Node) -> bool:
    """Whether a place that moves with the counter, one element a turn, is never one that the product reads."""
    begin = affine(product.given_begin + integer(0))
    if place is None or begin is None:
        return False
    off = {key: place.get(key, 0) - begin.get(key, 0) for key in {**place, **begin}}
    off = {key: c for key, c in off.items() if c}
    if off.keys() - {b"", counter.key} or off.get(counter.key) != 1:
        return False
    first = off.get(b"", 0)
    return first >= product.terms or first + product.sums <= 0
