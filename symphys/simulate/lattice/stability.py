"""Whether a step is short enough for a grid: the linear part of the equations, wave by wave (von Neumann's analysis).

On waves exp(i k x) central differences are numbers, so that the linear part is a small matrix for each k, and a step of
the method another, whose eigenvalues must not grow faster than those of the exact flow. What is left out only matters
to shorter waves where it holds derivatives as high as the linear part; then nothing is said. Strikwerda, "Finite
Difference Schemes and Partial Differential Equations" (2nd ed.), chapters 2 and 8.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.discretise import Axis, central_weights
from symphys.discretise.spectral import wave_numbers, why_no_waves
from symphys.integrators import ExplicitTableau, Splitting
from symphys.lower.lattice.layout import Layout
from symphys.simulate.lattice.choose import FieldChoice
from symphys.simulate.lattice.given import Inputs
from symphys.simulate.run_fixed import Marks

if TYPE_CHECKING:
    from symphys.simulate.lattice.simulator import FieldSimulator

Complexes = NDArray[np.complex128]
Floats = NDArray[np.float64]
MANY = 20_000  # waves that are looked at; splittings have narrow bands of instability, which few would miss
LOOKED = 512  # kinds of members that are looked at
LEAST = 1e-9  # shares of the step below which no limit is looked for


def warn_of_long_steps(simulator: FieldSimulator, inputs: Inputs, marks: Marks) -> NDArray[Any]:
    """[...], for each member what is to be said of its step, mostly nothing; the first that has something is warned of.

    Something is said where rounding alone would grow to the size of the fields within the run. Nothing is said of
    coefficients that are no finite numbers, whatever the reason: what becomes of such a run is its status to say.
    """
    said = np.full(inputs.shape, "", dtype=object)
    try:
        with np.errstate(all="ignore"):
            said[...] = _said(simulator, inputs, marks).reshape(inputs.shape)
    except (ArithmeticError, NameError, TypeError, ValueError):  # formulas that NumPy cannot evaluate
        return said
    if any(said.flat):
        warnings.warn(next(filter(None, said.flat)), stacklevel=5)
    return said


def _said(simulator: FieldSimulator, inputs: Inputs, marks: Marks) -> NDArray[Any]:
    """[members], what is to be said of each."""
    said = np.full(int(np.prod(inputs.shape)), "", dtype=object)
    values = {symbol: np.broadcast_to(a, inputs.shape).reshape(-1) for symbol, a in inputs.numbers.items()}
    part = linear_part(simulator.choice, values, len(said))
    if part is None or not len(said):
        return said
    most = -float(np.log(np.finfo(simulator.dtype).eps))
    waves = waves_of(part, simulator.choice, simulator.grid.axes)

    def growth(share: float | Floats) -> Floats:
        return waves.excess(share * marks.h) * marks.count / share

    whole = growth(1.0)
    bad = np.flatnonzero(whole > most)
    if not len(bad):
        return said
    waves = waves.only(bad)
    low = np.full(len(bad), 0.5)
    while np.any(long := (growth(low) > most) & (low > LEAST)):
        low[long] /= 2
    high, found = 2 * low, low > LEAST
    for _ in range(14):
        middle = (low + high) / 2
        long = growth(middle) > most
        low, high = np.where(long, low, middle), np.where(long, middle, high)
    texts = np.full(len(part.friction), "", dtype=object)
    for at, share, ok in zip(bad, low, found, strict=True):
        if ok:
            texts[at] = _sentence(simulator, marks, abs(marks.h) * share, np.exp(whole[at] / marks.count))
    known = part.kind >= 0
    said[known] = texts[part.kind[known]]
    return said


def _sentence(simulator: FieldSimulator, marks: Marks, most: float, factor: float) -> str:
    limit, name = f"{most:.3g}", simulator.choice.method.name
    return (
        f"dt = {abs(marks.h):g} is beyond {limit}, up to which {name!r} is stable on this grid: "
        f"waves as short as a few points grow by a factor of {factor:.3g} in each of "
        f"{marks.count} steps; take dt = {limit} or less, or a coarser grid"
    )


@dataclass(frozen=True)
class Waves:
    """The linear part on waves, of every kind of member: u' = `rates` u of first order, [kinds, waves * n], or the
    eigenvalues of u'' = `rates` u - g u'.

    friction: g [kinds]; None where equations are of first order.
    """

    method: Splitting | ExplicitTableau
    rates: Complexes
    friction: Floats | None

    def only(self, kinds: NDArray[np.int64]) -> Waves:
        """Those of some kinds of members."""
        return Waves(self.method, self.rates[kinds], None if self.friction is None else self.friction[kinds])

    def excess(self, h: float | Floats) -> Floats:
        """[kinds], by how much, as a logarithm, a step of h makes the wave grow that grows most, beyond the flow."""
        steps = np.broadcast_to(np.asarray(h, dtype=np.float64), len(self.rates))[:, None]
        slopes = self._slopes
        true = np.maximum(steps * slopes.real, 0.0)
        if isinstance(self.method, Splitting):
            assert self.friction is not None
            found = _split_growth(self.method, self.rates, self.friction[:, None], steps) - true.max(axis=0)
        else:
            grown = np.log(np.abs(_stability_function(self.method, steps * slopes))) - true
            found = grown if self.friction is None else grown.max(axis=0)
        return np.asarray(np.where(np.isnan(found), 0.0, found).max(axis=-1, initial=0.0))

    @property
    def _slopes(self) -> Complexes:
        """The eigenvalues of the flow; for second order, both roots of s^2 + g s = rate in front."""
        if self.friction is None:
            return self.rates
        friction = self.friction[:, None]
        root = np.sqrt(friction**2 / 4 + self.rates)
        return np.stack([-friction / 2 + root, -friction / 2 - root])


@dataclass(frozen=True)
class LinearPart:
    """The numbers of a theory's linear part, of each kind of member: members of a kind have them all in common.

    kind: [members], which kind a member is of; -1 where it is not looked at. coefficients: [kinds, terms], of the
    places (row, column, derivatives). friction: [kinds], zero where equations are of first order.
    """

    kind: NDArray[np.int64]
    places: tuple[tuple[int, int, tuple[int, ...]], ...]
    coefficients: Complexes
    friction: Floats


def linear_part(choice: FieldChoice, values: Mapping[Any, Floats], members: int) -> LinearPart | None:
    """The linear part of a theory, of parameters [members]; None where it does not decide or is solved by waves."""
    dynamics = choice.layout.dynamics
    structure = dynamics.structure
    if choice.split or not structure.order or dynamics.jets.shifted_axes(dynamics.rates) or not _decides(choice.layout):
        return None
    frictions = structure.friction if structure.order == 2 else ()
    if frictions is None or any(f.free_symbols - set(dynamics.parameters) for f in frictions):
        return None
    table = structure.linear
    n = range(len(dynamics.unknowns))
    terms = [((a, b, index), given) for a, b in product(n, repeat=2) for index, given in table[a][b].items()]
    formulas = [*(given for _, given in terms), *frictions]
    made = sympy.lambdify(list(values), formulas, ["scipy", "numpy"])(*values.values())
    numbers = np.array([np.broadcast_to(each, members) for each in made], dtype=np.complex128).reshape(-1, members).T
    own = numbers[:, len(terms) :].real
    told = np.isfinite(numbers).all(axis=1) & (own == own[:, :1]).all(axis=1)
    kinds, inverse = np.unique(numbers[told], axis=0, return_inverse=True)
    looked = _spread(kinds)
    place = np.full(len(kinds), -1)
    place[looked] = np.arange(len(looked))
    kind = np.full(members, -1)
    kind[told] = place[inverse.reshape(-1)]
    friction = kinds[looked, len(terms)].real if frictions else np.zeros(len(looked))
    return LinearPart(kind, tuple(each for each, _ in terms), kinds[looked, : len(terms)], friction)


def _spread(kinds: Complexes) -> NDArray[np.int64]:
    """Which rows are looked at: all, or of many those with the largest and least numbers and some."""
    if len(kinds) <= LOOKED:
        return np.arange(len(kinds))
    ends = [find(np.abs(column)) for column in kinds.T for find in (np.argmax, np.argmin)]
    return np.unique([*ends, *np.linspace(0, len(kinds) - 1, LOOKED).astype(int)])


def waves_of(part: LinearPart, choice: FieldChoice, axes: tuple[Axis, ...]) -> Waves:
    """The linear part on a grid; of fewer waves where kinds are many. Waves of rates beyond all numbers are NaN."""
    dynamics, kinds = choice.layout.dynamics, len(part.friction)
    indices = {index for _, _, index in part.places}
    most = min(MANY, 2 * MANY // max(kinds, 1))
    phases = _thinned([_phases(axis, [index[1:][i] for index in indices]) for i, axis in enumerate(axes)], most)
    n = len(dynamics.unknowns)
    matrix = np.zeros((kinds, *(len(each) for each in phases), n, n), dtype=np.complex128)
    for (a, b, index), coefficients in zip(part.places, part.coefficients.T, strict=True):
        term: Complexes = coefficients
        for axis, angles, order in zip(axes, phases, index[1:], strict=True):
            term = np.multiply.outer(term, _symbol(angles, axis.spacing, order, choice.layout.order))
        matrix[..., a, b] += term
    finite = np.isfinite(matrix).all(axis=(-2, -1))
    rates = np.full(matrix.shape[:-1], np.nan, dtype=np.complex128)
    rates[finite] = matrix[finite][..., 0] if n == 1 else np.linalg.eigvals(matrix[finite])
    second = dynamics.structure.order == 2
    return Waves(choice.method, rates.reshape(kinds, int(np.prod(rates.shape[1:]))), part.friction if second else None)


def _decides(layout: Layout) -> bool:
    """Whether what is not in the linear part is of lower order by space than the linear part, for every unknown."""
    dynamics = layout.dynamics
    jets = dynamics.jets
    lowest = {unknown.field: sum(unknown.index[1:]) for unknown in dynamics.unknowns}
    for row, rest in zip(dynamics.structure.linear, dynamics.structure.remainder, strict=True):
        highest = max((sum(index[1:]) for part in row for index in part), default=0)
        found = [jet for symbol in jets.present((rest,)) if (jet := jets.jet(symbol)) is not None]
        others = (sum(jet.index[1:]) - lowest[jet.function] for jet in found if jet.function in lowest)
        if highest <= max(others, default=0):
            return False
    return True


def _phases(axis: Axis, orders: list[int]) -> Floats:
    """[angles], k dx of the waves of an axis; those in both directions where derivatives are odd."""
    if not any(orders):
        return np.zeros(1)
    if why_no_waves((axis,)):  # quarters of waves between the ends
        angles = np.linspace(0.0, np.pi, axis.count)
    else:
        angles = wave_numbers(axis) * axis.spacing
    return np.unique(np.concatenate([angles, -angles]) if any(order % 2 for order in orders) else np.abs(angles))


def _thinned(phases: list[Floats], waves: int) -> list[Floats]:
    """The same ranges with fewer angles, where together they make too many waves."""
    most = max(round(waves ** (1 / max(sum(len(each) > 1 for each in phases), 1))), 2)
    if np.prod([len(each) for each in phases], dtype=float) <= waves:
        return phases
    return [np.linspace(each[0], each[-1], most) if len(each) > most else each for each in phases]


def _symbol(angles: Floats, spacing: float, derivative: int, order: int | None) -> Complexes:
    """[angles], what a derivative multiplies a wave by: by waves (order None) or by central differences."""
    if derivative == 0:
        return np.ones(len(angles), dtype=np.complex128)
    if order is None:
        return np.asarray((1j * angles / spacing) ** derivative, dtype=np.complex128)
    weights = np.array([float(w) for w in central_weights(derivative, order)])
    places = np.arange(len(weights)) - len(weights) // 2
    return np.asarray(np.exp(1j * np.multiply.outer(angles, places)) @ weights / spacing**derivative)


def _stability_function(tableau: ExplicitTableau, z: Complexes) -> Complexes:
    """R(z), by which one step of x' = s x multiplies x, of z = h s."""
    stages: list[Complexes] = []
    for row in tableau.a:
        stages.append(1.0 + z * sum((a * k for a, k in zip(row, stages, strict=False)), start=np.zeros_like(z)))
    total: Complexes = 1.0 + z * sum((b * k for b, k in zip(tableau.b, stages, strict=False)), start=np.zeros_like(z))
    return total


def _split_growth(splitting: Splitting, rates: Complexes, friction: Floats, h: Floats) -> Floats:
    """[kinds, waves], the logarithm of the spectral radius of one step of u'' = rate u - friction u'."""
    step = np.broadcast_to(np.eye(2, dtype=np.complex128)[..., None, None], (2, 2, *rates.shape)).copy()
    half = np.exp(-friction * h / 2)
    step[1] *= half
    for kind, weight in splitting.stages:
        if kind == "kick":
            step[1] += weight * h * rates * step[0]
        else:
            step[0] += weight * h * step[1]
    step[1] *= half
    trace, determinant = (step[0, 0] + step[1, 1]) / 2, np.exp(-friction * h)
    root = np.sqrt(trace**2 - determinant)
    return np.asarray(np.log(np.maximum(np.abs(trace + root), np.abs(trace - root))))
