"""Gauss-Legendre collocation, symplectic for every Hamiltonian, separable or not, and its reference step."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symphys.errors import MethodError
from symphys.integrators.arithmetic import add_scaled, combine

State = tuple[Any, ...]
Rates = Callable[[Any, State], State]


@dataclass(frozen=True)
class Gauss:
    """A collocation method at the Gauss points: Y_i = x + h sum_j a_ij k_j, x_new = x + h sum_i b_i k_i.

    Of order 2 `stages`, A-stable, symmetric, and symplectic: b_i a_ij + b_j a_ji = b_i b_j. Conserves quadratic
    invariants exactly. `a`: [stages, stages], `b`, `c`: [stages]; dimensionless.
    Raises `MethodError` if the shapes do not fit or the identities above do not hold to rounding.
    Source: Hairer, Lubich, Wanner, Geometric Numerical Integration, II.1.3 and VIII.6.
    """

    name: str
    order: int
    stages: int
    source: str
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]

    def __post_init__(self) -> None:
        s = self.stages
        if not (len(self.a) == len(self.b) == len(self.c) == s and all(len(row) == s for row in self.a)):
            raise MethodError(f"method {self.name!r}: a, b and c do not have the shapes of {s} stages")
        # Entries below one carry errors of 2^-54; sums and products of few of them stay within these bounds.
        for i in range(s):
            if abs(sum(self.a[i]) - self.c[i]) > s * 2.0**-52:
                raise MethodError(f"method {self.name!r}: row {i} of a sums to {sum(self.a[i])!r}, not {self.c[i]!r}")
            for j in range(s):
                product = self.b[i] * self.b[j]
                if abs(self.b[i] * self.a[i][j] + self.b[j] * self.a[j][i] - product) > 2.0**-52:
                    raise MethodError(f"method {self.name!r}: not symplectic in the stages {i} and {j}")

    @property
    def predictor(self) -> tuple[tuple[float, ...], ...]:
        """Rows e_i with Y_i of the next step = x_new + h sum_j e_ij k_j + O(h^(stages + 1)), from the k_j of this one.

        The polynomial through the rates of the last step, integrated from 1 to 1 + c_i: the starting values that save
        an iteration or two. Source: Hairer, Lubich, Wanner, VIII.6.1 (B).
        """
        return tuple(_lagrange_integrals(self.c, 1.0, 1.0 + c) for c in self.c)


def stage_states(gauss: Gauss, x: State, h: Any, stages: tuple[State, ...]) -> tuple[State, ...]:
    """The states Y_i = x + h sum_j a_ij k_j at the Gauss points."""
    return tuple(add_scaled(x, h, combine(row, stages)) for row in gauss.a)


def stage_rates(gauss: Gauss, rates: Rates, t: Any, h: Any, states: tuple[State, ...]) -> tuple[State, ...]:
    """The rates k_i = f(t + c_i h, Y_i) at the Gauss points; one fixed-point sweep is this after `stage_states`."""
    return tuple(rates(t + c * h, state) for c, state in zip(gauss.c, states, strict=True))


def predicted_states(gauss: Gauss, x: State, h: Any, stages: tuple[State, ...]) -> tuple[State, ...]:
    """Starting values for the stage states of a step from `x`, extrapolated from the stages of the step before."""
    return tuple(add_scaled(x, h, combine(row, stages)) for row in gauss.predictor)


def gauss_update(gauss: Gauss, x: State, h: Any, stages: tuple[State, ...]) -> State:
    """The new state x + h sum_i b_i k_i."""
    return add_scaled(x, h, combine(gauss.b, stages))


def gauss_step(
    gauss: Gauss, rates: Rates, t: float, x: State, h: float, sweeps: int = 200
) -> tuple[tuple[State, ...], State]:
    """The stages and the new state of one step, by fixed-point iteration on plain numbers until nothing changes.

    Contracts while h times the Lipschitz constant of the rates is below about one. Raises `MethodError` if the stages
    still move after `sweeps` iterations.
    """
    states = tuple(x for _ in range(gauss.stages))
    change = previous = float("inf")
    for _ in range(sweeps):
        stages = stage_rates(gauss, rates, t, h, states)
        moved = stage_states(gauss, x, h, stages)
        change = max(abs(a - b) for one, two in zip(moved, states, strict=True) for a, b in zip(one, two, strict=True))
        states = moved
        # Rounding keeps the last digits in motion: stop when the change no longer falls, as well as at zero.
        if change == 0.0 or (change >= previous and change <= 1e-10 * _size(states)):
            return stages, gauss_update(gauss, x, h, stages)
        previous = change
    raise MethodError(
        f"method {gauss.name!r}: the stages still change by {change:.3g} after {sweeps} sweeps with step {h}; "
        "take a smaller step"
    )


def _size(states: tuple[State, ...]) -> float:
    return 1.0 + float(max(abs(component) for state in states for component in state))


def _lagrange_integrals(nodes: tuple[float, ...], start: float, stop: float) -> tuple[float, ...]:
    exact = [Fraction(node) for node in nodes]
    integrals = []
    for j, node in enumerate(exact):
        polynomial = [Fraction(1)]
        for other in exact[:j] + exact[j + 1 :]:
            shifted = [Fraction(0), *polynomial]
            scaled = [*(-other * coefficient for coefficient in polynomial), Fraction(0)]
            polynomial = [(a + b) / (node - other) for a, b in zip(shifted, scaled, strict=True)]
        integrals.append(
            float(
                sum(
                    coefficient * (Fraction(stop) ** (k + 1) - Fraction(start) ** (k + 1)) / (k + 1)
                    for k, coefficient in enumerate(polynomial)
                )
            )
        )
    return tuple(integrals)
