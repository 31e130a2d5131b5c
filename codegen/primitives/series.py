"""Taylor rules: the coefficients of an operation on power series in t, from those of its arguments.

A series is a(t) = sum_k a_k t^k; its slope of order k is k a_k, which is the coefficient of order k - 1 of da/dt. Every
sum of products is one chain of multiply-adds, in which the products of the newest coefficients come last, so that the
rest need not wait for them. Sources: Griewank, Walther, "Evaluating Derivatives" (2nd ed.), section 13.2; Jorba, Zou,
"A Software Package for the Numerical Integration of ODEs by Means of High-Order Taylor Methods",
Experimental Mathematics 14 (2005).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from ..errors import CompilerBug
from ..ir import Node, add, constant_value, divide, multiply, negate, real, subtract


class Series(Protocol):
    """The power series of nodes, as far as they are known."""

    def __call__(self, n: Node, k: int) -> Node:
        """The coefficient n_k."""

    def slope(self, n: Node, k: int) -> Node:
        """k n_k, often known without a multiplication."""


TaylorRule = Callable[[int, Node, Series], Node]


def sum_of_products(pairs: Iterable[tuple[Node, Node]]) -> Node:
    """sum a b as one chain, positive products before negative ones."""
    products = [multiply(a, b) for a, b in pairs]
    total = real(0.0)
    for product in products:
        if product.op != "neg":
            total = add(total, product)
    minus = [product.args[0] for product in products if product.op == "neg"]
    if constant_value(total) == 0 and minus:
        return negate(sum_of_terms(minus))
    for product in minus:
        total = subtract(total, product)
    return total


def sum_of_terms(terms: Iterable[Node]) -> Node:
    """The sum of the terms as one chain."""
    total = real(0.0)
    for term in terms:
        total = add(total, term)
    return total


def _inner_first(indices: Iterable[int], k: int) -> list[int]:
    return sorted(indices, key=lambda j: (max(j, k - j), j))


def product(k: int, n: Node, series: Series) -> Node:
    """(a b)_k = sum_(j=0..k) a_j b_(k-j)."""
    a, b = n.args
    if a == b:
        return _square(k, a, series, 0)
    return sum_of_products((series(a, j), series(b, k - j)) for j in _inner_first(range(k + 1), k))


def _square(k: int, a: Node, series: Series, first: int) -> Node:
    """sum_(j=first..k-first) a_j a_(k-j), equal products taken once.

    The older factor is doubled, and the product of the newest coefficient, which everything waits for, comes last.
    """
    indices = _inner_first(range(first, (k + 1) // 2), k)
    pairs = [(multiply(series(a, j), real(2.0)), series(a, k - j)) for j in indices]
    if k % 2 == 0 and k // 2 >= first:
        pairs.insert(0, (series(a, k // 2), series(a, k // 2)))
    return sum_of_products(pairs)


def quotient(k: int, n: Node, series: Series) -> Node:
    """y = a / b: y_k = (a_k - sum_(j=1..k) b_j y_(k-j)) / b_0."""
    a, b = n.args
    rest = sum_of_products((series(b, j), series(n, k - j)) for j in _inner_first(range(1, k + 1), k))
    return multiply(subtract(series(a, k), rest), reciprocal(series(b, 0)))


def reciprocal(a: Node) -> Node:
    """1 / a, one node wherever it is asked for."""
    return divide(real(1.0), a)


def square_root(k: int, n: Node, series: Series) -> Node:
    """y = sqrt(a): y_k = (a_k - sum_(j=1..k-1) y_j y_(k-j)) / 2 y_0."""
    rest = subtract(series(n.args[0], k), _square(k, n, series, 1))
    return multiply(rest, multiply(reciprocal(series(n, 0)), real(0.5)))


def power(k: int, n: Node, series: Series) -> Node:
    """y = a^p, p constant in t: k a_0 y_k = p sum_(j=1..k) j a_j y_(k-j) - sum_(j=1..k-1) j y_j a_(k-j)."""
    a, p = n.args
    if any(constant_value(series(p, j)) != 0 for j in range(1, k + 1)):
        raise CompilerBug(f"{n} has an exponent that varies in t; write it as exp(exponent log(base)) first")
    rising = sum_of_products((series.slope(a, j), series(n, k - j)) for j in _inner_first(range(1, k + 1), k))
    falling = sum_of_products((series.slope(n, j), series(a, k - j)) for j in _inner_first(range(1, k), k))
    total = subtract(multiply(rising, series(p, 0)), falling)
    return multiply(multiply(total, reciprocal(series(a, 0))), real(1.0 / k))


def linear(sign: float) -> TaylorRule:
    """(a + sign b)_k = a_k + sign b_k."""

    def rule(k: int, n: Node, series: Series) -> Node:
        a, b = (series(argument, k) for argument in n.args)
        return add(a, b) if sign > 0 else subtract(a, b)

    return rule


Chain = tuple[tuple[tuple[Node, Node], ...], Node | None]


def chain(n: Node) -> Chain:
    """The differential equation q y' = sum_i p_i u_i' of a function y(u_1, ...): pairs (u_i, p_i), and q or None for 1.

    q is the denominator that all partial derivatives share, if they do: atan and log need no division of series.
    """
    from . import partials_of  # the table holds what this module defines; looked up when a rule runs

    pairs = tuple((u, p) for u, p in zip(n.args, partials_of(n), strict=True) if p is not None)
    split = [_fraction(p) for _, p in pairs]
    below = split[0][1] if split else None
    if below is None or any(q != below for _, q in split):
        return pairs, None
    return tuple((u, p) for (u, _), (p, _) in zip(pairs, split, strict=True)), below


def _fraction(n: Node) -> tuple[Node, Node | None]:
    """Numerator and denominator of a quotient, of a product with one, and of their negatives."""
    if n.op == "neg":
        above, below = _fraction(n.args[0])
        return negate(above), below
    if n.op == "div":
        return n.args[0], n.args[1]
    if n.op == "mul":
        for factor, other in (n.args, n.args[::-1]):
            if other.op == "div":
                return multiply(factor, other.args[0]), other.args[1]
    return n, None


def chain_slope(k: int, n: Node, series: Series) -> Node:
    """k y_k q_0 = sum_i sum_(j=1..k) (j u_ij) p_i(k-j) - sum_(j=1..k-1) (j y_j) q_(k-j)."""
    pairs, below = chain(n)
    total = sum_of_products(
        (series.slope(u, j), series(p, k - j)) for j in _inner_first(range(1, k + 1), k) for u, p in pairs
    )
    if below is None:
        return total
    rest = sum_of_products((series.slope(n, j), series(below, k - j)) for j in _inner_first(range(1, k), k))
    return multiply(subtract(total, rest), reciprocal(series(below, 0)))
