"""Explicit Runge-Kutta methods as validated Butcher tableaus, and their step written with + and * alone.

The step reads its coefficients from data and its numbers from the caller: with floats it integrates, with truncated
power series it shows its order, with compiler nodes it becomes a kernel.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from symphys.errors import MethodError
from symphys.integrators.arithmetic import add_scaled, combine, weighted
from symphys.integrators.chebyshev import clenshaw, shifted_chebyshev

State = tuple[Any, ...]
Rates = Callable[[Any, State], State]


@dataclass(frozen=True)
class ExplicitTableau:
    """An explicit Runge-Kutta method, x_new = x + h sum_i b_i k_i with k_i = f(t + c_i h, x + h sum_j<i a_ij k_j).

    - `a`: strictly lower rows, row i has i entries; `b`, `c`: one entry a stage; all dimensionless.
    - `errors`: rows of error weights, b - b_hat; their norms drive the step size with the exponent
      1 / (`error_order` + 1).
    - `fsal`: the last stage is f(t + h, x_new), and so the first one of the next step.
    - `interpolant`: x(t + theta h) = x + h sum_i k_i sum_p interpolant[i][p] theta^(p+1), one row a stage, those of
      `extra_a` (computed after a step is accepted) included; its values are of order `interpolant_order`.

    Raises `MethodError` if the shapes do not fit, a row of `a` does not sum to its c, or a weight row is inconsistent.
    Source: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.1 (tableau), II.4 (pairs), II.6
    (dense output).
    """

    name: str
    order: int
    source: str
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]
    errors: tuple[tuple[float, ...], ...] = ()
    error_order: int = 0
    fsal: bool = False
    interpolant: tuple[tuple[float, ...], ...] = ()
    interpolant_order: int = 0
    extra_a: tuple[tuple[float, ...], ...] = ()
    extra_c: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        stages = len(self.b)
        _require(len(self.a) == len(self.c) == stages, self.name, f"a, b and c need {stages} rows each, as b has")
        _require(len(self.extra_a) == len(self.extra_c), self.name, "extra_a and extra_c differ in length")
        for i, (row, c) in enumerate(zip(self.a + self.extra_a, self.c + self.extra_c, strict=True)):
            _require(len(row) == i, self.name, f"row {i} of a has {len(row)} entries, an explicit method needs {i}")
            _require_sum(row, c, self.name, f"row {i} of a")
        _require_sum(self.b, 1.0, self.name, "b")
        for weights in self.errors:
            _require(len(weights) == stages, self.name, f"an error row has {len(weights)} entries, needs {stages}")
            _require_sum(weights, 0.0, self.name, "an error row")
        _require(bool(self.errors) == (self.error_order > 0), self.name, "errors and error_order go together")
        if self.fsal:
            _require(self.c[-1] == 1.0, self.name, "with fsal the last c must be 1")
            _require(self.a[-1] == self.b[:-1] and self.b[-1] == 0.0, self.name, "with fsal row -1 of a must be b")
        if self.interpolant:
            _require(len(self.interpolant) == stages + len(self.extra_a), self.name, "interpolant needs a row a stage")
            _require(len({len(row) for row in self.interpolant}) == 1, self.name, "interpolant rows differ in length")
            for row, b in zip(self.interpolant, self.b + (0.0,) * len(self.extra_a), strict=True):
                _require_sum(row, b, self.name, "an interpolant row at theta = 1")
        _require(bool(self.interpolant) == (self.interpolant_order > 0), self.name, "interpolant needs its order")

    @property
    def stages(self) -> int:
        """The number of stages of a step, without those that only dense output needs."""
        return len(self.b)

    @property
    def adaptive(self) -> bool:
        """Whether the method estimates its error, so that a tolerance can choose its steps."""
        return bool(self.errors)


def explicit_step(
    tableau: ExplicitTableau, rates: Rates, t: Any, x: State, h: Any, first: State | None = None
) -> tuple[tuple[State, ...], State, tuple[State, ...]]:
    """One step of an explicit method: the stages k_i, the new state, and the error vector of each error row.

    - `rates(t, x)` gives dx/dt as a tuple of the length of `x`.
    - `first` is k_1 where it is known (the last stage of an accepted step of an fsal method).

    Coefficients that are zero produce no operation; errors carry the factor h.
    """
    stages = [rates(t, x) if first is None else first]
    argument = x
    for row, c in zip(tableau.a[1:], tableau.c[1:], strict=True):
        argument = add_scaled(x, h, combine(row, stages))
        stages.append(rates(t + c * h, argument))
    # With fsal the last argument is the new state already: the same sum is not taken twice.
    new = argument if tableau.fsal else add_scaled(x, h, combine(tableau.b, stages))
    errors = tuple(tuple(h * e for e in combine(weights, stages)) for weights in tableau.errors)
    return tuple(stages), new, errors


def dense_stages(
    tableau: ExplicitTableau, rates: Rates, t: Any, x: State, h: Any, stages: Sequence[State]
) -> tuple[State, ...]:
    """The stages of an accepted step followed by those that only its dense output needs (none for most methods)."""
    extended = list(stages)
    for row, c in zip(tableau.extra_a, tableau.extra_c, strict=True):
        extended.append(rates(t + c * h, add_scaled(x, h, combine(row, extended))))
    return tuple(extended)


def interpolate(tableau: ExplicitTableau, x: State, h: Any, stages: Sequence[State], theta: Any) -> State:
    """The state at t + theta h inside a step from (t, x), 0 <= theta <= 1, from the stages of `dense_stages`.

    Each component is theta times a polynomial in theta, taken in Chebyshev's basis, where nothing cancels. Raises
    `MethodError` if the method has none.
    """
    _require(bool(tableau.interpolant), tableau.name, "has no dense output; choose tsit5, dopri5 or dop853")
    rows = [shifted_chebyshev(row) for row in tableau.interpolant]
    total = clenshaw([combine(column, stages) for column in zip(*rows, strict=True)], theta)
    return tuple(xi + h * (theta * k) for xi, k in zip(x, total, strict=True))


def stage_weights(tableau: ExplicitTableau, theta: float) -> tuple[float, ...]:
    """The weights b_i(theta) of the dense output, x(t + theta h) = x + h sum_i b_i(theta) k_i, for a known theta."""
    return tuple(weighted(row, [theta ** (p + 1) for p in range(len(row))]) for row in tableau.interpolant)


def _require(condition: bool, name: str, problem: str) -> None:
    if not condition:
        raise MethodError(f"method {name!r}: {problem}")


def _require_sum(row: Sequence[float], target: float, name: str, what: str) -> None:
    # Rounded entries miss their sum by half a unit in the last place each.
    tolerance = 2.0**-52 * (sum(abs(entry) for entry in row) + abs(target)) * max(1, len(row))
    total = math.fsum(row)
    _require(abs(total - target) <= tolerance, name, f"{what} sums to {total!r}, must sum to {target!r}")
