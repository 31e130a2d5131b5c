"""Operators on finitely many states, as SymPy matrices."""

from __future__ import annotations

from typing import Any

import sympy

from symphys.errors import InputError
from symphys.mechanics.density_matrix import operator


def pauli() -> tuple[Any, Any, Any]:
    """(sigma_x, sigma_y, sigma_z), with sigma_x sigma_y = i sigma_z."""
    i = sympy.I
    return tuple(sympy.ImmutableMatrix(rows) for rows in ([[0, 1], [1, 0]], [[0, -i], [i, 0]], [[1, 0], [0, -1]]))


def spin(s: Any) -> tuple[Any, Any, Any]:
    """(S_x, S_y, S_z) of spin s = 1/2, 1, 3/2, ..., by hbar, from m = s down to -s; [S_x, S_y] = i S_z.

    Raises `InputError` for what is no spin. Sakurai, "Modern Quantum Mechanics", section 3.5.
    """
    size = sympy.nsimplify(2 * sympy.sympify(s) + 1)
    if not size.is_Integer or size < 1:
        raise InputError(f"the spin is {s}; give 0, 1/2, 1, 3/2, ...")
    n, s = int(size), (size - 1) / 2
    up = sympy.zeros(n, n)
    for k in range(1, n):
        m = s - k
        up[k - 1, k] = sympy.sqrt(s * (s + 1) - m * (m + 1))
    down, half = up.T, sympy.Rational(1, 2)
    made = (half * (up + down), -sympy.I * half * (up - down), sympy.diag(*(s - k for k in range(n))))
    return tuple(map(sympy.ImmutableMatrix, made))


def annihilation(n: int) -> Any:
    """[n, n], the operator a of an oscillator cut off at n states: a |k> = sqrt(k) |k - 1>.

    Raises `InputError` for fewer than one state.
    """
    if not isinstance(n, int) or n < 1:
        raise InputError(f"an oscillator with {n!r} states; give a whole number of at least 1")
    return sympy.ImmutableMatrix(n, n, lambda i, j: sympy.sqrt(j) if j == i + 1 else 0)


def tensor(*operators: Any) -> Any:
    """The Kronecker product of operators, the first one's states outermost, as `partial_trace` counts them.

    Raises `InputError` for what is no square matrix, and for none.
    """
    if not operators:
        raise InputError("a product of no operators has no size; give at least one")
    first, *rest = (operator(each, "operator") for each in operators)
    for each in rest:
        first = sympy.kronecker_product(first, each)
    return sympy.ImmutableMatrix(first)


def commutator(a: Any, b: Any) -> Any:
    """A B - B A; raises `InputError` for sizes that do not fit."""
    left, right = operator(a, "operator"), operator(b, "operator")
    if left.shape != right.shape:
        raise InputError(f"operators of {left.rows} and {right.rows} states have no commutator")
    return sympy.ImmutableMatrix(left * right - right * left)
