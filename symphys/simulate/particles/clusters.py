"""Clusters of neighbouring particles, their images in a box, and cells in which their neighbours are looked for."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.simulate.particles.box import Box

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST = 1 << 30  # images of clusters that are looked at, each a byte and more


@dataclass(frozen=True)
class Clusters:
    """`place` [n]: which member, counted through all clusters, each particle is; `count` clusters of `size`."""

    place: Integers
    count: int
    size: int


def clusters_of(places: Floats, size: int) -> Clusters:
    """Compact clusters: columns along the last axis about as wide as a cluster is long, cut into runs of `size`."""
    n, dim = places.shape
    low, high = places.min(axis=0), places.max(axis=0)
    extent = np.maximum(high - low, 1e-12 * (1.0 + np.abs(high).max()))
    edge = (np.prod(extent) * size / n) ** (1 / dim)
    column = np.zeros(n, dtype=np.int64)
    for axis in range(dim - 1):
        count = max(1, round(float(extent[axis] / edge)))
        here = ((places[:, axis] - low[axis]) * (count / extent[axis])).astype(np.int64)
        column = column * count + np.minimum(here, count - 1)
    depth = (places[:, -1] - low[-1]) / extent[-1]
    order = np.argsort(column + 0.999 * depth)
    sorted_columns = column[order]
    numbers, starts, counts = np.unique(sorted_columns, return_index=True, return_counts=True)
    del numbers
    clusters = -(-counts // size)
    begins = np.concatenate([[0], np.cumsum(clusters)])
    within = np.arange(n) - np.repeat(starts, counts)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.repeat(begins[:-1], counts) * size + within
    return Clusters(place, int(begins[-1]), size)


@dataclass(frozen=True)
class Images:
    """Slots: the clusters themselves, then their images; `source` [slots], `shift` [slots, dim]."""

    source: Integers
    shift: Floats


def images_of(low: Floats, high: Floats, places: NDArray[Any], box: Box | None, reach: float) -> Images:
    """The images of clusters, with bounding boxes `low`, `high` [clusters, dim], that come within `reach` of any.

    Particles whose places [n, dim] spread over a part s of an edge are, when turned by k edges, at least k - s widths
    away from each other. InputError where so many images are in reach that they would not fit memory.
    """
    count, dim = low.shape
    source, shift = np.arange(count), np.zeros((count, dim))
    if box is None:
        return Images(source, shift)
    spread = np.ptp(places @ box.inverse, axis=0)
    turns = [int(reach / width + part) for width, part in zip(box.widths, spread, strict=True)]
    among = count * math.prod(2 * k + 1 for k in turns)
    if among > MOST:
        raise InputError(
            f"within {reach:.4g}, the cutoff and what particles may go between lists, there are {among:.3g} images of "
            f"{count} clusters of particles in a box {_words(box.widths)} wide; shorten the cutoff, or enlarge the box"
        )
    moves = np.array(list(itertools.product(*(range(-k, k + 1) for k in turns)))) @ box.matrix
    moves = moves[np.any(moves != 0.0, axis=1)]
    floor, ceiling = low.min(axis=0) - reach, high.max(axis=0) + reach
    near = np.ones((len(moves), count), dtype=np.bool_)
    for axis in range(dim):
        near &= low[:, axis] <= (ceiling[axis] - moves[:, axis])[:, None]
        near &= high[:, axis] >= (floor[axis] - moves[:, axis])[:, None]
    turn, cluster = np.nonzero(near)
    return Images(np.concatenate([source, cluster]), np.concatenate([shift, moves[turn]]))


@dataclass(frozen=True)
class Cells:
    """Slots cell by cell: `order` [slots], `marks` [cells + 1]; numbers, origins and inverse widths by axis."""

    order: Integers
    marks: Integers
    counts: tuple[int, ...]
    origin: Floats
    pace: Floats


def cells_of(centres: Floats, edge: float) -> Cells:
    """Cells about `edge` wide for slots with centres [slots, dim], the last axis running fastest."""
    slots, dim = centres.shape
    low, high = centres.min(axis=0), centres.max(axis=0)
    extent = np.maximum(high - low, edge)
    limit = max(1.0, (8.0 * slots) ** (1 / dim))  # empty cells cost more than full ones
    counts = tuple(int(np.clip(extent[k] // edge, 1, limit)) for k in range(dim))
    pace = np.array(counts) / extent
    cell = np.zeros(slots, dtype=np.int64)
    for k in range(dim):
        here = ((centres[:, k] - low[k]) * pace[k]).astype(np.int64)
        cell = cell * counts[k] + np.minimum(here, counts[k] - 1)
    total = int(np.prod(counts))
    marks = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=total))])
    return Cells(np.argsort(cell, kind="stable"), marks, counts, low, pace)


def fold(places: Floats, box: Box | None) -> tuple[Floats, Any]:
    """Places folded into the box, and how many of its edges [n, dim] were taken off."""
    if box is None:
        return places, np.zeros(places.shape)
    turns = np.floor(places @ box.inverse)
    return places - turns @ box.matrix, turns


def _words(widths: Floats) -> str:
    return " x ".join(f"{width:.4g}" for width in widths)
