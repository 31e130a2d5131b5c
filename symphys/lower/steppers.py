"""Which stepper belongs to a method, and steps whose ends are carried back to the constraints."""

from __future__ import annotations

from dataclasses import dataclass

from codegen import Builder, Node, apply
from symphys.integrators import ExplicitTableau, Gauss, Rattle, Splitting
from symphys.lower.constraint import projected
from symphys.lower.damped import DampedStepper
from symphys.lower.flow import Canonical, Flow
from symphys.lower.gauss import GaussStepper
from symphys.lower.rattle import RattleStepper
from symphys.lower.split import SplitStepper
from symphys.lower.stepper import ExplicitStepper, Inputs, SplittingStepper, State, Stepped, Stepper


@dataclass(frozen=True)
class ProjectedStepper:
    """Steps of another stepper, each carried to the constraints of the flow at its end, or its vectors made unit."""

    flow: Flow
    inner: Stepper

    def memory_names(self) -> tuple[str, ...]:
        """What is remembered between steps."""
        return self.inner.memory_names()

    def start(self, b: Builder, inputs: Inputs, t: Node, x: State, h: Node) -> State:
        """The first contents of the memory."""
        return self.inner.start(b, inputs, t, x, h)

    def step(self, b: Builder, inputs: Inputs, t: Node, x: State, memory: State, h: Node) -> Stepped:
        """One step from (t, x) of length h."""
        stepped = self.inner.step(b, inputs, t, x, memory, h)
        state, held = projected(self.flow, b, inputs, t + h, stepped.state)
        if held is None:
            return stepped
        converged = held if stepped.converged is None else apply("and", stepped.converged, held)
        memory = stepped.memory
        if isinstance(self.inner, SplittingStepper):  # the force that it keeps was one on other tangent vectors
            memory = self.inner.start(b, inputs, t + h, state, h)
        return Stepped(state, memory, converged)


def stepper_for(flow: Flow, method: object, compensated: bool, canonical: Canonical | None, epsilon: float) -> Stepper:
    """The stepper of a fixed-step method; `epsilon` is the rounding unit, to which implicit stages are solved."""
    if isinstance(method, Rattle):
        return RattleStepper(flow, method)
    turned = flow.tangents is not None and flow.tangents.orthonormal
    if flow.constraint is not None or turned:  # what is carried back to something keeps no sums
        return ProjectedStepper(flow, _free_stepper(flow, method, False, canonical, epsilon))
    return _free_stepper(flow, method, compensated, canonical, epsilon)


def _free_stepper(
    flow: Flow, method: object, compensated: bool, canonical: Canonical | None, epsilon: float
) -> Stepper:
    if isinstance(method, Splitting) and flow.parts:
        return SplitStepper(flow, method, compensated)
    if isinstance(method, Splitting) and flow.damping is not None:
        return DampedStepper(flow, method)
    if isinstance(method, Splitting):
        return SplittingStepper(flow, method, compensated)
    if isinstance(method, Gauss):
        return GaussStepper(flow, method, 1e4 * epsilon, canonical, compensated)
    if isinstance(method, ExplicitTableau):
        return ExplicitStepper(flow, method, compensated)
    raise TypeError(f"{method} has no fixed step")
