"""The arrays of a lattice run: rows padded to lanes and cache lines, and tables of the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import Array, Kind, Program
from symphys.discretise import Axis, Grid, central_weights, neighbours, reach_of
from symphys.discretise.spectral import transform_of
from symphys.lower.lattice.layout import Layout
from symphys.simulate.memory import LINE

PAGE, STAGGER = 4096, 20  # bytes of a page; lines between the beginnings of arrays


@dataclass(frozen=True)
class Frame:
    """How sites lie in memory: the axes as the kernels see them, the padded width of a row, and the halo."""

    axes: tuple[Axis, ...]
    inside: tuple[slice, ...]  # what kernels see of the grid's points: ends held at zero by sines are left out
    width: int
    halo: int
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The numbers of sites that kernels see."""
        return tuple(len(range(axis.count)[part]) for axis, part in zip(self.axes, self.inside, strict=True))

    def allocate(self, shape: Sequence[int], components: int = 1, place: int = 0) -> NDArray[Any]:
        """Zeros [*shape, width * components], with the first site of every row on a cache line.

        Arrays of different `place` begin at different lines of a page: a load whose address agrees with that of a
        recent store in its last twelve bits waits for it, as if it were the same.
        """
        length = int(np.prod(shape, dtype=np.int64)) * self.width * components
        size = self.dtype.itemsize
        raw = np.zeros(length + PAGE // size, dtype=self.dtype)
        wanted = place * STAGGER * LINE
        lead = ((wanted - raw.ctypes.data - self.halo * components * size) % PAGE) // size
        return raw[lead : lead + length].reshape(*shape, self.width * components)

    def inner(self, components: int = 1) -> slice:
        """Where the sites of a row lie."""
        return slice(self.halo * components, (self.halo + self.shape[-1]) * components)

    def sites(self, array: NDArray[Any], components: int = 1) -> NDArray[Any]:
        """The sites of an array, without halo and padding; complex where it has two components."""
        if components == 2:
            array = array.view(np.complex64 if array.dtype == np.float32 else np.complex128)
        return array[..., self.inner()]


def frame_of(grid: Grid, layout: Layout, halo: int, lanes: int, dtype: str) -> Frame:
    """The frame for a grid: rows of whole blocks of lanes, and of whole cache lines."""
    spectral = layout.packed
    inside = tuple(slice(1, -1) if spectral and transform_of(axis) == "sine" else slice(None) for axis in grid.axes)
    kind = np.dtype(dtype)
    count = len(range(grid.axes[-1].count)[inside[-1]])
    padded = -(-count // lanes) * lanes + 2 * halo
    line = LINE // kind.itemsize
    return Frame(grid.axes, inside, -(-padded // line) * line, halo, kind)


def grid_scalars(frame: Frame, margin: int) -> dict[str, float | int]:
    """Sizes, origins and spacings, by the names that kernels have for them."""
    found: dict[str, float | int] = {"width": frame.width, "cells": 2 * frame.halo}
    for number, (axis, part, count) in enumerate(zip(frame.axes, frame.inside, frame.shape, strict=True)):
        last = number == len(frame.axes) - 1
        found["sites" if last else f"rows_{number}"] = count
        found[f"start_{number}"] = float(axis.points[part][0])
        found[f"step_{number}"] = axis.spacing
        found[f"per_{number}"] = 1.0 / axis.spacing
        found[f"margin_{number}"] = margin
        found[f"places_{number}"] = axis.count + 2 * margin
    return found


def grid_tables(frame: Frame, margin: int, sponges: Sequence[float]) -> dict[str, NDArray[Any]]:
    """Lists along the axes: neighbours, weights, held ends, layers; and the cells of the halo."""
    found: dict[str, NDArray[Any]] = {}
    for number, (axis, part) in enumerate(zip(frame.axes, frame.inside, strict=True)):
        last = number == len(frame.axes) - 1
        profiles = {"quadrature": axis.weights, "held": axis.free, "sponge": sponges[number] * axis.absorption}
        for word, values in profiles.items():
            if last:
                row = frame.allocate(())
                frame.sites(row)[...] = values[part]
                found[f"{word}_{number}"] = row
            else:
                found[f"{word}_{number}"] = np.ascontiguousarray(values[part], dtype=frame.dtype)
        if not last and margin < axis.count:
            near = neighbours(axis, margin)
            found |= {f"near_{number}": near.source, f"edge_{number}": near.end}
            found[f"sign_{number}"] = near.sign.astype(frame.dtype)
    if frame.halo:
        near = neighbours(frame.axes[-1], frame.halo)
        n, h = frame.axes[-1].count, frame.halo
        beyond = np.r_[0:h, n + h : n + 2 * h]
        found |= {"halo_target": beyond, "halo_source": near.source[beyond] + h, "halo_end": near.end[beyond] + h}
        found["halo_sign"] = near.sign[beyond].astype(frame.dtype)
        if len(frame.axes[-1].points) == frame.shape[-1]:
            row = frame.allocate(())
            frame.sites(row)[...] = frame.axes[-1].points
            row[found["halo_target"]] = row[found["halo_source"]]
            found[f"abscissa_{len(frame.axes) - 1}"] = row
    return found


def missing_arrays(program: Program, frame: Frame, present: Mapping[str, Any], sizes: Mapping[str, Any]) -> Any:
    """Arrays of a program that nobody has given yet, as zeros: scratch, and what is measured."""
    made = {}
    for place, array in enumerate(program.arrays):
        if array.name not in present:
            made[array.name] = _zeros(array, frame, sizes, place)
    return made


def stencil_tables(program: Program, frame: Frame, order: int | None) -> dict[str, NDArray[Any]]:
    """The weights of the central differences that a program uses, divided by powers of the spacing."""
    found = {}
    for array in program.arrays:
        word, *numbers = array.name.split("_")
        if word == "stencil" and order is not None:
            number, derivative = map(int, numbers)
            weights = central_weights(derivative, order)[reach_of(derivative, order) :]
            scaled = np.array([float(w) for w in weights]) / frame.axes[number].spacing ** derivative
            found[array.name] = scaled.astype(frame.dtype)
    return found


def _zeros(array: Array, frame: Frame, sizes: Mapping[str, Any], place: int) -> NDArray[Any]:
    shape = tuple(int(sizes[s]) if isinstance(s, str) else s for s in array.shape)
    if array.instanced:
        return frame.allocate(shape, array.components, place)
    return np.zeros(shape, dtype=frame.dtype if array.kind is Kind.REAL else np.int64)
