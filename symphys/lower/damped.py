"""Splittings with linear friction: kicks at standing coordinates solve p' = F - A p exactly.

p_1 = p + h phi(-h A) (F - A p). Drifts are symplectic, and where A is a number a kick of length h contracts the
symplectic form by exp(-A h): so does a whole step, whatever the composition, for its weights sum to one. Source:
McLachlan and Quispel, Acta Numerica 11 (2002) 341, section 3.12; Bhatt, Floyd, Moore, Journal of Scientific Computing
66 (2016) 1234.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from codegen import Builder, Node, real
from symphys.integrators import Splitting
from symphys.integrators.exponential import apply_matrix, phi
from symphys.integrators.splitting import compose
from symphys.lower.flow import Flow
from symphys.lower.stepper import Inputs, State, Stepped

Halves = tuple[State, State]  # coordinates and momenta
Matrix = dict[tuple[int, int], Node]


@dataclass(frozen=True)
class DampedStepper:
    """A composition of drifts and of kicks that take linear friction with them; nothing is remembered."""

    flow: Flow
    splitting: Splitting

    def memory_names(self) -> tuple[str, ...]:
        """What is remembered between steps."""
        return ()

    def start(self, b: Builder, inputs: Inputs, t: Node, x: State, h: Node) -> State:
        """The first contents of the memory."""
        return ()

    def step(self, b: Builder, inputs: Inputs, t: Node, x: State, memory: State, h: Node) -> Stepped:
        """One step from (t, x) of length h."""
        flows = _Flows(self.flow, b, inputs, t)
        start = (tuple(x[i] for i in self.flow.q), tuple(x[i] for i in self.flow.p))
        end = compose(self.splitting, {"kick": flows.kick, "drift": flows.drift}, t, start, h)
        return Stepped(_merged(self.flow, *end), ())


@dataclass
class _Flows:
    """Kick and drift of one step."""

    flow: Flow
    b: Builder
    inputs: Inputs
    t: Node
    weights: dict[Node, Matrix] = field(default_factory=dict)  # phi(-h A) by the length of a kick

    def __post_init__(self) -> None:
        damping = self.flow.damping
        assert damping is not None
        nothing = tuple(real(0.0) for _ in self.flow.names)
        found = self.b.call(damping.matrix, self._arguments(self.t, nothing))
        self.matrix: Matrix = dict(zip(damping.places, found, strict=True))

    def kick(self, t: Node, state: Halves, h: Node) -> Halves:
        """p + h phi(-h A) (F(q, t) - A p)."""
        (q, p), b, flow = state, self.b, self.flow
        assert flow.kick is not None
        b.comment("kick: forces and linear friction at standing coordinates, solved exactly")
        forces = b.call(flow.kick, self._arguments(t, _merged(flow, q, (real(0.0),) * len(p))))
        if h not in self.weights:
            self.weights[h] = phi({place: real(0.0) - h * entry for place, entry in self.matrix.items()}, len(p))
        lost = apply_matrix(self.matrix, p)
        rates = tuple(force - lost[i] if i in lost else force for i, force in enumerate(forces))
        moved = apply_matrix(self.weights[h], rates)
        return q, tuple(b.let("kicked", pi + h * moved[i]) for i, pi in enumerate(p))

    def drift(self, t: Node, state: Halves, h: Node) -> Halves:
        """q + h v(p, t)."""
        (q, p), b, flow = state, self.b, self.flow
        assert flow.drift is not None
        speeds = b.call(flow.drift, self._arguments(t, _merged(flow, (real(0.0),) * len(q), p)))
        return tuple(b.let("drifted", qi + h * speed) for qi, speed in zip(q, speeds, strict=True)), p

    def _arguments(self, t: Node, x: State) -> State:
        return (t, *x, *self.inputs.signals(self.b, t), *self.inputs.parameters)


def _merged(flow: Flow, q: State, p: State) -> State:
    x = [real(0.0)] * (len(q) + len(p))
    for index, value in zip((*flow.q, *flow.p), (*q, *p), strict=True):
        x[index] = value
    return tuple(x)
