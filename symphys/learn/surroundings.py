"""Invariants and pulls of all particles in frames, computed once before a fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import compile_kernel
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.surroundings import Pulls, surroundings_kernel
from symphys.mechanics.particles import ParticleDynamics
from symphys.simulate.compiled import Kernels
from symphys.simulate.execute import cores
from symphys.simulate.particles.box import Box

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
SIZE = 16  # doubles side by side in a cluster of particles


@dataclass(frozen=True)
class Frames:
    """Particles at some moments: places [frames, n, dim], kinds [n], attributes [n] by name, a box for each frame."""

    places: Floats
    kinds: Integers
    attributes: Mapping[str, Floats]
    boxes: Sequence[Box | None]

    @property
    def count(self) -> int:
        """The number of particles."""
        return int(self.places.shape[1])


def look_around(
    dynamics: ParticleDynamics,
    kernels: Kernels,
    pulls: Pulls,
    frames: Frames,
    numbers: Mapping[Any, float],
    cutoffs: Mapping[str, float],
) -> tuple[Floats, Floats]:
    """Environments [environments, frames, n], and vectors, their pulls and those of pairs, [environments + pairs, dim,
    frames, n].

    numbers: the values of parameters in weights and factors. Everyone looks at everyone, at the nearest images.
    """
    size = SIZE if kernels.dtype == "float64" else 2 * SIZE
    shape = frames.boxes[0].shape if frames.boxes[0] is not None else None
    if any(box is not None and box.shape != shape for box in frames.boxes):
        shape = "triclinic"
    layout = Layout(dynamics, False, size, shape, bool(cutoffs))
    kernel = compile_kernel(surroundings_kernel(layout, pulls), kernels.backend, kernels.dtype)
    n, dim = frames.count, layout.dim
    rows = -(-n // size)
    many = len(pulls.environments)
    seen = np.empty((many, len(frames.places), n))
    vectors = np.empty((pulls.count, dim, len(frames.places), n))
    arrays = _arrays(frames, size, rows, kernels.dtype)
    arrays["seen"] = np.zeros((max(many, 1), rows, size), kernels.dtype)
    arrays["pulls"] = np.zeros((max(pulls.count, 1), dim, rows, size), kernels.dtype)
    scalars: dict[str, Any] = {"count": n, "clusters": rows, "size": size, "width": rows * size, **cutoffs}
    scalars |= {layout.names[s]: float(value) for s, value in numbers.items()}
    for number, (places, box) in enumerate(zip(frames.places, frames.boxes, strict=True)):
        arrays["position_all"][:, :n] = places.T
        inside = {**scalars, **(box.scalars() if box is not None else {})}
        kernel(arrays, inside, (rows, size), threads=cores())
        seen[:, number] = arrays["seen"].reshape(-1, rows * size)[:many, :n]
        vectors[:, :, number] = arrays["pulls"].reshape(-1, dim, rows * size)[: pulls.count, :, :n]
    return seen, vectors


@dataclass(frozen=True)
class Polynomials:
    """Invariants as sums of products of environments: for each (c, (a, b, ...)), with the values of c."""

    terms: tuple[tuple[tuple[float, tuple[int, ...]], ...], ...]

    @classmethod
    def of(cls, dynamics: ParticleDynamics, numbers: Mapping[Any, float]) -> Polynomials:
        """Those of dynamics, given what stands in their coefficients."""

        def value(coefficient: Any) -> float:
            return float(coefficient.xreplace({s: numbers[s] for s in coefficient.free_symbols}))

        return cls(tuple(tuple((value(c), places) for c, places in each.terms) for each in dynamics.invariants))

    def values(self, seen: Floats) -> Floats:
        """[invariants, ...] of environments [environments, ...]."""
        found = np.array([self._sum(terms, seen) for terms in self.terms])
        return found.reshape(len(self.terms), *seen.shape[1:])

    def slopes(self, seen: Floats) -> Iterator[dict[int, Floats]]:
        """For each invariant {environment: its derivative by it [...]}."""
        for terms in self.terms:
            parts: dict[int, list[tuple[float, tuple[int, ...]]]] = {}
            for c, places in terms:
                for number, a in enumerate(places):
                    parts.setdefault(a, []).append((c, (*places[:number], *places[number + 1 :])))
            yield {a: self._sum(found, seen) for a, found in parts.items()}

    def _sum(self, terms: Iterable[tuple[float, tuple[int, ...]]], seen: Floats) -> Floats:
        total = np.zeros(seen.shape[1:])
        for c, places in terms:
            product = np.full(seen.shape[1:], c)
            for a in places:
                product *= seen[a]
            total += product
        return total


def of_invariants(polynomials: Polynomials, seen: Floats, vectors: Floats) -> tuple[Floats, Floats]:
    """Invariants [invariants, frames, n] and vectors [invariants + pairs, dim, frames, n], of those of environments."""
    pulls = []
    for slopes in polynomials.slopes(seen):
        pull = np.zeros(vectors.shape[1:])
        for a, slope in slopes.items():
            pull += slope * vectors[a]
        pulls.append(pull)
    pairs = vectors[len(seen) :]
    return polynomials.values(seen), np.concatenate([np.reshape(pulls, (len(pulls), *vectors.shape[1:])), pairs])


def surroundings_in(
    dynamics: ParticleDynamics,
    kernels: Kernels,
    frames: Frames,
    numbers: Mapping[Any, float],
    cutoffs: Mapping[str, float],
) -> dict[Any, Floats]:
    """What all particles see in frames, [frames, n] by each sum that stands in an energy."""
    inner = {s for each in dynamics.environments for s in each.weight.free_symbols}
    known = {s: value for s, value in numbers.items() if s in inner}
    seen, _ = look_around(dynamics, kernels, Pulls(dynamics.environments, ()), frames, known, cutoffs)
    values = Polynomials.of(dynamics, numbers).values(seen)
    return {each.written: value for each, value in zip(dynamics.invariants, values, strict=True)}


def _arrays(frames: Frames, size: int, rows: int, dtype: str) -> dict[str, NDArray[Any]]:
    """The arrays of particles, each beside itself as one list of others."""
    dim, n = frames.places.shape[2], frames.count
    found: dict[str, NDArray[Any]] = {"position": np.zeros((dim, rows, size), dtype)}
    found["kind"] = np.full((rows, size), -1, dtype=np.int64)
    found["kind"].reshape(-1)[:n] = frames.kinds
    for name, values in frames.attributes.items():
        found[name] = np.ones((rows, size), dtype)
        found[name].reshape(-1)[:n] = values
    return found | {f"{name}_all": array.reshape(*array.shape[:-2], -1) for name, array in found.items()}
