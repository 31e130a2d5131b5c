"""Ensembles that pass from their starts by all times of observation: states, tangents and adjoints, by kernels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledKernel, Kernel
from symphys.integrators import ExplicitTableau, Gauss, Method, Splitting
from symphys.language.networks import NetworkSymbol
from symphys.learn.term_kernels import Weights, learnt_columns
from symphys.lower.expressions import dense
from symphys.lower.gauss import GaussStepper
from symphys.lower.reverse_step import ExplicitReverse, GaussReverse, ReverseStep, RungeKuttaReverse
from symphys.lower.sensitivity import sensitivity_kernel
from symphys.lower.stages import Stages, tableau_rows
from symphys.lower.step_function import gathered, start_function, step_function
from symphys.lower.stepper import ExplicitStepper, Stepper
from symphys.lower.steppers import stepper_for
from symphys.lower.through_time import Stepping, keep_stages_kernel, observe_kernel, tangent_kernel
from symphys.lower.way_back import WayBack, adjoint_kernel
from symphys.simulate.compiled import Kernels, Lowered
from symphys.simulate.execute import cores
from symphys.simulate.inputs import padded
from symphys.simulate.weights import kernel_weights

Floats = NDArray[np.float64]
KEPT = 2**22  # numbers: states of all steps up to this many are kept for the way back
MOST_DIRECTIONS = 4  # tangents that one instance carries beside its state


@dataclass(frozen=True)
class Rows:
    """When states are observed: `times` [rows, runs], `steps` [rows - 1] from each to the next."""

    times: Floats
    steps: NDArray[np.int64]

    @property
    def lengths(self) -> Floats:
        """[rows, runs], the length of a step from each time on; 0 for the last."""
        lengths = np.zeros_like(self.times)
        lengths[:-1] = np.diff(self.times, axis=0) / self.steps[:, None]
        return lengths

    def every_step(self) -> tuple[Rows, NDArray[np.int64]]:
        """A row for each step, and the places of these rows among them."""
        index = np.repeat(np.arange(len(self.steps)), self.steps)
        ends = np.cumsum(self.steps)
        within = np.arange(len(index)) - np.repeat(ends - self.steps, self.steps)
        times = np.concatenate([self.times[index] + within[:, None] * self.lengths[index], self.times[-1:]])
        return Rows(times, np.ones(len(index), dtype=np.int64)), np.concatenate([[0], ends])

    def of(self, runs: NDArray[np.int64]) -> Rows:
        """The same for some of the runs."""
        return Rows(self.times[:, runs], self.steps)


@dataclass(frozen=True)
class Passage:
    """A system, a method with fixed steps, and which of its parameters are unknown; kernels are compiled once."""

    lowered: Lowered
    kernels: Kernels
    method: Method
    unknown: tuple[Any, ...]
    networks: tuple[NetworkSymbol, ...]
    tables: Mapping[str, NDArray[Any]]
    places: Mapping[str, float | int]

    def states(self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows) -> Floats:
        """[n, rows, runs]: the states at the times of `rows`, from `initial` [n, runs] and `parameters` [P, runs]."""
        runs = initial.shape[1]
        kernel, lanes = self._kernel("observe", lambda s: observe_kernel(s, self.kernels.dtype), runs)
        arrays = self._arrays(initial, parameters, weights, rows, lanes)
        arrays["saved"] = self._new((len(initial), len(rows.times)), runs, lanes)
        self._launch(kernel, arrays, rows, runs)
        return np.asarray(arrays["saved"][..., :runs], dtype=np.float64)

    def tangents(
        self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows, initial_dots: Floats
    ) -> tuple[Floats, Floats]:
        """States [n, rows, runs] and their derivatives [n, rows, runs, U + F].

        By the U unknown parameters and weights, and along the last F of `initial_dots` [n, runs, U + F], directions of
        the initial states. Tangents are pushed for few unknowns; weights of networks are pulled back step by step.
        """
        way = self._sensitivities if self.networks else self._pushed
        return way(initial, parameters, weights, rows, initial_dots)

    def _pushed(
        self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows, initial_dots: Floats
    ) -> tuple[Floats, Floats]:
        n, runs, many = initial_dots.shape
        width = min(many, MOST_DIRECTIONS)
        chunks = -(-many // width)
        count = runs * chunks
        kernel, lanes = self._kernel(f"tangents {width}", lambda s: tangent_kernel(s, width, self.kernels.dtype), count)
        spread = np.repeat(np.arange(runs), chunks)
        arrays = self._arrays(initial[:, spread], parameters[:, spread], weights, rows.of(spread), lanes)
        seeds = np.zeros((n, runs, chunks * width))
        seeds[..., :many] = initial_dots
        arrays["initial_dots"] = self._padded(
            seeds.reshape(n, count, width).transpose(0, 2, 1).reshape(n * width, count), lanes
        ).reshape(n, width, -1)
        known = np.eye(max(len(self.unknown), 1), chunks * width)
        tiled = np.tile(known.reshape(len(known), chunks, width), (1, runs, 1)).transpose(0, 2, 1)
        arrays["parameter_dots"] = self._padded(tiled.reshape(-1, count), lanes).reshape(len(known), width, -1)
        arrays["saved"] = self._new((n, len(rows.times)), count, lanes)
        arrays["saved_dots"] = self._new((n, len(rows.times), width), count, lanes)
        self._launch(kernel, arrays, rows, count)
        states = np.asarray(arrays["saved"][..., :count:chunks], dtype=np.float64)
        dots = arrays["saved_dots"][..., :count].reshape(n, -1, width, runs, chunks).transpose(0, 1, 3, 4, 2)
        return states, np.asarray(dots.reshape(n, -1, runs, chunks * width)[..., :many], dtype=np.float64)

    def _sensitivities(
        self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows, initial_dots: Floats
    ) -> tuple[Floats, Floats]:
        n, runs, _ = initial_dots.shape
        kernel, lanes = self._kernel("sensitivities", self._sensitivity_kernel, runs)
        arrays = self._arrays(initial, parameters, weights, rows, lanes)
        stepping, learnt = self._stepping, self.learnt
        own = len(self.unknown) + stepping.weight_count
        extra = initial_dots.shape[2] - len(learnt)
        shape = (n + stepping.memory, own + extra)
        for name in ("sensitivity", "following"):
            arrays[name] = self._new(shape, runs, lanes)
        arrays["sensitivity"][:n, own:, :runs] = initial_dots[..., len(learnt) :].transpose(0, 2, 1)
        arrays["weight_bars"] = self._new((max(stepping.weight_count, 1),), runs, lanes)
        arrays["saved"] = self._new((n, len(rows.times)), runs, lanes)
        arrays["saved_dots"] = self._new((n, len(rows.times), own + extra), runs, lanes)
        self._launch(kernel, arrays, rows, runs, {"columns": own + extra})
        chosen = np.concatenate([learnt, np.arange(own, own + extra)])
        dots = arrays["saved_dots"][:, :, chosen, :runs].transpose(0, 1, 3, 2)
        return np.asarray(arrays["saved"][..., :runs], dtype=np.float64), np.asarray(dots, dtype=np.float64)

    def differentiate(
        self,
        initial: Floats,
        parameters: Floats,
        weights: Weights,
        rows: Rows,
        seeds: Callable[[Floats], Floats],
    ) -> tuple[Floats, Floats]:
        """The slopes of a loss by initial states [n, runs] and by what is unknown [U], all runs together.

        seeds: from the states [n, rows, runs] the slopes of the loss by them. Where steps cannot be undone and there is
        room for the states of all, they are kept and none is done twice; with networks, whose rates cost more than to
        remember where they were taken, neither is a stage.
        """
        n, runs = initial.shape
        room = KEPT // max(n * runs * int(rows.steps.sum()), 1)
        if self.reversible or not room:
            states = self.states(initial, parameters, weights, rows)
            return self.adjoint(states, parameters, weights, rows, seeds(states))
        fine, places = rows.every_step()
        stages: NDArray[Any] | None = None
        if self.networks and self._stages is not None and room > self._stages.count:
            states, stages = self._with_stages(initial, parameters, weights, fine)
        else:
            states = self.states(initial, parameters, weights, fine)
        bars = np.zeros_like(states)
        bars[:, places] = seeds(states[:, places])
        return self._pulled_back(states, parameters, weights, fine, bars, stages)

    def adjoint(
        self, states: Floats, parameters: Floats, weights: Weights, rows: Rows, bars: Floats
    ) -> tuple[Floats, Floats]:
        """The slopes of a loss by initial states [n, runs] and by what is unknown [U], all runs together.

        states: [n, rows, runs], as `states` gave them. bars: [n, rows, runs], the slopes of the loss by them.
        """
        return self._pulled_back(states, parameters, weights, rows, bars, None)

    def _with_stages(
        self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows
    ) -> tuple[Floats, NDArray[Any]]:
        """`states` for rows of one step each, and, padded, the states of the stages of every step [stages, n, rows]."""
        n, runs = initial.shape
        stages = self._stages
        assert stages is not None
        kernel, lanes = self._kernel("keep stages", lambda s: keep_stages_kernel(s, stages, self.kernels.dtype), runs)
        arrays = self._arrays(initial, parameters, weights, rows, lanes)
        arrays["saved"] = self._new((n, len(rows.times)), runs, lanes)
        arrays["saved_stages"] = self._new((stages.count, n, len(rows.times)), runs, lanes)
        self._launch(kernel, arrays, rows, runs)
        return np.asarray(arrays["saved"][..., :runs], dtype=np.float64), arrays["saved_stages"]

    def _pulled_back(
        self,
        states: Floats,
        parameters: Floats,
        weights: Weights,
        rows: Rows,
        bars: Floats,
        stages: NDArray[Any] | None,
    ) -> tuple[Floats, Floats]:
        """`adjoint`, from the states of all stages where they were kept."""
        n, _, runs = states.shape
        way = WayBack.UNDO if self.reversible else WayBack.REPEAT if stages is None else WayBack.RECALL
        kernel, lanes = self._kernel(f"adjoint, {way.value}", lambda s: self._adjoint_kernel(s, way), runs)
        arrays = self._arrays(None, parameters, weights, rows, lanes)
        for name, values in (("saved", states), ("saved_bars", bars)):
            arrays[name] = self._padded(values.reshape(-1, runs), lanes).reshape(*values.shape[:2], -1)
        if stages is not None:
            arrays["saved_stages"] = stages
        arrays["initial_bars"] = self._new((n,), runs, lanes)
        arrays["parameter_bars"] = self._new((max(len(self.unknown), 1),), runs, lanes)
        stepping = self._stepping
        if self.networks:
            arrays["weight_bars"] = np.zeros(stepping.weight_count, dtype=self.kernels.dtype)
        scalars: dict[str, int] = {}
        if way is WayBack.REPEAT:
            longest = int(rows.steps.max()) if len(rows.steps) else 1
            segment = math.isqrt(max(longest - 1, 0)) + 1
            scalars = {"segment": segment, "marks": -(-longest // segment)}
            moving = n + stepping.memory
            arrays["held_marks"] = self._new((moving, scalars["marks"]), runs, lanes)
            arrays["held_steps"] = self._new((moving, segment), runs, lanes)
        self._launch(kernel, arrays, rows, runs, scalars)
        found = arrays["parameter_bars"][: len(self.unknown), :runs].sum(axis=1, dtype=np.float64)
        if self.networks:
            found = np.concatenate([found, arrays["weight_bars"].astype(np.float64)])[self.learnt]
        return np.asarray(arrays["initial_bars"][:, :runs], dtype=np.float64), found

    @property
    def learnt(self) -> NDArray[np.int64]:
        """[U], the places of what is unknown among parameters and all weights; those given once for all left out."""
        return learnt_columns(len(self.unknown), self.networks)

    @property
    def reversible(self) -> bool:
        """Whether a step of negative length undoes a step, so that states need not be kept."""
        if self.lowered.flow.constraint is not None:
            return False
        return isinstance(self.method, Gauss) or (isinstance(self.method, Splitting) and self.method.symmetric)

    @property
    def has_adjoint(self) -> bool:
        """Whether derivatives can be pulled back; else they are pushed forward."""
        return self.lowered.flow.constraint is None

    @cached_property
    def _stepping(self) -> Stepping:
        flow = gathered(self.lowered.flow)
        spacing = float(np.finfo(self.kernels.dtype).eps)
        stepper = self._stepper()
        unknown = tuple(flow.arguments.symbols[s] for s in self.unknown)
        weights = tuple(dense(network).array for network in self.networks)
        step, start = step_function(flow, stepper, spacing), start_function(flow, stepper, spacing)
        return Stepping(flow, step, start, unknown, weights)

    def _stepper(self) -> Stepper:
        spacing = float(np.finfo(self.kernels.dtype).eps)
        return stepper_for(gathered(self.lowered.flow), self.method, False, None, spacing)

    @cached_property
    def _stages(self) -> Stages | None:
        """The stages of an explicit Runge-Kutta step; None for other methods."""
        stepper = self._stepper()
        return Stages(stepper.flow, stepper.tableau) if isinstance(stepper, ExplicitStepper) else None

    def _reverse(self, stepping: Stepping) -> ReverseStep:
        stepper = self._stepper()
        if isinstance(stepper, GaussStepper):
            return GaussReverse(stepping.flow, stepper, stepping.wanted)
        if isinstance(self.method, ExplicitTableau):
            return RungeKuttaReverse(Stages(stepping.flow, self.method), stepping.wanted)
        return ExplicitReverse(stepping.step, stepping.wanted)

    def _adjoint_kernel(self, stepping: Stepping, way: WayBack) -> Kernel:
        return adjoint_kernel(stepping, self._reverse(stepping), way, self.kernels.dtype)

    def _sensitivity_kernel(self, stepping: Stepping) -> Kernel:
        stepping = replace(stepping, summed=False)
        return sensitivity_kernel(stepping, self._reverse(stepping), self.kernels.dtype)

    def _kernel(self, name: str, build: Callable[[Stepping], Kernel], instances: int) -> tuple[CompiledKernel, int]:
        key = (name, self.method.name, self.unknown, self.networks)
        return self.kernels.get(key, lambda: build(self._stepping), instances)

    def _padded(self, values: NDArray[Any], lanes: int) -> NDArray[Any]:
        return padded(values, lanes, self.kernels.dtype)

    def _new(self, shape: tuple[int, ...], instances: int, lanes: int) -> NDArray[Any]:
        return np.zeros((*shape, -(-instances // lanes) * lanes), dtype=self.kernels.dtype)

    def _arrays(
        self, initial: Floats | None, parameters: Floats, weights: Weights, rows: Rows, lanes: int
    ) -> dict[str, NDArray[Any]]:
        arrays = dict(self.tables) | kernel_weights(weights, np.dtype(self.kernels.dtype))
        arrays["parameters"] = self._padded(parameters, lanes)
        if isinstance(self.method, ExplicitTableau):
            arrays["tableau"] = np.array(tableau_rows(self.method), dtype=self.kernels.dtype)
        arrays["row_times"] = self._padded(rows.times, lanes)
        arrays["row_lengths"] = self._padded(rows.lengths, lanes)
        arrays["row_steps"] = np.append(rows.steps, 0).astype(np.int64)
        if initial is not None:
            arrays["initial"] = self._padded(initial, lanes)
        return arrays

    def _launch(
        self,
        kernel: CompiledKernel,
        arrays: dict[str, NDArray[Any]],
        rows: Rows,
        runs: int,
        scalars: Mapping[str, int] | None = None,
    ) -> None:
        kernel(arrays, {"rows": len(rows.times), **self.places, **(scalars or {})}, (runs,), threads=cores())
