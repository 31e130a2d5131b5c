"""Hamiltonian systems as users hold them; each property delegates to the mechanics below and is computed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sympy

from symphys.errors import UnsupportedError
from symphys.language.symbols import t
from symphys.mechanics.canonical import CanonicalTransformation, transformed
from symphys.mechanics.derive_hamiltonian import (
    derive_hamiltonian_dynamics,
    hamilton_rates,
    liouville_rate,
    poisson_bracket,
)
from symphys.mechanics.dynamics import ConservedQuantity, FirstOrder
from symphys.mechanics.jets import from_jet, to_jet
from symphys.mechanics.notation import latex_lines, text, text_lines
from symphys.mechanics.phase_space import PhaseSpace, read_hamiltonian
from symphys.mechanics.read import scalar
from symphys.mechanics.tidy import readable
from symphys.mechanics.transform import to_lagrangian
from symphys.systems.running import Runnable
from symphys.systems.vector_field import VectorField

if TYPE_CHECKING:
    from symphys.systems.lagrangian import Lagrangian


@dataclass(frozen=True, init=False, repr=False)
class Hamiltonian(Runnable):
    """A system moves in its phase space along the Hamiltonian flow, with friction and inputs where they are given.

    x' = (J - R) grad H + u with x = (q, p): q'_i = dH/dp_i, p'_i = -dH/dq_i - sum_j c_ij dH/dp_j + u_i

    expression: H in coordinates, momenta, parameters and `symphys.t`.
    pairs: {q: p}, the canonical pairs.
    dissipation: R, symmetric and positive semidefinite, {p: c} for its diagonal and {(p1, p2): c} for pairs, or a
    matrix [2n, 2n] in the order (q, p); dH/dt = -grad H . R grad H if there is no input.
    inputs: {p: u}, what is added to the rates, in any quantities of the system and input signals.

    Raises `InputError` if something among these is no real scalar expression, if pairs overlap or are no functions of
    time, if dissipation or inputs are given for what is in no pair, or if R is not positive semidefinite.  Goldstein,
    "Classical Mechanics", 3rd ed., chapters 8 and 9; van der Schaft, Jeltsema, "Port-Hamiltonian Systems Theory",
    2014, chapter 4.
    """

    expression: Any
    system: PhaseSpace

    def __init__(
        self,
        expression: Any,
        pairs: Mapping[Any, Any],
        *,
        dissipation: Mapping[Any, Any] | sympy.MatrixBase | None = None,
        inputs: Mapping[Any, Any] | None = None,
    ) -> None:
        object.__setattr__(self, "system", read_hamiltonian(expression, pairs, dissipation, inputs))
        object.__setattr__(self, "expression", scalar(expression, "Hamiltonian"))

    # --- what it is made of -------------------------------------------------------------------------------------

    @cached_property
    def pairs(self) -> Mapping[Any, Any]:
        """{q: p}, the canonical pairs in the order given."""
        return dict(zip(self.system.positions, self.system.momenta, strict=True))

    @property
    def coordinates(self) -> tuple[Any, ...]:
        """[n], the coordinates q."""
        return self.system.positions

    @property
    def momenta(self) -> tuple[Any, ...]:
        """[n], the momenta p."""
        return self.system.momenta

    @property
    def parameters(self) -> tuple[Any, ...]:
        """Every symbol but the time, sorted by name."""
        return self.system.parameters

    @property
    def signals(self) -> tuple[Any, ...]:
        """The functions of time that are given from outside."""
        return self.system.inputs

    # --- what follows from it -----------------------------------------------------------------------------------

    @cached_property
    def equations(self) -> Mapping[Any, Any]:
        """Hamilton's equations, {x: Eq(x', rate)} for every coordinate and then every momentum."""
        variables = (*self.coordinates, *self.momenta)
        rates = hamilton_rates(self.system)
        return {
            x: sympy.Eq(x.diff(t), self._written(rate), evaluate=False)
            for x, rate in zip(variables, rates, strict=True)
        }

    def bracket(self, f: Any, g: Any) -> Any:
        """The Poisson bracket {f, g} = sum df/dq dg/dp - df/dp dg/dq, so that {q, p} = 1 and f' = {f, H} + df/dt.

        f, g: expressions in coordinates, momenta, parameters and time.  Raises `InputError` for anything else.
        """
        first, second = (to_jet(scalar(each, "argument of the bracket"), self.system.space) for each in (f, g))
        return self._written(poisson_bracket(first, second, self.system))

    def transform(self, transformation: CanonicalTransformation) -> "Hamiltonian":
        """The same system in other canonical variables: K = H + dF/dt in the new pairs.

        Raises `InputError` for a transformation of other pairs, `UnsupportedError` with friction or inputs.
        """
        if any(each != 0 for each in (*self.system.resistive, *self.system.pushes)):
            raise UnsupportedError("Friction and inputs are not canonical; only a Hamiltonian alone is transformed.")
        return Hamiltonian(transformed(self.expression, self.pairs, transformation), dict(transformation.pairs))

    def liouville(self, rho: Any) -> Any:
        """d rho/dt at a fixed point of phase space, as Liouville's equation demands: -{rho, H}, or -div(rho x').

        rho: a density on phase space, an expression or an undetermined function such as Function("rho")(q, p).  With
        friction volumes shrink, and div(rho x') counts that.  A density is stationary where this is 0.  Goldstein,
        section 9.9; for dissipative flows Tuckerman, "Statistical Mechanics", section 2.5.
        """
        density = to_jet(scalar(rho, "density"), self.system.space)
        return self._written(liouville_rate(density, self.system))

    @cached_property
    def vector_field(self) -> VectorField:
        """The same flow without its Hamiltonian structure."""
        return VectorField({x: equation.rhs for x, equation in self.equations.items()})

    @cached_property
    def lagrangian(self) -> "Lagrangian":
        """The Lagrangian system with L = sum p_i q'_i - H; friction becomes a Rayleigh function, inputs forces.

        Raises `LegendreTransformError` where there is none in closed form.
        """
        # The two classes name each other, so one of them must be imported when it is needed.
        from symphys.systems.lagrangian import Lagrangian

        form = to_lagrangian(self.system)
        return Lagrangian(
            form.expression, coordinates=form.coordinates, dissipation=form.dissipation, forces=form.forces
        )

    @property
    def conserved(self) -> tuple[ConservedQuantity, ...]:
        """Constants of the motion: the energy if nothing depends on time, and whatever has rate zero."""
        return self.dynamics.conserved

    @cached_property
    def dynamics(self) -> FirstOrder:
        """Hamilton's equations in jet symbols, with their structure, as lowering takes them."""
        return derive_hamiltonian_dynamics(self.system)

    @property
    def _generator(self) -> Any:
        return self.system.hamiltonian

    # --- how it is shown ----------------------------------------------------------------------------------------

    def __str__(self) -> str:
        names = ", ".join(f"({text(q)}, {text(p)})" for q, p in self.pairs.items())
        return f"Hamiltonian system in {names}: H = {text(self.expression)}\n{text_lines(self.equations.values())}"

    def __repr__(self) -> str:
        pairs = ", ".join(f"{text(q)}: {text(p)}" for q, p in self.pairs.items())
        return f"Hamiltonian({text(self.expression)}, {{{pairs}}})"

    def _repr_latex_(self) -> str:
        return latex_lines(self.equations.values())

    def _written(self, expression: Any) -> Any:
        return from_jet(readable(expression), self.system.space)
