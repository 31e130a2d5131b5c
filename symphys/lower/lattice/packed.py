"""Sites whose fields are stored as complex numbers, as transforms want them."""

from __future__ import annotations

from dataclasses import dataclass

from codegen import Intent, Node
from symphys.errors import UnsupportedError
from symphys.lower.lattice.layout import Component, Layout
from symphys.lower.lattice.site import Site, derivative_name


@dataclass
class PackedSite(Site):
    """A site of fields that are stored as complex numbers, under the name of the field."""

    def packed(self, unknown: int) -> tuple[Node, Node]:
        """Real and imaginary part of an unknown here."""
        name = self.over_sites(packed_name(self.layout, unknown), components=2)
        return self.complex_at(name)

    def derivative(self, component: Component, index: tuple[int, ...], shift: tuple[int, ...] = ()) -> Node:
        """A component, or its derivative, which the host has laid beside it."""
        if any(shift):
            raise UnsupportedError("neighbouring sites are not read where fields are transformed in place")
        if not any(index):
            return self.packed(component.unknown)[component.part]
        name = derivative_name(packed_name(self.layout, component.unknown), index)
        return self._load(self.over_sites(name, components=2), (), component.part)

    def store(self, unknown: int, x: Node, y: Node) -> None:
        """New real and imaginary part of an unknown."""
        name = self.over_sites(packed_name(self.layout, unknown), Intent.INOUT, components=2)
        for component, value in enumerate((x, y)):
            self.builder.store(name, *self.where, component, value=value)


def packed_name(layout: Layout, unknown: int) -> str:
    """The array of complex numbers of an unknown."""
    return layout.names[layout.dynamics.unknowns[unknown].jet]
