"""Kernels beside those of particles, whose instances are something else: molecules, columns of waves."""

from __future__ import annotations

from typing import ClassVar

from codegen import Array, Intent, Kernel, Kind, Node, integer, variable
from symphys.lower.particles.site import Site, axis_wish


class Aside(Site):
    """The body of a kernel that runs over blocks of something, as many side by side as a cluster has members.

    Where lanes are runs, a block is one. What particles have is read from one list of all, `<name>_flat`, as they lie
    in memory; in a batch from their rows.
    """

    axis: ClassVar[str]  # the name of the outer axis

    @property
    def row(self) -> Node:
        """The index of the outer axis."""
        return variable(self.axis, Kind.INT)

    def other(self, name: str, j: Node, axis: int | None = None, kind: Kind = Kind.REAL) -> Node:
        """What particle j has of it."""
        if self.layout.batch:
            return super().other(name, j, axis, kind)
        where = (j,) if axis is None else (integer(axis), j)
        array = self.flat(name, axis is not None, kind=kind)
        return self.builder.load(f"{axis_wish(name, axis)}_j", array, *where, kind=kind)

    def flat(self, name: str, vector: bool, intent: Intent = Intent.IN, kind: Kind = Kind.REAL) -> str:
        """The list of what all particles have, where lanes are no runs."""
        shape = (self.layout.dim, "flat_width") if vector else ("flat_width",)
        return self.declare(Array(f"{name}_flat", shape, kind, intent, instanced=False))

    def kernel(self, name: str) -> Kernel:
        """What was written."""
        arrays, scalars = tuple(self.arrays.values()), tuple(self.scalars.values())
        widest = None if self.layout.batch else self.layout.size
        return Kernel(name, self.layout.lane, arrays, scalars, self.builder.block(), (self.axis,), widest)
