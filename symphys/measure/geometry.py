"""Bonds and angles of molecules, and how they are distributed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.data import Frames
from symphys.errors import InputError
from symphys.measure.read import chosen, images, read_frames
from symphys.measure.structure import folded, tree, with_images

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Distribution:
    """A density of values whose integral is one: `x` [bins] the middles, `density` [bins] by unit of x.

    mean, deviation: of all values, those beyond the edges included.
    """

    x: Floats
    density: Floats
    edges: Floats
    mean: float
    deviation: float


def find_bonds(frames: Frames, cutoff: float, *, between: tuple[str, str] | None = None) -> Indices:
    """[m, 2] pairs of particles that are closer than the cutoff in the first frame, as `pairs(along=...)` has.

    between: a species of the first of each pair and one of the second; by default any. Images count.
    Raises `InputError` for species that are not there, a cutoff that is not positive, and where no two are that close.
    """
    frames = read_frames(frames)
    if not cutoff > 0:
        raise InputError(f"cutoff = {cutoff}; give a positive distance")
    first, second = (chosen(frames, name) for name in between or (None, None))
    places = frames.positions[0]
    if frames.box is None:
        near, ghosts, which = places[first], places[second], np.arange(len(second))
    else:
        near = folded(places[first], frames.box[0])
        ghosts, which = with_images(places[second], frames.box[0], cutoff)
    found = tree(near).query_ball_tree(tree(ghosts), cutoff)
    pairs = {(int(first[i]), int(second[which[j]])) for i, js in enumerate(found) for j in js}
    same = between is None or between[0] == between[1]
    kept = sorted((a, b) for a, b in pairs if (a < b if same else a != b))
    if not kept:
        raise InputError(f"no two particles are closer than {cutoff}; give a larger cutoff")
    return np.array(kept, dtype=np.int64)


def angles_of_bonds(bonds: Any) -> Indices:
    """[m, 3] triples a, b, c for every two bonds that meet at b."""
    meets: dict[int, set[int]] = {}
    for a, b in np.asarray(bonds).tolist():
        meets.setdefault(a, set()).add(b)
        meets.setdefault(b, set()).add(a)
    triples = [(a, b, c) for b, ends in sorted(meets.items()) for a in sorted(ends) for c in sorted(ends) if a < c]
    return np.array(triples, dtype=np.int64).reshape(-1, 3)


def bond_lengths(frames: Frames, bonds: Any) -> Floats:
    """[frames, m], |r_b - r_a| to the nearest image, for bonds [m, 2].

    Raises `InputError` for indices that are not there.
    """
    frames = read_frames(frames)
    rows = _rows(bonds, 2, frames)
    return np.asarray(np.linalg.norm(_arms(frames, rows[:, 0], rows[:, 1]), axis=-1))


def bond_angles(frames: Frames, triples: Any) -> Floats:
    """[frames, m], the angles at b in radians, for triples a, b, c [m, 3], with arms to the nearest images.

    From atan2(|u x v|, u . v), which is as accurate near 0 and pi as elsewhere. Raises `InputError` as `bond_lengths`.
    """
    frames = read_frames(frames)
    rows = _rows(triples, 3, frames)
    u, v = (_arms(frames, rows[:, 1], rows[:, end]) for end in (0, 2))
    dot, uu = (np.einsum("...i,...i", u, a) for a in (v, u))
    # |u x v|, in any dimension, from the part of v that is normal to u
    normal = v - (dot / uu)[..., None] * u
    cross = np.sqrt(uu) * np.linalg.norm(normal, axis=-1)
    return np.asarray(np.arctan2(cross, dot))


def distribution(values: Any, bins: int = 100, span: tuple[float, float] | None = None) -> Distribution:
    """How values of any shape are distributed; span: the outer edges, by default the least and the largest value.

    Raises `InputError` where there is no value or one is not finite.
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    if not len(flat) or not np.isfinite(flat).all():
        raise InputError("a distribution needs values, all of them finite")
    density, edges = np.histogram(flat, bins=bins, range=span, density=True)
    return Distribution((edges[1:] + edges[:-1]) / 2, density, edges, float(flat.mean()), float(flat.std()))


def _arms(frames: Frames, start: Indices, end: Indices) -> Floats:
    return images(frames, frames.positions[:, end] - frames.positions[:, start])


def _rows(given: Any, ends: int, frames: Frames) -> Indices:
    rows = np.asarray(given)
    if rows.ndim != 2 or rows.shape[1] != ends or rows.dtype.kind not in "iu":
        raise InputError(f"an array of shape {rows.shape} of {rows.dtype} was given; give indices [m, {ends}]")
    if rows.size and not (rows.min() >= 0 and rows.max() < len(frames.species)):
        raise InputError(f"the index {rows.max()} or {rows.min()} is none of {len(frames.species)} particles")
    return np.asarray(rows, dtype=np.int64)
