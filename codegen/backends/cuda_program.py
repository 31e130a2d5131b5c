"""Programs on a GPU: arrays are copied to the device once a call, launches and transforms follow one another there.

Launches are bound before they repeat, so that a step costs the host a few microseconds. Where nothing in the body of a
repetition changes from turn to turn, turns are captured as a CUDA graph, and the host only says how often.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codegen.interpret_program import size_of
from codegen.optimise.join import Joined, JoinedRepeat, JoinedStep
from codegen.program import Intent, Launch, Program, Repeat, Transform, program_steps

from .cuda_device import load_cupy
from .cuda_kernel import CudaKernel
from .cuda_memory import Mirror
from .cuda_transforms import plan_on_device
from .interface import Arrays, Scalars

NODES = 64  # of a graph: its launch costs the host about as much as that of one kernel
FEW = 4  # turns that are not worth a graph

Action = Callable[[Mapping[str, float | int]], None]


@dataclass(frozen=True)
class CudaProgram:
    """A program and its compiled kernels; `steps` are those of the program with launches joined."""

    program: Program
    halo: int
    kernels: Mapping[str, CudaKernel] = field(repr=False)
    steps: tuple[JoinedStep | JoinedRepeat, ...] = field(repr=False)

    @property
    def source(self) -> str:
        """The sources of its kernels."""
        return "\n\n".join(kernel.source for kernel in self.kernels.values())

    def __call__(self, arrays: Arrays, scalars: Scalars, threads: int = 1) -> None:
        """Run in place; see `interface.CompiledProgram`. CuPy arrays stay on the device."""
        cupy = load_cupy()
        stream = cupy.cuda.Stream(non_blocking=True)
        cupy.cuda.get_current_stream().synchronize()  # of what the caller has on its way
        with stream:
            mirror = Mirror.of(cupy, {array.name: arrays[array.name] for array in self.program.arrays})
            present = dict(mirror.arrays)
            swapped = {pair for step in self.steps if isinstance(step, JoinedRepeat) for pair in swaps_of(step)}
            steps = self.program.body if mirror.share_memory({name for name, _ in swapped}) else self.steps
            for name, second in swapped if steps is self.steps else ():
                present[second] = present[name].copy()
            _Running(cupy, stream, self.kernels, present, dict(scalars)).steps(steps)
            for name, array in mirror.arrays.items():
                if present[name] is not array:
                    array[...] = present[name]
            mirror.fetch(written(self.program))
            stream.synchronize()


def swaps_of(step: JoinedRepeat) -> tuple[tuple[str, str], ...]:
    """The arrays that change places with second buffers in a body, one after the other."""
    return tuple(pair for inner in step.body if isinstance(inner, Joined) for pair in inner.swaps)


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
    kernels: Mapping[str, CudaKernel]
    arrays: dict[str, Any]
    scalars: dict[str, float | int]

    def steps(self, body: Sequence[JoinedStep | JoinedRepeat]) -> None:
        for step in body:
            if isinstance(step, Repeat | JoinedRepeat):
                self.repeat(step)
            else:
                self.action(step, None)[0](self.scalars)

    def repeat(self, step: Repeat | JoinedRepeat) -> None:
        count = size_of(step.count, self.scalars)
        if count <= 0:
            return
        if any(isinstance(inner, Repeat) for inner in step.body):
            for _ in range(count):
                self.steps(step.body)
                if step.counter is not None:
                    self.scalars[step.counter] += 1
            return
        turns = [self.bound(step.body, step.counter)]
        if isinstance(step, JoinedRepeat) and swaps_of(step):  # after two turns all buffers are where they were
            turns.append(self.bound(step.body, step.counter))
        actions = [[act for act, _ in turn] for turn in turns]
        if count >= FEW and all(capturable for turn in turns for _, capturable in turn):
            self.by_graph(actions, count)
            if step.counter is not None:
                self.scalars[step.counter] += count
        else:
            for i in range(count):
                for act in actions[i % len(actions)]:
                    act(self.scalars)
                if step.counter is not None:
                    self.scalars[step.counter] += 1
        if len(turns) == 2 and count % 2:
            for inner in step.body:
                self.swap(inner)

    def by_graph(self, actions: Sequence[Sequence[Action]], count: int) -> None:
        """Turns of one kind, or of two by turns, several to a graph."""
        kinds = len(actions)
        turns = max(1, NODES // (kinds * len(actions[0]))) * kinds
        turns = min(turns, count // kinds * kinds)
        self.stream.begin_capture()
        for i in range(turns):
            for act in actions[i % kinds]:
                act(self.scalars)
        graph = self.stream.end_capture()
        for _ in range(count // turns):
            graph.launch(self.stream)
        for i in range(count % turns):
            for act in actions[i % kinds]:
                act(self.scalars)

    def bound(self, body: Sequence[JoinedStep], counter: str | None) -> list[tuple[Action, bool]]:
        """The actions of one turn, after which buffers stand as it leaves them."""
        out = []
        for step in body:
            out.append(self.action(step, counter))
            self.swap(step)
        return out

    def swap(self, step: JoinedStep) -> None:
        for name, second in step.swaps if isinstance(step, Joined) else ():
            self.arrays[name], self.arrays[second] = self.arrays[second], self.arrays[name]

    def action(self, step: JoinedStep, counter: str | None) -> tuple[Action, bool]:
        """A call that does a step, and whether it is the same in every turn and fit for a graph."""
        if isinstance(step, Joined):
            step = step.launch
        if isinstance(step, Transform):
            extent = size_of(step.extent, self.scalars)
            plan, capturable = plan_on_device(
                self.cupy, self.arrays[step.source], self.arrays[step.output], step, extent
            )
            return (lambda _: plan()), capturable
        assert isinstance(step, Launch)
        kernel, names = self.kernels[step.kernel.name], dict(step.rename)
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
