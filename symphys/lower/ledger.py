"""The ledger of energy in kernels: powers integrated along each step, and the balance that they must leave constant.

The work of a step is a Gauss-Legendre sum of powers at states inside it: on the method's own dense output where it has
one, else on Hermite's cubic through both ends, which keeps fourth order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codegen import Builder, Function, Intent, Node, add_many, apply, real
from symphys.integrators import METHODS, Gauss
from symphys.lower.arguments import Arguments, function_of
from symphys.lower.expressions import lower_expressions
from symphys.lower.saddle import motion
from symphys.mechanics.balance import EnergyBalance
from symphys.mechanics.constrained import Constrained
from symphys.mechanics.dynamics import Dynamics

if TYPE_CHECKING:
    from symphys.lower.frame import Frame

State = tuple[Node, ...]
At = Callable[[Builder, Node], State]
BALANCE = "energy balance"
GAINS = {"dissipated": -1.0, "supplied": 1.0, "explicit": 1.0, "constrained": 1.0}  # signs in dE/dt
HERMITE_ORDER = 4
NODES = 6  # at most; beyond that a step of any method errs more


@dataclass(frozen=True)
class Ledger:
    """Powers by name, and functions of (t, state, signals, parameters) for them and for the energy.

    energy: the value, and the sum of the absolute values of its terms.
    """

    names: tuple[str, ...]
    powers: Function
    energy: Function

    @property
    def registers(self) -> tuple[str, ...]:
        """What kernels call the works done so far."""
        return tuple(f"work_{name}" for name in self.names)

    def load(self, frame: Frame) -> State:
        """Registers of the works done so far, from the end of `carry`, and the array of saved ones [k, rows]."""
        frame.array("saved_work", (len(self.names), "rows"), intent=Intent.OUT)
        frame.array("works", (len(self.names),), intent=Intent.INOUT)
        return frame.load_registers(self.registers, "works")

    def prepare(self, frame: Frame) -> None:
        """No work yet."""
        frame.array("works", (len(self.names),), intent=Intent.INOUT)
        frame.store_registers([real(0.0)] * len(self.names), "works")

    def works(self, b: Builder, frame: Frame, t: Node, h: Node, at: At, end: Node, order: int) -> State:
        """[k], the integrals of the powers from t to t + end h, of that order in h at least, if there are nodes enough.

        at: gives the user's state at a share of the step.
        """
        rule = quadrature(order)
        total = tuple(b.register(f"gained_{name}", real(0.0)) for name in self.names)
        with b.loop("node", 0, len(rule.c)) as node:  # one copy of the powers, whatever the number of nodes
            theta = b.let("theta", _entry(rule.c, node) * end)
            weight = b.let("weight", _entry(rule.b, node))
            time = b.let("time", t + theta * h)
            state = at(b, theta)
            for register, power in zip(total, b.call(self.powers, frame.arguments(time, state)), strict=True):
                b.assign(register, register + weight * power)
        length = b.let("length", end * h)
        return tuple(b.let(f"step_{n}", length * register) for n, register in zip(self.registers, total, strict=True))

    def balance(self, frame: Frame, t: Node, user: State, works: State) -> tuple[Node, Node]:
        """E less what was gained, constant up to the errors of the run, and the sum of the absolute values of both."""
        b = frame.builder
        energy, size = b.call(self.energy, frame.arguments(t, user), ("energy", "energy_size"))
        for name, work in zip(self.names, works, strict=True):
            energy = energy - work if GAINS[name] > 0 else energy + work
            size = size + apply("abs", work)
        return energy, size

    def save(self, frame: Frame, row: Node, works: State) -> None:
        """The works into a row of `saved_work`."""
        for i, work in enumerate(works):
            frame.builder.store("saved_work", i, row, value=work)


def _entry(table: tuple[float, ...], index: Node) -> Node:
    """A number of a short table."""
    chosen: Node = real(table[-1])
    for place in reversed(range(len(table) - 1)):
        chosen = apply("select", apply("eq", index, place), real(table[place]), chosen)
    return chosen


def quadrature(order: int) -> Gauss:
    """Gauss-Legendre nodes c and weights b on [0, 1], exact to the degree of the order at least, up to `NODES`."""
    rule = METHODS[f"gauss{2 * min(max((order + 1) // 2, 2), NODES)}"]
    assert isinstance(rule, Gauss)
    return rule


def hermite(h: Node, ends: tuple[State, State], rates: tuple[State, State]) -> At:
    """Hermite's cubic through the states and rates at both ends of a step, at a share theta of it."""

    def at(b: Builder, theta: Node) -> State:
        rest = real(1.0) - theta
        one = b.let("weight_begin", theta * rest * rest * h)
        other = b.let("weight_end", real(0.0) - theta * theta * rest * h)
        rise = b.let("rise", theta * theta * (real(3.0) - real(2.0) * theta))
        return tuple(x + rise * (y - x) + one * f + other * g for x, y, f, g in zip(*ends, *rates, strict=True))

    return at


def lower_ledger(dynamics: Dynamics, arguments: Arguments) -> Ledger | None:
    """The ledger of a system whose energy changes; None for others."""
    balance = dynamics.balance
    if not isinstance(balance, EnergyBalance):
        return None
    powers = balance.powers
    symbols = dict(arguments.symbols)
    if isinstance(dynamics, Constrained) and "constrained" in powers:
        symbols |= dict(zip(dynamics.multipliers, motion(dynamics, symbols)[1], strict=True))
    lowered = lower_expressions(list(powers.values()), symbols)
    value, *terms = lower_expressions([sum(balance.energy), *balance.energy], symbols)
    size = add_many(apply("abs", term) for term in terms)
    return Ledger(
        tuple(powers),
        function_of("powers", arguments.all, lowered, [f"power_{name}" for name in powers]),
        function_of("energy", arguments.all, (value, size), ("energy", "energy_size")),
    )
