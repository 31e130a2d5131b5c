"""Convolutions on a lattice: argument -> waves, times those of the kernel -> values, in arrays of complex numbers.

Where all axes are periodic and the state is stored for transforms, this is part of the program of a method. Elsewhere
the host does it between launches: on axes with ends the argument is padded by as many zeros, so that the far ends do
not meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from codegen import Intent, Kernel, Launch, Transform, real
from symphys.discretise.spectral import TRANSFORMS
from symphys.errors import UnsupportedError
from symphys.fields.dynamics import Convolved, FieldDynamics
from symphys.lower.lattice.layout import Layout
from symphys.lower.lattice.packed import PackedSite
from symphys.lower.lattice.plan import kernel_of, launch_of
from symphys.lower.lattice.site import Site


def convolutions_in(dynamics: FieldDynamics, expressions: Iterable[Any]) -> tuple[Convolved, ...]:
    """The convolutions that some expressions hold, inner ones first."""
    wanted: set[Any] = set().union(*(e.free_symbols for e in expressions))
    found: list[Convolved] = []
    for each in reversed(dynamics.convolutions):
        if each.symbol in wanted:
            found.append(each)
            wanted |= each.term.argument.free_symbols
    for each in found:
        if set(each.term.over) != set(dynamics.axes):
            over = ", ".join(map(str, each.term.over))
            raise UnsupportedError(f"a convolution over {over} alone is not compiled; integrate over all axes of space")
    return tuple(found[::-1])


def convolves_by_program(layout: Layout) -> bool:
    """Whether convolutions are part of the program: all axes periodic, the state stored for transforms."""
    return layout.packed and all("periodic" in ends for ends in layout.ends)


def kernel_table(name: str) -> str:
    """The table of a convolution's kernel in wave numbers."""
    return f"kernel_of_{name}"


def transform_of_array(layout: Layout, name: str, inverse: bool, scaled: bool = True) -> Transform:
    """The transform of an array over all axes of space."""
    kinds = tuple(TRANSFORMS[left] for left, _ in layout.ends)
    return Transform(name, name, layout.sizes[-1], inverse, kinds, scaled)


def argument_kernel(layout: Layout, each: Convolved) -> Kernel:
    """What a convolution integrates, at every site, into the array that bears its name."""
    name = layout.names[each.symbol]
    site = PackedSite(layout) if layout.packed else Site(layout)
    x, y = site.lowering.run(each.term.argument)
    site.over_sites(name, Intent.OUT, components=2)
    for component, value in enumerate((x, real(0.0) if y is None else y)):
        site.builder.store(name, *site.where, component, value=value)
    return kernel_of(f"argument_of_{name}", site)


def convolve_steps(layout: Layout, convolutions: Iterable[Convolved]) -> tuple[Launch | Transform, ...]:
    """The steps that fill the arrays of some convolutions."""
    found: list[Launch | Transform] = []
    for each in convolutions:
        name = layout.names[each.symbol]
        site = PackedSite(layout)
        u, v = site.complex_at(site.over_sites(kernel_table(name), components=2))
        site.over_sites(name, Intent.INOUT, components=2)
        x, y = site.complex_at(name)
        for component, value in enumerate((x * u - y * v, x * v + y * u)):
            site.builder.store(name, *site.where, component, value=value)
        multiply = kernel_of(f"convolve_{name}", site)
        found += [
            launch_of(layout, argument_kernel(layout, each)),
            transform_of_array(layout, name, inverse=False),
            launch_of(layout, multiply),
            transform_of_array(layout, name, inverse=True),
        ]
    return tuple(found)
