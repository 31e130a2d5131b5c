"""One step of an integrator as a function, so that it can be differentiated: tangents forward, cotangents backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from codegen import Bar, Builder, Function, Names, Node, gather_jets, jvp_function, rebuild, variable, vjp_function
from symphys.lower.flow import Flow
from symphys.lower.stepper import Inputs, State, Stepper


@dataclass(frozen=True)
class StepFunction:
    """(t, h, state, memory, signals at `times`, parameters) -> results: a step, or the first memory.

    `time`, `length`: the variables of t and h, in which `times` are written. `moving`: those of state and memory.
    """

    function: Function
    time: Node
    length: Node
    times: tuple[Node, ...]
    moving: State

    def arguments(self, b: Builder, inputs: Inputs, t: Node, h: Node, moving: Sequence[Node]) -> State:
        """What the function is called with in a kernel."""
        signals = [v for time in rebuild(self.times, {self.time: t, self.length: h}) for v in inputs.signals(b, time)]
        return (t, h, *moving, *signals, *inputs.parameters)

    def tangents(self, unknown: Sequence[Node], directions: int) -> Function:
        """The function with its tangents along `directions` directions of state, memory and unknown parameters."""
        return jvp_function(self.function, [*self.moving, *unknown], directions)

    def adjoint(self, unknown: Sequence[Node], bars: Mapping[str, Bar]) -> Function:
        """The pulled-back cotangents of state, memory and unknown parameters, without the results.

        Those of the weights of networks are added to their `bars`.
        """
        return vjp_function(self.function, [*self.moving, *unknown], with_results=False, bars=bars)


def gathered(flow: Flow) -> Flow:
    """The flow with the derivatives of networks gathered in each function: derived ones keep calling the same."""

    def gather(function: Function | None) -> Function | None:
        return None if function is None else gather_jets(function)

    return replace(flow, rates=gather_jets(flow.rates), kick=gather(flow.kick), drift=gather(flow.drift))


def step_function(flow: Flow, stepper: Stepper, spacing: float) -> StepFunction:
    """(state, memory) -> (state, memory) after one step; `spacing` is that of numbers at 1."""

    def write(b: Builder, inputs: Inputs, t: Node, h: Node, x: State, memory: State) -> State:
        stepped = stepper.step(b, inputs, t, x, memory, h)
        return (*stepped.state, *stepped.memory)

    return _function("step", flow, stepper.memory_names(), spacing, write)


def start_function(flow: Flow, stepper: Stepper, spacing: float) -> StepFunction:
    """state -> the first memory."""

    def write(b: Builder, inputs: Inputs, t: Node, h: Node, x: State, memory: State) -> State:
        del memory
        return stepper.start(b, inputs, t, x, h)

    return _function("start_steps", flow, (), spacing, write)


@dataclass
class _Recorded:
    """Stands in for the inputs of a kernel: the values of signals at each time asked for become parameters."""

    flow: Flow
    names: Names
    spacing: float
    times: list[Node]
    values: list[Node]

    def signals(self, builder: Builder, t: Node) -> State:
        del builder
        found = tuple(variable(self.names.fresh(f"{s.attribute}_at")) for s in self.flow.arguments.signals)
        if found:
            self.times.append(t)
            self.values += found
        return found

    @property
    def parameters(self) -> State:
        return self.flow.arguments.parameters

    def epsilon(self) -> float:
        return self.spacing


def _function(
    name: str,
    flow: Flow,
    memory_names: Sequence[str],
    spacing: float,
    write: Callable[[Builder, Inputs, Node, Node, State, State], State],
) -> StepFunction:
    names = Names([str(n.attribute) for n in flow.arguments.all])
    t, h = variable(names.fresh("step_begin")), variable(names.fresh("step_length"))
    x = flow.arguments.state
    memory = tuple(variable(names.fresh(wish)) for wish in memory_names)
    b = Builder(names)
    inputs = _Recorded(flow, names, spacing, [], [])
    results = write(b, inputs, t, h, x, memory)
    parameters = (t, h, *x, *memory, *inputs.values, *flow.arguments.parameters)
    function = gather_jets(Function(name, parameters, b.block(), results))
    return StepFunction(function, t, h, tuple(inputs.times), (*x, *memory))
