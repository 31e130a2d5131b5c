"""The complementary error function as an expression in primitives, which 1 - erf(x) would leave no digits of.

erfc(x) = exp(-x^2) p(t) / (1 + 2 x) for x >= 0, with t = (x - 3.75) / (x + 3.75) in [-1, 1): p is a Chebyshev series
(Shepherd, Laframboise, Math. Comp. 36 (1981) 249), here of 24 terms and written in powers of t. The relative error is
that of exp(-x^2), x^2 roundings. It costs one exponential, two quotients and no branch, in lanes as well.
"""

from __future__ import annotations

from codegen.ir import Node, add_many, divide, multiply, negate, real, subtract
from codegen.lower.polynomial import polynomial
from codegen.primitives import apply

CENTRE = 3.75
_POWERS = (
    1.2375126308378275,
    -0.14024059858554697,
    0.0035854154854790257,
    0.0822767384901452,
    -0.10880393014244462,
    0.09230432116037748,
    -0.05869339857664934,
    0.028362277418956406,
    -0.009746579683265262,
    0.0017556258528952954,
    0.000293714378044958,
    -0.0002901540805408417,
    5.164652974177416e-05,
    2.238423915508223e-05,
    -1.1438048033346894e-05,
    -9.73559896736775e-07,
    1.7419821586224816e-06,
    -5.7218230603224086e-08,
    -2.4857126248016745e-07,
    2.3263508708859124e-08,
    3.197926671666804e-08,
    -3.744210080962018e-09,
    -2.623107347133476e-09,
    3.1114333809799254e-10,
)


def erfc(x: Node) -> Node:
    """1 - erf(x)."""
    negative = apply("lt", x, 0.0)
    positive = _of_positive(apply("select", negative, negate(x), x))  # chosen: abs has the slope of neither side at 0
    return apply("select", negative, subtract(real(2.0), positive), positive)


def _of_positive(x: Node) -> Node:
    t = subtract(real(1.0), divide(real(2.0 * CENTRE), add_many((x, real(CENTRE)))))  # 1 at infinity, and not NaN
    fading = divide(apply("exp", negate(multiply(x, x))), add_many((real(1.0), multiply(real(2.0), x))))
    return multiply(fading, polynomial(_POWERS, t))
