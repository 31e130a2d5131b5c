"""Gauge fields on a lattice: potentials stand on the links between sites, and turn phases from one site to the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import sympy

from symphys.errors import InputError
from symphys.language.shifts import shift


def link(potential: Any, spacing: Any, charge: Any) -> Any:
    """U = exp(-i g A dx), the phase that parallel transport takes away on the way back from the next site.

    potential: A, the component along the link that leaves the site forwards. spacing: dx. charge: g, in units of hbar.
    R. Peierls, Z. Phys. 80 (1933) 763; K. G. Wilson, Phys. Rev. D 10 (1974) 2445.
    """
    return sympy.exp(-sympy.I * sympy.sympify(charge) * potential * spacing)


def covariant_difference(field: Any, axis: Any, potential: Any, spacing: Any, charge: Any) -> Any:
    """(U psi(x + dx) - psi(x)) / dx, which a change of gauge turns as it turns psi(x), exactly.

    The square of its size is that of D psi = (d - i g A) psi at the middle of the link, to second order in dx.
    """
    return (link(potential, spacing, charge) * shift(field, {axis: 1}) - field) / spacing


def plaquettes(potential: Sequence[Any], links: Any) -> tuple[Any, ...]:
    """The magnetic field through each square of a lattice: d_1 A_2 - d_2 A_1 with forward differences, pair by pair.

    potential: the components of space, fields that stand on the links. links: {coordinate of space: spacing}, such as
    `grid.spacing`, in the order of the components. A change of gauge, A_k -> A_k + (chi(x + dx_k) - chi(x)) / dx_k,
    leaves each as it is. Of light, B^2 / 2 or, compact, (1 - cos(g B dx dy)) / (g dx dy)^2 is the density.

    Raises `InputError` for another number of components than of coordinates, and what `shift` refuses.
    """
    axes = dict(links)
    if len(potential) != len(axes):
        raise InputError(
            f"The potential needs one component for each of {', '.join(map(str, axes))}, but it has {len(potential)}."
        )
    forward = {(i, x): (shift(part, {x: 1}) - part) / dx for i, part in enumerate(potential) for x, dx in axes.items()}
    return tuple(forward[j, x] - forward[i, y] for (i, x), (j, y) in combinations(enumerate(axes), 2))
