"""Ground states by the variational principle: the field is replaced by networks, and its energy made least.

E = int e / int |psi|^2 on a quadrature of the domain. Steps are those of Levenberg and Marquardt with the matrix
(1 / Z) int (d_theta psi)^+ (e'' - 2 E) (d_theta psi), the second variation of E without second derivatives of the
ansatz: as (H - E) psi vanishes at the end, it is the Gauss-Newton matrix, and equal to that of d_x ln psi, but regular
where psi vanishes. The networks begin as a fit of the Gaussian of least energy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.optimize
import sympy
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from symphys.errors import InputError
from symphys.fields.dynamics import FieldDynamics
from symphys.fields.jets import FieldJets
from symphys.language.networks import NetworkSymbol
from symphys.learn.levenberg_marquardt import levenberg_marquardt
from symphys.learn.objective import Normal, finite
from symphys.learn.options import LARGE
from symphys.learn.quadrature import quadrature
from symphys.learn.term_kernels import TermKernels
from symphys.learn.watch import Watch
from symphys.lower.ansatz import AnsatzTerms, ansatz_terms
from symphys.simulate.compiled import Kernels
from symphys.simulate.inputs import check_assumptions, numbers

Floats = NDArray[np.float64]
ROUNDING = 1e-13  # relative, of sums over the points
RECENT, SETTLED = 30, 2e-11  # steps, and the share of the energy that they must gain together
FAR = 10.0  # times what quadratures differ by for a Gaussian: where they differ by more, the ansatz has steps
ATTEMPTS, ALIKE = 4, 1e-6  # beginnings, until the mean square of the misfit is below
FITTED, SEEN = 60, 2000  # steps in which the networks take the shape of a Gaussian, and points at which it is seen


@dataclass(frozen=True)
class VariationalState:
    """A field of least energy within an ansatz.

    energy: an upper bound of the ground state's, up to the error of the quadrature. norm: int |psi|^2 of what
    `wavefunction` gives. residual: the L2 norm of dE/d(conj psi) - E psi. weights: {network: [count]}. history: the
    energy after each step. ok: whether the descent converged.
    """

    energy: float
    norm: float
    residual: float
    weights: Mapping[NetworkSymbol, Floats]
    history: Floats
    ok: bool
    values: Callable[[Mapping[Any, Any]], NDArray[Any]] = field(repr=False, compare=False)

    def wavefunction(self, points: Mapping[Any, Any]) -> NDArray[Any]:
        """The normalised field at points {coordinate: [n]}; InputError for missing coordinates."""
        return self.values(points)


@dataclass(frozen=True)
class Ansatz:
    """What is varied: a field of a theory, the expression that replaces it, the energy and its gradient in jets."""

    jets: FieldJets
    field: Any
    expression: Any
    energy: tuple[Any, ...]
    gradient: Any
    parameters: tuple[Any, ...]


def ansatz_of(
    dynamics: FieldDynamics, energy: tuple[Any, ...], gradients: tuple[Any, ...], replaced: Mapping[Any, Any]
) -> Ansatz:
    """The ansatz {field: expression} of a theory of one field; InputError for another number of fields."""
    fields = tuple(unknown.field for unknown in dynamics.unknowns)
    if tuple(replaced) != fields or len(fields) != 1:
        listed = ", ".join(map(str, fields))
        raise InputError(f"an ansatz replaces the one field of a theory; the fields here are {listed}")
    ((field_, expression),) = replaced.items()
    return Ansatz(dynamics.jets, field_, sympy.sympify(expression), energy, gradients[0], dynamics.parameters)


def vary_ground_state(
    ansatz: Ansatz,
    domain: Mapping[Any, tuple[float, float]],
    parameters: Mapping[Any, Any],
    seed: int,
    max_steps: int,
    points: int | None,
    kernels: Kernels,
) -> VariationalState:
    """The state of least energy; see `LagrangianDensity.ground_state`."""
    axes = ansatz.jets.coordinates[1:]
    if missing := [x for x in axes if x not in domain]:
        raise InputError(f"the domain lacks an interval for {missing[0]}; give {{{missing[0]}: (start, stop)}}")
    if unknown := [x for x in domain if x not in axes]:
        raise InputError(f"the domain has an interval for {unknown[0]}, which is no coordinate of space here")
    values = _numbers(ansatz, parameters)
    made = ansatz_terms(ansatz.jets, ansatz.field, ansatz.expression, ansatz.energy, ansatz.gradient, ansatz.parameters)
    if not made.networks:
        raise InputError(f"the ansatz {ansatz.expression} holds no network; nothing in it can be varied")
    nodes, weights = quadrature([domain[x] for x in axes], points)
    other = quadrature([domain[x] for x in axes], points, finer=True)
    across = quadrature([domain[x] for x in axes], points, finer=True, edge=False)
    hump, spread = _least_gaussian(ansatz, (nodes, weights), across, values, [domain[x] for x in axes], kernels)
    rayleigh = _Rayleigh(made, nodes, weights, values, other, across, spread, kernels)
    watch = Settling(max_steps)
    with threadpool_limits(1 if rayleigh.size < LARGE else None, user_api="blas"):  # as fits do
        outcome = levenberg_marquardt(rayleigh, _shaped(rayleigh, hump, seed), watch)
    return _state(ansatz, rayleigh, watch, outcome.ok or watch.settled)


def _shaped(rayleigh: _Rayleigh, hump: Floats, seed: int) -> Floats:
    """Weights with which the ansatz has the shape of a hump, the best of a few beginnings."""
    best: Watch | None = None
    seen = np.random.default_rng(seed).permutation(len(hump))[:SEEN] if len(hump) > SEEN else np.arange(len(hump))
    shape = _Shape(replace(rayleigh, nodes=rayleigh.nodes[:, seen]), hump[seen])
    for attempt in range(ATTEMPTS):
        first = seed + 7919 * attempt
        start = [network.initialise(first + i) for i, network in enumerate(rayleigh.terms.networks)]
        watch = Watch(FITTED)
        levenberg_marquardt(shape, np.concatenate(start), watch)
        best = watch if best is None or watch.lowest < best.lowest else best
        if best.lowest < ALIKE:
            break
    assert best is not None
    return best.best


class Settling(Watch):
    """Stops where the energy has all but stopped to fall."""

    @property
    def settled(self) -> bool:
        """Whether the last steps together have gained next to nothing."""
        recent = self.losses[-RECENT:]
        return len(recent) == RECENT and recent[0] - min(recent) <= SETTLED * abs(recent[-1])

    def told(self, u: Floats, loss: float, memory: Mapping[str, Any] | None = None) -> bool:
        """Take in a point and its energy; True where the descent is to end."""
        return super().told(u, loss, memory) or self.settled


@dataclass(frozen=True)
class _Rayleigh:
    """E of the weights of the networks, as an objective."""

    terms: AnsatzTerms
    nodes: Floats  # [axes, points]
    weights: Floats  # [points]
    values: Floats  # of parameters
    other: tuple[Floats, Floats]  # another quadrature
    across: tuple[Floats, Floats]  # a third, without the edge in the middle that these two share
    spread: float  # what it differs by for a Gaussian
    compiled: Kernels

    @property
    def size(self) -> int:
        """The number of weights."""
        return sum(network.count for network in self.terms.networks)

    def kernels(self, name: str) -> TermKernels:
        """The kernels of one group of terms, compiled once."""
        return self._groups[name]

    @cached_property
    def _groups(self) -> Mapping[str, TermKernels]:
        names = ("densities", "jets", "slopes", "curvatures", "gradient")
        return {
            n: TermKernels(getattr(self.terms, n), (), self.terms.networks, self.compiled, ("ansatz", n)) for n in names
        }

    def columns(self, name: str, nodes: Floats | None = None) -> dict[str, Floats]:
        """The points as samples of one group of terms."""
        at = self.nodes if nodes is None else nodes
        n = at.shape[1]
        empty = np.zeros((1, n))
        return {
            "state": at,
            "signals": empty,
            "parameters": np.broadcast_to(self.values[:, None], (len(self.values), n)) if len(self.values) else empty,
            "data": empty,
            "roots": np.ones((len(getattr(self.terms, name).residuals), n)),
            "times": np.zeros(n),
        }

    def split(self, u: Floats) -> dict[NetworkSymbol, Floats]:
        """The weights of each network."""
        edges = np.cumsum([network.count for network in self.terms.networks])[:-1]
        return dict(zip(self.terms.networks, np.split(u, edges), strict=True))

    def loss(self, u: Floats) -> float:
        """E, the larger one of two quadratures: what is sharp between the points of one is met by the other.

        A step in the middle, where both have an edge, is met by the third; it counts where it is further off than for a
        Gaussian, since kinks of potentials there cost it digits.
        """
        return self._larger(*self._energies(u, (self.nodes, self.weights), self.other, self.across))

    def _larger(self, one: float, two: float, three: float) -> float:
        larger = max(one, two)
        return three if three > larger + FAR * self.spread else larger

    def _energies(self, u: Floats, *at: tuple[Floats, Floats]) -> list[float]:
        """By each of some quadratures, whose points go through the kernel together."""
        nodes = np.concatenate([each for each, _ in at], axis=1)
        e, n = self.kernels("densities").residuals(self.columns("densities", nodes), self.split(u))
        found, begin = [], 0
        for _, weights in at:
            part = slice(begin, begin := begin + len(weights))
            total = float(weights @ n[part])
            found.append(finite(float(weights @ e[part]) / total) if total > 0.0 else float("inf"))
        return found

    def normal(self, u: Floats) -> Normal:
        """E, half its gradient and half of the Gauss-Newton matrix, as those of a mean of squares are."""
        weights = self.split(u)
        e, n = self.kernels("densities").residuals(self.columns("densities"), weights)
        values, rows = self.kernels("jets").rows(self.columns("jets"), weights)
        first = self.kernels("slopes").residuals(self.columns("slopes"), weights)
        second = self.kernels("curvatures").residuals(self.columns("curvatures"), weights)
        total = float(self.weights @ n)
        energy = float(self.weights @ e) / total
        share = self.weights / total
        first[: self.terms.parts] -= 2.0 * energy * values[: self.terms.parts]
        slope = sum(row @ (share * f) for row, f in zip(rows, first, strict=True))
        curves = dict(zip(self.terms.pairs, second, strict=True))
        for i in range(self.terms.parts):
            curves[i, i] = curves.get((i, i), 0.0) - 2.0 * energy
        matrix = np.zeros((self.size, self.size))
        for (i, j), curve in curves.items():
            if i == j:
                matrix += _signed_gram(rows[i], share * curve)
            else:
                product = (rows[i] * (share * curve)) @ rows[j].T
                matrix += product + product.T
        return Normal(
            self._larger(energy, *self._energies(u, self.other, self.across)), matrix / 2.0, np.asarray(slope) / 2.0
        )


def _signed_gram(rows: Floats, factors: Floats) -> Floats:
    """rows diag(factors) rows^T: products of a matrix with its own transpose cost half, so signs are taken apart."""
    total = np.zeros((len(rows), len(rows)))
    for sign in (1.0, -1.0):
        if (at := sign * factors > 0.0).any():
            part = rows[:, at] * np.sqrt(sign * factors[at])
            total += sign * (part @ part.T)
    return total


@dataclass(frozen=True)
class _Shape:
    """How far the ansatz is from a hump, as a mean of squares."""

    inner: _Rayleigh
    hump: Floats

    def _misfit(self, values: Floats) -> Floats:
        parts = values[: self.inner.terms.parts].copy()
        parts[0] -= self.hump
        return parts

    def loss(self, u: Floats) -> float:
        """The mean of the squared misfit."""
        values = self.inner.kernels("jets").residuals(self.inner.columns("jets"), self.inner.split(u))
        return finite(float(np.mean(np.sum(self._misfit(values) ** 2, axis=0))))

    def normal(self, u: Floats) -> Normal:
        """The misfit and its normal equations."""
        values, rows = self.inner.kernels("jets").rows(self.inner.columns("jets"), self.inner.split(u))
        misfit = self._misfit(values)
        n = misfit.shape[1]
        parts = rows[: len(misfit)]
        matrix = sum(row @ row.T for row in parts) / n
        slope = sum(row @ r for row, r in zip(parts, misfit, strict=True)) / n
        return Normal(float(np.sum(misfit**2)) / n, np.asarray(matrix), np.asarray(slope))


def _numbers(ansatz: Ansatz, parameters: Mapping[Any, Any]) -> Floats:
    for symbol in parameters:
        if symbol not in ansatz.parameters:
            listed = ", ".join(map(str, ansatz.parameters)) or "none"
            raise InputError(f"{symbol} is no parameter of this theory; it has {listed}")
    found = []
    for symbol in ansatz.parameters:
        if symbol not in parameters:
            raise InputError(f"no value for the parameter {symbol}; add {{{symbol}: ...}} to the parameters")
        value = numbers("parameter", symbol, parameters[symbol])
        check_assumptions(symbol, value)
        if value.ndim:
            raise InputError(f"the parameter {symbol} is one number, not an array of shape {value.shape}")
        found.append(float(value))
    return np.array(found)


def _least_gaussian(
    ansatz: Ansatz,
    at: tuple[Floats, Floats],
    across: tuple[Floats, Floats],
    values: Floats,
    intervals: list[tuple[float, float]],
    kernels: Kernels,
) -> tuple[Floats, float]:
    """The Gaussian of least energy at points; its largest value is 1. And what its energy is off by at others."""
    axes = ansatz.jets.coordinates[1:]
    centres = [sympy.Symbol(f"centre_{x.name}", real=True) for x in axes]
    widths = [sympy.Symbol(f"width_{x.name}", positive=True) for x in axes]
    exponent = sum(((x - c) / w) ** 2 / 2 for x, c, w in zip(axes, centres, widths, strict=True))
    names = (*ansatz.parameters, *centres, *widths)
    made = ansatz_terms(ansatz.jets, ansatz.field, sympy.exp(-exponent), ansatz.energy, ansatz.gradient, names)
    terms = TermKernels(made.densities, (), (), kernels, ("gaussian",))
    lengths = np.array([stop - start for start, stop in intervals])
    middles = np.array([(stop + start) / 2 for start, stop in intervals])

    def densities(p: Floats, nodes: Floats) -> tuple[Floats, Floats]:
        place, width = middles + lengths * p[: len(axes)], lengths * np.exp(p[len(axes) :])
        inner = _Rayleigh(made, *at, np.concatenate([values, place, width]), at, across, 0.0, kernels)
        e, n = terms.residuals(inner.columns("densities", nodes), {})
        return e, n

    def energy(p: Floats, points: tuple[Floats, Floats] = at) -> float:
        nodes, weights = points
        e, n = densities(p, nodes)
        total = float(weights @ n)
        outside = max(0.0, float(np.abs(p[: len(axes)]).max()) - 0.5)
        value = float(weights @ e) / total if total > 0 else np.inf
        return value + 1e3 * abs(value) * outside if np.isfinite(value) else 1e300

    first = np.concatenate([np.zeros(len(axes)), np.full(len(axes), np.log(1.0 / 8.0))])
    found = scipy.optimize.minimize(energy, first, method="Nelder-Mead", options={"maxiter": 400, "fatol": 1e-6})
    spread = abs(energy(found.x, across) - energy(found.x)) + ROUNDING * abs(energy(found.x))
    return np.sqrt(densities(found.x, at[0])[1]), spread


def _state(ansatz: Ansatz, rayleigh: _Rayleigh, watch: Watch, ok: bool) -> VariationalState:
    best = rayleigh.split(watch.best)
    _, n = rayleigh.kernels("densities").residuals(rayleigh.columns("densities"), best)
    total = float(rayleigh.weights @ n)
    energy = rayleigh.loss(watch.best)
    parts = rayleigh.terms.parts
    values = rayleigh.kernels("jets").residuals(rayleigh.columns("jets"), best)[:parts]
    force = rayleigh.kernels("gradient").residuals(rayleigh.columns("gradient"), best)
    psi = np.zeros_like(force)
    psi[: len(values)] = values
    left = np.sum((force - energy * psi) ** 2, axis=0)
    axes = ansatz.jets.coordinates[1:]

    def wavefunction(points: Mapping[Any, Any]) -> NDArray[Any]:
        if missing := [x for x in axes if x not in points]:
            raise InputError(f"the points lack the coordinate {missing[0]}; give {{{missing[0]}: array}}")
        where = np.broadcast_arrays(*(np.asarray(points[x], dtype=np.float64) for x in axes))
        flat = np.stack([w.reshape(-1) for w in where])
        found = rayleigh.kernels("jets").residuals(rayleigh.columns("jets", flat), best) / np.sqrt(total)
        made = found[0] + 1j * found[1] if parts == 2 else found[0]
        return np.asarray(made).reshape(where[0].shape)

    norm = float(rayleigh.weights @ (np.sum(values**2, axis=0) / total))
    residual = float(np.sqrt(rayleigh.weights @ left / total))
    return VariationalState(energy, norm, residual, best, np.array(watch.losses), ok, wavefunction)
