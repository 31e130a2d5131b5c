"""How particles stand around each other: the radial distribution function, in periodic boxes of any shape."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.data import Frames
from symphys.errors import InputError
from symphys.measure.read import chosen, read_frames

Floats = NDArray[np.float64]
TOUCHING = 1e-10  # of the cutoff; what is closer is one particle and itself, told apart by rounding alone


@dataclass(frozen=True)
class RadialDistribution:
    """g(r), the density at a distance of a particle by that of the whole: dimensionless.

    r: [bins], the middles of the shells. g: [bins]. edges: [bins + 1]. coordination: [bins], the mean number of
    neighbours up to the outer edge of each shell.
    """

    r: Floats
    g: Floats
    edges: Floats
    coordination: Floats


def radial_distribution(
    frames: Frames, cutoff: float, *, bins: int = 200, between: tuple[str, str] | None = None
) -> RadialDistribution:
    """g(r) = <n(r)> V / (N_b v(r)), with n(r) of N_b others in the shell of volume v(r) about each particle a.

    Every image within the cutoff counts, which may be longer than half of the box. Of one species with itself N_b is
    N - 1, so that an ideal gas has g = 1 whatever its size. between: a species around another; by default all.
    Raises `InputError` for frames without a box or species that are not there, and for a cutoff and bins that are not
    positive. Allen, Tildesley, "Computer Simulation of Liquids", 2nd ed., section 8.2; Hansen, McDonald, "Theory of
    Simple Liquids", section 2.5.
    """
    frames = read_frames(frames)
    if frames.box is None:
        raise InputError("a density needs a volume; give frames with a box")
    if not 0 < cutoff < math.inf or bins < 1:
        raise InputError(f"cutoff = {cutoff} and bins = {bins}; both must be positive")
    centre, other = (chosen(frames, name) for name in between or (None, None))
    same = between is None or between[0] == between[1]
    if same and len(centre) < 2:
        raise InputError(f"there is {len(centre)} particle; a distance needs two")
    edges = np.linspace(0.0, cutoff, bins + 1)
    counts = np.zeros(bins)
    apart = edges.copy()
    apart[0] = TOUCHING * cutoff
    density = 0.0
    for places, box in zip(frames.positions, frames.box, strict=True):
        trees = tree(folded(places[centre], box)), tree(with_images(places[other], box, cutoff)[0])
        counts += np.diff(trees[0].count_neighbors(trees[1], apart))
        density += (len(other) - same) / abs(np.linalg.det(box))
    dim = frames.positions.shape[2]
    ball = math.pi ** (dim / 2) / math.gamma(dim / 2 + 1)
    counts /= len(centre)
    g = counts / (density * ball * np.diff(edges**dim))
    return RadialDistribution((edges[1:] + edges[:-1]) / 2, g, edges, counts.cumsum() / len(frames))


def tree(places: Floats) -> Any:
    """A k-d tree of places."""
    from scipy.spatial import cKDTree  # half a second to import, and needed here alone

    return cKDTree(places)


def folded(places: Floats, box: Floats) -> Floats:
    """[n, dim] places inside of the box."""
    parts = places @ np.linalg.inv(box)
    return np.asarray((parts - np.floor(parts)) @ box)


def with_images(places: Floats, box: Floats, reach: float) -> tuple[Floats, NDArray[Any]]:
    """[m, dim] particles inside of the box and their images within reach of it, and [m] which particles they are."""
    inverse = np.linalg.inv(box)
    margin = reach * np.linalg.norm(inverse, axis=0)  # in units of the distance between opposite faces
    parts = places @ inverse
    parts -= np.floor(parts)
    shifts = np.array(list(itertools.product(*(range(-n, n + 1) for n in np.ceil(margin).astype(int)))), dtype=float)
    moved = parts[None] + shifts[:, None]
    near = ((moved >= -margin) & (moved <= 1 + margin)).all(axis=2)
    which = np.broadcast_to(np.arange(len(places)), near.shape)[near]
    return np.asarray(moved[near] @ box), which
