"""Equations among measured quantities, without time: the same `fit`, and solutions by Newton's method."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Unpack

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.keywords import takes
from symphys.language.networks import networks_in
from symphys.learn.fit import fit
from symphys.learn.options import FitOptions, read_options
from symphys.learn.relations import RelationSystem, evaluate_at, slopes_at, solve_at, symbols_in
from symphys.learn.result import Fit
from symphys.mechanics.graph import postorder
from symphys.mechanics.notation import latex_lines, text, text_lines
from symphys.mechanics.read import scalar
from symphys.simulate.compiled import Kernels, kernels_for

Values = NDArray[Any]


@dataclass(frozen=True, init=False, repr=False)
class Relation:
    """Equations lhs_i = rhs_i hold among real quantities at every sample.

    equations: `sympy.Eq`, or expressions that vanish, in symbols (as `parameters` makes them) and networks. Which
    symbols are measured and which unknown is for `fit` to say: an adiabatic energy as the eigenvalue of an unknown
    matrix, or old and new momenta as derivatives of one generating function.

    Raises `InputError` for what is no real scalar equation.
    """

    equations: tuple[Any, ...]

    def __init__(self, *equations: Any) -> None:
        listed = [each for e in equations for each in (e if isinstance(e, Sequence | sympy.MatrixBase) else [e])]
        if not listed:
            raise InputError("a relation needs at least one equation; give Eq(y, f(x))")
        object.__setattr__(self, "equations", tuple(_equation(e) for e in listed))

    @property
    def symbols(self) -> tuple[Any, ...]:
        """Every symbol, sorted by name."""
        return symbols_in(self.equations)

    @property
    def networks(self) -> tuple[Any, ...]:
        """The networks, sorted by name."""
        return networks_in(postorder(self.equations))

    @takes(FitOptions)
    def fit(
        self,
        data: Mapping[Any, Any],
        unknowns: Iterable[Any] | None = None,
        parameters: Mapping[Any, Any] | None = None,
        *,
        backend: str = "cpu",
        **options: Unpack[FitOptions],
    ) -> Fit:
        """Find unknown symbols, arrays and networks; the loss is the mean of (lhs - rhs)^2 over samples and equations.

        data: {symbol: values [samples]}, what was measured; NaN is what is missing. Everything else as for
        `Lagrangian.fit`, and `backend` as for `Lagrangian.compile`; `weights` and `relative_error` know an equation by
        the measured symbol on its left.
        Raises as that does.
        """
        if not isinstance(data, Mapping):
            raise InputError(f"the data are of type {type(data).__name__}; give {{symbol: values}}")
        read = read_options(**options)
        measured = tuple(s for s in self.symbols if s in data)
        system = RelationSystem(tuple((e.lhs, e.rhs) for e in self.equations), measured, self._kernels(backend))
        return fit(system, data, unknowns, parameters or {}, read)

    def evaluate(
        self,
        expression: Any,
        values: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        *,
        backend: str = "cpu",
    ) -> Values:
        """An expression in symbols and networks (or several, on a first axis), at values that broadcast.

        backend: as for `Lagrangian.compile`. Raises `InputError` for symbols and networks without a value.
        """
        several = isinstance(expression, Sequence | sympy.MatrixBase)
        listed = [scalar(e, "expression") for e in (list(expression) if several else [expression])]
        found = evaluate_at(self._kernels(backend), listed, {**values, **(parameters or {})})
        return found if several else np.asarray(found[0])

    def solve(
        self,
        quantities: Sequence[Any],
        values: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        guess: Mapping[Any, Any] | None = None,
        *,
        backend: str = "cpu",
    ) -> dict[Any, Values]:
        """{quantity: array} such that the equations hold, given all other values, by Newton's method to rounding.

        guess: {quantity: array}, 0 by default. backend: as for `Lagrangian.compile`. Raises `InputError` for another
        number of quantities than equations, for missing values, and where the method does not converge.
        """
        given = {**values, **(parameters or {})}
        return dict(solve_at(self._kernels(backend), self._residuals, quantities, given, guess or {}))

    def jacobian(
        self,
        quantities: Sequence[Any],
        by: Sequence[Any],
        values: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        *,
        backend: str = "cpu",
    ) -> Values:
        """[..., quantities, by], the derivatives of implicit functions: -(dR/dquantities)^-1 dR/dby for R = rhs - lhs.

        values: of all symbols, at a solution. backend: as for `Lagrangian.compile`.
        Raises `InputError` as `solve` does.
        """
        if len(quantities) != len(self.equations):
            raise InputError(f"{len(self.equations)} equations do not fix {len(quantities)} quantities; name as many")
        given = {**values, **(parameters or {})}
        _, rows, shape = slopes_at(self._kernels(backend), self._residuals, (*quantities, *by), given)
        n = len(quantities)
        return -np.linalg.solve(rows[:, :, :n], rows[:, :, n:]).reshape(*shape, n, len(by))

    @property
    def _residuals(self) -> tuple[Any, ...]:
        return tuple(e.rhs - e.lhs for e in self.equations)

    def _kernels(self, backend: str) -> Kernels:
        """What was compiled for these equations and a backend."""
        if backend not in self._evaluators:
            self._evaluators[backend] = kernels_for(backend, "float64")
        return self._evaluators[backend]

    @cached_property
    def _evaluators(self) -> dict[str, Kernels]:
        """Compiled expressions by backend."""
        return {}

    def __str__(self) -> str:
        return f"Relation in {', '.join(map(text, self.symbols))}:\n{text_lines(self.equations)}"

    def __repr__(self) -> str:
        return f"Relation({', '.join(map(text, self.equations))})"

    def _repr_latex_(self) -> str:
        return latex_lines(self.equations)


def _equation(given: Any) -> Any:
    """An equation between real expressions."""
    if given in (sympy.true, sympy.false):
        raise InputError("an equation holds or fails whatever is measured; both sides must differ in symbols")
    sides = (given.lhs, given.rhs) if isinstance(given, sympy.Equality) else (sympy.S.Zero, given)
    lhs, rhs = (scalar(side, "side of an equation") for side in sides)
    return sympy.Eq(lhs, rhs, evaluate=False)
