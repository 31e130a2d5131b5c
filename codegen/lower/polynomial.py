"""Polynomials with given numbers, as nodes."""

from __future__ import annotations

from collections.abc import Sequence

from codegen.ir import Node, add_many, multiply, real


def polynomial(coefficients: Sequence[float], x: Node) -> Node:
    """c_0 + c_1 x + c_2 x^2 + ..., by Horner's rule."""
    total = real(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = add_many((multiply(total, x), real(coefficient)))
    return total
