"""Grids: equidistant points over a box in one to three dimensions, and what happens at its sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError

BOUNDARIES = ("periodic", "dirichlet", "neumann", "absorbing")
LEAST_POINTS = 4
Boundary = str | tuple[str, str]  # of both ends of an axis, or of the left one and the right one


@dataclass(frozen=True)
class Axis:
    """One coordinate: `count` points from `start` to `stop`; the right end is left out where it is periodic.

    ends: the left and the right one; "periodic" (both), "dirichlet" (it keeps its initial value), "neumann" (no slope),
    or "absorbing" (a layer that damps, as wide as a tenth of the axis, before an end without slope).
    """

    coordinate: Any
    start: float
    stop: float
    count: int
    ends: tuple[str, str]

    @property
    def boundary(self) -> str:
        """Its ends in words: one where both are alike."""
        return ", ".join(dict.fromkeys(self.ends))

    def __str__(self) -> str:
        right = ")" if self.periodic else "]"
        return f"{self.coordinate}: {self.count} points in [{self.start:g}, {self.stop:g}{right}, {self.boundary}"

    @property
    def periodic(self) -> bool:
        """Whether its ends are one point."""
        return "periodic" in self.ends

    @property
    def spacing(self) -> float:
        """The distance of neighbouring points, in units of the coordinate."""
        return (self.stop - self.start) / (self.count if self.periodic else self.count - 1)

    @property
    def points(self) -> NDArray[np.float64]:
        """[count], in units of the coordinate."""
        if self.periodic:
            return np.asarray(self.start + self.spacing * np.arange(self.count), dtype=np.float64)
        return np.asarray(np.linspace(self.start, self.stop, self.count), dtype=np.float64)

    @property
    def weights(self) -> NDArray[np.float64]:
        """[count], the trapezoidal rule: integral = sum weights f; in units of the coordinate."""
        weights = np.full(self.count, self.spacing)
        if not self.periodic:
            weights[[0, -1]] /= 2.0
        return weights

    @property
    def absorption(self) -> NDArray[np.float64]:
        """[count], a profile that grows from 0 at the inner edge of the layers to 1 at the ends; zeros elsewhere."""
        depth = 2.0 * np.arange(self.count) / (self.count - 1) - 1.0
        layers = np.clip((np.abs(depth) - 0.8) / 0.2, 0.0, 1.0) ** 2
        left, right = (end == "absorbing" for end in self.ends)
        return np.asarray(np.where(depth < 0.0, left, right) * layers)

    @property
    def free(self) -> NDArray[np.float64]:
        """[count], 0 at ends that keep their values, 1 elsewhere."""
        found = np.ones(self.count)
        found[[0, -1]] = [float(end != "dirichlet") for end in self.ends]
        return found


@dataclass(frozen=True, init=False)
class Grid:
    """Equidistant points: `Grid({x: (start, stop, count), ...}, boundary=...)`.

    axes: by coordinate of space, in the order in which arrays of fields have them.  A periodic axis leaves out its
    right end; the others hold both ends.
    boundary: "periodic", "dirichlet", "neumann" or "absorbing", or two of the last three, for the left and the right
    end; one for all axes or {coordinate: ...}; see `Axis`.

    Raises `InputError` for intervals without length, fewer than 4 points, unknown boundaries and coordinates, and for
    an axis that is periodic at one end alone.
    """

    axes: tuple[Axis, ...]

    def __repr__(self) -> str:
        return f"Grid({'; '.join(map(str, self.axes))})"

    def __init__(
        self, axes: Mapping[Any, tuple[float, float, int]], boundary: Boundary | Mapping[Any, Boundary] = "periodic"
    ) -> None:
        if not isinstance(axes, Mapping) or not axes:
            raise InputError("A grid needs an interval for each coordinate, such as Grid({x: (-10, 10, 256)}).")
        if isinstance(boundary, Mapping) and (unknown := [x for x in boundary if x not in axes]):
            raise InputError(f"The boundary of {unknown[0]} is given, but the grid has {_listed(axes)} alone.")
        made = []
        for coordinate, interval in axes.items():
            kind = boundary.get(coordinate, "periodic") if isinstance(boundary, Mapping) else boundary
            made.append(_axis(coordinate, interval, kind))
        object.__setattr__(self, "axes", tuple(made))

    @property
    def coordinates(self) -> tuple[Any, ...]:
        """The coordinates of space, in the order of the axes of arrays."""
        return tuple(axis.coordinate for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The numbers of points."""
        return tuple(axis.count for axis in self.axes)

    @cached_property
    def points(self) -> Mapping[Any, NDArray[np.float64]]:
        """The points of each coordinate, {x: [count]}."""
        return {axis.coordinate: axis.points for axis in self.axes}

    @cached_property
    def spacing(self) -> Mapping[Any, float]:
        """The distance of neighbouring points of each coordinate."""
        return {axis.coordinate: axis.spacing for axis in self.axes}

    @property
    def mesh(self) -> tuple[NDArray[np.float64], ...]:
        """The coordinates of all points, one array of the grid's shape each."""
        return tuple(np.meshgrid(*(axis.points for axis in self.axes), indexing="ij"))

    @property
    def weights(self) -> NDArray[np.float64]:
        """[*shape], the quadrature weights: integral = (weights * f).sum()."""
        total = np.ones(())
        for axis in self.axes:
            total = np.multiply.outer(total, axis.weights)
        return total

    def axis(self, coordinate: Any) -> Axis:
        """The axis of a coordinate; `InputError` where there is none."""
        for axis in self.axes:
            if axis.coordinate == coordinate:
                return axis
        raise InputError(f"The grid has no axis {coordinate}, only {_listed(self.coordinates)}.")


def _axis(coordinate: Any, interval: Any, boundary: Any) -> Axis:
    try:
        start, stop, count = interval
        start, stop = float(start), float(stop)
    except (TypeError, ValueError):
        raise InputError(
            f"The interval of {coordinate} is {interval!r}; give (start, stop, number of points)."
        ) from None
    if not (np.isfinite(start) and np.isfinite(stop) and start < stop):
        raise InputError(f"The interval of {coordinate} runs from {start:g} to {stop:g}; it must run upwards.")
    if isinstance(count, bool) or count != int(count) or count < LEAST_POINTS:
        raise InputError(f"{coordinate} has {count!r} points; give a whole number of at least {LEAST_POINTS}.")
    ends = tuple(boundary) if isinstance(boundary, tuple | list) else (boundary, boundary)
    if len(ends) != 2 or any(end not in BOUNDARIES for end in ends):
        raise InputError(
            f"The boundary of {coordinate} is {boundary!r}; choose one of {', '.join(BOUNDARIES)}, or two of them, for "
            "the left and the right end."
        )
    if ends[0] != ends[1] and "periodic" in ends:
        raise InputError(
            f"{coordinate} is {ends[0]} at its left end and {ends[1]} at its right one; periodic ends are one point."
        )
    return Axis(coordinate, start, stop, int(count), ends)


def _listed(items: Iterable[Any]) -> str:
    return ", ".join(str(item) for item in items)
