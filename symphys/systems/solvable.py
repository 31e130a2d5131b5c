"""Field theories solved within an ansatz."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symphys.fields.read import Density
from symphys.learn.solve_fields import FieldSolution, Problem, solve_fields
from symphys.simulate.compiled import kernels_for


class SolvableFields:
    """A field theory whose equations can be solved by residuals; `LagrangianDensity` is one."""

    density: Density

    @property
    def _residuals(self) -> tuple[Any, ...]:
        """What the equations say vanishes, one for each field, in jet symbols."""
        raise NotImplementedError

    def solve(
        self,
        ansatz: Mapping[Any, Any],
        domain: Mapping[Any, tuple[float, float]],
        conditions: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        *,
        weights: Mapping[Any, float] | None = None,
        guess: Mapping[Any, Any] | None = None,
        points: int | None = None,
        seed: int = 0,
        steps: int | None = None,
        progress: bool | Callable[[float], None] | None = None,
        backend: str = "cpu",
    ) -> FieldSolution:
        """Fields within an ansatz that satisfy the field equations and conditions, at all points together.

        ansatz: {field: expression in coordinates, networks and parameters}, such as {psi: N(t, x)[0] + I * N(t, x)[1]};
            what has no value among `parameters` is found: weights of networks, numbers, arrays.
        domain: {coordinate: (start, stop)}, the time among them.
        conditions: {expression: value}, as SymPy's `dsolve` takes them: {psi.subs(t, 0): packet, psi.subs(x, -5): 0,
            phi.diff(t).subs(t, 0): 0}; sums such as psi.subs(x, 0) - psi.subs(x, 1) may stand on the left.
        weights: {condition: weight}, 1 by default; what is made least is the mean of |residual|^2 over the domain, with
            weight times the mean of |condition|^2 over its face, on a quadrature of `points` along each axis.
        guess: {symbol: number, network: weights}; the seed draws other weights. steps: at most so many.
        backend: where residuals and their slopes are computed, as for `compile`.

        Where all residuals are linear in the unknowns they are solved at once by least squares, else by damped
        Gauss-Newton steps. An equation that the ansatz satisfies by construction (a sum of plane waves, each with its
        frequency) costs nothing. Raises `InputError` for what is missing, unknown or does not fit, `UnsupportedError`
        for functions of complex numbers that do not compile, `BackendUnavailableError` where the backend cannot run
        here.
        """
        jets = self.density.jets
        residuals = zip(self.density.fields, self._residuals, strict=True)
        problem = Problem(
            self.density.coordinates,
            {each: jets.from_jet(residual) for each, residual in residuals},
            dict(ansatz),
            dict(domain),
            dict(conditions),
            dict(parameters or {}),
            dict(weights or {}),
            dict(guess or {}),
            points,
        )
        return solve_fields(problem, seed, steps, progress, kernels_for(backend, "float64"))
