"""The adaptive Taylor method: order and step size from the decay of the coefficients.

The coefficients x_k = x^(k)(t) / k! come from Taylor mode (automatic differentiation in time); here are the rules that
turn a tolerance into an order and coefficients into a step.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from symphys.errors import MethodError
from symphys.integrators.arithmetic import horner

State = tuple[Any, ...]


@dataclass(frozen=True)
class Taylor:
    """x(t + h) = sum_k x_k h^k for k = 0 ... p, with p from the tolerance and h from x_(p-1) and x_p.

    rho = min over j in {p - 1, p} of (|x| / |x_j|)^(1/j) estimates the radius of convergence, and
    h = rho exp(-2) exp(-0.7 / (p - 1)) makes the first neglected terms smaller than the tolerance with the least work
    a unit of time. Norms are maxima over components; |x| is taken as 1 where it is smaller, so that the tolerance is
    relative for large states and absolute for small ones.

    - `radius_factor`: exp(-2); `safety_exponent`: 0.7, in exp(-0.7 / (p - 1)); dimensionless.
    - `minimum_order`: the least order that a loose tolerance gives.

    Source: Jorba and Zou, Experimental Mathematics 14 (2005) 99, doi:10.1080/10586458.2005.10128904; Biscani and
    Izzo, MNRAS 504 (2021) 2614, doi:10.1093/mnras/stab1032.
    """

    name: str
    source: str
    radius_factor: float = 0.1353352832366126918939994949725
    safety_exponent: float = 0.7
    minimum_order: int = 3

    def step_factor(self, order: int, wanted: int | None = None) -> float:
        """The ratio of the step to the estimated radius of convergence, exp(-2 p_0 / p) exp(-0.7 / (p - 1)).

        `wanted` is the order p_0 of least work, which is the default; a series of higher order p takes longer steps to
        the same tolerance, exp(-2 p_0).
        """
        reach = math.log(self.radius_factor) * (order if wanted is None else wanted) / order
        return math.exp(reach - self.safety_exponent / (order - 1))

    @property
    def adaptive(self) -> bool:
        """Always: the coefficients tell the error before the step is taken."""
        return True


def order_from_tolerance(taylor: Taylor, tolerance: float) -> int:
    """The order that does the least work a unit of time at a tolerance, ceil(1 - ln(tolerance) / 2).

    Raises `MethodError` unless 0 < tolerance < 1.
    """
    if not 0.0 < tolerance < 1.0:
        raise MethodError(f"method {taylor.name!r}: the tolerance must lie between 0 and 1, and is {tolerance!r}")
    return max(taylor.minimum_order, math.ceil(1.0 - math.log(tolerance) / 2.0))


def decay_rate(
    order: int,
    size: Any,
    last_but_one: Any,
    last: Any,
    power: Callable[[Any, float], Any] = pow,
    maximum: Callable[[Any, Any], Any] = max,
) -> Any:
    """The inverse of the estimated radius of convergence, from the norms of the state, of x_(p-1) and of x_p.

    1 / rho = max over j in {p - 1, p} of (|x_j| / max(|x|, 1))^(1/j), in inverse units of time. Zero, where both
    coefficients vanish, stands for a solution that the polynomial already has exactly. `power` and `maximum` are those
    of the scalars in use.
    """
    share = 1.0 / maximum(size, 1.0)  # known long before the last coefficients are
    return maximum(power(last_but_one * share, 1.0 / (order - 1)), power(last * share, 1.0 / order))


def taylor_step_size(taylor: Taylor, coefficients: Sequence[Sequence[float]], longest: float = math.inf) -> float:
    """The step for the coefficients x_0, ..., x_p of plain numbers, at most `longest`; positive."""
    order = len(coefficients) - 1
    size, last_but_one, last = (max(abs(x) for x in coefficients[k]) for k in (0, order - 1, order))
    rate = decay_rate(order, size, last_but_one, last)
    return min(longest, taylor.step_factor(order) / rate) if rate > 0.0 else longest


def taylor_step(coefficients: Sequence[State], h: Any) -> State:
    """The state sum_k x_k h^k; `coefficients` are the tuples x_0, ..., x_p. Also the dense output, with theta h."""
    return tuple(horner(components, h) for components in zip(*coefficients, strict=True))


TAYLOR = Taylor(name="taylor", source="Jorba and Zou (2005); Biscani and Izzo (2021)")

METHODS = (TAYLOR,)
