"""Exponentials of multiples share one: fewer of them, and the same values to the rounding of a few products."""

import numpy as np

from codegen.interpret import evaluate
from codegen.ir import variable, walk
from codegen.optimise.exponentials import share_exponentials
from codegen.primitives import apply

X = variable("x")


def count(roots: tuple) -> int:
    return sum(n.op == "exp" for n in walk(roots))


def test_powers_of_two_of_one_exponential_are_squares() -> None:
    multiples = (apply("exp", -(X / c)) for c in (0.5, 1.0, 2.0, 4.0))
    roots = (*multiples, apply("exp", X * -0.3), apply("exp", X))
    (shared, _) = share_exponentials(roots, ())
    assert count(roots) == 6
    assert count(shared) == 3  # a quarter, three tenths, and the rising one
    values = {"x": np.linspace(-5, 20, 101)}
    for before, after in zip(evaluate(roots, values), evaluate(shared, values), strict=True):
        np.testing.assert_allclose(after, before, rtol=40 * np.finfo(float).eps)


def test_what_shares_nothing_stays_as_it_is() -> None:
    roots = (apply("exp", X), apply("exp", X * 3.0), apply("exp", apply("exp", X)))
    assert share_exponentials(roots, roots[:1]) == (roots, roots[:1])
