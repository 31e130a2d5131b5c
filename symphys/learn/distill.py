"""A learnt term read back: the sparse formula over a basis of functions that comes nearest to it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from symphys.errors import InputError
from symphys.language.networks import NetworkSymbol
from symphys.learn.candidates import default_basis
from symphys.learn.read_distill import (
    Ground,
    read_components,
    read_functions,
    read_points,
    read_roots,
    read_symbol,
)
from symphys.learn.sparse import Choice, choose_columns, coefficients_of
from symphys.simulate.compiled import kernels_for
from symphys.simulate.inputs import whole_number

Floats = NDArray[np.float64]
HELD_BACK = 3  # every third point judges which functions are taken
ROUNDING = 1e-12  # relative: what is explained to this is explained
POOR = 0.1  # relative error from which a formula is no reading of the term


@dataclass(frozen=True)
class Distillation:
    """A formula for a learnt term, and how far it can be believed.

    formula: sum of coefficient times function. terms: {function: coefficient}. gauge: {function: coefficient} of what
    was fitted beside and left out, as nothing that was measured depends on it; divided as `scale`, the number by which
    the learnt term was divided so that it is normalised, says. error: root of the mean squared difference between term
    and formula at all points, relative to the spread of the term about its gauge. residual: the same with the units of
    the (normalised) term. tried: the error at points that were held back, by the number of functions, {k: error}.
    """

    formula: Any
    terms: Mapping[Any, float]
    gauge: Mapping[Any, float]
    scale: float
    error: float
    residual: float
    tried: Mapping[int, float]

    def __str__(self) -> str:
        left = f"; left out: {', '.join(map(str, self.gauge))}" if self.gauge else ""
        return f"{self.formula}  (relative error {self.error:.2g}{left})"


def distill(
    term: Any,
    weights: Any,
    inputs: Sequence[Any],
    domain: Sequence[tuple[float, float]] | None = None,
    basis: Sequence[Any] | None = None,
    *,
    points: ArrayLike | None = None,
    density: Any = None,
    order: int = 0,
    gauge: Sequence[Any] = (),
    normalise: Mapping[Any, Any] | None = None,
    gain: float = 4.0,
    seed: int = 0,
    report: bool = False,
    backend: str = "cpu",
) -> Any:
    """The learnt term as a sparse formula: the few functions of a basis that explain it, with their coefficients.

    f(x) = sum_k c_k b_k(x), least squares over points of the domain. Of all choices of functions (of a chain of them,
    beyond twelve) the one is taken from which a further function would not lower the error at held-back points by the
    factor `gain`; its coefficients are those of all points.

    term, weights: a network with its weights; or an expression that holds networks (a momentum, an entry of a mass
    matrix), with {network: weights, parameter: number}, as `Fit.parameters` is.
    inputs: [d], the symbols of the formula, in the order of the network's inputs; coordinates and rates may be used.
    domain: (lower, upper) for each input, filled evenly; or points [n, d] ([n] with one input), such as the data.
    density: weights of the points, [n] or an expression in the inputs; 1 by default.
    basis: functions of the inputs; by default polynomials, harmonics of angles, reciprocals, cosine and sine.
    order: 0 compares values, 1 slopes: what forces were learnt from, and blind for constants.
    gauge: functions that may be added to the term without consequences, such as 1 for a potential, or v and q v for a
    Lagrangian: they are fitted along, cost nothing, and are left out of the formula.
    normalise: {function: number}, the coefficient that this function is to have, for terms learnt up to their scale.
    backend: where term and functions are evaluated, as for `Lagrangian.compile`.
    report: also how good the formula is, as a `Distillation`. Networks of several outputs give a Tuple of formulas, or
    a tuple of reports.

    Raises `InputError` for terms, inputs, domains and functions that do not fit each other, for functions that are not
    finite on the domain, and where what is to be normalised is not in the formula. Warns where the formula leaves more
    than a tenth of the term unexplained: the basis then lacks something. Sources: Brunton, Proctor, Kutz, PNAS 113
    (2016) 3932; Cranmer et al., "Discovering symbolic models from deep learning", NeurIPS 33 (2020).
    """
    shown = tuple(read_symbol(x) for x in inputs)
    if not shown or len(set(shown)) < len(shown):
        raise InputError(f"inputs = {shown}; give the symbols of the formula, each once")
    if not float(gain) > 1:
        raise InputError(f"gain = {gain}; give the factor above 1 by which a further function must lower the error")
    if order not in (0, 1):
        raise InputError(f"order = {order!r}; terms are compared by their values, 0, or their slopes, 1")
    held = tuple(sympy.Symbol(f"x{i}", real=True) for i in range(len(shown)))
    # rates first: q' holds q, and must not lose it to q's own symbol
    names = sorted(zip(shown, held, strict=True), key=lambda pair: -sympy.count_ops(pair[0]))
    wanted, known = read_components(term, weights, shown, names)
    at = read_points(domain, points, shown, whole_number("seed", seed, least=0))
    kernels = kernels_for(backend, "float64")
    roots = read_roots(density, at, held, names, kernels)
    widths = np.maximum(np.ptp(at, axis=1), 1e-300)
    ground = Ground(held, at, roots / np.sqrt(np.sum(roots**2)), widths, order, kernels)
    if basis is None:
        network = term if isinstance(term, NetworkSymbol) else None
        basis = default_basis(shown, at, dict(network.periodic) if network else {}, network.even if network else ())
    free = read_functions(gauge, "gauge", names, ground)
    offered = {f: g for f, g in read_functions(basis, "basis", names, ground).items() if f not in free}
    if not offered:
        raise InputError("the basis is empty; give at least one function that is no gauge")
    found = [_read(each, known, ground, offered, free, normalise or {}, float(gain)) for each in wanted]
    for name, each in zip(_titles(term, len(found)), found, strict=True):
        if each.error > POOR:
            warnings.warn(
                f"the formula {each.formula} leaves {each.error:.0%} of {name} unexplained: the basis lacks something; "
                "add functions, narrow the domain or lower gain",
                stacklevel=2,
            )
    if isinstance(term, NetworkSymbol) and term.outputs > 1:
        return tuple(found) if report else sympy.Tuple(*(each.formula for each in found))
    return found[0] if report else found[0].formula


def _read(
    wanted: Any,
    known: Mapping[NetworkSymbol, Floats],
    ground: Ground,
    offered: Mapping[Any, Any],
    free: Mapping[Any, Any],
    normalise: Mapping[Any, Any],
    gain: float,
) -> Distillation:
    values = ground.rows([wanted], known)[:, 0]
    if not np.isfinite(values).all():
        raise InputError("the learnt term is not finite on the domain; narrow it")
    names = [*free, *offered]
    columns = ground.rows([*free.values(), *offered.values()], {})
    seen = np.linalg.norm(columns, axis=0) > 0  # slopes do not see constants
    always = int(np.count_nonzero(seen[: len(free)]))
    names, columns = [name for name, at in zip(names, seen, strict=True) if at], columns[:, seen]
    if columns.shape[1] > len(values) * (HELD_BACK - 1) // HELD_BACK:
        raise InputError(f"{columns.shape[1]} functions and {len(values)} values; give more points or fewer functions")
    bare = values - columns[:, :always] @ coefficients_of(columns[:, :always], values) if always else values
    spread = float(np.linalg.norm(bare if always or ground.order else values - _mean(values, ground)))
    back = np.arange(len(values)) % HELD_BACK == HELD_BACK - 1
    root = np.sqrt(len(values))  # rows hold the weights: a sum is a mean
    taken, tried = choose_columns(
        (columns[~back], values[~back]),
        (root * columns[back], root * values[back]),
        always,
        gain,
        ROUNDING * max(spread, ROUNDING * float(np.linalg.norm(values))),
    )
    chosen = list(taken.columns)
    coefficients = coefficients_of(columns[:, chosen], values) if chosen else np.zeros(0)
    off = float(np.linalg.norm(columns[:, chosen] @ coefficients - values))
    scale = _scale(normalise, [names[i] for i in chosen], coefficients)
    pairs = {names[i]: float(c) / scale for i, c in zip(chosen, coefficients, strict=True)}
    gauge = {f: c for f, c in pairs.items() if f in free}
    terms = {f: c for f, c in pairs.items() if f not in free}
    formula = sympy.Add(*(sympy.Float(c) * f for f, c in terms.items()))
    relative = spread or 1.0
    return Distillation(
        formula, terms, gauge, scale, off / relative, off / abs(scale), _by_size(tried, always, relative)
    )


def _by_size(tried: Sequence[Choice], always: int, spread: float) -> dict[int, float]:
    return {len(choice.columns) - always: choice.error / spread for choice in tried}


def _mean(values: Floats, ground: Ground) -> Floats:
    """The mean of weighted values, with their weights: a constant term has no spread."""
    return ground.roots * float(ground.roots @ values)


def _scale(normalise: Mapping[Any, Any], chosen: Sequence[Any], coefficients: Floats) -> float:
    if not normalise:
        return 1.0
    if len(normalise) > 1:
        raise InputError(f"normalise holds {len(normalise)} functions; a term has one scale: give one function")
    function, value = next((sympy.sympify(f), float(c)) for f, c in normalise.items())
    if function not in chosen or not value:
        listed = ", ".join(map(str, chosen)) or "nothing"
        raise InputError(
            f"normalise asks for {value:g} times {function}, but the formula holds {listed}; name a function that it "
            "holds, and a coefficient that is not 0"
        )
    return float(coefficients[list(chosen).index(function)]) / value


def _titles(term: Any, count: int) -> list[str]:
    return [str(term)] if count == 1 else [f"{term}_{i}" for i in range(count)]
