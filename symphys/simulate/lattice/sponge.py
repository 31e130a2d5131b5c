"""How strongly absorbing layers damp."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symphys.discretise import Grid
from symphys.lower.lattice.layout import Layout
from symphys.simulate.lattice.given import number_of

MODEST = 1.0e-3  # the fraction of a wave that is left after it has crossed a layer twice


def layer_strength(layout: Layout, grid: Grid, number: int, values: Mapping[Any, float]) -> float:
    """The damping rate at the ends of an absorbing axis.

    A wave of speed c that crosses the layer twice is left with the fraction exp(-2 int sigma dx / c) = 1e-3, where c is
    that of the linear part: sqrt of the coefficient of phi_xx for second order, the group velocity at a quarter of the
    largest wave number for first order.
    """
    axis = grid.axes[number]
    layers = axis.ends.count("absorbing")
    if not layers:
        return 0.0
    second = tuple(2 if i == number + 1 else 0 for i in range(len(grid.axes) + 1))
    found = [0.0]
    for a, unknown in enumerate(layout.dynamics.unknowns):
        coefficient = layout.dynamics.structure.linear[a][a].get(second)
        if coefficient is not None:
            c = abs(number_of(coefficient, values))
            found.append(float(np.sqrt(c)) if unknown.order == 2 else float(2.0 * c * np.pi / axis.spacing / 4.0))
    speed = max(found) or 1.0
    depth = float(np.sum(axis.absorption)) * axis.spacing / layers  # int of the profile over one layer
    # friction on velocities takes half its rate from amplitudes
    halves = 2.0 if layout.dynamics.structure.order == 2 else 1.0
    return float(halves * speed * np.log(1.0 / MODEST) / (2.0 * depth))
