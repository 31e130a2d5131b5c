"""Which method suits a field theory, and why."""

from __future__ import annotations

from dataclasses import dataclass

from symphys.discretise import Grid
from symphys.discretise.spectral import why_no_waves
from symphys.errors import InputError, MethodError
from symphys.fields.dynamics import FieldDynamics
from symphys.integrators import METHODS, ExplicitTableau, Method, Splitting, method_named
from symphys.lower.lattice.layout import Layout, layout_of
from symphys.lower.lattice.plan import Plan
from symphys.lower.lattice.runge_kutta import runge_kutta_plan
from symphys.lower.lattice.split_step import split_plan, why_not_split
from symphys.lower.lattice.uneven import on_sites
from symphys.lower.lattice.wave import wave_plan

DEFAULT_ORDER = 4
SPECTRAL = "spectral"
Order = int | str | None


@dataclass(frozen=True)
class FieldChoice:
    """The method of a field theory, how it takes derivatives, and why."""

    method: Splitting | ExplicitTableau
    layout: Layout
    split: bool
    reason: str

    def explain(self) -> str:
        """The choice in words."""
        method = f"{self.method.name}, of order {self.method.order} ({self.method.source})"
        return f"{self.reason}\nwith dt: {method}\nderivatives by {self.derivatives}"

    @property
    def derivatives(self) -> str:
        """How derivatives by space are taken."""
        if self.layout.order is None:
            return "waves (fast Fourier, sine or cosine transforms)"
        found = f"central differences of order {self.layout.order}"
        if self.layout.dynamics.uneven is not None:
            found += (
                "; slopes whose coefficients vary are summed over sites before they are varied, which keeps the energy"
            )
        return found

    def plan(self) -> Plan:
        """The program of the method."""
        if self.split:
            assert isinstance(self.method, Splitting)
            return split_plan(self.layout, self.method)
        if isinstance(self.method, Splitting):
            return wave_plan(self.layout, self.method)
        return runge_kutta_plan(self.layout, self.method)


def choose_field_method(dynamics: FieldDynamics, grid: Grid, name: str, order: Order) -> FieldChoice:
    """The method that `name` stands for on a grid.

    Raises InputError for a grid whose axes are not those of the theory and an order that is none, MethodError for a
    method that is unknown or does not suit the theory.
    """
    if set(grid.coordinates) != set(dynamics.axes):
        have, want = (", ".join(map(str, axes)) for axes in (grid.coordinates, dynamics.axes))
        raise InputError(f"the grid has the axes {have}, but the fields live on {want}; give an interval for each")
    if grid.coordinates != dynamics.axes:
        want = ", ".join(map(str, dynamics.axes))
        raise InputError(f"the axes of the grid must come in the order of the fields' arguments: {want}")
    # on sites already, where neighbours beyond an end are images
    shifted = frozenset() if dynamics.per else dynamics.jets.shifted_axes(dynamics.rates)
    if ended := [axis for axis in grid.axes if axis.coordinate in shifted and not axis.periodic]:
        raise InputError(
            f"neighbouring sites meet in the density along {ended[0].coordinate}, whose boundary is "
            f"{ended[0].boundary!r}; take boundary='periodic', a ring"
        )
    if not dynamics.unknowns:
        raise MethodError("the density has no equation of motion that holds a time derivative; nothing evolves")
    if order not in (None, SPECTRAL) and (not isinstance(order, int) or order < 2 or order % 2):
        raise InputError(
            f"order = {order!r}; finite differences have an even order: 2, 4, 6, 8, ..., or take order={SPECTRAL!r}"
        )
    no_waves = why_no_waves(grid.axes)
    if no_waves and order == SPECTRAL:
        raise InputError(f"order = {SPECTRAL!r} takes derivatives by waves, but {no_waves}; take differences")
    why_not = why_not_split(dynamics) or no_waves
    ends = [axis.ends for axis in grid.axes]
    number = None if order == SPECTRAL else int(order or DEFAULT_ORDER)
    differences = layout_of(dynamics if number is None else on_sites(dynamics, number, ends), grid, number)
    waves = layout_of(dynamics, grid, None, packed=True)
    if name == "auto":
        return _automatic(dynamics, differences, waves, why_not, order)
    method = method_named(name, METHODS)
    if isinstance(method, Splitting):
        return _splitting(dynamics, method, differences, waves, why_not, order)
    if isinstance(method, ExplicitTableau):
        return FieldChoice(method, differences, False, f"method {name!r} was asked for.")
    raise MethodError(
        f"method {name!r} does not integrate fields; choose a splitting such as 'verlet' or 'yoshida4', or an explicit "
        "Runge-Kutta method such as 'rk4'"
    )


def _automatic(dynamics: FieldDynamics, differences: Layout, waves: Layout, why_not: str, order: Order) -> FieldChoice:
    if not why_not and order is None:
        reason = (
            "All fields are complex and of first order in time, with waves and local phases: a split step solves each "
            "of the two exactly, between Fourier transforms, and keeps every |psi|^2."
        )
        return FieldChoice(_named("verlet"), waves, True, reason)
    if dynamics.structure.friction is not None:
        damped = any(dynamics.structure.friction) or any("absorbing" in ends for ends in differences.ends)
        reason = "The fields are of second order in time, with forces free of velocities: they are split (leapfrog)"
        reason += ", and friction is followed exactly (conformal symplectic)." if damped else ", which is symplectic."
        return FieldChoice(_named("blanes_moan4"), differences, False, reason)
    reason = "The fields are neither wave-like nor split into waves and phases: explicit Runge-Kutta on the lattice."
    method = METHODS["rk4"]
    assert isinstance(method, ExplicitTableau)
    return FieldChoice(method, differences, False, reason)


def _named(name: str) -> Splitting:
    method: Method = METHODS[name]
    assert isinstance(method, Splitting)
    return method


def _splitting(
    dynamics: FieldDynamics,
    method: Splitting,
    differences: Layout,
    waves: Layout,
    why_not: str,
    order: Order,
) -> FieldChoice:
    asked = f"method {method.name!r} was asked for."
    if dynamics.structure.friction is not None:
        return FieldChoice(method, differences, False, f"{asked} Kicks and drifts of fields of second order.")
    if why_not:
        raise MethodError(
            f"method {method.name!r} is a splitting, and needs fields of second order with forces free of velocities, "
            f"or a split step: {why_not}. Choose 'rk4'."
        )
    if order is not None:
        raise MethodError(f"a split step takes derivatives by waves; leave out order = {order}, or choose 'rk4'")
    if method.requires_quadratic_kinetic:
        raise MethodError(
            f"method {method.name!r} counts on a potential that is a function of place alone; choose 'blanes_moan4'"
        )
    return FieldChoice(method, waves, True, f"{asked} A split step: waves and local phases, each solved exactly.")
