"""RATTLE and its symmetric compositions, for mechanical systems that holonomic constraints f(q, t) = 0 hold."""

import math
from dataclasses import dataclass

from symphys.errors import MethodError


@dataclass(frozen=True)
class Rattle:
    """RATTLE steps of the lengths w_1 h, w_2 h, ...: a velocity Verlet step whose kicks hold the constraint forces.

    v' = v + (w h / 2) (a(q) + M^-1 J(q)^T lambda),  q_1 = q + w h v'  with  f(q_1) = 0,
    v_1 = v' + (w h / 2) (a(q_1) + M^-1 J(q_1)^T mu)  with  J(q_1) v_1 + df/dt(q_1) = 0.

    - `weights`: dimensionless, a palindrome that sums to 1, so that a step with -h undoes the step with h.

    Symplectic on the constraint manifold, symmetric, of order 2 for one weight. Raises `MethodError` for weights that
    sum to something else or are no palindrome.
    Source: Andersen, Journal of Computational Physics 52 (1983) 24; Hairer, Lubich, Wanner, Geometric Numerical
    Integration, VII.1.4, theorem 1.3.
    """

    name: str
    order: int
    source: str
    weights: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        total = math.fsum(self.weights)
        if abs(total - 1.0) > 2.0**-52 * sum(map(abs, self.weights)):
            raise MethodError(f"method {self.name!r}: the weights sum to {total!r}, must sum to 1")
        if self.weights != self.weights[::-1]:
            raise MethodError(f"method {self.name!r}: the weights {self.weights} are no palindrome")


RATTLE = Rattle(
    "rattle", 2, "Andersen, Journal of Computational Physics 52 (1983) 24, doi:10.1016/0021-9991(83)90014-1"
)

RATTLE4 = Rattle(
    "rattle4",
    4,
    "Reich, SIAM Journal on Numerical Analysis 33 (1996) 475; weights of Suzuki, Physics Letters A 146 (1990) 319",
    (0.4144907717943757, 0.4144907717943757, -0.6579630871775028, 0.4144907717943757, 0.4144907717943757),
)

METHODS = (RATTLE, RATTLE4)
