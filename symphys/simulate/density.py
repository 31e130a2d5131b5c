"""Liouville's equation d rho/dt = -div(rho f): densities along trajectories, and on the grid of a phase plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from codegen import Function, get_backend, optimise_kernel
from symphys.discretise import Grid
from symphys.errors import InputError, MethodError, UnsupportedError
from symphys.integrators import Splitting
from symphys.integrators.splitting import compose
from symphys.language.arrays import on_host
from symphys.lower.rates_kernel import functions_kernel
from symphys.mechanics.dynamics import FirstOrder
from symphys.mechanics.jets import from_jet
from symphys.simulate.evaluate import evaluate_expression
from symphys.simulate.inputs import check_assumptions, numbers, positive_number, read_span, refuse_missing, whole_number
from symphys.simulate.keywords import GuidedOptions
from symphys.simulate.run_fixed import read_marks
from symphys.simulate.signals import signal_functions, signal_tables

if TYPE_CHECKING:
    from symphys.simulate.simulator import Simulator

Array = NDArray[np.float64]
Density = Any  # an expression in the components, parameters and t, or a function of {component: array}


@dataclass(frozen=True)
class PhaseDensity:
    """A density on the phase plane of one degree of freedom, at several times.

    t: [times]; density: [times, *grid.shape].
    drift: the largest changes of what Liouville's equation keeps, relative to the first value: "norm", the integral of
    rho; "square", that of rho^2; "entropy", that of -rho ln rho where rho is positive; for an autonomous Hamiltonian
    also the mean "energy", relative to the mean of its absolute value.
    edge: [times], the largest density on the rim of the grid by the largest of all; waves come back on the other side.
    """

    t: Array
    density: Array
    grid: Grid
    drift: Mapping[str, float]
    edge: Array


def density_along(
    simulator: Simulator,
    rho: Density,
    points: Mapping[Any, Any],
    parameters: Mapping[Any, Any],
    t: Any,
    t0: float,
    options: GuidedOptions,
) -> Array:
    """See `Simulator.density`: rho(x, t) = rho_0(y) |det dy/dx| with y the state at t0 that leads to x at t."""
    flow = simulator.lowered.flow
    times = np.atleast_1d(numbers("times", "t", t))
    clock = np.unique(times)
    found: dict[float, Array] = {}

    def value(states: Mapping[Any, Array], vectors: Array | None) -> Array:
        carried = _evaluated(simulator, rho, states, parameters, t0)
        return carried if vectors is None else carried * np.abs(np.linalg.det(vectors))

    def back(start: float, targets: Array) -> None:
        """From `start` to earlier (or later) times; `targets` are the times of the density that they stand for."""
        ends = t0 - targets if flow.autonomous else np.full(1, t0)
        begin = 0.0 if flow.autonomous else start
        span = (begin, float(ends[np.argmax(np.abs(ends - begin))]))
        order = np.argsort(np.abs(ends - begin))
        if volume:
            run, vectors = simulator.run(points, parameters, span, t_eval=ends[order], **options), None
        else:
            both = simulator.variations(points, parameters, span, t_eval=ends[order], **options)
            run, vectors = both.result, both.vectors
        for row, target in enumerate(targets[order]):
            states = {label: on_host(run[label][..., row]) for label in flow.labels}
            found[float(target)] = value(states, None if vectors is None else on_host(vectors[..., row, :, :]))

    volume = _keeps_volume(simulator)
    later, earlier = clock[clock > t0], clock[clock < t0]
    if flow.autonomous:
        for targets in (later, earlier):
            if len(targets):
                back(t0, targets)
    else:
        for target in (*earlier, *later):
            back(float(target), np.array([target]))
    if (clock == t0).any():
        shape = np.broadcast_shapes(*(np.shape(points[label]) for label in flow.labels if label in points))
        states = {label: np.broadcast_to(numbers("point", label, points[label]), shape) for label in flow.labels}
        found[t0] = value(states, None)
    stacked = np.stack([found[float(time)] for time in times], axis=-1)
    return stacked if np.ndim(t) else stacked[..., 0]


def _keeps_volume(simulator: Simulator) -> bool:
    """Whether the flow is known to be free of divergence in its own components."""
    flow, dynamics = simulator.lowered.flow, simulator.lowered.dynamics
    hamiltonian = isinstance(dynamics, FirstOrder) and bool(dynamics.pairs) and dynamics.conservative
    return hamiltonian or (bool(flow.q) and flow.damping is None)


def _evaluated(
    simulator: Simulator, rho: Density, states: Mapping[Any, Array], parameters: Mapping[Any, Any], t: float
) -> Array:
    if callable(rho):
        return np.asarray(rho(states), dtype=np.float64)
    dynamics = simulator.lowered.dynamics
    known = {symbol: value for symbol, value in parameters.items() if symbol in dynamics.parameters}
    shape = next(iter(states.values())).shape
    values = evaluate_expression(dynamics, simulator.kernels, rho, states, known, t)
    return np.broadcast_to(values, np.broadcast_shapes(shape, np.shape(values)))


def density_on_grid(
    simulator: Simulator,
    rho: Density,
    grid: Grid,
    parameters: Mapping[Any, Any],
    t_span: Any,
    dt: float,
    save_every: int,
) -> PhaseDensity:
    """See `Simulator.evolve_density`."""
    plane = _Plane.of(simulator, grid, parameters, read_span(t_span), positive_number("dt", dt))
    marks = read_marks(plane.span, float(dt), None, whole_number("save_every", save_every))
    present = _evaluated(simulator, rho, plane.states(), parameters, plane.span[0]).astype(np.float64)
    rows, measures = [present], [plane.measures(present, plane.span[0])]
    for step in range(marks.count):
        present = plane.step(plane.span[0] + step * marks.h, present, marks.h)
        measures.append(plane.measures(present, plane.span[0] + (step + 1) * marks.h))
        if step + 1 in marks.steps:
            rows.append(present)
    kept = np.stack(rows)
    drift = {}
    for name in measures[0]:
        values, scale = np.array([m[name][0] for m in measures]), max(m[name][1] for m in measures)
        drift[name] = float(np.abs(values - values[0]).max() / scale) if scale else 0.0
    rims = (kept[:, :1], kept[:, -1:], kept[:, :, :1], kept[:, :, -1:])
    rim = np.max([np.abs(each).max(axis=(1, 2)) for each in rims], axis=0)
    return PhaseDensity(marks.times[: len(kept)], kept, grid, drift, rim / np.abs(kept).max(axis=(1, 2)))


@dataclass(frozen=True)
class _Plane:
    """A phase plane on which kicks and drifts shift densities, each row by its own distance, through Fourier waves."""

    simulator: Simulator
    splitting: Splitting
    grid: Grid
    parameters: Mapping[Any, Any]
    span: tuple[float, float]
    evaluate: Callable[[Function, Array, float], Array]
    known: dict[Any, NDArray[Any]]

    @classmethod
    def of(
        cls, simulator: Simulator, grid: Grid, parameters: Mapping[Any, Any], span: tuple[float, float], dt: float
    ) -> _Plane:
        """Checked: one degree of freedom, split, on a periodic grid of its components."""
        flow, dynamics = simulator.lowered.flow, simulator.lowered.dynamics
        method = simulator.choice.fixed
        if len(flow.labels) != 2:
            names = ", ".join(map(str, flow.labels))
            raise UnsupportedError(
                f"a density on a grid is one on a plane, and this system has the components {names}; density() follows "
                "trajectories in any number of them"
            )
        if not isinstance(method, Splitting) or not flow.q or flow.damping is not None or flow.parts:
            raise MethodError(
                "a density on a grid is moved by kicks and drifts, which need a system that is separable without "
                "friction and a splitting, such as 'blanes_moan4'; density() follows trajectories of any system"
            )
        if set(grid.coordinates) != set(flow.labels):
            names = ", ".join(map(str, flow.labels))
            raise InputError(f"the axes of the grid are {grid.coordinates}; they must be the components {names}")
        if not all(axis.periodic for axis in grid.axes):
            raise InputError("densities are moved by Fourier waves; give the grid periodic axes, wide enough")
        missing = [s for s in dynamics.parameters if s not in parameters]
        refuse_missing(missing, "value", parameters)
        values = [numbers("parameter", s, parameters[s]) for s in dynamics.parameters]
        for symbol, value in zip(dynamics.parameters, values, strict=True):
            check_assumptions(symbol, value)
            if value.ndim:
                raise InputError(f"the parameter {symbol} is an array; a density on a grid has one value of each")
        given = {s: parameters[s] for s in signal_functions(dynamics) if s in parameters}
        tables, places = signal_tables(dynamics, flow, given, span, np.dtype(np.float64), 4.0 * dt)
        column = np.array(values, dtype=np.float64).reshape(-1, 1)

        def evaluate(function: Function, state: Array, t: float) -> Array:
            count = state.shape[1]
            arrays = {
                "state": state,
                "parameters": np.tile(column if len(column) else np.zeros((1, 1)), (1, count)),
                "times": np.full(count, t),
                "values": np.zeros((1, count)),
                **tables,
            }
            kernel = optimise_kernel(functions_kernel(flow, [function], "float64"))
            get_backend("reference").compile(kernel)(arrays, dict(places), (count,))
            return arrays["values"][0]

        return cls(simulator, method, grid, parameters, span, evaluate, {})

    def states(self) -> dict[Any, Array]:
        """The components at all points."""
        return dict(zip(self.grid.coordinates, self.grid.mesh, strict=True))

    def step(self, t: float, density: Array, h: float) -> Array:
        """One step of the splitting."""
        flows = {kind: partial(self._shift, kind) for kind in ("kick", "drift")}
        moved: Array = compose(self.splitting, flows, t, density, h)
        return moved

    def _shift(self, kind: str, t: float, density: Array, length: float) -> Array:
        flow = self.simulator.lowered.flow
        moving = (flow.q if kind == "drift" else flow.p)[0]
        place = self.grid.coordinates.index(flow.labels[moving])
        transformed = scipy.fft.rfft(density, axis=place)
        transformed *= self._phases(kind, t, length, place, 1 - moving)
        return scipy.fft.irfft(transformed, n=density.shape[place], axis=place)

    def _phases(self, kind: str, t: float, length: float, place: int, standing: int) -> NDArray[np.complex128]:
        flow = self.simulator.lowered.flow
        key = (kind, length, None if flow.autonomous else t)
        if key not in self.known:
            if not flow.autonomous:
                self.known.clear()
            axis, other = self.grid.axes[place], self.grid.axes[1 - place]
            state = np.zeros((2, other.count))
            state[standing] = other.points
            function = flow.kick if kind == "kick" else flow.drift
            assert function is not None
            speed = self.evaluate(function, state, t)
            waves = 2.0 * np.pi * scipy.fft.rfftfreq(axis.count, d=axis.spacing)
            phases = np.exp(-1j * length * np.multiply.outer(waves, speed))
            self.known[key] = phases if place == 0 else phases.T
        found: NDArray[np.complex128] = self.known[key]
        return found

    def measures(self, density: Array, t: float) -> dict[str, tuple[float, float]]:
        """What is kept, and the size by which its change counts."""
        cell = float(np.prod(list(self.grid.spacing.values())))
        positive = np.where(density > 0, density, 1.0)
        entropy = -positive * np.log(positive)
        found = {
            "norm": (density.sum() * cell, np.abs(density).sum() * cell),
            "square": ((density**2).sum() * cell,) * 2,
            "entropy": (entropy.sum() * cell, np.abs(entropy).sum() * cell),
        }
        energy = self._energy()
        if energy is not None:
            found["energy"] = ((energy * density).sum() * cell, np.abs(energy * density).sum() * cell)
        return found

    def _energy(self) -> Array | None:
        dynamics = self.simulator.lowered.dynamics
        law = next((law for law in dynamics.conserved if law.name == "energy"), None)
        if law is None:
            return None
        if "energy" not in self.known:
            expression = from_jet(law.jet, dynamics.space)
            self.known["energy"] = _evaluated(self.simulator, expression, self.states(), self.parameters, self.span[0])
        return self.known["energy"]
