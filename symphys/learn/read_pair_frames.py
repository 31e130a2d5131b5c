"""Frames of particles whose pair forces are not linear in what is unknown, networks among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.errors import UnsupportedError
from symphys.language.particle_symbols import LocalSymbol
from symphys.learn.pair_frames import PairFramesObjective
from symphys.learn.read_bodies import judged_apart, pairs_of, parameter_rows
from symphys.learn.surroundings import Frames
from symphys.learn.unknowns import Unknowns
from symphys.lower.particles.bodies import central
from symphys.mechanics.particles import ParticleDynamics
from symphys.simulate.compiled import Kernels
from symphys.simulate.weights import split_weights

Floats = NDArray[np.float64]


def pair_frames(
    dynamics: ParticleDynamics,
    kernels: Kernels,
    frames: Frames,
    compared: tuple[Floats, Floats],
    unknowns: Unknowns,
    given: Mapping[Any, Any],
    known: Mapping[Any, float],
    cutoffs: Mapping[str, float],
) -> PairFramesObjective:
    """The loss of accelerations and roots of weights `compared`, [frames, n, dim] each.

    Raises UnsupportedError for forces that are not those of pairs along the line between two, and for several boxes.
    """
    if not central(dynamics) or dynamics.friction is not None:
        raise UnsupportedError(
            "pair forces that are not linear in what is unknown are fitted to accelerations where they act along the "
            "line between two particles, and where there is nothing else; give the parameters that make them so"
        )
    box = frames.boxes[0]
    if any(other is not None and (box is None or (other.matrix != box.matrix).any()) for other in frames.boxes):
        raise UnsupportedError("pair networks are fitted to frames in one box, and these are in several; give one")
    count, dim = frames.count, dynamics.particles.dim

    def flat(values: Floats) -> Floats:
        return np.asarray(values.reshape(-1, count * dim).T)

    measured, roots = map(flat, compared)
    weights, _ = split_weights(given, [network for network in dynamics.networks if network in given])
    return PairFramesObjective(
        pairs_of(dynamics, kernels, unknowns, frames.kinds, box, cutoffs),
        unknowns,
        flat(frames.places),
        parameter_rows(dynamics, given, frames.kinds, len(frames.places)),
        np.array([dynamics.parameters.index(s) for s in unknowns.symbols], dtype=np.int64),
        1.0 / np.repeat(masses_of(dynamics, frames, known), dim),
        np.nan_to_num(measured),
        roots,
        weights,
        judged_apart(dynamics.particles, (dynamics.particles.rate(2),), frames.kinds),
    )


def masses_of(dynamics: ParticleDynamics, frames: Frames, known: Mapping[Any, float]) -> Floats:
    """[n]; UnsupportedError where masses depend on what is unknown."""
    mass = sympy.sympify(dynamics.mass).xreplace(dict(known))
    if mass.is_number:
        return np.full(frames.count, float(mass))
    if isinstance(mass, LocalSymbol) and mass.role == "attribute":
        return frames.attributes[mass.word]
    raise UnsupportedError(f"the mass {dynamics.mass} is no attribute and no given number; give its parameters")
