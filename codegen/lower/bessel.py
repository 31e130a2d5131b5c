"""Bessel functions of the first kind, of whole orders, as expressions in primitives.

Up to |x| = 8 J_0 and J_1 / x are Chebyshev series in x^2, beyond it

    J_n(x) = sqrt(2 / (pi x)) [P cos(x - (2 n + 1) pi / 4) - (8 / x) Q sin(x - (2 n + 1) pi / 4)]

with P and Q such series in (8 / x)^2 (Abramowitz, Stegun, Handbook of Mathematical Functions, 9.2.5), all written in
powers of their argument on [-1, 1]. Higher orders follow by J_(n+1) = (2 n / x) J_n - J_(n-1) beyond |x| = n, and by
their power series below. Errors are 2e-15 / sqrt(|x|), or 2e-15 below 1, up to J_8; the recursion makes 4e-14 of that
at J_16. What is not selected is computed with an argument of its own domain: left to any x it leaves the numbers, and
its slope times zero is not zero any more.
"""

from __future__ import annotations

import math

from codegen.ir import Node, add_many, divide, multiply, negate, real, subtract
from codegen.lower.polynomial import polynomial
from codegen.primitives import apply

EDGE = 8.0
MOST = 16  # the highest order that errors are bounded for
ABOVE = 4  # orders beyond it that are served: the derivatives of J_n have J_(n + 1) in them
LEAST = 1e-18  # terms of a power series that are left out
_NEAR_0 = (
    0.04582966485981377,
    0.9303012472958572,
    -0.6484692830871837,
    -0.8080888076696872,
    1.0383794611437211,
    -0.5074680458471,
    0.14598884856759264,
    -0.028472718610882047,
    0.004058078989140991,
    -0.0004435459224311503,
    3.8473197855944365e-05,
    -2.717749223632098e-06,
    1.5956109104549218e-07,
    -7.91532308295207e-09,
    3.3634475788173604e-10,
    -1.243301171273326e-11,
    4.0037632815796753e-13,
)
_NEAR_1 = (
    -0.05814382795599107,
    0.08105866038589796,
    0.15151665143806636,
    -0.2595948652859303,
    0.15858376432721838,
    -0.05474581821284722,
    0.012456814392263375,
    -0.0020290394945705996,
    0.0002494945813597261,
    -2.404574865968694e-05,
    1.8684526037206013e-06,
    -1.196708186787801e-07,
    6.431190177265836e-09,
    -2.943013798001659e-10,
    1.1658972367678622e-11,
    -4.0045728425886457e-13,
)
_EVEN_0 = (
    0.9994572757882519,
    -0.0005363673192129672,
    6.137416080109497e-06,
    -2.0527448261170675e-07,
    1.280376144080092e-08,
    -1.2121098178951377e-09,
    1.5500565496632596e-10,
    -2.491146535471666e-11,
    4.786995821368028e-12,
    -1.0157485021065676e-12,
    2.4531772967345006e-13,
    -1.0251790052831013e-13,
    3.339452259070809e-14,
)
_EVEN_1 = (
    1.0009070262780821,
    0.0008988049416705183,
    -7.9596946984383e-06,
    2.453676633366693e-07,
    -1.4708512991275258e-08,
    1.3602969253877949e-09,
    -1.713107485294131e-10,
    2.72345126828134e-11,
    -5.191158004646548e-12,
    1.0954826479277623e-12,
    -2.6335760672461096e-13,
    1.0923713653079462e-13,
    -3.5455617466606254e-14,
)
_ODD_0 = (
    -0.01555511387951352,
    6.833149099340043e-05,
    -1.477138832589449e-06,
    7.106214965332309e-08,
    -5.668717017471248e-09,
    6.432698991315309e-10,
    -9.469830663448226e-11,
    1.7060404730873274e-11,
    -3.605043103124562e-12,
    8.172520584990984e-13,
    -2.0979723806283122e-13,
    9.894020065590535e-14,
    -3.417306155904644e-14,
)
_ODD_1 = (
    0.04677687402744898,
    -9.621458822050365e-05,
    1.8212018511674905e-06,
    -8.29196082083117e-08,
    6.420133519314915e-09,
    -7.1510179969292e-10,
    1.0394482901993273e-10,
    -1.855351813063018e-11,
    3.8929927766683146e-12,
    -8.785014186436455e-13,
    2.2462055932168237e-13,
    -1.0515607072587001e-13,
    3.620117603894229e-14,
)


def bessel(order: int, x: Node) -> Node:
    """J_order(x), order from 0 to `MOST`, and up to `ABOVE` more for what is differentiated."""
    lowest = (_of_low_order(0, x), _of_low_order(1, x))
    if order < 2:
        return lowest[order]
    small = apply("lt", multiply(x, x), real(float(order**2)))
    reciprocal = divide(real(2.0), apply("select", small, real(1.0), x))
    before, here = lowest
    for n in range(1, order):
        before, here = here, subtract(multiply(multiply(real(float(n)), reciprocal), here), before)
    return apply("select", small, _series(order, apply("select", small, x, real(0.0))), here)


def _of_low_order(order: int, x: Node) -> Node:
    negative = apply("lt", x, 0.0)
    size = apply("select", negative, negate(x), x)  # chosen: abs has the slope of neither side at 0
    near = apply("lt", size, EDGE)
    central = apply("select", near, x, real(0.0))
    square = multiply(central, central)
    inside = polynomial((_NEAR_0, _NEAR_1)[order], _centred(multiply(square, real(EDGE**-2))))
    far = _far(order, apply("select", near, real(EDGE), size))
    if order == 0:
        return apply("select", near, inside, far)
    return apply("select", near, multiply(central, inside), apply("select", negative, negate(far), far))


def _far(order: int, x: Node) -> Node:
    ratio = divide(real(EDGE), x)
    place = _centred(multiply(ratio, ratio))
    even = polynomial((_EVEN_0, _EVEN_1)[order], place)
    odd = multiply(ratio, polynomial((_ODD_0, _ODD_1)[order], place))
    s, c = apply("sin", x), apply("cos", x)
    # of x - pi / 4 and x - 3 pi / 4, times sqrt(2)
    cosine, sine = (add_many((c, s)), subtract(s, c)) if order == 0 else (subtract(s, c), negate(add_many((s, c))))
    scale = apply("sqrt", divide(real(1.0 / math.pi), x))
    return multiply(scale, subtract(multiply(even, cosine), multiply(odd, sine)))


def _series(order: int, x: Node) -> Node:
    """(x / 2)^n / n! sum_k (-x^2 / 4)^k n! / (k! (n + k)!), for |x| up to n.

    Its sum is in powers of (x / n)^2, none of which leaves the numbers.
    """
    coefficients, k = [1.0], 0
    while abs(coefficients[-1]) > LEAST:
        k += 1
        coefficients.append(-coefficients[-1] * order**2 / (4 * k * (order + k)))
    inside = polynomial(coefficients, multiply(multiply(x, x), real(order**-2)))
    front = multiply(apply("pow", multiply(x, real(0.5)), float(order)), real(1.0 / math.factorial(order)))
    return multiply(front, inside)


def _centred(share: Node) -> Node:
    """From [0, 1] to [-1, 1]."""
    return subtract(multiply(share, real(2.0)), real(1.0))
