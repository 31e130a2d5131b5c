"""Few particles on their way from their starts by all times of observation: states, tangents and adjoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledKernel, Kernel
from symphys.integrators import Splitting
from symphys.learn.passage import Rows
from symphys.learn.term_kernels import Weights, learnt_columns
from symphys.lower.particles.acts import acts_of, held_acts, rate_act
from symphys.lower.particles.bodies import Unknown
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.through_time import adjoint_kernel, observe_kernel, sensitivity_kernel
from symphys.simulate.compiled import Kernels
from symphys.simulate.execute import cores
from symphys.simulate.inputs import padded
from symphys.simulate.memory import aligned
from symphys.simulate.particles.holds import SLIGHT
from symphys.simulate.weights import kernel_weights

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Pairs:
    """Particles and their forces, and which parameters are unknown; kernels are compiled once.

    Parameters are [P + A count, runs]: numbers, then attributes, each [count]. pairs: for each pair term, the particles
    of each pair [2, pairs]. acts: of each, who acts [ends, grips]. scalars: of box and cutoff.
    """

    layout: Layout
    kernels: Kernels
    unknown: Unknown
    count: int
    pairs: tuple[Integers, ...]
    acts: tuple[Integers, ...]
    scalars: Mapping[str, float]

    def kernel(self, name: str, build: Callable[[], Kernel], instances: int) -> tuple[CompiledKernel, int]:
        """A kernel by its name, and the multiple to which its lanes are padded."""
        key = (name, self.layout.box, self.layout.cut, self.layout.dynamics.smoothing, self.unknown)
        return self.kernels.get(key, build, instances)

    def inputs(self, parameters: Floats, weights: Weights, lanes: int) -> tuple[Arrays, dict[str, Any]]:
        """The arrays and scalars of all kernels: parameters, attributes, weights, pairs."""
        dtype, dynamics = self.kernels.dtype, self.layout.dynamics
        arrays: Arrays = kernel_weights(weights, np.dtype(dtype))
        numbers = padded(parameters, lanes, dtype)
        for k, symbol in enumerate(dynamics.parameters):
            arrays[self.layout.names[symbol]] = numbers[k]
        for k, word in enumerate(dynamics.attributes):
            first = len(dynamics.parameters) + k * self.count
            arrays[word] = numbers[first : first + self.count]
        scalars: dict[str, Any] = {"count": self.count, **self.scalars}
        for t, pair in enumerate(self.pairs):
            arrays[f"first{t}"], arrays[f"second{t}"] = pair
            scalars[f"pairs{t}"] = pair.shape[1]
        scalars["slots"] = sum(pair.shape[1] for pair in self.pairs)
        for n, ends in enumerate(self.acts):
            arrays |= {f"act{n}_{e}": row for e, row in enumerate(ends)}
            scalars[f"acts{n}"] = ends.shape[1]
        return arrays, scalars

    @property
    def learnt(self) -> Integers:
        """[U], the columns that kernels give for unknowns."""
        return learnt_columns(len(self.unknown.symbols), self.unknown.networks)

    def summed(self, arrays: Arrays, instances: int) -> Floats:
        """[U], the slopes that a reverse sweep left: of parameters instance by instance, of weights summed."""
        parameters = arrays["parameter_bars"][: len(self.unknown.symbols), :instances].sum(axis=1, dtype=np.float64)
        return np.concatenate([parameters, arrays["weight_bars"][: self.unknown.weight_count]])[self.learnt]


@dataclass(frozen=True)
class BodiesPassage(Pairs):
    """Pairs that move by a splitting. States are [2 count dim, runs]: places, then velocities, particle by particle."""

    method: Splitting

    def states(self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows) -> Floats:
        """[n, rows, runs]: the states at the times of `rows`."""
        return self._states(self._observed(initial, parameters, weights, rows, visited=False)[0], initial.shape[1])

    def tangents(
        self,
        initial: Floats,
        parameters: Floats,
        weights: Weights,
        rows: Rows,
        orders: Sequence[int],
        free: Sequence[tuple[int, float]],
        unit: float = 1.0,
    ) -> tuple[Floats, NDArray[Any]]:
        """States [n, rows, runs], and derivatives [U + F, orders, rows, count dim, runs] of places and velocities.

        By the U unknown parameters and weights, in `unit`, and by components `free` (index, scale) of initial states.
        """
        runs, own = initial.shape[1], self.unknown.count
        orders = tuple(orders)
        kernel, lanes = self.kernel(
            f"sensitivities {orders}", lambda: sensitivity_kernel(self.layout, self.unknown, orders), runs
        )
        arrays, scalars = self._arrays(initial, parameters, weights, rows, lanes)
        width = arrays["position"].shape[-1]
        columns, slots = own + len(free), max(int(scalars["slots"]), 1)
        scalars |= {"columns": columns, "slots": slots, "unit": unit}
        changes = aligned((columns, 3, self.count * self.layout.dim, width), self.kernels.dtype)
        for f, (component, scale) in enumerate(free):
            order, place = divmod(component, changes.shape[2])
            changes[own + f, order, place, :runs] = scale
        arrays["changes"] = changes.reshape(columns, 3, self.count, self.layout.dim, width)
        arrays["links"] = aligned((slots, self.layout.dim + 2, width), self.kernels.dtype)
        arrays["link_slopes"] = aligned((slots, columns, width), self.kernels.dtype)
        for act, ends in zip(acts_of(self.layout.dynamics), self.acts, strict=True):
            many, n = ends.shape[1], act.number
            arrays[f"act{n}"] = aligned((many, act.outputs * act.inputs, width), self.kernels.dtype)
            arrays[f"act{n}_slopes"] = aligned((many, act.outputs, columns, width), self.kernels.dtype)
        arrays["weight_bars"] = aligned((max(self.unknown.weight_count, 1), width), self.kernels.dtype)
        shape = (columns, len(orders), len(rows.times), self.count, self.layout.dim, width)
        arrays["saved_dots"] = aligned(shape, self.kernels.dtype)
        kernel(arrays, scalars, (runs,), threads=cores())
        dots = arrays["saved_dots"].reshape(columns, len(orders), len(rows.times), -1, width)[..., :runs]
        if len(self.learnt) < own:  # weights given once for all
            dots = dots[np.concatenate([self.learnt, np.arange(own, columns)])]
        return self._states(arrays, runs), dots

    def differentiate(
        self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows, seeds: Callable[[Floats], Floats]
    ) -> tuple[Floats, Floats]:
        """The slopes of a loss by initial states [n, runs] and by what is unknown [U], all runs together.

        seeds: from the states [n, rows, runs] the slopes of the loss by them. The places at which forces were evaluated
        are kept: kicks and drifts are linear in everything else.
        """
        arrays, scalars = self._observed(initial, parameters, weights, rows, visited=True)
        runs = initial.shape[1]
        kernel, _ = self.kernel("adjoint", lambda: adjoint_kernel(self.layout, self.unknown), runs)
        width = arrays["position"].shape[-1]
        for name in ("place_bars", "rate_bars", "force_bars"):
            arrays[name] = aligned(arrays["position"].shape, self.kernels.dtype)
        bars = seeds(self._states(arrays, runs)).transpose(1, 0, 2)
        arrays["saved_bars"] = aligned((len(rows.times), 2, self.count, self.layout.dim, width), self.kernels.dtype)
        arrays["saved_bars"].reshape(len(rows.times), -1, width)[..., :runs] = bars
        arrays["parameter_bars"] = aligned((max(len(self.unknown.symbols), 1), width), self.kernels.dtype)
        arrays["weight_bars"] = np.zeros(max(self.unknown.weight_count, 1), self.kernels.dtype)
        kernel(arrays, scalars, (runs,), threads=cores())
        size = self.count * self.layout.dim
        slopes = np.concatenate([arrays[name].reshape(size, width)[:, :runs] for name in ("place_bars", "rate_bars")])
        return np.asarray(slopes, dtype=np.float64), self.summed(arrays, runs)

    def _observed(
        self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows, visited: bool
    ) -> tuple[Arrays, dict[str, Any]]:
        """All arrays and scalars after the runs: `saved` and, where asked for, the places that were `visited`."""
        runs = initial.shape[1]
        kernel, lanes = self.kernel(f"observe {visited}", lambda: observe_kernel(self.layout, visited), runs)
        arrays, scalars = self._arrays(initial, parameters, weights, rows, lanes)
        if visited:
            scalars["marks"] = 1 + int(rows.steps.sum()) * (self._stages - 1)
            shape = (scalars["marks"], *arrays["position"].shape)
            arrays["visited"] = aligned(shape, self.kernels.dtype)
            if rate_act(self.layout.dynamics) is not None or self.layout.dynamics.held:
                scalars["visits"] = scalars["marks"] + len(rows.times)
                arrays["visited_rates"] = aligned((scalars["visits"], *shape[1:]), self.kernels.dtype)
            for name, axis in (("amounts", "marks"), ("strains", "visits")) if self.layout.dynamics.held else ():
                held = (scalars[axis], scalars["held_rows"], shape[-1])
                arrays[f"visited_{name}"] = aligned(held, self.kernels.dtype)
        kernel(arrays, scalars, (runs,), threads=cores())
        return arrays, scalars

    def _hold(self, arrays: Arrays, shape: tuple[int, int, int]) -> dict[str, Any]:
        """Room for what holds, and its scalars; nothing where nothing is held."""
        dynamics, dtype = self.layout.dynamics, np.dtype(self.kernels.dtype)
        if not dynamics.held:
            return {}
        made = held_acts(dynamics)
        rows, ends = sum(self.acts[each.pull.number].shape[1] for each in made), max(len(e.pull.ends) for e in made)
        for name in ("held_field", "held_begin", "held_dots", "held_bars"):
            arrays[name] = aligned(shape, dtype)
        for name in ("held_old", "held_new"):
            arrays[name] = aligned((rows, ends, *shape[1:]), dtype)
        arrays["held_matrix"] = aligned((rows, rows, shape[-1]), dtype)
        for name in ("held_inverse", "held_amount", "held_sum"):
            arrays[name] = aligned((rows, shape[-1]), dtype)
        epsilon = float(np.finfo(dtype).eps)
        found = {"hold_epsilon": epsilon, "hold_root": float(np.sqrt(epsilon)), "hold_slight": SLIGHT[dtype.name]}
        return {"held_rows": rows, **found}

    def _states(self, arrays: Arrays, runs: int) -> Floats:
        saved = arrays["saved"]
        flat = saved.reshape(len(saved), -1, saved.shape[-1])[..., :runs]
        return np.ascontiguousarray(flat.transpose(1, 0, 2), dtype=np.float64)

    @cached_property
    def _weights(self) -> tuple[list[float], list[float]]:
        """Kicks a_0, ..., a_s and drifts b_0, ..., b_(s-1) of a step, filled up with zeros."""
        stages = list(self.method.stages)
        if stages[0][0] == "drift":
            stages.insert(0, ("kick", 0.0))
        if stages[-1][0] == "drift":
            stages.append(("kick", 0.0))
        kicks = [w for kind, w in stages if kind == "kick"]
        return kicks, [*(w for kind, w in stages if kind == "drift"), 0.0]

    @property
    def _stages(self) -> int:
        return len(self._weights[0])

    def _arrays(
        self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows, lanes: int
    ) -> tuple[Arrays, dict[str, Any]]:
        dtype = self.kernels.dtype
        arrays, scalars = self.inputs(parameters, weights, lanes)
        state = padded(initial, lanes, dtype)
        width = state.shape[1]
        shape = (self.count, self.layout.dim, width)
        arrays["position"], arrays["velocity"] = (half.reshape(shape).copy() for half in np.split(state, 2))
        arrays["force"] = aligned(shape, dtype)
        arrays["inverse_mass"] = aligned((self.count, width), dtype)
        kicks, drifts = self._weights
        arrays["kicks"], arrays["drifts"] = np.array(kicks, dtype), np.array(drifts, dtype)
        arrays["row_lengths"] = padded(rows.lengths, lanes, dtype)
        steps = np.append(rows.steps, 0).astype(np.int64)
        arrays["row_steps"] = steps
        arrays["row_marks"] = (np.cumsum(steps) - steps) * (len(kicks) - 1)
        arrays["saved"] = aligned((len(rows.times), 2, *shape), dtype)
        scalars |= self._hold(arrays, shape)
        if self.layout.dynamics.timed:
            arrays["row_times"] = padded(rows.times, lanes, dtype)
            passed = [math.fsum(drifts[:stage]) for stage in range(len(kicks))]
            arrays["shares"] = np.array(passed, dtype)
        return arrays, {**scalars, "rows": len(rows.times), "stages": len(kicks)}
