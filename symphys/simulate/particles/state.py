"""Particles in memory: arrays as kernels see them, for a crowd or a batch of runs, and what is measured of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import Backend, CompiledProgram, compile_program
from symphys.integrators import Splitting
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.plan import Plan, measure_program, measures_of, plan_of
from symphys.simulate.particles.box import Box
from symphys.simulate.particles.inputs import ParticleInputs
from symphys.simulate.weights import kernel_weights

LINE = 64  # bytes of a cache line


@dataclass(frozen=True)
class Machine:
    """Compiled programs of a layout."""

    layout: Layout
    plan: Plan
    backend: Backend
    dtype: str
    advance: CompiledProgram
    begin: CompiledProgram
    measure: CompiledProgram

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of what `measure` adds up."""
        return measures_of(self.layout)


def build_machine(layout: Layout, splitting: Splitting, backend: Backend, dtype: str) -> Machine:
    """The programs of a layout, compiled."""
    plan = plan_of(layout, splitting)
    advance, begin, measure = (
        compile_program(program, backend, dtype) for program in (plan.advance, plan.begin, measure_program(layout))
    )
    return Machine(layout, plan, backend, dtype, advance, begin, measure)


@dataclass
class State:
    """Runs in memory that advance together: those of `members` of an ensemble, one of them for a crowd."""

    machine: Machine
    inputs: ParticleInputs
    members: list[tuple[int, ...]]
    box: Box | None
    cutoffs: Mapping[str, float]
    h: float
    threads: int
    k: int = 0
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        m, n = self.machine, self.inputs.count
        layout = m.layout
        if layout.batch:
            lanes = m.backend.lanes(m.dtype)
            rows, width = n, -(-len(self.members) // lanes) * lanes
        else:
            rows, width = -(-n // layout.size), layout.size
        self.rows, self.width = rows, width
        self.scalars: dict[str, Any] = {
            "count": n,
            "k": 0,
            layout.extents[0]: rows,
            layout.extents[1]: len(self.members) if layout.batch else layout.size,
            "width": rows * width,
            "steps": 0,
            **self.cutoffs,
            **(self.box.scalars() if self.box else {}),
            **{name: weight * self.h for name, weight in m.plan.weights.items()},
        }
        self._fill()
        m.begin(self.arrays, self.scalars, self.threads)

    def _fill(self) -> None:
        dtype, inputs = np.dtype(self.machine.dtype), self.inputs
        self.vector("position", np.stack([self._member(inputs.places, m) for m in self.members]), dtype)
        self.vector("velocity", np.stack([self._member(inputs.velocities, m) for m in self.members]), dtype)
        self.vector("force", np.zeros((len(self.members), inputs.count, self.machine.layout.dim)), dtype)
        if count := self.machine.layout.leading("slope"):
            self.arrays["slope"] = aligned((count, self.rows, self.width), dtype)
            self.arrays["slope_all"] = self.arrays["slope"].reshape(count, -1)
        for name, values in inputs.attributes.items():
            self.number(name, np.stack([self._member(values[..., None], m)[..., 0] for m in self.members]), dtype, 1.0)
        self.number("kind", np.broadcast_to(inputs.kinds, (len(self.members), inputs.count)), np.dtype(np.int64), -1)
        self._fill_parameters(dtype)

    def _fill_parameters(self, dtype: Any) -> None:
        inputs = self.inputs
        for symbol, values in inputs.numbers.items():
            name = self.machine.layout.names[symbol]
            here = np.broadcast_to(values, inputs.shape)
            if self.machine.layout.batch:
                self.arrays[name] = np.full(self.width, float(here[self.members[-1]]), dtype=dtype)
                self.arrays[name][: len(self.members)] = [here[m] for m in self.members]
            else:
                self.scalars[name] = float(here[self.members[0]])
        self.arrays |= kernel_weights(inputs.weights, dtype)
        count = len(self.machine.measures)
        self.arrays["totals"] = np.zeros((count, len(self.members)) if self.machine.layout.batch else count, dtype)

    def _member(self, values: NDArray[Any], member: tuple[int, ...]) -> NDArray[Any]:
        return np.broadcast_to(values, (*self.inputs.shape, *values.shape[-2:]))[member]

    def vector(self, name: str, values: NDArray[Any], dtype: Any) -> None:
        """Lay [member, n, dim] into memory as [dim, row, lane], and beside it as one list of others."""
        dim = values.shape[-1]
        array = aligned((dim, self.rows, self.width), dtype)
        if self.machine.layout.batch:
            array[..., : len(values)] = values.transpose(2, 1, 0)
            array[..., len(values) :] = values[-1].T[..., None]
        else:
            array.reshape(dim, -1)[:, : values.shape[1]] = values[0].T
        self.arrays[name], self.arrays[f"{name}_all"] = array, array.reshape(dim, -1)

    def number(self, name: str, values: NDArray[Any], dtype: Any, pad: float) -> None:
        """Lay [member, n] into memory as [row, lane], and beside it as one list of others."""
        array = aligned((self.rows, self.width), dtype)
        array[...] = pad
        if self.machine.layout.batch:
            array[:, : len(values)] = values.T
        else:
            array.reshape(-1)[: values.shape[1]] = values[0]
        self.arrays[name], self.arrays[f"{name}_all"] = array, array.reshape(-1)

    def read(self, name: str) -> NDArray[Any]:
        """[member, n, dim], copied."""
        array = self.arrays[name]
        if self.machine.layout.batch:
            return np.ascontiguousarray(array[..., : len(self.members)].transpose(2, 1, 0))
        return np.ascontiguousarray(array.reshape(len(array), -1)[:, : self.inputs.count].T)[None]

    def go(self, steps: int) -> None:
        """Take `steps` steps."""
        if steps > 0:
            self.scalars |= {"steps": steps, "k": self.k}
            self.machine.advance(self.arrays, self.scalars, self.threads)
            self.k += steps

    def totals(self) -> NDArray[np.float64]:
        """[member, measures]."""
        self.machine.measure(self.arrays, self.scalars, self.threads)
        found = self.arrays["totals"].astype(np.float64)
        return found.T.copy() if self.machine.layout.batch else found[None].copy()


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Zeros that begin on a cache line."""
    kind = np.dtype(dtype)
    length = int(np.prod(shape, dtype=np.int64))
    raw = np.zeros(length + LINE // kind.itemsize, dtype=kind)
    lead = (-raw.ctypes.data % LINE) // kind.itemsize
    return raw[lead : lead + length].reshape(shape)
