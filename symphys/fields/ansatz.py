"""The determining equations of symmetries of densities: linear conditions on the constants of an ansatz.

x^mu -> x^mu + eps xi^mu, u_a -> u_a + eps eta_a with xi and eta affine changes the action by a boundary term if and
only if, for every u_e,

    pr Q(E_e) + sum_a (d eta_a/d u_e) E_a + D_mu(xi^mu E_e) = 0,    Q_a = eta_a - xi^mu u_a,mu

in terms of the functional derivatives E_a (Olver, "Applications of Lie Groups to Differential Equations", 2nd ed.,
proof of theorem 4.34 and equation 5.80).  Random points of jet space give as many conditions as are wanted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.fields.jets import Index, Jet
from symphys.fields.read import Density
from symphys.language.fields import is_complex_field
from symphys.mechanics.graph import free_symbols
from symphys.mechanics.symmetries.determine import exactly
from symphys.mechanics.symmetries.sample import Numbers, Sampler, constants_inside, draw, draw_constants

Variable = tuple[Any, bool]


@dataclass(frozen=True)
class Drift:
    """xi^axis = 1, or x^factor."""

    axis: int
    factor: int | None = None


@dataclass(frozen=True)
class Change:
    """eta_target = weight * source, or weight alone without a source; times x^factor where there is one."""

    target: Variable
    weight: complex
    source: Variable | None = None
    factor: int | None = None


Unknown = tuple[Drift | Change, ...]  # what one real constant of the ansatz multiplies


def internal_ansatz(density: Density) -> tuple[Unknown, ...]:
    """eta_a linear in the fields with constant coefficients, real-linear in real and imaginary parts, and shifts."""
    turns = [
        _real(target, weight, (source, bar))
        for target in density.fields
        for source in density.fields
        for weight, bar in _weights(target, source)
    ]
    return (*turns, *shifts(density, None))


def shifts(density: Density, factor: int | None) -> list[Unknown]:
    """eta_a = 1 and i, times x^factor where one is given."""
    parts = [(each, weight) for each in density.fields for weight in ((1, 1j) if is_complex_field(each) else (1,))]
    return [_real(each, weight, None, factor) for each, weight in parts]


def affine_ansatz(density: Density) -> tuple[Unknown, ...]:
    """xi affine; eta as in `internal_ansatz`, shifts and phases also times a coordinate; simple generators first."""
    axes = range(len(density.coordinates))
    constant: list[Unknown] = [(Drift(axis),) for axis in axes]
    linear: list[Unknown] = [(Drift(axis, factor),) for axis in axes for factor in axes]
    phases = [
        _real(each, 1j, (each, False), factor) for factor in axes for each in density.fields if is_complex_field(each)
    ]
    moving = [shift for factor in axes for shift in shifts(density, factor)]
    return (*constant, *linear, *internal_ansatz(density), *phases, *moving)


@dataclass(frozen=True)
class Conditions:
    """Linear conditions on the constants of an `ansatz`; operators: E_a for every (field, conjugated)."""

    density: Density
    operators: tuple[Any, ...]
    ansatz: tuple[Unknown, ...]

    @cached_property
    def exact(self) -> tuple[Any, ...]:
        """The operators with decimal numbers read as the fractions that were meant."""
        return exactly(self.operators)

    @cached_property
    def constants(self) -> tuple[Any, ...]:
        """Parameters, and functions of them that occur, in terms of which coefficients may be written."""
        return constants_inside(self.exact, self.density.parameters)

    def constants_at(self, seed: int) -> dict[Any, complex]:
        """Values of all parameters."""
        symbols = free_symbols(self.exact) & set(self.density.parameters)
        return {symbol: complex(value[0]) for symbol, value in draw_constants(symbols, seed).items()}

    def rows(
        self, seed: int, fixed: Mapping[Any, complex], columns: Sequence[int] | None = None
    ) -> NDArray[np.float64]:
        """[rows, columns], the conditions at random points; `fixed` are the values of the parameters."""
        chosen = self.ansatz if columns is None else tuple(self.ansatz[c] for c in columns)
        n = len(self.operators)
        points = -(-3 * len(chosen) // (2 * n)) + 6
        sample = _Sample.at(self, points, seed, fixed)
        with np.errstate(all="ignore"):
            made = [sum(sample.effect(piece) for piece in unknown) for unknown in chosen]
        matrix = np.stack([np.asarray(each).reshape(-1) for each in made], axis=1)
        matrix = matrix[np.isfinite(matrix).all(axis=1)]
        return np.concatenate([matrix.real, matrix.imag]) if matrix.imag.any() else matrix.real


@dataclass(frozen=True)
class _Sample:
    """Random points of jet space with the operators E [n, P] there and their slopes.

    by_axis: [n, axes, P], through explicit coordinates and given functions; by_jet: {jet: [n, P]}.
    """

    density: Density
    values: Mapping[Any, Numbers]
    expressions: Numbers
    by_axis: Numbers
    by_jet: Mapping[Jet, Numbers]
    points: int
    seed: int

    @classmethod
    def at(cls, conditions: Conditions, points: int, seed: int, fixed: Mapping[Any, complex]) -> "_Sample":
        density, jets = conditions.density, conditions.density.jets
        present = jets.present(conditions.exact)
        varied = [s for s in present if jets.jet(s).function in density.fields]  # type: ignore[union-attr]
        given = [s for s in present if jets.jet(s).function not in density.fields]  # type: ignore[union-attr]
        axes = range(len(density.coordinates))
        raised = {s: [jets.raised(s, axis) for axis in axes] for s in present}
        further = {s for line in raised.values() for s in line if s != 0}
        symbols = sorted({*present, *further, *density.coordinates}, key=str)
        values = {**draw(symbols, points, seed), **{s: np.array([complex(v)]) for s, v in fixed.items()}}
        directions = len(axes) + len(varied)
        tangents = {x: _unit(directions, axis, points) for axis, x in enumerate(density.coordinates)}
        for s in given:
            tangents[s] = np.zeros((directions, points), complex)
            for axis in axes:
                tangents[s][axis] = values[raised[s][axis]] if raised[s][axis] != 0 else 0.0
        tangents |= {s: _unit(directions, len(axes) + i, points) for i, s in enumerate(varied)}
        found, slopes = Sampler(values, tangents)(conditions.exact, points)
        by_jet = {jets.jet(s): slopes[:, len(axes) + i] for i, s in enumerate(varied)}
        return cls(density, values, found, slopes[:, : len(axes)], by_jet, points, seed)  # type: ignore[arg-type]

    def effect(self, piece: Drift | Change) -> Numbers:
        """[n, P], what a piece of the ansatz contributes to the condition of each u_e."""
        return self._of_drift(piece) if isinstance(piece, Drift) else self._of_change(piece)

    def _of_drift(self, drift: Drift) -> Numbers:
        effect = self.by_axis[:, drift.axis] * self._coordinate(drift.factor)
        if drift.factor is None:
            return effect
        if drift.factor == drift.axis:
            effect = effect + self.expressions
        for jet, slope in self.by_jet.items():
            order = jet.index[drift.factor]
            if order:
                moved = tuple(n - (k == drift.factor) + (k == drift.axis) for k, n in enumerate(jet.index))
                effect = effect - slope * order * self._jet((jet.function, jet.conjugated), moved)
        return effect

    def _of_change(self, change: Change) -> Numbers:
        n = len(self.expressions)
        effect = np.zeros((n, self.points), complex)
        place = {variable: k for k, variable in enumerate(self.density.variables)}
        x = self._coordinate(change.factor)
        for jet, slope in self.by_jet.items():
            if (jet.function, jet.conjugated) != change.target:
                continue
            effect = effect + change.weight * slope * x * self._source(change.source, jet.index)
            if change.factor is not None and jet.index[change.factor]:
                lower = tuple(m - (k == change.factor) for k, m in enumerate(jet.index))
                effect = effect + change.weight * slope * jet.index[change.factor] * self._source(change.source, lower)
        if change.source is not None:
            effect[place[change.source]] += change.weight * x * self.expressions[place[change.target]]
        return effect

    def _coordinate(self, factor: int | None) -> Any:
        return 1.0 if factor is None else self.values[self.density.coordinates[factor]]

    def _source(self, source: Variable | None, index: Index) -> Any:
        return float(not any(index)) if source is None else self._jet(source, index)

    def _jet(self, variable: Variable, index: Index) -> Numbers:
        symbol = self.density.jets.symbol(variable[0], index, variable[1])
        return self.values[symbol] if symbol in self.values else draw((symbol,), self.points, self.seed)[symbol]


def _weights(target: Any, source: Any) -> list[tuple[complex, bool]]:
    """(weight, whether of the conjugate) of the real-linear maps between real and imaginary parts."""
    if not is_complex_field(target):
        return [(1, False), (1j, False)] if is_complex_field(source) else [(1, False)]
    return [(1j, False), (1, False), *([(1, True), (1j, True)] if is_complex_field(source) else [])]


def _real(target: Any, weight: complex, source: Variable | None, factor: int | None = None) -> Unknown:
    """eta = weight source with its conjugate for complex targets; the real part for real ones."""
    if source is None:
        twin = None
    else:
        twin = (source[0], not source[1]) if is_complex_field(source[0]) else source
    bar = complex(weight).conjugate()
    if is_complex_field(target):
        return (Change((target, False), weight, source, factor), Change((target, True), bar, twin, factor))
    if source is not None and is_complex_field(source[0]):
        return (Change((target, False), weight, source, factor), Change((target, False), bar, twin, factor))
    return (Change((target, False), weight, source, factor),)


def _unit(directions: int, index: int, points: int) -> Numbers:
    tangent = np.zeros((directions, points), complex)
    tangent[index] = 1.0
    return tangent
