"""Tables in wave numbers: the factors exp(lambda(k) w dt) of linear flows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.discretise import Axis
from symphys.discretise.spectral import transform_of, wave_numbers
from symphys.errors import UnsupportedError
from symphys.lower.lattice.layout import Layout
from symphys.lower.lattice.split_step import coupled, separable_waves, wave_table
from symphys.simulate.lattice.given import number_of
from symphys.simulate.lattice.memory import Frame

Numbers = Mapping[Any, float]


def slope(axis: Axis, order: int) -> NDArray[np.complex128]:
    """[modes], what a derivative multiplies each wave by: (i k)^order, on sines and cosines (-k^2)^(order/2)."""
    k = wave_numbers(axis)
    if transform_of(axis) != "fourier":
        if order % 2:
            raise UnsupportedError(
                f"a derivative of odd order along {axis.coordinate} turns sines into cosines; take a periodic axis, or "
                "method='rk4'"
            )
        return np.asarray((-(k**2)) ** (order // 2), dtype=np.complex128)
    factor = np.asarray((1j * k) ** order, dtype=np.complex128)
    if order % 2 and axis.count % 2 == 0:
        factor[axis.count // 2] = 0.0
    return factor


def factor_tables(
    layout: Layout, frame: Frame, values: Numbers, weights: Mapping[str, float], dt: float
) -> dict[str, NDArray[Any]]:
    """The tables of `Plan.factors`, exp(lambda w dt) / N by name: the inverse transform is not divided by N."""
    found: dict[str, NDArray[Any]] = {}
    rows = layout.dynamics.structure.linear
    many = range(len(rows))
    separable, mixes = separable_waves(layout.dynamics), coupled(layout.dynamics)
    for name, weight in weights.items():
        h = weight * dt
        if separable:
            for a in many:
                for number, axis in enumerate(frame.axes):
                    if name.startswith(f"{wave_table(layout, a, a, number)}_w"):
                        own = {i: c for i, c in rows[a][a].items() if _axis_of(i) == number}
                        rate = sum((number_of(c, values) * slope(axis, sum(i)) for i, c in own.items()), start=0.0)
                        factor = np.exp(h * rate) * np.full(frame.shape[number], 1.0 / _scale(frame, number) + 0j)
                        found[name] = _along(frame, factor, number)
        else:
            pair = next(
                (a, b) for a in many for b in many if (mixes or a == b) and _is_table(name, wave_table(layout, a, b))
            )
            found[name] = frame.allocate(frame.shape[:-1], 2)
            matrix = _propagator(layout, frame, values, h) if mixes else None
            value = np.exp(h * _rate(layout, frame, values, *pair)) if matrix is None else matrix[..., pair[0], pair[1]]
            frame.sites(found[name], 2)[...] = value / np.prod([_scale(frame, n) for n in range(len(frame.axes))])
    return found


def _scale(frame: Frame, number: int) -> float:
    """What the inverse transform along an axis leaves out, so that the table holds it."""
    n, kind = frame.shape[number], transform_of(frame.axes[number])
    return float({"fourier": n, "sine": 2 * (n + 1), "cosine": 2 * (n - 1)}[kind])


def _is_table(name: str, base: str) -> bool:
    return name.rpartition("_w")[0] == base


def _axis_of(index: tuple[int, ...]) -> int:
    """The axis of space along which an index differentiates; the first one for none."""
    return next((axis for axis, order in enumerate(index[1:]) if order), 0)


def _along(frame: Frame, factor: NDArray[np.complex128], number: int) -> NDArray[Any]:
    if number == len(frame.axes) - 1:
        row = frame.allocate((), 2)
        frame.sites(row, 2)[...] = factor
        return row
    return np.ascontiguousarray(np.stack([factor.real, factor.imag], axis=-1), dtype=frame.dtype)


def _rate(layout: Layout, frame: Frame, values: Numbers, a: int, b: int) -> NDArray[np.complex128]:
    """[*shape], lambda_ab(k)."""
    total: NDArray[Any] = np.zeros(frame.shape, dtype=np.complex128)
    for index, coefficient in layout.dynamics.structure.linear[a][b].items():
        term: NDArray[Any] = np.full((), number_of(coefficient, values))
        for axis, order in zip(frame.axes, index[1:], strict=True):
            term = np.multiply.outer(term, slope(axis, order))
        total += term
    return total


def _propagator(layout: Layout, frame: Frame, values: Numbers, h: float) -> NDArray[np.complex128]:
    """[*shape, n, n], the matrix exponential at every wave number."""
    n = len(layout.dynamics.unknowns)
    matrix = np.stack(
        [np.stack([_rate(layout, frame, values, a, b) for b in range(n)], axis=-1) for a in range(n)], axis=-2
    )
    from scipy.linalg import expm

    return np.asarray(expm(h * matrix))
