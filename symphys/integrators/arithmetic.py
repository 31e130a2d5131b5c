"""Sums of tuples by constant weights, for any scalars that know + and *: floats, power series, compiler nodes."""

from collections.abc import Sequence
from typing import Any

State = tuple[Any, ...]


def weighted(weights: Sequence[float], values: Sequence[Any]) -> Any:
    """sum_i weights_i values_i, where a weight of zero costs nothing and a weight of one no product."""
    pairs = zip(weights, values, strict=True)
    terms = [value if weight == 1.0 else weight * value for weight, value in pairs if weight]
    if not terms:
        return 0.0
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def combine(weights: Sequence[float], vectors: Sequence[State]) -> State:
    """sum_i weights_i vectors_i, component by component; `vectors` are tuples of one length."""
    return tuple(weighted(weights, components) for components in zip(*vectors, strict=True))


def add_scaled(x: State, scale: Any, direction: State) -> State:
    """x + scale direction, component by component."""
    return tuple(xi + scale * di for xi, di in zip(x, direction, strict=True))


def accumulate(total: Any, increment: Any, carry: Any) -> tuple[Any, Any]:
    """Compensated addition: total + increment, and the part that rounding lost, to be carried into the next call.

    The sum of n increments is then off by a few units in the last place instead of n of them.
    Kahan's sum, as Hairer, Lubich and Wanner, Geometric Numerical Integration, VIII.5, use it for long runs. It must
    be compiled without reassociation, which would cancel the carry to zero.
    """
    corrected = increment + carry
    new = total + corrected
    return new, corrected - (new - total)


def horner(coefficients: Sequence[Any], h: Any) -> Any:
    """The polynomial sum_k coefficients_k h^k, its even and odd part by Horner's rule side by side, long ones again so.

    Chains of half the length or a quarter, and one last sum c_0 + h (odd + h even) that rounds once at the size of the
    result.
    """
    if len(coefficients) < 6:
        return _horner(coefficients, h)
    square = h * h
    parts = coefficients[1::2], coefficients[2::2]
    if len(coefficients) < 16:
        odd, even = (_horner(part, square) for part in parts)
    else:
        fourth = square * square
        odd, even = (_horner(p[::2], fourth) + square * _horner(p[1::2], fourth) for p in parts)
    return coefficients[0] + h * (odd + h * even)


def _horner(coefficients: Sequence[Any], h: Any) -> Any:
    total = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        total = total * h + coefficient
    return total
