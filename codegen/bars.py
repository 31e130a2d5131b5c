"""Where cotangents of arrays go: into a sum over all instances, or into a row that each instance has of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .builder import Builder
from .ir import Node, as_node
from .outer import write_products
from .program import Array, Intent, Outer


@dataclass(frozen=True)
class Bar:
    """The cotangents of an array of the kernel, element k of which goes to `array`[*at, k + offset].

    `array` is a sum (`Intent.SUM`), or instanced and of intent INOUT: then each instance adds to its own, which starts
    from what was there.
    """

    array: Array
    at: tuple[int, ...] = ()
    offset: int = 0

    def add(self, b: Builder, place: Node, value: Node, *more: Node) -> None:
        """Add to the cotangents of an element and of those that follow it."""
        self._add(b, self._index(place), (value, *more))

    def add_products(
        self,
        b: Builder,
        place: Node,
        shape: tuple[int, int],
        left: Sequence[str],
        left_begin: Node,
        right: Sequence[str],
        right_begin: Node,
    ) -> None:
        """Add sum_p left_p[i] right_p[k] to the cotangents of a matrix [rows, columns] that begins at an element.

        The vectors are private memory, read from `left_begin` and `right_begin` on.
        """
        outer = Outer(self.array.name, self._index(place), *shape, tuple(left), left_begin, tuple(right), right_begin)
        if self.array.intent is Intent.SUM:
            b.add(outer)
        else:
            write_products(b, outer, lambda index, values: self._add(b, index, values))

    def _index(self, place: Node) -> tuple[Node, ...]:
        return (*(as_node(i) for i in self.at), place + self.offset)

    def _add(self, b: Builder, index: tuple[Node, ...], values: tuple[Node, ...]) -> None:
        if self.array.intent is Intent.SUM:
            b.accumulate(self.array.name, *index, value=values[0], more=values[1:])
            return
        for k, value in enumerate(values):
            element = (*index[:-1], index[-1] + k)
            b.store(self.array.name, *element, value=b.load("bar", self.array.name, *element) + value)
