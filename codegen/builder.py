"""Writing statements: a block under construction, with fresh names and nested blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .ir import Kind, Node, as_node, variable
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
    Let,
    Load,
    Local,
    Product,
    Statement,
    Store,
    Var,
    While,
)


class Names:
    """Fresh identifiers: the wish itself, or the wish with a number."""

    def __init__(self, taken: Sequence[str] = ()) -> None:
        self._count: dict[str, int] = dict.fromkeys(taken, 1)

    def fresh(self, wish: str) -> str:
        count = self._count.get(wish, 0)
        self._count[wish] = count + 1
        if not count:
            return wish
        return self.fresh(f"{wish}_{count}")


class Builder:
    """Collects statements; `with builder.loop(...)` opens a nested block."""

    def __init__(self, names: Names | None = None) -> None:
        self.names = names or Names()
        self._blocks: list[list[Statement]] = [[]]

    def add(self, statement: Statement) -> None:
        self._blocks[-1].append(statement)

    def block(self) -> Block:
        """The statements written so far, at the outermost level."""
        return tuple(self._blocks[0])

    def comment(self, text: str) -> None:
        self.add(Comment(text))

    def let(self, wish: str, value: Node) -> Node:
        """A name for a value; leaves stay themselves."""
        if value.op in ("constant", "variable"):
            return value
        target = variable(self.names.fresh(wish), value.kind)
        self.add(Let(target, value))
        return target

    def copy(self, wish: str, value: Node) -> Node:
        """A name for the present value of a register, which later assignments leave alone."""
        target = variable(self.names.fresh(wish), value.kind)
        self.add(Let(target, value))
        return target

    def register(self, wish: str, value: Node | float | int | bool) -> Node:
        value = as_node(value)
        target = variable(self.names.fresh(wish), value.kind)
        self.add(Var(target, value))
        return target

    def assign(self, target: Node, value: Node | float | int | bool) -> None:
        self.add(Assign(target, as_node(value)))

    def local(self, wish: str, shape: tuple[int, ...], kind: Kind = Kind.REAL) -> str:
        name = self.names.fresh(wish)
        self.add(Local(Array(name, shape, kind)))
        return name

    def load(self, wish: str, array: str, *index: Node | int, kind: Kind = Kind.REAL, shift: int = 0) -> Node:
        target = variable(self.names.fresh(wish), kind)
        self.add(Load(target, array, tuple(as_node(i) for i in index), shift))
        return target

    def store(self, array: str, *index: Node | int, value: Node) -> None:
        self.add(Store(array, tuple(as_node(i) for i in index), value))

    def accumulate(self, array: str, *index: Node | int, value: Node, more: Sequence[Node] = ()) -> None:
        self.add(Accumulate(array, tuple(as_node(i) for i in index), value, tuple(more)))

    def product(
        self,
        place: tuple[str, Node],
        shape: tuple[int, int],
        given: Sequence[str],
        given_begin: Node,
        made: Sequence[str],
        made_begin: Node,
        transposed: bool = False,
    ) -> None:
        """Vectors times a matrix [rows, columns] that begins at a place (array, element)."""
        array, element = place
        self.add(Product(array, (element,), *shape, transposed, tuple(given), given_begin, tuple(made), made_begin))

    def call(self, function: Function, arguments: Sequence[Node], wishes: Sequence[str] = ()) -> tuple[Node, ...]:
        wished = wishes or [f"{function.name}_{i}" for i in range(len(function.results))]
        targets = tuple(variable(self.names.fresh(w), r.kind) for w, r in zip(wished, function.results, strict=True))
        self.add(Call(targets, function, tuple(arguments)))
        return targets

    @contextmanager
    def loop(self, wish: str, start: Node | int, stop: Node | int) -> Iterator[Node]:
        counter = variable(self.names.fresh(wish), Kind.INT)
        self._blocks.append([])
        yield counter
        body = tuple(self._blocks.pop())
        self.add(For(counter, as_node(start), as_node(stop), body))

    @contextmanager
    def repeat_while(self, condition: Node) -> Iterator[None]:
        self._blocks.append([])
        yield
        body = tuple(self._blocks.pop())
        self.add(While(condition, body))

    @contextmanager
    def where(self, condition: Node) -> Iterator[None]:
        self._blocks.append([])
        yield
        body = tuple(self._blocks.pop())
        self.add(If(condition, body))
