"""Where cotangents of arrays go: into a sum over all instances, or into a row that each instance has of its own."""

from __future__ import annotations

from dataclasses import dataclass

from .builder import Builder
from .ir import Node, as_node
from .program import Array, Intent


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
        start = tuple(as_node(i) for i in self.at)
        if self.array.intent is Intent.SUM:
            b.accumulate(self.array.name, *start, place + self.offset, value=value, more=more)
            return
        for k, each in enumerate((value, *more)):
            index = (*start, place + self.offset + k)
            b.store(self.array.name, *index, value=b.load("bar", self.array.name, *index) + each)
