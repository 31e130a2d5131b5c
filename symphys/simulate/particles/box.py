"""Periodic boxes, orthorhombic and triclinic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.simulate.inputs import numbers

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """A periodic box whose edges are the rows of `matrix` [dim, dim]."""

    matrix: Floats

    @property
    def shape(self) -> str:
        """Whether the edges lie along the axes."""
        return "orthorhombic" if not (self.matrix - np.diag(np.diag(self.matrix))).any() else "triclinic"

    @property
    def inverse(self) -> Floats:
        """r B^-1 counts edges."""
        return np.asarray(np.linalg.inv(self.matrix))

    @property
    def widths(self) -> Floats:
        """[dim], the distances between opposite faces."""
        return np.asarray(1.0 / np.linalg.norm(self.inverse, axis=0))

    @property
    def volume(self) -> float:
        """|det B|."""
        return float(abs(np.linalg.det(self.matrix)))

    def nearest(self, steps: Floats) -> Floats:
        """[..., dim], displacements to nearest images."""
        return np.asarray(steps - np.round(steps @ self.inverse) @ self.matrix)

    def scalars(self) -> dict[str, float]:
        """The numbers that kernels read."""
        dim = len(self.matrix)
        found = {f"box_{a}{b}": float(self.matrix[a, b]) for a in range(dim) for b in range(dim)}
        return found | {f"per_{a}{b}": float(self.inverse[a, b]) for a in range(dim) for b in range(dim)}


def read_box(box: Any, dim: int) -> Box | None:
    """[dim] edge lengths or [dim, dim] edges in rows; None where there is no box.

    Raises `InputError` for other shapes, lengths that are not positive, and edges without a volume.
    """
    if box is None:
        return None
    array = numbers("option", "box", box)
    if array.shape == (dim,):
        if (array <= 0).any():
            raise InputError(f"the box {array.tolist()} has a length that is not positive; give positive lengths")
        return Box(np.diag(array))
    if array.shape != (dim, dim):
        raise InputError(f"box has the shape {array.shape}; give [{dim}] lengths or [{dim}, {dim}] edges in rows")
    if abs(np.linalg.det(array)) < 1e-12 * np.abs(array).max() ** dim:
        raise InputError(f"the edges {array.tolist()} of the box span no volume; give independent rows")
    return Box(array)
