"""Programs on a GPU: arrays are copied to the device once a call, launches and transforms follow one another there.

Launches are bound before they repeat, so that a step costs the host a few microseconds. Where nothing in the body of a
repetition changes from turn to turn, turns are captured as a CUDA graph, and the host only says how often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codegen.interpret_program import size_of
from codegen.program import Intent, Launch, Program, Repeat, Step, Transform, program_steps

from .cuda_device import load_cupy
from .cuda_kernel import CudaKernel
from .cuda_memory import Mirror, room
from .cuda_resident import DeviceMemory
from .cuda_sweeps import Action, CudaRound
from .cuda_transforms import plan_on_device
from .host_program import KernelProgram
from .interface import Arrays, Scalars

NODES = 64  # of a graph: its launch costs the host about as much as that of one kernel
FEW = 3  # launches for which a graph is worth while: to capture it takes the host as long as to launch all in it


@dataclass(frozen=True)
class CudaProgram(KernelProgram):
    """A program whose launches follow one another on the device."""

    kernels: Mapping[str, CudaKernel] = field(repr=False)
    rounds: Mapping[int, CudaRound] = field(default_factory=dict, repr=False)  # by the ids of repetitions

    @property
    def source(self) -> str:
        """The sources of its kernels, and of its sweeps."""
        return "\n\n".join([super().source, *(s for found in self.rounds.values() for s in found.sources)])

    def __call__(self, arrays: Arrays, scalars: Scalars, threads: int = 1) -> None:
        """Run in place; see `interface.CompiledProgram`. CuPy arrays and those of a `DeviceMemory` stay on the device;
        of the latter, this returns while launches may still be on their way."""
        cupy = load_cupy()
        if isinstance(arrays, DeviceMemory):
            with arrays.stream:
                there = arrays.arrays_for([array.name for array in self.program.arrays])
                running = _Running(cupy, arrays.stream, self, there, dict(scalars), arrays.plans)
                running.steps(self.program.body)
            arrays.wrote(written(self.program))
            arrays.hold(running)
            return
        stream = cupy.cuda.Stream(non_blocking=True)
        cupy.cuda.get_current_stream().synchronize()  # of what the caller has on its way
        with stream:
            mirror = Mirror.of(cupy, {array.name: arrays[array.name] for array in self.program.arrays})
            running = _Running(cupy, stream, self, mirror.arrays, dict(scalars), {})  # until all is over
            running.steps(self.program.body)
            mirror.fetch(written(self.program))
            stream.synchronize()


def written(program: Program) -> frozenset[str]:
    """The arrays of a program that its steps write."""
    found: set[str] = set()
    for step in program_steps(program.body):
        if isinstance(step, Launch):
            names = dict(step.rename)
            found |= {names.get(a.name, a.name) for a in step.kernel.arrays if a.intent is not Intent.IN}
        elif isinstance(step, Transform):
            found.add(step.output)
    return frozenset(found)


@dataclass
class _Running:
    """One call of a program."""

    cupy: Any
    stream: Any
    compiled: CudaProgram
    arrays: Mapping[str, Any]
    scalars: dict[str, float | int]
    plans: dict[Any, Any]  # of transforms, by what they transform
    used: list[Any] = field(default_factory=list)  # graphs and plans, which must outlive what they are doing

    def steps(self, body: Sequence[Step]) -> None:
        for step in body:
            if isinstance(step, Repeat):
                self.repeat(step)
            else:
                self.action(step, None)[0](self.scalars)

    def repeat(self, step: Repeat) -> None:
        count = size_of(step.count, self.scalars)
        if count <= 0:
            return
        if any(isinstance(inner, Repeat) for inner in step.body):
            for _ in range(count):
                self.steps(step.body)
                if step.counter is not None:
                    self.scalars[step.counter] += step.stride
            return
        count -= self.swept(step, count)
        if count:
            self.turns([self.action(inner, step.counter) for inner in step.body], count, step.counter, step.stride)

    def swept(self, step: Repeat, count: int) -> int:
        """Take as many turns by sweeps as whole rounds are, and say how many."""
        found = self.compiled.rounds.get(id(step))
        if found is None or count < found.round.turns:
            return 0
        taken = found.bind(self.cupy, self.arrays, self.scalars)
        if taken is None:
            return 0
        self.used.append(taken.spares)
        rounds, turns = count // found.round.turns, found.round.turns
        self.turns(taken.actions(step), rounds, step.counter, turns * step.stride)
        for fill in found.round.fills:
            self.action(fill, None)[0](self.scalars)
        return rounds * turns

    def turns(self, bound: Sequence[tuple[Action, bool]], count: int, counter: str | None, stride: int) -> None:
        """Turns that are bound."""
        actions = [act for act, _ in bound]
        turns = max(1, NODES // max(len(actions), 1))
        if count >= FEW * turns and all(capturable for _, capturable in bound):
            self.by_graph(actions, count, turns)
            if counter is not None:
                self.scalars[counter] += count * stride
            return
        for _ in range(count):
            for act in actions:
                act(self.scalars)
            if counter is not None:
                self.scalars[counter] += stride

    def by_graph(self, actions: Sequence[Action], count: int, turns: int) -> None:
        """Turns that are all alike, so many to a graph."""
        self.stream.begin_capture()
        for _ in range(turns):
            for act in actions:
                act(self.scalars)
        graph = self.stream.end_capture()
        self.used.append(graph)
        for _ in range(count // turns):
            graph.launch(self.stream)
        for _ in range(count % turns):
            for act in actions:
                act(self.scalars)

    def action(self, step: Step, counter: str | None) -> tuple[Action, bool]:
        """A call that does a step, and whether it is the same in every turn and fit for a graph."""
        if isinstance(step, Transform):
            extent = size_of(step.extent, self.scalars)
            source, output = self.arrays[step.source], self.arrays[step.output]
            with room(self.cupy, source.nbytes):  # cuFFT works beside the arrays
                plan, capturable = plan_on_device(self.cupy, source, output, step, extent, self.plans)
            self.used.append(plan)
            return (lambda _: plan()), capturable
        assert isinstance(step, Launch)
        kernel, names = self.compiled.kernels[step.kernel.name], dict(step.rename)
        arrays = {a.name: self.arrays[names.get(a.name, a.name)] for a in kernel.kernel.arrays}
        given = {s.name: names.get(s.name, s.name) for s in kernel.kernel.scalars}
        extents = tuple(size_of(e, self.scalars) for e in step.extents)
        sums = [arrays[a.name] for a in kernel.kernel.arrays if a.intent is Intent.SUM]
        counted = counter is not None and counter in given.values()
        present = {name: self.scalars[there] for name, there in given.items()}
        bound = kernel.bind(arrays, present, extents)

        def act(scalars: Mapping[str, float | int]) -> None:
            for total in sums:
                total.fill(0)
            if counted:
                bound.give({name: scalars[there] for name, there in given.items()})
            bound()

        return act, not counted and bound.in_place
