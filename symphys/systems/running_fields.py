"""What every field theory can do once it is derived: compile, evaluate, find ground states, be fitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Unpack

from numpy.typing import NDArray

from symphys.discretise import Grid
from symphys.errors import InputError, UnsupportedError
from symphys.fields.dynamics import FieldDynamics
from symphys.fields.onshell import remainder_on_shell
from symphys.fields.read import Density, scalar, to_jet
from symphys.keywords import takes
from symphys.learn.field_system import fit_fields
from symphys.learn.ground_state import VariationalState, ansatz_of, vary_ground_state
from symphys.learn.options import LossOptions, read_options
from symphys.learn.result import Fit
from symphys.simulate.compiled import Kernels, kernels_for
from symphys.simulate.lattice.evaluate import evaluate_on_grid
from symphys.simulate.lattice.ground import GroundState, energy_of, find_ground_state
from symphys.simulate.lattice.simulator import FieldSimulator, build_field_simulator


class RunnableDensity:
    """A density with derived `dynamics`, which can be compiled, evaluated and fitted."""

    density: Density

    @property
    def dynamics(self) -> FieldDynamics:
        """Rates, laws and structure in jet symbols, as lowering takes them."""
        raise NotImplementedError

    @property
    def _gradients(self) -> Mapping[Any, Any]:
        """{field: dE/d(conjugate of field)} in jet symbols."""
        raise NotImplementedError

    @property
    def _residuals(self) -> tuple[Any, ...]:
        """What vanishes on shell, for each field."""
        raise NotImplementedError

    def compile(
        self,
        grid: Grid,
        method: str = "auto",
        *,
        order: int | str | None = None,
        backend: str = "cpu",
        dtype: str = "float64",
    ) -> FieldSimulator:
        """A simulator of these fields on a grid.

        grid: an interval, a number of points and a boundary for each coordinate of space; see `Grid`.
        method: "auto", or the name of an integrator (`FieldSimulator.explain()` says which was chosen, and why).
        order: of the central differences (4 where nothing is said), or "spectral" for derivatives by waves, which a
            split step takes in any case.
        backend: "cpu", "cuda", "reference" (NumPy), or "cuda-shim". dtype: "float64" or "float32".

        Raises `InputError` for a grid that does not fit, an unknown backend, dtype or order, `MethodError` for a method
        that is unknown or does not suit the fields, `BackendUnavailableError` where the backend cannot run here, and
        `UnsupportedError` for theories with a field that no equation of motion fixes.
        """
        return build_field_simulator(self._moving, grid, method, order, backend, dtype)

    def ground_state(
        self,
        grid: Grid | None = None,
        parameters: Mapping[Any, Any] | None = None,
        *,
        ansatz: Mapping[Any, Any] | None = None,
        domain: Mapping[Any, tuple[float, float]] | None = None,
        norm: Any = 1.0,
        initial: Mapping[Any, Any] | None = None,
        seed: int = 0,
        tolerance: float = 1e-11,
        points: int | None = None,
        max_steps: int | None = None,
        backend: str = "cpu",
    ) -> GroundState | VariationalState:
        """The fields of least energy: on a grid, or within an ansatz of networks.

        grid: by preconditioned conjugate gradients. norm: the integral of |psi|^2 for complex fields of first order,
        one number or {field: number}; other fields are free, and relax from where they start. initial: {field:
        [*grid]}, by default a hump in the middle with a little noise from `seed`. What converges is a minimum near the
        start: of linear theories the ground state. tolerance: of |dE/d(psi*) - mu psi|, relative to |dE/d(psi*)|; the
        error of the energy goes with its square.

        ansatz: {field: expression in coordinates and networks}, with domain {coordinate: (start, stop)}: the weights
        are varied by Gauss-Newton steps on a quadrature with `points` along each axis; the norm is 1.
        backend: where energies and their slopes are computed, as for `compile`; the descent itself stays on the host.

        Raises `InputError` for missing or unfit values, `UnsupportedError` for theories without an energy of the fields
        themselves, `BackendUnavailableError` where the backend cannot run here. A descent that does not converge in
        `max_steps` says so by `ok`.
        """
        energy = energy_of(self.dynamics, self._gradients)
        given = dict(parameters or {})
        if (grid is None) == (ansatz is None):
            raise InputError("give a grid, or an ansatz with its domain: ground_state(ansatz={psi: N(x)}, domain=...)")
        if grid is not None:
            limit = max_steps or 20_000
            return find_ground_state(energy, grid, given, norm, initial, seed, tolerance, limit, backend=backend)
        varied = ansatz_of(self.dynamics, energy.terms, energy.gradients, dict(ansatz or {}))
        kernels = kernels_for(backend, "float64")
        return vary_ground_state(varied, dict(domain or {}), given, seed, max_steps or 600, points, kernels)

    def evaluate(
        self,
        expression: Any,
        state: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        grid: Grid | None = None,
        t: Any = 0.0,
        *,
        order: int | None = None,
        backend: str = "cpu",
    ) -> NDArray[Any]:
        """[..., *grid], an expression at all points of a grid: a density, a flux, a rate, anything in these fields.

        state: {label: [..., *grid]} for the fields and rates that it asks for, such as the rows of a result, with
        t [...]; what stands above these follows from the equations. parameters: numbers [...], and external functions.
        Derivatives are those that a simulator takes on this grid; order, backend: as for `compile`.
        Real where the expression is.

        Raises `InputError` for what is missing, unknown or does not fit, `UnsupportedError` for rates that the
        equations do not give.
        """
        jets = self.density.jets
        asked = remainder_on_shell(to_jet(scalar(expression, "expression"), jets), self.density, self._residuals)
        return evaluate_on_grid(self.dynamics, asked, state, dict(parameters or {}), grid, t, order, backend)

    @takes(LossOptions)
    def fit(
        self,
        data: Any,
        unknowns: Iterable[Any] | None = None,
        parameters: Mapping[Any, Any] | None = None,
        *,
        grid: Grid | None = None,
        order: int | str | None = None,
        backend: str = "cpu",
        **options: Unpack[LossOptions],
    ) -> Fit:
        """Find what is unknown in a density: parameters, networks, external functions of place on the grid.

        data: {label: values [..., *grid]}, states with the rates measured at them: {phi: ..., phi.diff(t, 2): ...}; or
        `Trajectories` of frames [..., times, *grid] of fields, rates or any expression of them.
        The loss is the mean over samples, sites and parts of the squared difference between what the field equations
        give and what was measured.
        NaN is what is missing; held ends and layers that damp do not count.
        unknowns: symbols, arrays, networks and external functions; None: all that is not among `parameters`. Of an
        external function V(x) the values on the grid are found, [points of x].
        grid, order: where the fields live, and how derivatives are taken, as for `compile`.
        method, dt: how frames are gone through, with steps of at most dt, by a splitting where rates are free of
        velocities, else by an explicit Runge-Kutta method; by default with as many steps as make its error small.
        The rest is as for `Lagrangian.fit`; `weights` {rate: number or [..., *grid]}.

        Raises `InputError` for data, unknowns, guesses and options that do not fit the theory or each other, and names
        them; `UnsupportedError` for densities with convolutions and unknown functions of time. A fit that fails on its
        way raises nothing: its status says why, and its parameters are the best that it saw.
        """
        read = read_options(**options)
        key = f"{backend} {read['dtype']}"
        if key not in self._evaluators:
            self._evaluators[key] = kernels_for(backend, read["dtype"])
        dynamics = self._moving
        return fit_fields(dynamics, self._evaluators[key], grid, order, data, unknowns, parameters or {}, read)

    @cached_property
    def _evaluators(self) -> dict[str, Kernels]:
        """Compiled residuals by backend."""
        return {}

    @property
    def _moving(self) -> FieldDynamics:
        """The dynamics; UnsupportedError where there is a field that no equation moves."""
        for each in self.dynamics.constraints:
            raise UnsupportedError(
                f"Nothing says how {each.field} moves: its equation holds no rate of it and is a constraint on "
                f"the others. Where the theory has a gauge to choose, fix it, for example by "
                f"gauge_fixed({{{each.field}: 0}}), and start from values that obey `constraints`; where it has none "
                f"(a mass for {each.field}), that equation would have to be solved at every step, which is not done."
            )
        return self.dynamics
