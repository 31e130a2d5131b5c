"""Whether something vanishes for all solutions of the field equations.

Where the equations can be solved for the highest rates of all fields, these are put in.  Gauge theories have equations
without rates, and other fields that no equation fixes; there random points of jet space are moved onto the equations
and all their derivatives, order by order of derivative, for each order enters linearly (the Lagrangian theories of
physics are formally integrable: derived equations of lower order follow from the equations by Noether's second
    theorem).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.errors import DegenerateLagrangianError, UnsupportedError
from symphys.fields.calculus import total_derivative
from symphys.fields.jets import FieldJets
from symphys.fields.read import Density
from symphys.fields.shell import Solved, solve_for_rates
from symphys.mechanics.graph import free_symbols
from symphys.mechanics.probe import vanishes
from symphys.mechanics.symmetries.sample import Sampler, draw

_POINTS = 3
_TOLERANCE = 1e-8  # relative; double precision leaves 1e-12 of what cancels in a few hundred terms
_STEPS = 8  # of Newton's method; one is enough where an order enters linearly


def vanishes_on_shell(expression: Any, density: Density, residuals: Sequence[Any]) -> bool:
    """Whether an expression in jet symbols is zero for every solution of residuals = 0."""
    if vanishes((expression,)):
        return True
    solved = _solved(density, residuals)
    if solved is not None:
        if vanishes((solved.shell.reduced(expression),)):
            return True
        if not solved.constraints:
            return False
    return all(_vanishes_at_random(expression, density, residuals, seed) for seed in range(_POINTS))


def remainder_on_shell(expression: Any, density: Density, residuals: Sequence[Any]) -> Any:
    """What an expression in jet symbols becomes when highest rates are put in, as far as they can be."""
    solved = _solved(density, residuals)
    return expression if solved is None else solved.shell.reduced(expression)


def _solved(density: Density, residuals: Sequence[Any]) -> Solved | None:
    try:
        return solve_for_rates(density, tuple(residuals))
    except (UnsupportedError, DegenerateLagrangianError):
        return None


def _vanishes_at_random(expression: Any, density: Density, residuals: Sequence[Any], seed: int) -> bool:
    """The value at one random point on the equations, against the size of its terms."""
    jets = density.jets
    equations = [*residuals, *(jets.conjugated(each) for each in residuals)]
    highest = _order((expression,), jets)
    levels = _levels([each for each in equations if each != 0], highest, jets)
    terms = sympy.Add.make_args(sympy.expand(expression))
    symbols = free_symbols((*terms, *(each for level in levels.values() for each in level)))
    values = draw(sorted(symbols, key=str), 1, seed)
    for order in sorted(levels):
        _satisfy(levels[order], order, values, jets)
    found, _ = Sampler(values)(terms, 1)
    return bool(abs(found.sum()) <= _TOLERANCE * np.abs(found).sum())


def _levels(equations: Sequence[Any], highest: int, jets: FieldJets) -> dict[int, list[Any]]:
    """The equations and their derivatives, by the order of the highest derivative of fields in each."""
    levels: dict[int, list[Any]] = {}
    for equation in equations:
        own = _order((equation,), jets)
        current = {jets.zero: equation}
        for order in range(own, highest + 1):
            levels.setdefault(order, []).extend(current.values())
            if order == highest:
                break
            current = {
                tuple(n + (k == axis) for k, n in enumerate(index)): total_derivative((each,), axis, jets)[0]
                for index, each in current.items()
                for axis in range(max((k for k, n in enumerate(index) if n), default=0), len(index))
            }
    return levels


def _order(expressions: Sequence[Any], jets: FieldJets) -> int:
    found = [jets.jet(symbol) for symbol in jets.present(expressions)]
    return max((sum(jet.index) for jet in found if jet is not None and jet.function in jets.fields), default=0)


def _satisfy(equations: Sequence[Any], order: int, values: dict[Any, NDArray[np.complex128]], jets: FieldJets) -> None:
    """Move the jets of one order so that the equations hold, by the shortest way."""
    free = [
        symbol
        for symbol in jets.present(equations)
        if (jet := jets.jet(symbol)) is not None and jet.function in jets.fields and sum(jet.index) == order
    ]
    tangents = {symbol: np.zeros((len(free), 1), complex) for symbol in free}
    for place, symbol in enumerate(free):
        tangents[symbol][place] = 1.0
    for _ in range(_STEPS):
        found, slopes = Sampler(values, tangents)(list(equations), 1)
        step = np.linalg.lstsq(slopes[:, :, 0], -found[:, 0], rcond=1e-10)[0]
        for symbol, change in zip(free, step, strict=True):
            values[symbol] = values[symbol] + change
        if np.abs(step).max(initial=0.0) <= 1e-13 * max(np.abs(values[symbol]).max() for symbol in free):
            return
