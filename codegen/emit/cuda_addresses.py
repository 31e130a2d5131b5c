"""Where elements stand in memory, and the sums that a block of threads collects in registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codegen.ir import Kind, Node, constant_value, integer, variable, variables
from codegen.program import Accumulate, Array, Function, Kernel, statements

from .names import Naming


class Addresses:
    """Where elements stand: private memory by its index, all other memory by one position."""

    def __init__(
        self, private: Mapping[str, Array], scope: Kernel | Function, stride: Node | None = None, halo: int = 0
    ) -> None:
        self.private, self.halo, self.stride = private, halo, stride
        self.arrays = {a.name: a for a in scope.arrays}
        self.lane = variable(scope.lane, Kind.INT) if isinstance(scope, Kernel) else None
        self.outer = tuple(variable(a, Kind.INT) for a in scope.outer) if isinstance(scope, Kernel) else ()

    def where(self, name: str, index: tuple[Node, ...], shift: int) -> tuple[Node, ...]:
        """The index of private memory; else ((i * size + j) * stride + lane + shift + halo,)."""
        if name in self.private:
            return index
        base, further = self.place(name, index, shift)
        return (base + further,)

    def place(self, name: str, index: tuple[Node, ...], shift: int) -> tuple[Node, int]:
        """The same position as a node and a constant; a component that is no constant stays in the node."""
        array = self.arrays[name]
        position: Node = integer(0)
        further = 0
        for i, size in zip(index, array.shape, strict=False):
            extent = integer(size) if isinstance(size, int) else variable(size, Kind.INT)
            position = position * extent + i
        if array.instanced and self.stride is not None and self.lane is not None:
            position = position * self.stride + self.lane
            further = shift + self.halo
        if array.components > 1:
            component = constant_value(index[-1])
            position = position * array.components
            further = further * array.components + int(component or 0)
            if component is None:
                position = position + index[-1]
        return position, further


@dataclass(frozen=True)
class BlockSum:
    """An element of a SUM array that all instances of a block add to, and the register that collects for it."""

    array: Array
    position: Node
    name: str


def block_sums(kernel: Kernel, addresses: Addresses, naming: Naming) -> dict[tuple[str, bytes], BlockSum]:
    """The elements whose index is the same for a whole block and known at its end."""
    uniform = {*kernel.outer, *(s.name for s in kernel.scalars)}
    found: dict[tuple[str, bytes], BlockSum] = {}
    for statement in statements(kernel.body):
        if isinstance(statement, Accumulate):
            (position,) = addresses.where(statement.array, statement.index, 0)
            key = (statement.array, position.key)
            if key not in found and {v.attribute for v in variables((position,))} <= uniform:
                found[key] = BlockSum(kernel.array(statement.array), position, naming.take(f"{statement.array}_sum"))
    return found
