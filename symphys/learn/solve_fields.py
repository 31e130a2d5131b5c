"""Field equations solved within an ansatz: fields replaced by expressions with unknowns, and residuals made least.

F = sum over equations of the mean over the domain of |residual|^2 + sum over conditions of weight times the mean over
its face of |condition|^2, with means by Gauss-Legendre quadrature: least squares where residuals are linear in the
unknowns, else Gauss-Newton steps. With networks: Lagaris, Likas, Fotiadis, IEEE Trans. Neural Netw. 9 (1998) 987;
Raissi, Perdikaris, Karniadakis, J. Comput. Phys. 378 (2019) 686. With sums of solutions: Trefftz (1926).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from symphys.errors import InputError
from symphys.fields.replace import fields_in, functions_left, with_fields_replaced
from symphys.language import spread_arrays
from symphys.language.networks import networks_in
from symphys.learn.joined import JoinedObjective
from symphys.learn.least_squares import solve_linear_least_squares
from symphys.learn.levenberg_marquardt import levenberg_marquardt
from symphys.learn.loss import Question
from symphys.learn.options import LARGE, LEAST_SQUARES, MARQUARDT, STEPS
from symphys.learn.quadrature import quadrature
from symphys.learn.samples import SampleObjective
from symphys.learn.status import FitOutcome, FitStatus
from symphys.learn.term_kernels import TermKernels, freeze
from symphys.learn.unknowns import Unknowns, read_unknowns
from symphys.learn.watch import Watch
from symphys.lower.points import point_columns, point_terms
from symphys.mechanics.graph import postorder
from symphys.simulate.compiled import Kernels
from symphys.simulate.inputs import broadcast_shape, numbers, positive_number, refuse_missing, refuse_strange
from symphys.simulate.progress import progress_report
from symphys.simulate.weights import split_weights

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """Equations {field: what is to vanish} and conditions {expression: its value} over a domain, within an ansatz.

    coordinates: of spacetime. ansatz: {field: expression}. domain: {coordinate: (start, stop)}. parameters: values of
    what is known; every other symbol is unknown. weights: {condition: weight}. points: along each axis.
    """

    coordinates: tuple[Any, ...]
    equations: Mapping[Any, Any]
    ansatz: Mapping[Any, Any]
    domain: Mapping[Any, tuple[float, float]]
    conditions: Mapping[Any, Any]
    parameters: Mapping[Any, Any]
    weights: Mapping[Any, Any]
    guess: Mapping[Any, Any]
    points: int | None

    def replaced(self, expression: Any) -> Any:
        """An expression with the ansatz in place of the fields; InputError for functions that are left."""
        made = with_fields_replaced(sympy.sympify(expression), self.ansatz)
        if left := functions_left(made):
            raise InputError(
                f"{left[0]} stands in {expression}, and nothing replaces it; add it to the ansatz, or write it as an "
                "expression in the coordinates"
            )
        return made


@dataclass(frozen=True)
class FieldSolution:
    """Fields within an ansatz that solve their equations as well as they can.

    parameters: {symbol: number, array: values, network: weights}, what was found. residuals: {field: root of the mean
    square of what is left of its equation, condition: likewise}, 0 for what the ansatz satisfies as it stands. history:
    the loss after each step. method, status: as those of fits.
    """

    parameters: Mapping[Any, Any]
    residuals: Mapping[Any, float]
    loss: float
    method: str
    history: Floats
    status: FitStatus
    values: Callable[[Any, Mapping[Any, Any]], NDArray[Any]] = field(repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the solution went where it was sent."""
        return self.status.ok

    def evaluate(self, expression: Any, points: Mapping[Any, Any]) -> NDArray[Any]:
        """An expression in fields, their derivatives, coordinates and parameters, at points {coordinate: array}.

        Arrays broadcast; values are complex where the ansatz is. Raises InputError for what is missing or unknown.
        """
        return self.values(expression, points)


def solve_fields(
    problem: Problem,
    seed: int,
    steps: int | None,
    progress: bool | Callable[[float], None] | None,
    kernels: Kernels,
) -> FieldSolution:
    """The solution of least loss; see `LagrangianDensity.solve`."""
    _check(problem)
    written = {**problem.equations, **{key: key - value for key, value in problem.conditions.items()}}
    vanishing = {name: problem.replaced(e) for name, e in written.items()}
    open_ = {name: e for name, e in vanishing.items() if sympy.expand(e) != 0}
    if not open_:
        raise InputError("the ansatz satisfies every equation and condition as it stands; nothing is left to be found")
    symbols, networks = _unfixed(problem, vanishing.values())
    given = spread_arrays(problem.parameters)
    unknowns = read_unknowns(symbols, networks, None, given, problem.guess, {}, seed)
    sets = {name: _point_set(problem, name, written[name], e, symbols, unknowns, kernels) for name, e in open_.items()}
    report, finish = progress_report(progress, "solve")
    try:
        with threadpool_limits(1 if unknowns.size < LARGE else None, user_api="blas"):
            u, method, outcome, watch = _solved(JoinedObjective(tuple(sets.values())), steps, report)
            roots = {name: _root_mean_square(sets[name], u) if name in sets else 0.0 for name in vanishing}
    finally:
        finish()
    found = unknowns.by_key(unknowns.values(u))
    status = FitStatus(outcome, len(watch.losses))
    read = partial(_evaluated, problem, kernels, {**given, **spread_arrays(found)})
    return FieldSolution(found, roots, watch.lowest, method, np.array(watch.losses), status, read)


