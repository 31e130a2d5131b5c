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
from numpy.typing import NDArray

from symphys.discretise import Axis, central_weights
from symphys.discretise.spectral import wave_numbers, why_no_waves
from symphys.integrators import ExplicitTableau, Splitting
from symphys.lower.lattice.layout import Layout
from symphys.simulate.lattice.choose import FieldChoice
from symphys.simulate.lattice.given import Inputs, number_of
from symphys.simulate.run_fixed import Marks

if TYPE_CHECKING:
    from symphys.simulate.lattice.simulator import FieldSimulator

Complexes = NDArray[np.complex128]
Floats = NDArray[np.float64]
MANY = 20_000  # waves that are looked at; splittings have narrow bands of instability, which few would miss


def warn_of_long_steps(simulator: FieldSimulator, inputs: Inputs, marks: Marks) -> NDArray[Any]:
    """[...], for each member what is to be said of its step, mostly nothing; the first that has something is warned of.

    Something is said where rounding alone would grow to the size of the fields within the run.
    """
    said = np.full(inputs.shape, "", dtype=object)
    known: dict[tuple[float, ...], str] = {}
    for member in np.ndindex(*inputs.shape):
        numbers = tuple(float(np.broadcast_to(a, inputs.shape)[member]) for a in inputs.numbers.values())
        if numbers not in known:
            waves = waves_of(simulator.choice, simulator.grid.axes, dict(zip(inputs.numbers, numbers, strict=True)))
            known[numbers] = "" if waves is None else _said(simulator, waves, marks)
        said[member] = known[numbers]
    if any(said.flat):
        warnings.warn(next(filter(None, said.flat)), stacklevel=5)
    return said


def _said(simulator: FieldSimulator, waves: Waves, marks: Marks) -> str:
    most = -float(np.log(np.finfo(simulator.dtype).eps))

    def growth(share: float) -> float:
        return waves.excess(share * marks.h) * marks.count / share

    whole = growth(1.0)
    if not whole > most:
        return ""
    low, high = 0.5, 1.0
    while growth(low) > most and low > 1e-9:
        low, high = low / 2, low
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if growth(middle) > most else (middle, high)
    limit, name = f"{abs(marks.h) * low:.3g}", simulator.choice.method.name
    return (
        f"dt = {abs(marks.h):g} is beyond {limit}, up to which {name!r} is stable on this grid: "
        f"waves as short as a few points grow by a factor of {np.exp(whole / marks.count):.3g} in each of "
        f"{marks.count} steps; take dt = {limit} or less, or a coarser grid"
    )


@dataclass(frozen=True)
class Waves:
    """The linear part on waves: u' = `rates` u of first order, [waves, n], or eigenvalues of u'' = `rates` u - g u'.

    friction: g; None where equations are of first order.
    """

    method: Splitting | ExplicitTableau
    rates: Complexes
    friction: float | None

    def excess(self, h: float) -> float:
        """By how much, as a logarithm, a step of h makes the wave grow that grows most, beyond what the flow does."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if isinstance(self.method, Splitting):
                assert self.friction is not None
                grown = _split_growth(self.method, self.rates, self.friction, h)
            else:
                grown = np.log(np.abs(_stability_function(self.method, h * self._slopes)))
            true = np.maximum(h * self._slopes.real, 0.0)
        found = grown - (true.max(axis=0) if isinstance(self.method, Splitting) else true)
        return float(np.nanmax(found, initial=0.0))

    @property
    def _slopes(self) -> Complexes:
        """The eigenvalues of the flow; for second order, both roots of s^2 + g s = rate in front."""
        if self.friction is None:
            return self.rates
        root = np.sqrt(self.friction**2 / 4 + self.rates)
        return np.stack([-self.friction / 2 + root, -self.friction / 2 - root])


def waves_of(choice: FieldChoice, axes: tuple[Axis, ...], values: Mapping[Any, float]) -> Waves | None:
    """The linear part of a theory on a grid; None where it does not decide, or is solved exactly by waves."""
    dynamics = choice.layout.dynamics
    structure = dynamics.structure
    if choice.split or not structure.order or dynamics.jets.shifted_axes(dynamics.rates) or not _decides(choice.layout):
        return None
    friction = None
    if structure.order == 2:
        if structure.friction is None or any(f.free_symbols - set(dynamics.parameters) for f in structure.friction):
            return None
        found = {number_of(each, values).real for each in structure.friction}
        if len(found) > 1:
            return None
        friction = found.pop()
    indices = {index for row in structure.linear for part in row for index in part}
    phases = _thinned([_phases(axis, [index[1:][i] for index in indices]) for i, axis in enumerate(axes)])
    shape = tuple(len(each) for each in phases)
    n = len(dynamics.unknowns)
    matrix = np.zeros((*shape, n, n), dtype=np.complex128)
    for a, b in product(range(n), repeat=2):
        for index, coefficient in structure.linear[a][b].items():
            term: Complexes = np.full((), number_of(coefficient, values))
            for axis, angles, order in zip(axes, phases, index[1:], strict=True):
                term = np.multiply.outer(term, _symbol(angles, axis.spacing, order, choice.layout.order))
            matrix[..., a, b] += term
    rates = matrix if n == 1 else np.linalg.eigvals(matrix)
    return Waves(choice.method, np.asarray(rates, dtype=np.complex128).reshape(-1), friction)


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


def _thinned(phases: list[Floats]) -> list[Floats]:
    """The same ranges with fewer angles, where together they make too many waves."""
    most = round(MANY ** (1 / max(sum(len(each) > 1 for each in phases), 1)))
    if np.prod([len(each) for each in phases], dtype=float) <= MANY:
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


def _split_growth(splitting: Splitting, rates: Complexes, friction: float, h: float) -> Floats:
    """[waves], the logarithm of the spectral radius of one step of u'' = rate u - friction u'."""
    step = np.broadcast_to(np.eye(2, dtype=np.complex128), (len(rates), 2, 2)).copy()
    half = np.exp(-friction * h / 2)
    step[:, 1] *= half
    for kind, weight in splitting.stages:
        if kind == "kick":
            step[:, 1] += (weight * h * rates)[:, None] * step[:, 0]
        else:
            step[:, 0] += weight * h * step[:, 1]
    step[:, 1] *= half
    trace, determinant = (step[:, 0, 0] + step[:, 1, 1]) / 2, np.exp(-friction * h)
    root = np.sqrt(trace**2 - determinant)
    return np.asarray(np.log(np.maximum(np.abs(trace + root), np.abs(trace - root))))
