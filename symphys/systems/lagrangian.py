"""Lagrangian systems as users hold them; each property delegates to the mechanics below and is computed once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy

from symphys.errors import DegenerateLagrangianError, InputError, UnsupportedError
from symphys.language.symbols import t
from symphys.mechanics.action import Action, read_action
from symphys.mechanics.conservation import cyclic_coordinates, energy_of
from symphys.mechanics.constrained import constraint_forces, multipliers_of
from symphys.mechanics.derive_lagrangian import derive_lagrangian_dynamics
from symphys.mechanics.differentiate import gradient, jacobian
from symphys.mechanics.dynamics import ConservedQuantity, FirstOrder, SecondOrder
from symphys.mechanics.euler_lagrange import (
    NewtonForm,
    euler_operator,
    generalised_forces,
    newton_form,
    ostrogradsky_momenta,
)
from symphys.mechanics.jets import from_jet
from symphys.mechanics.linearise import NormalModes, normal_modes
from symphys.mechanics.notation import latex_lines, text, text_lines
from symphys.mechanics.particles import holds_particles
from symphys.mechanics.rates import solved_rates
from symphys.mechanics.read import scalar
from symphys.mechanics.routh import routhian_form
from symphys.mechanics.symmetries import Symmetry, find_laws, noether
from symphys.mechanics.tidy import readable, without, written_out
from symphys.mechanics.transform import to_hamiltonian
from symphys.systems.hamiltonian import Hamiltonian
from symphys.systems.kept import derived
from symphys.systems.particle_lagrangian import ParticleLagrangian
from symphys.systems.running import Runnable


@dataclass(frozen=True, init=False, repr=False)
class Lagrangian(Runnable):
    """A system of finitely many coordinates moves such that its action int L dt is stationary.

    d/dt dL/dq'_i - dL/dq_i = Q_i - dD/dq'_i + sum_a lambda_a df_a/dq_i,    f_a(q, t) = 0,

    or, where constraints do not let it move freely, by the principle of Lagrange and d'Alembert: a constraint on
    velocities, a(q, t) . q' + b(q, t) = 0, acts with lambda a in place of lambda df/dq, be it integrable or not.

    expression: L in coordinates, their time derivatives of any order, parameters and `symphys.t`.
    coordinates: which functions of time vary; by default all but input signals.  If given, the others are inputs.
    dissipation: the Rayleigh function D (half the power lost, for friction linear in the velocities).
    forces: generalised forces Q, {coordinate: expression}, which may depend on coordinates, velocities and time.
    constraints: expressions in coordinates and time, or of first degree in the velocities, that vanish; or equations.

    Raises `InputError` if something among these is no real scalar expression, if there are no coordinates or no
    velocities, or if forces are given on what is no coordinate; `UnsupportedError` for constraints on accelerations and
    for those not linear in the velocities.  Goldstein, "Classical Mechanics", 3rd ed., chapters 1, 2 and 8; Bloch,
    "Nonholonomic Mechanics and Control", 2nd ed., chapter 5.
    """

    expression: Any
    action: Action

    def __new__(cls, expression: Any = 0, **options: Any) -> Any:
        """A system of coordinates, or of particles where the expression is made of sums over particles."""
        if not holds_particles(expression):
            return super().__new__(cls)
        if strange := [name for name in options if name not in ("constraints", "dissipation")]:
            raise UnsupportedError(
                f"a Lagrangian of particles takes no {', '.join(strange)}; its forces come from potentials and "
                "constraints"
            )
        return ParticleLagrangian(expression, **options)

    def __init__(
        self,
        expression: Any,
        *,
        coordinates: Iterable[Any] | None = None,
        dissipation: Any = 0,
        forces: Mapping[Any, Any] | None = None,
        constraints: Iterable[Any] = (),
    ) -> None:
        object.__setattr__(self, "action", read_action(expression, coordinates, dissipation, forces, constraints))
        object.__setattr__(self, "expression", scalar(expression, "Lagrangian"))

    # --- what it is made of -------------------------------------------------------------------------------------

    @property
    def coordinates(self) -> tuple[Any, ...]:
        """[n], the generalised coordinates, as given or sorted by name with numbers as numbers."""
        return self.action.coordinates

    @property
    def velocities(self) -> tuple[Any, ...]:
        """[n], the time derivatives of the coordinates."""
        return tuple(q.diff(t) for q in self.coordinates)

    @property
    def parameters(self) -> tuple[Any, ...]:
        """Every symbol but the time, sorted by name."""
        return self.action.parameters

    @property
    def signals(self) -> tuple[Any, ...]:
        """The functions of time that are given from outside."""
        return self.action.inputs

    @property
    def constraints(self) -> tuple[Any, ...]:
        """[m], the expressions f_a(q, t), or a . q' + b, that vanish."""
        return tuple(from_jet(each, self.action.space) for each in self.action.constraints)

    # --- what follows from it -----------------------------------------------------------------------------------

    @property
    def multipliers(self) -> tuple[Any, ...]:
        """[m], the symbols lambda_a: the constraint force on q_i is sum_a lambda_a df_a/dq_i, or lambda_a a_ai.

        `evaluate` and the results of runs give their values.  That of a redundant constraint is 0: of such forces only
        the sum is determined.
        """
        return multipliers_of(self.action)

    @cached_property
    def equations(self) -> tuple[Any, ...]:
        """[n], the equations d/dt dL/dq' - dL/dq = Q - dD/dq' + sum_a lambda_a df_a/dq, not divided by masses."""
        if self.action.order == 1:
            rows, a = self._newton.mass_matrix, self.action.jet(2)
            sides = tuple(
                sympy.Add(*(m * rate for m, rate in zip(row, a, strict=True))) - force
                for row, force in zip(rows, self._newton.bare, strict=True)
            )
        else:
            sides = euler_operator(self.action.lagrangian, self.coordinates, self.action.space, self.action.order)
        held = constraint_forces(self.action)
        outer = tuple(sum(pair) for pair in zip(generalised_forces(self.action), held, strict=True))
        return tuple(
            sympy.Eq(*(from_jet(written_out(each), self.action.space) for each in (side, force)), evaluate=False)
            for side, force in zip(sides, outer, strict=True)
        )

    @cached_property
    def mass_matrix(self) -> Any:
        """[n, n], M_ij = d2L/dq'_i dq'_j (by the highest derivatives, if L has higher ones)."""
        if self.action.order == 1:
            rows = self._newton.mass_matrix
        else:
            top = self.action.jet(self.action.order)
            rows = jacobian(gradient(self.action.lagrangian, top), top)
        return sympy.ImmutableMatrix([[self._written(entry) for entry in row] for row in rows])

    @cached_property
    def forcing(self) -> Any:
        """[n, 1], F of mass_matrix * accelerations = F (of highest derivatives, if L has higher ones)."""
        if self.action.order == 1:
            sides = self._newton.forcing
        else:
            action = self.action
            operator = euler_operator(action.lagrangian, action.coordinates, action.space, action.order)
            outer = generalised_forces(action)
            # (-1)^N M q^(2N) is what the operator holds of the highest derivatives
            top, sign = action.jet(2 * action.order), (-1) ** action.order
            sides = tuple(sign * without(e - f, top) for e, f in zip(operator, outer, strict=True))
        return sympy.ImmutableMatrix([self._written(side) for side in sides])

    @cached_property
    def accelerations(self) -> Mapping[Any, Any]:
        """q'' for each coordinate (or its highest derivative), solved for in symbols.

        Raises `DegenerateLagrangianError` if the Lagrangian fixes none, `UnsupportedError` for large dense matrices.
        """
        rates = solved_rates(self.dynamics)
        labels = set(self.dynamics.labels)
        solved = {rate: value for rate, value in rates.items() if rate not in labels}
        first = [rate for rate in solved if rate in self.velocities]
        if first:
            raise DegenerateLagrangianError(
                f"The Lagrangian is of first order in time and fixes velocities ({', '.join(map(str, first))}), not "
                "accelerations; read them from `rates`."
            )
        return solved

    @cached_property
    def rates(self) -> Mapping[Any, Any]:
        """The time derivative of each component of the state, solved for in symbols."""
        return solved_rates(self.dynamics)

    @cached_property
    def momenta(self) -> Mapping[Any, Any]:
        """p_i = dL/dq'_i for each coordinate (with Ostrogradsky's further terms, if L has higher derivatives)."""
        if self.action.order == 1:
            momenta = self._newton.momenta
        else:
            action = self.action
            momenta = ostrogradsky_momenta(action.lagrangian, action.coordinates, action.space, action.order)[1]
        return {q: self._written(p) for q, p in zip(self.coordinates, momenta, strict=True)}

    @cached_property
    def energy(self) -> Any:
        """The energy function sum p_i q'_i - L (kinetic plus potential energy in the usual cases)."""
        return self._written(sympy.Add(*energy_of(self.action)))

    @cached_property
    def hamiltonian(self) -> Hamiltonian:
        """The Hamiltonian system with H = sum p_i q'_i - L and momenta called p_<coordinate>.

        Raises `DegenerateLagrangianError` or `LegendreTransformError` where there is none in closed form, and
        `UnsupportedError` for a Lagrangian with constraints.
        """
        if self.action.constraints:
            raise UnsupportedError(
                "A Lagrangian with constraints has no Hamiltonian in its own coordinates and momenta, which the "
                "constraints tie together; write it in coordinates that satisfy them."
            )
        form = to_hamiltonian(self.action, self.dynamics)
        return Hamiltonian(form.expression, form.pairs, dissipation=form.dissipation, inputs=form.inputs)

    def routhian(self, eliminate: Iterable[Any] | None = None) -> "Lagrangian":
        """The Lagrangian system without its cyclic coordinates: R = L - sum p_c q'_c with q'_c solved for.

        eliminate: which of them; by default all.  Their constant momenta become parameters called p_<coordinate>.
        Raises `InputError` for coordinates that are not cyclic and if nothing would be left, `UnsupportedError` for
        constraints or higher derivatives, `LegendreTransformError` or `DegenerateLagrangianError` where the velocities
        cannot be solved for.  Goldstein, section 8.3.
        """
        form = routhian_form(self.action, eliminate)
        return Lagrangian(
            form.expression, coordinates=form.coordinates, dissipation=form.dissipation, forces=form.forces
        )

    def normal_modes(self, point: Mapping[Any, float], parameters: Mapping[Any, float] | None = None) -> NormalModes:
        """The normal modes about an equilibrium {q: value}: frequencies in ascending order, modes^T M modes = 1.

        Raises `InputError` for a point that is no equilibrium, for missing values and for systems that depend on time;
        `UnsupportedError` for forces that depend on velocities there, constraints, and degenerate Lagrangians.
        """
        return normal_modes(self.dynamics, point, parameters or {})

    @cached_property
    def cyclic(self) -> tuple[Any, ...]:
        """The coordinates that do not occur in L but through their velocities."""
        return cyclic_coordinates(self.action)

    @property
    def conserved(self) -> tuple[ConservedQuantity, ...]:
        """Constants of the motion: the charges of `symmetries`, named, the energy first; every run watches them."""
        return self.dynamics.conserved

    @property
    def symmetries(self) -> tuple[Symmetry, ...]:
        """All point symmetries that are affine in time and coordinates, with their boundary terms.

        Friction and forces count: what is listed has a conserved charge.  `find_symmetries` says what is not found;
        beyond 7 coordinates it must be asked for rotations and scalings of some coordinates alone.
        """
        return tuple(law.symmetry for law in self.conserved if law.symmetry is not None)

    def find_symmetries(self, degree: int = 1) -> tuple[Symmetry, ...]:
        """The point symmetries with tau and xi polynomial of the given degree in time and coordinates; see `noether`.

        Those of degree 1 are `symmetries` already, in small systems.  Their coefficients must be quotients of
        polynomials in the parameters and in functions of them that occur in L, and their boundary terms elementary; of
        functions with pieces (Piecewise, Max, Min) nothing is known inside.  Raises `InputError` for a degree below 1,
        and `UnsupportedError` where the number of unknowns, (n + 1) binomial(n + 1 + degree, degree), is above 1200.
        """
        if not isinstance(degree, int) or degree < 1:
            raise InputError(f"The degree of the polynomials must be a positive integer, not {degree!r}.")
        operator = euler_operator(self.action.lagrangian, self.coordinates, self.action.space, self.action.order)
        return tuple(law.symmetry for law in find_laws(self.action, operator, degree))

    def noether(self, symmetry: Symmetry) -> ConservedQuantity:
        """The charge sum p_i (xi_i - q'_i tau) + L tau - K of a symmetry, which is checked first.

        Raises `InputError` for a symmetry in other coordinates than these, and `NotASymmetryError`, which shows what is
        left over, if the Lagrangian (with the power of friction and forces) does not change by a boundary term.
        """
        return noether(self.action, symmetry)

    @cached_property
    def dynamics(self) -> SecondOrder | FirstOrder:
        """The equations of motion in jet symbols, with their structure, as lowering takes them.

        Raises `DegenerateLagrangianError`, naming the null direction, if the Lagrangian fixes no dynamics, and
        `InputError`, naming them, for constraints that contradict each other, or touch each other.
        """
        action = self.action
        return derived(action, lambda: derive_lagrangian_dynamics(action, self._newton if action.order == 1 else None))

    @property
    def _generator(self) -> Any:
        return sympy.Add(*energy_of(self.action))

    # --- how it is shown ----------------------------------------------------------------------------------------

    def __str__(self) -> str:
        names = ", ".join(text(q) for q in self.coordinates)
        return f"Lagrangian system in {names}: L = {text(self.expression)}\n{text_lines(self.equations)}"

    def __repr__(self) -> str:
        return f"Lagrangian({text(self.expression)})"

    def _repr_latex_(self) -> str:
        return latex_lines(self.equations)

    @cached_property
    def _newton(self) -> NewtonForm:
        return newton_form(self.action)

    def _written(self, expression: Any) -> Any:
        return from_jet(readable(expression), self.action.space)
