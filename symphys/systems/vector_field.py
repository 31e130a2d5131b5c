"""Plain vector fields as users hold them: ordinary differential equations of first order."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy

from symphys.language.symbols import t
from symphys.mechanics.derive_hamiltonian import derive_flow_dynamics
from symphys.mechanics.differentiate import jacobian
from symphys.mechanics.dynamics import ConservedQuantity, FirstOrder
from symphys.mechanics.jets import from_jet
from symphys.mechanics.notation import latex_lines, text, text_lines
from symphys.mechanics.phase_space import Flow, read_flow
from symphys.mechanics.tidy import readable
from symphys.systems.running import Runnable


@dataclass(frozen=True, init=False, repr=False)
class VectorField(Runnable):
    """A system moves along x' = f(x, t).

    rates: {x: f}, for each function of time x its rate, an expression in all of them, parameters, input signals and
    `symphys.t`.

    Raises `InputError` if a variable is no function of time or a rate no real scalar expression.
    """

    flow: Flow

    def __init__(self, rates: Mapping[Any, Any]) -> None:
        object.__setattr__(self, "flow", read_flow(rates))

    @property
    def variables(self) -> tuple[Any, ...]:
        """[n], the functions of time that move, in the order given."""
        return self.flow.variables

    @property
    def parameters(self) -> tuple[Any, ...]:
        """Every symbol but the time, sorted by name."""
        return self.flow.parameters

    @property
    def signals(self) -> tuple[Any, ...]:
        """The functions of time that are given from outside."""
        return self.flow.inputs

    @cached_property
    def equations(self) -> Mapping[Any, Any]:
        """{x: Eq(x', rate)}, in the order given."""
        return {
            x: sympy.Eq(x.diff(t), from_jet(rate, self.flow.space), evaluate=False)
            for x, rate in zip(self.variables, self.flow.rates, strict=True)
        }

    @cached_property
    def jacobian(self) -> Any:
        """[n, n], the derivatives of the rates by the variables."""
        rows = jacobian(self.flow.rates, self.flow.state)
        return sympy.ImmutableMatrix([[from_jet(readable(entry), self.flow.space) for entry in row] for row in rows])

    @cached_property
    def divergence(self) -> Any:
        """The trace of the Jacobian: the rate at which the flow expands volumes."""
        rows = jacobian(self.flow.rates, self.flow.state)
        return from_jet(readable(sympy.Add(*(row[i] for i, row in enumerate(rows)))), self.flow.space)

    @property
    def conserved(self) -> tuple[ConservedQuantity, ...]:
        """The variables whose rate is zero."""
        return self.dynamics.conserved

    @cached_property
    def dynamics(self) -> FirstOrder:
        """The rates in jet symbols, as lowering takes them."""
        return derive_flow_dynamics(self.flow)

    def __str__(self) -> str:
        return f"Vector field in {', '.join(map(text, self.variables))}:\n{text_lines(self.equations.values())}"

    def __repr__(self) -> str:
        rates = ", ".join(f"{text(x)}: {text(equation.rhs)}" for x, equation in self.equations.items())
        return f"VectorField({{{rates}}})"

    def _repr_latex_(self) -> str:
        return latex_lines(self.equations.values())
