"""What a field theory is on a grid: the real arrays of its state, and identifiers for all that its kernels name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from codegen import Rings, identifier
from symphys.discretise import Grid
from symphys.fields.dynamics import FieldDynamics
from symphys.lower.expressions import weight_arrays

# what kernels call their own arrays, scalars and axes; identifiers of fields and parameters avoid them
OWN = (
    *("dt", "k", "t_start", "offset", "weight", "drift_weight", "width", "cells", "halo_source", "halo_target"),
    *("steps", "steps_pairs", "steps_odd", "steps_even", "middle", "middle_pairs", "middle_odd", "middle_even"),
    *("halo_sign", "halo_end", "site", "cell", "totals", "sizes", "time", "measured_k", "measured_offset"),
)
PER_AXIS = (
    "near",
    "sign",
    "edge",
    "margin",
    "held",
    "per",
    "start",
    "step",
    "weight",
    "quadrature",
    "sponge",
    "places",
    "abscissa",
)


@dataclass(frozen=True)
class Component:
    """One real array of the state: a field, its rate, or the real or imaginary part of either."""

    name: str
    unknown: int
    velocity: bool
    part: int  # 0: real part or the whole, 1: imaginary part


@dataclass(frozen=True)
class Layout:
    """A theory on the axes of a grid; sizes and spacings are left to the run, so that no kernel depends on them.

    ends: by axis, the left and the right one. order: of the finite differences; None where derivatives are taken by
    transforms. packed: complex fields are stored as complex numbers, which a split step transforms in place.
    """

    dynamics: FieldDynamics
    ends: tuple[tuple[str, str], ...]
    order: int | None
    packed: bool = False

    @property
    def dimensions(self) -> int:
        """The number of axes of space."""
        return len(self.ends)

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """The state: positions (all unknowns), then velocities (of those of order 2)."""
        found = []
        for velocity in (False, True):
            for number, unknown in enumerate(self.dynamics.unknowns):
                if velocity and unknown.order == 1:
                    continue
                base = self.names[unknown.velocity if velocity else unknown.jet]
                parts = ("_re", "_im") if unknown.complex else ("",)
                found += [Component(base + suffix, number, velocity, i) for i, suffix in enumerate(parts)]
        return tuple(found)

    def parts(self, unknown: int, velocity: bool = False) -> tuple[Component, ...]:
        """The components of one unknown."""
        return tuple(c for c in self.components if c.unknown == unknown and c.velocity == velocity)

    @cached_property
    def names(self) -> Mapping[Any, str]:
        """An identifier for every symbol: jets of the state, given functions, convolutions, parameters, coordinates."""
        taken = {*OWN, *self.rows, *self.sizes}
        taken |= {f"{word}_{axis}" for axis in range(3) for word in PER_AXIS}
        taken |= {f"stencil_{axis}_{order}" for axis in range(3) for order in range(1, 13)}
        d = self.dynamics
        taken |= {array.name for array in weight_arrays(d.networks)}
        found: dict[Any, str] = {}
        state = [s for u in d.unknowns for s in (u.jet, *((u.velocity,) if u.order == 2 else ()))]
        convolved = [each.symbol for each in d.convolutions]
        for symbol in (*state, *d.parameters, *d.coordinates, *d.given, *convolved):
            if symbol not in found:
                text = identifier(symbol.name, taken)
                taken |= {text, f"{text}_re", f"{text}_im"}
                found[symbol] = text
        return found | {symbol: f"per_{axis}" for symbol, axis in d.per.items()}

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of the outer axes: all but the last one, along which lanes lie."""
        return tuple(f"row_{axis}" for axis in range(self.dimensions - 1))

    @property
    def sizes(self) -> tuple[str, ...]:
        """The names of the numbers of points of the outer axes, and of the last."""
        return (*(f"rows_{axis}" for axis in range(self.dimensions - 1)), "sites")

    @property
    def wraps(self) -> bool:
        """Whether the first of the outer axes is periodic."""
        return self.dimensions > 1 and "periodic" in self.ends[0]

    @property
    def rings(self) -> Rings | None:
        """What turns of a program may count on where all axes are periodic; see `Site` and `halo_launches`."""
        if not all("periodic" in ends for ends in self.ends):
            return None
        tables = tuple((f"near_{axis}", f"margin_{axis}") for axis in range(self.dimensions - 1))
        return Rings(tables, ("halo",))


def layout_of(dynamics: FieldDynamics, grid: Grid, order: int | None, packed: bool = False) -> Layout:
    """The layout of a theory on a grid, whose axes must be those of the theory."""
    return Layout(dynamics, tuple(axis.ends for axis in grid.axes), order, packed)
