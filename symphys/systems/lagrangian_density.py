"""Field theories as users hold them; each property delegates to the derivations below and is computed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy

from symphys.fields.derive import derive_dynamics
from symphys.fields.dynamics import FieldDynamics
from symphys.fields.read import Density, read_density, scalar
from symphys.fields.variation import functional_derivatives, hamiltonian_terms, momenta, outer_forces
from symphys.mechanics.tidy import readable, written_out


@dataclass(frozen=True, init=False, repr=False)
class LagrangianDensity:
    """Fields move such that their action int L dt d^n x is stationary.

    -dS/d(conjugate of f) = F - dD/d(conjugate of f_t)

    expression: L in fields, their derivatives of any order, external functions, convolutions, coordinates, parameters.
    fields: what varies; by default all fields in L.  The others are then given like external functions.
    dissipation: the Rayleigh density D in the rates of the fields (half the power lost where it is quadratic).
    sources: {field: F}, what drives a field, in anything but its second rates.

    psi and conjugate(psi) vary independently; the equation of psi comes from varying its conjugate.  Raises
    `InputError` for what cannot be read as a density.  Landau, Lifshitz, "The Classical Theory of Fields", section 32;
    Goldstein, "Classical Mechanics", 3rd ed., chapter 13.
    """

    expression: Any
    density: Density

    def __init__(
        self, expression: Any, fields: Any = None, *, dissipation: Any = 0, sources: Mapping[Any, Any] | None = None
    ) -> None:
        object.__setattr__(self, "density", read_density(expression, fields, dissipation, sources))
        object.__setattr__(self, "expression", scalar(expression, "Lagrangian density"))

    @property
    def fields(self) -> tuple[Any, ...]:
        """What varies, as given or sorted by name."""
        return self.density.fields

    @property
    def coordinates(self) -> tuple[Any, ...]:
        """The coordinates of spacetime, the time first."""
        return self.density.coordinates

    @property
    def parameters(self) -> tuple[Any, ...]:
        """Every symbol but the coordinates, sorted by name."""
        return self.density.parameters

    @property
    def given(self) -> tuple[Any, ...]:
        """External functions and fields that do not vary."""
        return self.density.given

    @cached_property
    def equations(self) -> Mapping[Any, Any]:
        """{field: Eq(-dS/d(conjugate of field), forces)}, the Euler-Lagrange equations."""
        sides = zip(self.fields, functional_derivatives(self.density), outer_forces(self.density), strict=True)
        return {
            each: sympy.Eq(
                self.density.jets.from_jet(written_out(-side)),
                self.density.jets.from_jet(written_out(force)),
                evaluate=False,
            )
            for each, side, force in sides
        }

    @cached_property
    def momenta(self) -> Mapping[Any, Any]:
        """{field: dL/d(field_t)}, for conjugates too."""
        return {
            sympy.conjugate(each) if bar else each: self._written(p) for (each, bar), p in momenta(self.density).items()
        }

    @cached_property
    def hamiltonian_density(self) -> Any:
        """sum pi_a d psi_a/dt - L, the density of energy."""
        return self._written(sympy.Add(*hamiltonian_terms(self.density)))

    @cached_property
    def dynamics(self) -> FieldDynamics:
        """Rates, laws and structure in jet symbols, as lowering takes them."""
        return derive_dynamics(self.density)

    def _written(self, expression: Any) -> Any:
        return self.density.jets.from_jet(readable(expression))
