"""Bessel functions in compiled code: slopes of what is selected, and the orders that derivatives reach."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import scipy.special
import sympy

from codegen.backends.cpu import CpuBackend
from codegen.builder import Builder
from codegen.cache import KernelCache
from codegen.interpret import evaluate
from codegen.ir import variable
from codegen.lower.autodiff import gradient
from codegen.lower.bessel import ABOVE, MOST, bessel
from codegen.lower.from_sympy import lower_expressions
from codegen.program import Array, Intent, Kernel
from tests.codegen.backends.test_cpu import run_cpu

NAMES = ("value", "slope", "bend")
NEAR_EDGES = [s * (edge + d) for edge in (2.0, 8.0, 16.0) for d in (-0.01, 0.0, 0.01) for s in (1, -1)]
PLACES = [0.0, *np.geomspace(1e-3, 1e6, 46), *NEAR_EDGES]


def differentiated(order: int) -> Kernel:
    """J_n of an instance's number, and its first two slopes in reverse mode."""
    b = Builder()
    x = b.load("x", "x")
    value = bessel(order, x)
    (slope,) = gradient(value, [x])
    (bend,) = gradient(slope, [x])
    for name, node in zip(NAMES, (value, slope, bend), strict=True):
        b.store(name, value=node)
    arrays = (Array("x", ()), *(Array(name, (), intent=Intent.OUT) for name in NAMES))
    return Kernel("differentiated", "lane", arrays, (), b.block())


@pytest.mark.parametrize(("dtype", "allowed"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("order", [0, 1, 2, 8, MOST, MOST + ABOVE])
def test_two_slopes_are_right_wherever_the_number_lies(
    order: int, dtype: str, allowed: float, cache: KernelCache
) -> None:
    """Series that are not selected leave the numbers of single precision from 200 on, and must not touch the slopes."""
    x = np.array(PLACES, dtype=dtype)
    arrays = {"x": x} | {name: np.zeros_like(x) for name in NAMES}
    found = run_cpu(CpuBackend(cache), differentiated(order), arrays, {}, x.shape)
    for derivative, name in enumerate(NAMES):
        exact = scipy.special.jvp(order, x.astype(float), derivative)
        np.testing.assert_allclose(found[name], exact, rtol=0, atol=allowed, err_msg=name)


@pytest.mark.parametrize("at", [1e8, 1e12, 1e15])
@pytest.mark.parametrize("order", [0, 1, MOST])
def test_slopes_far_away(order: int, at: float) -> None:
    x = variable("x")
    (slope,) = gradient(bessel(order, x), [x])
    (bend,) = gradient(slope, [x])
    first, second = (float(v) for v in evaluate((slope, bend), {"x": at}))
    assert first == pytest.approx(float(mpmath.besselj(order, at, derivative=1)), abs=1e-13)
    assert second == pytest.approx(float(mpmath.besselj(order, at, derivative=2)), abs=1e-13)


@pytest.mark.parametrize("at", [0.5, 12.0, -17.5, 18.5, 90.0])
@pytest.mark.parametrize("derivatives", [1, 2, ABOVE])
def test_derivatives_of_the_highest_order_compile(derivatives: int, at: float) -> None:
    """SymPy writes them with J_(16 + derivatives)."""
    x = sympy.Symbol("x", real=True)
    expression = sympy.besselj(MOST, x).diff(x, derivatives)
    (root,) = lower_expressions([expression], {x: variable("x")})
    exact = float(mpmath.besselj(MOST, at, derivative=derivatives))
    assert float(evaluate((root,), {"x": at})[0]) == pytest.approx(exact, abs=1e-13)
