"""The mesh of a sum over all images in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.discretise.mesh import ROWS_OF, Mesh, influence
from symphys.simulate.memory import aligned
from symphys.simulate.particles.box import Box

PART, MOST_PARTS = 256, 64  # charges that are sorted by one instance at least, and instances that sort at most


@dataclass(frozen=True)
class Tables:
    """What kernels read and write, by their names (`symphys.lower.particles.mesh`, `waves`)."""

    arrays: dict[str, NDArray[Any]]
    scalars: dict[str, float | int]


def mesh_tables(mesh: Mesh, box: Box, splitting: float, count: int, dtype: np.dtype[Any]) -> Tables:
    """The mesh of a box, and what `count` charges need to be sorted."""
    x, y, z = mesh.counts
    stride = -(-z // ROWS_OF) * ROWS_OF
    parts = min(max(1, count // PART), MOST_PARTS)
    weights = np.zeros((x, y, 2 * stride), dtype)
    weights[..., : 2 * z] = influence(box.matrix, mesh, splitting).reshape(x, y, 2 * z)
    points = aligned((x, y, 2 * stride), dtype)
    arrays: dict[str, NDArray[Any]] = {
        "mesh": points,
        "mesh_all_parts": points.reshape(-1),
        "mesh_influence": weights,
        "mesh_push": np.zeros((parts, 4), dtype),
        "mesh_total": np.zeros(4, dtype),
        "mesh_counts": np.zeros((parts, x * y), np.int64),
        "mesh_first": np.zeros(x * y, np.int64),
        "mesh_slabs": np.zeros(x, np.int64),
        "mesh_order": np.zeros(count, np.int64),
    }
    scalars: dict[str, float | int] = {
        "mesh_x": x, "mesh_y": y, "mesh_z": z, "mesh_stride": stride, "mesh_numbers": points.size, "mesh_rows": x * y,
        "mesh_parts": parts, "mesh_share": -(-count // parts), "ewald_split": splitting,
    }  # fmt: skip
    return Tables(arrays, scalars)