def _solved(
    objective: JoinedObjective, steps: int | None, report: Callable[[float], None]
) -> tuple[Floats, str, FitOutcome, Watch]:
    """Free numbers of least loss, and how they were found."""
    unknowns = objective.unknowns
    if objective.linear:
        solution = solve_linear_least_squares(objective, 0.0, unknowns.guess / unknowns.scale)
        watch = Watch(1)
        watch.told(unknowns.free(solution.theta), objective.loss(unknowns.free(solution.theta)))
        return watch.best, LEAST_SQUARES, FitOutcome.SOLVED, watch
    watch = Watch(steps or STEPS[MARQUARDT], report=report)
    outcome = levenberg_marquardt(objective, unknowns.free(unknowns.guess), watch)
    return watch.best, MARQUARDT, outcome, watch


def _root_mean_square(part: SampleObjective, u: Floats) -> float:
    """The root of the mean of |r|^2 = sum over real and imaginary parts."""
    return float(np.sqrt(part.loss(u) * len(part.question.residuals)))


def _point_set(
    problem: Problem, name: Any, written: Any, expression: Any, symbols: Any, unknowns: Unknowns, kernels: Kernels
) -> SampleObjective:
    """What is to vanish at the points of the domain or of one of its faces, as squares with their weights."""
    axes = [x for x in problem.coordinates if name in problem.equations or x in written.free_symbols]
    inside, shares = _points(problem, axes)
    place = np.zeros((len(problem.coordinates), len(shares)))
    for x, row in zip(axes, inside, strict=True):
        place[problem.coordinates.index(x)] = row
    terms = point_terms(problem.coordinates, symbols, (expression,))
    given = spread_arrays(problem.parameters)
    m = len(terms.residuals)
    weight = positive_number(f"the weight of {name}", problem.weights.get(name, 1.0))
    columns = point_columns(place, [float(given.get(s, 0.0)) for s in symbols], m)
    columns["roots"] *= np.sqrt(weight * shares)
    for column in columns.values():
        freeze(column)
    made = TermKernels(terms, unknowns.symbols, unknowns.networks, kernels, ("vanishing", expression))
    places = np.array([symbols.index(s) for s in unknowns.symbols], dtype=np.int64)
    question = Question((expression,) * m, {}, (), (), (None,) * m, True)
    fixed, _ = split_weights(given, [network for network in networks_in(postorder([expression])) if network in given])
    return SampleObjective(made, unknowns, columns, places, question, fixed)


def _points(problem: Problem, axes: list[Any]) -> tuple[Floats, Floats]:
    """Points [axes, n] over some axes of the domain, and weights whose sum is 1."""
    if not axes:
        return np.zeros((0, 1)), np.ones(1)
    inside, weights = quadrature([problem.domain[x] for x in axes], problem.points)
    return inside, weights / weights.sum()


def _evaluated(
    problem: Problem, kernels: Kernels, found: Mapping[Any, Any], expression: Any, points: Mapping[Any, Any]
) -> NDArray[Any]:
    """See `FieldSolution.evaluate`."""
    wanted = problem.replaced(expression)
    symbols, networks = _unfixed(problem, [wanted])
    refuse_strange([x for x in points if x not in problem.coordinates], problem.coordinates, "coordinate")
    refuse_missing([x for x in problem.coordinates if x in wanted.free_symbols and x not in points], "value", points)
    refuse_missing([s for s in (*symbols, *networks) if s not in found], "value", found)
    read = {x: numbers("value", x, points[x]) if x in points else np.zeros(()) for x in problem.coordinates}
    shape = broadcast_shape(read)
    place = np.stack([np.broadcast_to(read[x], shape).reshape(-1) for x in problem.coordinates])
    terms = point_terms(problem.coordinates, symbols, (wanted,))
    made = TermKernels(terms, (), (), kernels, ("evaluate", wanted))
    columns = point_columns(place, [float(found[s]) for s in symbols], len(terms.residuals))
    parts = made.residuals(columns, {network: found[network] for network in networks})
    return np.asarray(parts[0] + 1j * parts[1] if len(parts) == 2 else parts[0]).reshape(shape)


def _unfixed(problem: Problem, expressions: Iterable[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The parameters and the networks in some expressions."""
    listed = list(expressions)
    symbols = set().union(*(e.free_symbols for e in listed)) - set(problem.coordinates)
    return tuple(sorted(symbols, key=lambda s: s.name)), networks_in(postorder(listed))


def _check(problem: Problem) -> None:
    """The domain, the ansatz and the conditions fit the theory."""
    refuse_strange([f for f in problem.ansatz if f not in problem.equations], list(problem.equations), "field")
    refuse_missing([f for f in problem.equations if f not in problem.ansatz], "ansatz", problem.ansatz)
    refuse_strange([x for x in problem.domain if x not in problem.coordinates], problem.coordinates, "coordinate")
    if missing := [x for x in problem.coordinates if x not in problem.domain]:
        raise InputError(f"the domain lacks an interval for {missing[0]}; give {{{missing[0]}: (start, stop)}}")
    for key in problem.conditions:
        if not fields_in(key):
            raise InputError(f"the condition {key} holds no field; write what is to hold as {{psi.subs(t, 0): value}}")
    refuse_strange(
        [key for key in problem.weights if key not in problem.conditions], list(problem.conditions), "condition"
    )
