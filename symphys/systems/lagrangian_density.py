"""Field theories as users hold them; each property delegates to the derivations below and is computed once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy

from symphys.errors import InputError, UnsupportedError
from symphys.fields.calculus import euler_operators
from symphys.fields.currents import divergence, stress_energy
from symphys.fields.derive import derive_dynamics
from symphys.fields.dynamics import FieldDynamics
from symphys.fields.find import find_currents
from symphys.fields.gauge import Coupling, check_links, coupling_of, minimally_coupled, values_of, with_values
from symphys.fields.hamilton import HamiltonForm, hamilton_form
from symphys.fields.noether import Current, gauge_current, noether
from symphys.fields.onshell import vanishes_on_shell
from symphys.fields.read import Density, read_density, scalar, to_jet
from symphys.fields.symmetric import symmetric_stress_energy
from symphys.fields.symmetry import FieldSymmetry
from symphys.fields.variation import check_real, functional_derivatives, hamiltonian_terms, momenta, outer_forces
from symphys.language.fields import is_complex_field
from symphys.mechanics.notation import latex_lines, text, text_lines
from symphys.mechanics.tidy import readable, written_out
from symphys.systems.running_fields import RunnableDensity
from symphys.systems.solvable import SolvableFields


@dataclass(frozen=True, init=False, repr=False)
class LagrangianDensity(RunnableDensity, SolvableFields):
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
    held: tuple[tuple[Any, Any], ...]  # fields that a gauge fixed, and what their equations say vanishes

    def __init__(
        self, expression: Any, fields: Any = None, *, dissipation: Any = 0, sources: Mapping[Any, Any] | None = None
    ) -> None:
        density = read_density(expression, fields, dissipation, sources)
        check_real(density)
        object.__setattr__(self, "density", density)
        object.__setattr__(self, "held", ())
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

    @property
    def dissipation(self) -> Any:
        """The Rayleigh density D."""
        return self.density.jets.from_jet(self.density.dissipation)

    @property
    def sources(self) -> Mapping[Any, Any]:
        """{field: F} of the fields that are driven."""
        pairs = zip(self.fields, self.density.sources, strict=True)
        return {each: self.density.jets.from_jet(source) for each, source in pairs if source != 0}

    def __add__(self, other: "LagrangianDensity") -> "LagrangianDensity":
        """Both theories together: densities, dissipation and sources add up, and what varies in either varies."""
        if not isinstance(other, LagrangianDensity):
            return NotImplemented
        if self.held or other.held:
            raise InputError("Add densities first and fix the gauge of the sum: its constraint has parts of both.")
        fields = (*self.fields, *(each for each in other.fields if each not in self.fields))
        sources = {f: self.sources.get(f, 0) + other.sources.get(f, 0) for f in (*self.sources, *other.sources)}
        return LagrangianDensity(
            self.expression + other.expression,
            fields,
            dissipation=self.dissipation + other.dissipation,
            sources=sources,
        )

    # --- what follows from it -----------------------------------------------------------------------------------

    @cached_property
    def equations(self) -> Mapping[Any, Any]:
        """{field: Eq(-dS/d(conjugate of field), forces)}, the Euler-Lagrange equations."""
        found = {}
        derivatives = functional_derivatives(self.density, written=True)
        for each, derivative, force in zip(self.fields, derivatives, outer_forces(self.density), strict=True):
            sides = (_negative(derivative), written_out(force))
            found[each] = sympy.Eq(*(self.density.jets.from_jet(side) for side in sides), evaluate=False)
        return found

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
    def hamilton(self) -> HamiltonForm:
        """Hamilton's field equations, with momenta as fields called pi_<field>; i hbar psi_t = dH/dpsi* of first order.

        Raises `LegendreTransformError` where rates cannot be solved for.
        """
        self._refuse_neighbours("Hamilton's equations")
        return hamilton_form(self.density)

    @cached_property
    def stress_energy(self) -> Any:
        """[1 + d, 1 + d], the canonical T^mu_nu = sum dL/d(psi_mu) psi_nu - delta^mu_nu L.

        Column nu is a conserved current where the density does not depend on x^nu.
        """
        self._refuse_neighbours("a stress-energy tensor")
        return sympy.ImmutableMatrix([[self._written(entry) for entry in row] for row in stress_energy(self.density)])

    def symmetric_stress_energy(self, vectors: Iterable[Sequence[Any]] = (), metric: Any = None) -> Any:
        """[1 + d, 1 + d], T^mu^nu with both indices up, symmetric, and gauge invariant where the density is.

        vectors: the vector fields among the fields, as made by `vector_field`; metric: diag(1, -1, ...) by default.
        Raises `InputError` and `UnsupportedError` where there is none (see `symphys.fields.symmetric`).
        """
        self._refuse_neighbours("a stress-energy tensor")
        size = len(self.coordinates)
        eta = sympy.diag(1, *[-1] * (size - 1)) if metric is None else sympy.Matrix(metric)
        rows = symmetric_stress_energy(self.density, tuple(map(tuple, vectors)), eta)
        return sympy.ImmutableMatrix([[self._written(entry) for entry in row] for row in rows])

    def gauge_current(self, epsilon: Any = 1, charges: Mapping[Any, Any] | None = None) -> Current:
        """The current of the phase symmetry psi -> exp(-i epsilon a psi) psi, with density, flux and continuity
        equation.

        rho = -i epsilon sum a (dL/d(psi_t) psi - c.c.), j_k likewise with dL/d(d_k psi); epsilon = e / hbar makes it
        the electric charge.  charges: {psi: a}; by default a = 1 for all complex fields.  Raises `InputError` without
        complex fields, `NotASymmetryError` if the density depends on the phase.
        """
        self._refuse_neighbours("a gauge current")
        return gauge_current(self.density, epsilon, charges)

    @cached_property
    def conserved(self) -> tuple[Current, ...]:
        """The currents of all symmetries that are affine in coordinates and fields, named, the energy first.

        Of densities with convolutions or neighbouring sites none is local in general; `dynamics.laws` lists what is
        conserved of them.
        """
        return find_currents(self.density)

    @property
    def symmetries(self) -> tuple[FieldSymmetry, ...]:
        """The symmetries of `conserved`: phases, rotations among components, translations, rotations, boosts, ..."""
        return tuple(current.symmetry for current in self.conserved if current.symmetry is not None)

    def noether(self, symmetry: FieldSymmetry) -> Current:
        """The conserved current of a symmetry, which is checked first.

        Raises `InputError` for a symmetry of other fields than these, and `NotASymmetryError`, which shows what is left
        over, if the density does not change by the divergence of a boundary term.
        """
        self._refuse_neighbours("a current")
        return noether(self.density, symmetry)

    def is_conserved_on_shell(self, current: Iterable[Any]) -> bool:
        """Whether d j^0/dt + div j = 0 for all solutions of the equations.

        current: one component for each coordinate of spacetime, the density first; a sequence, or a row or column of a
        matrix.  Raises `InputError` for another number of components, and for what is not made of these fields.
        """
        components = tuple(current)
        if len(components) != len(self.coordinates):
            raise InputError(
                f"A current has one component for each of {', '.join(map(str, self.coordinates))}, but "
                f"{len(components)} were given."
            )
        jets = self.density.jets
        read = [to_jet(scalar(each, "component of the current"), jets) for each in components]
        return vanishes_on_shell(divergence(read, jets), self.density, self._residuals)

    def minimal_coupling(
        self, potential: Sequence[Any], *, charge: Any, links: Mapping[Any, Any] | None = None
    ) -> "LagrangianDensity":
        """The same theory with covariant derivatives D_t = d_t + i g A[0], D_k = d_k - i g A[k] of its complex fields.

        potential: A, one component (with upper index) for each coordinate: a `vector_field`, or any expressions.
        charge: g, in units of hbar; or {psi: g}.
        links: {coordinate of space: spacing}, such as `grid.spacing`: the theory on the sites of that periodic lattice,
        where A[k] stands on the link from a site to the next along k, and D_k psi is (U_k psi(next) - psi) / spacing
        with U_k = exp(-i g A[k] spacing).  A change of gauge is then exact, and charge is kept to rounding by
        splittings, whatever A is.  Slopes must come in pairs, as in |D_k psi|^2.  A[k] may be a field, an
        external function, or an expression that does not depend on the coordinate k itself.

        A is taken as given; it becomes dynamical when its own density is added, of links that of `plaquettes`.  Raises
        `InputError` for a potential with another number of components, if no complex field varies, and for links that
        are not those of space; `UnsupportedError` for slopes that do not come in pairs.
        R. Peierls, Z. Phys. 80 (1933) 763; K. G. Wilson, Phys. Rev. D 10 (1974) 2445.
        """
        potential = tuple(sympy.sympify(each) for each in potential)
        jets = self.density.jets
        coupling = Coupling(potential, coupling_of(self.density, potential, charge), dict(links or {}))
        if links is not None:
            check_links(self.density, coupling)

        def coupled(expression: Any) -> Any:
            return minimally_coupled(expression, jets, coupling)

        sources = {f: coupled(s) for f, s in zip(self.fields, self.density.sources, strict=True) if s != 0}
        return LagrangianDensity(
            coupled(self.density.lagrangian),
            self.fields,
            dissipation=coupled(self.density.dissipation),
            sources=sources,
        )

    def gauge_fixed(self, gauge: Mapping[Any, Any]) -> "LagrangianDensity":
        """The same theory with some fields fixed, {field: expression}: `{A[0]: 0}` is temporal gauge.

        The equations of fixed fields become `constraints`: they hold at all times if the start obeys them and the
        theory is gauge invariant.  Raises `InputError` for what does not vary, and if nothing would be left.
        """
        values, jets = values_of(self.density, gauge), self.density.jets

        def fixed(expression: Any) -> Any:
            return with_values(expression, jets, values)

        left = tuple(each for each in self.fields if each not in values)
        sources = {f: fixed(s) for f, s in zip(self.fields, self.density.sources, strict=True) if s != 0 and f in left}
        theory = LagrangianDensity(
            fixed(self.density.lagrangian), left, dissipation=fixed(self.density.dissipation), sources=sources
        )
        by_field = dict(zip(self.fields, self._residuals, strict=True))
        earlier = ((f, fixed(to_jet(residual, jets))) for f, residual in self.held)
        held = (*earlier, *((f, fixed(by_field[f])) for f in values))
        object.__setattr__(theory, "held", held)
        return theory

    @cached_property
    def constraints(self) -> Mapping[Any, Any]:
        """{field: Eq(expression, 0)}: equations without rates, such as Gauss's law, of what no equation of motion
        fixes.

        Those of fields that a gauge fixed are among them.  Raises as `dynamics` does.
        """
        jets = self.density.jets
        found = {each.field: jets.from_jet(written_out(each.residual)) for each in self.dynamics.constraints}
        return {f: sympy.Eq(r, sympy.S.Zero, evaluate=False) for f, r in (*self.held, *found.items())}

    @cached_property
    def _gradients(self) -> Mapping[Any, Any]:
        """{field: dE/d(conjugate of field)} in jet symbols."""
        total = sympy.Add(*hamiltonian_terms(self.density))
        varied = tuple((each, is_complex_field(each)) for each in self.fields)
        return dict(zip(self.fields, euler_operators(total, varied, self.density.jets), strict=True))

    @cached_property
    def dynamics(self) -> FieldDynamics:
        """Rates, laws and structure in jet symbols, as lowering takes them.

        Raises `UnsupportedError` where the rates are not local, `DegenerateLagrangianError` where nothing fixes them.
        """
        return derive_dynamics(self.density, self._residuals)

    # --- how it is shown ----------------------------------------------------------------------------------------

    def __str__(self) -> str:
        names = ", ".join(text(each) for each in self.fields)
        return f"Lagrangian density in {names}: L = {text(self.expression)}\n{text_lines(self.equations.values())}"

    def __repr__(self) -> str:
        return f"LagrangianDensity({text(self.expression)})"

    def _repr_latex_(self) -> str:
        return latex_lines(self.equations.values())

    @cached_property
    def _residuals(self) -> tuple[Any, ...]:
        return tuple(map(sum, zip(self._derivatives, outer_forces(self.density), strict=True)))

    @cached_property
    def _derivatives(self) -> tuple[Any, ...]:
        return functional_derivatives(self.density)

    def _refuse_neighbours(self, what: str) -> None:
        """UnsupportedError for what a density that holds neighbouring sites of a lattice does not have at a point."""
        if along := self.density.jets.shifted_axes((self.density.lagrangian,)):
            axes = ", ".join(sorted(map(str, along)))
            raise UnsupportedError(
                f"The density holds neighbouring sites along {axes}, and {what} at each site is not derived for such; "
                "what is conserved of the whole lattice is in dynamics.laws."
            )

    def _written(self, expression: Any) -> Any:
        return self.density.jets.from_jet(readable(expression))


def _negative(expression: Any) -> Any:
    """Minus a sum, term by term."""
    return sympy.Add(*(-term for term in sympy.Add.make_args(expression)))
