"""Grids, stencils and waves as mathematics, with plain numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from symphys.discretise import Axis, Grid, central_weights, neighbours, reach_of
from symphys.discretise.spectral import derivative, wave_numbers, waves_along
from symphys.errors import InputError, MethodError

x, y = sympy.symbols("x y", real=True)


@given(derivative_order=st.integers(0, 6), order=st.sampled_from([2, 4, 6, 8, 10]), power=st.integers(0, 15))
def test_stencils_are_exact_on_polynomials(derivative_order: int, order: int, power: int) -> None:
    """Exactly, in rational numbers: on powers below derivative + order, and never on the first even one beyond."""
    r = reach_of(derivative_order, order)
    weights = central_weights(derivative_order, order)
    value = sum(w * Fraction(k) ** power for k, w in zip(range(-r, r + 1), weights, strict=True))
    exact = Fraction(int(sympy.factorial(power))) if power == derivative_order else Fraction(0)
    if power < derivative_order + order:
        assert value == exact
    elif power == derivative_order + order and derivative_order:
        assert value != exact


def test_known_stencils() -> None:
    assert central_weights(2, 4) == tuple(Fraction(w, 12) for w in (-1, 16, -30, 16, -1))
    assert central_weights(1, 2) == (Fraction(-1, 2), Fraction(0), Fraction(1, 2))
    with pytest.raises(MethodError, match=r"central differences have an even order from 2 on, not 3"):
        central_weights(1, 3)


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", "neumann"])
def test_neighbours_continue_functions_beyond_the_ends(boundary: str) -> None:
    """The waves that obey a boundary are continued as what they are."""
    axis = Axis(x, 0.0, 2.0, 16 if boundary == "periodic" else 17, (boundary, boundary))
    function = {"periodic": lambda s: np.sin(np.pi * s) + 2, "dirichlet": lambda s: np.sin(np.pi * s) + 2}.get(
        boundary, lambda s: np.cos(np.pi * s) + 2
    )
    near = neighbours(axis, 5)
    f = function(axis.points)
    wide = near.sign * f[near.source] + (1 - near.sign) * f[near.end]
    places = axis.start + axis.spacing * np.arange(-5, axis.count + 5)
    np.testing.assert_allclose(wide, function(places), atol=1e-14)
    with pytest.raises(InputError, match=r"x has \d+ points, but the finite differences reach 40 to either side"):
        neighbours(axis, 40)


@pytest.mark.parametrize(
    ("boundary", "order"), [(b, n) for b in ("periodic", "dirichlet", "neumann") for n in range(5)]
)
def test_waves_differentiate_exactly(boundary: str, order: int) -> None:
    axis = Axis(x, -1.0, 3.0, 24 if boundary == "periodic" else 25, (boundary, boundary))
    s = sympy.Symbol("s")
    k = sympy.pi / 2 * (3 if boundary == "periodic" else sympy.Rational(3, 2))
    wave = (sympy.cos if boundary == "neumann" else sympy.sin)(k * (s + 1))
    exact = sympy.lambdify(s, sympy.diff(wave, s, order) + 0 * s, "numpy")(axis.points)
    values = sympy.lambdify(s, wave, "numpy")(axis.points)
    np.testing.assert_allclose(derivative(values, (axis,), (order,)), exact, atol=1e-11 * float(k) ** order)
    assert len(wave_numbers(axis)) == {"periodic": 24, "dirichlet": 23, "neumann": 25}[boundary]


def test_grids() -> None:
    grid = Grid({x: (0, 1, 5), y: (-1, 1, 4)}, boundary={x: "neumann"})
    assert grid.shape == (5, 4)
    assert grid.spacing[x] == 0.25
    assert grid.spacing[y] == 0.5
    np.testing.assert_allclose(grid.points[y], [-1, -0.5, 0, 0.5])
    np.testing.assert_allclose(grid.points[x], [0, 0.25, 0.5, 0.75, 1])
    assert grid.weights.sum() == pytest.approx(2.0)
    assert [a.shape for a in grid.mesh] == [(5, 4), (5, 4)]


@pytest.mark.parametrize(
    ("axes", "boundary", "message"),
    [
        ({}, "periodic", r"A grid needs an interval for each coordinate"),
        ({x: (0, 1)}, "periodic", r"The interval of x is \(0, 1\); give \(start, stop, number of points\)"),
        ({x: (1, 0, 8)}, "periodic", r"The interval of x runs from 1 to 0; it must run upwards"),
        ({x: (0, 1, 2)}, "periodic", r"x has 2 points; give a whole number of at least 4"),
        ({x: (0, 1, 8)}, "open", r"The boundary of x is 'open'; choose one of periodic"),
        ({x: (0, 1, 8)}, {y: "neumann"}, r"The boundary of y is given, but the grid has x alone"),
    ],
)
def test_what_grids_refuse(axes: dict, boundary: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Grid(axes, boundary)  # type: ignore[arg-type]


class Elsewhere(np.ndarray):
    """An array that is taken for one of a device."""

    __cuda_array_interface__: Any = {}  # noqa: RUF012 - as a protocol has it


@pytest.mark.parametrize("kind", ["fourier", "sine", "cosine"])
@pytest.mark.parametrize("place", [0, 1])
def test_waves_are_the_same_where_a_library_knows_fourier_transforms_alone(kind: str, place: int) -> None:
    """Sines and cosines of complex numbers by continuation against SciPy's, and back; forty terms of order one."""
    random = np.random.default_rng(3)
    values = random.normal(size=(11, 17)) + 1j * random.normal(size=(11, 17))
    expected = waves_along(values, kind, place)
    found = waves_along(values.view(Elsewhere), kind, place)
    np.testing.assert_allclose(found, expected, rtol=0, atol=40 * 40 * 2.0**-52)
    back = waves_along(found.view(Elsewhere), kind, place, back=True)
    np.testing.assert_allclose(back, values, rtol=0, atol=40 * 40 * 2.0**-52)
