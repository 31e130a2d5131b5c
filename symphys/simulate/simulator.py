"""A compiled system: runs it on one trajectory or on ensembles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import indent
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from symphys.discretise import Grid
from symphys.errors import InputError, MethodError
from symphys.integrators import METHODS, External, Method, is_adaptive, kind_of
from symphys.keywords import takes
from symphys.language import spread_arrays
from symphys.mechanics.dynamics import Dynamics
from symphys.mechanics.split import Part
from symphys.simulate.choose import Choice
from symphys.simulate.choose_split import choice_for
from symphys.simulate.collect import collect_adaptive, collect_fixed
from symphys.simulate.compiled import Kernels, Lowered, kernels_for, lower
from symphys.simulate.density import PhaseDensity, density_along, density_on_grid
from symphys.simulate.devices import read_devices, shared_out
from symphys.simulate.emit import kernel_source
from symphys.simulate.events import plan_events
from symphys.simulate.inputs import positive_number, precision, read_instances, whole_number
from symphys.simulate.keywords import GuidedOptions, RunOptions, read_rows, read_threads, read_tolerances
from symphys.simulate.multipliers import consistent
from symphys.simulate.naming import plain_name
from symphys.simulate.progress import progress_report
from symphys.simulate.request import RunRequest, Sampling
from symphys.simulate.result import Result
from symphys.simulate.run_adaptive import AdaptiveRun, run_adaptive
from symphys.simulate.run_external import run_external
from symphys.simulate.run_fixed import FixedRun, run_fixed
from symphys.simulate.signals import signal_functions, signal_tables
from symphys.simulate.tangents import LyapunovSpectrum, Variations, lyapunov, variations, widened
from symphys.simulate.weights import kernel_weights, split_weights

COMPENSATE_FROM = 100_000  # steps from which compensated summation is the default for fixed steps


@dataclass(frozen=True)
class Simulator:
    """A system with a method, a backend and a precision; kernels are compiled when a run first needs them, and kept."""

    lowered: Lowered
    choice: Choice
    kernels: Kernels

    def explain(self) -> str:
        """Which methods were chosen, and why."""
        return f"{self.choice.explain()}\nbackend: {self.kernels.backend.name}, {self.kernels.dtype}"

    def __repr__(self) -> str:
        names = ", ".join(plain_name(label) for label in self.lowered.dynamics.labels)
        return f"Simulator of {names}\n{indent(self.explain(), '  ')}"

    @cached_property
    def source(self) -> str:
        """The kernel that advances trajectories, as readable Python with the physics named."""
        return kernel_source(self.lowered, self.choice, self.kernels.dtype, self.kernels.backend.name)

    @takes(RunOptions)
    def run(
        self,
        initial: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        **options: Unpack[RunOptions],
    ) -> Result:
        """Integrate from `initial` over `t_span`, with a fixed step `dt` or to the tolerance `rtol`.

        Numbers give one trajectory; arrays that broadcast against each other, as initial values or as parameters, give
        an ensemble of their shape. With `dt` there are round((t1 - t0) / dt) steps; with `rtol` the local error of a
        step is at most atol + rtol |x| (atol defaults to rtol); with neither, rtol = 1e-9. `t_eval` gives the times to
        save; with `save_every` every n-th step and the start; with neither every step. Conserved quantities are watched
        every `watch_every` steps (0: never). `events` stop or record (`symphys.Event`). `compensated` sums carry the
        digits that rounding loses from step to step (by default from 100 000 fixed steps on, never with constraints).
        States that constraints hold must obey them from the start; `project_initial` takes the nearest ones that do.
        `threads` defaults to all cores; `progress` shows a bar (by default when a run lasts long and a terminal
        watches), or is a function that is told the share done. With backend "cuda", an ensemble is shared out to so
        many `devices` (by default the current one alone), to the same bits, and `arrays="cupy"` leaves the states of
        the result on the device, as CuPy arrays; starts and parameters may be CuPy arrays in either case.

        Raises InputError for missing, unknown, non-finite or forbidden values and shapes that do not fit, for more
        devices than there are, for CuPy arrays asked of another backend or of several devices, for either with a
        method of SciPy, and for initial states off the constraints, with the residual; MethodError for a step with an
        adaptive-only method and a tolerance with a fixed-step one. A run that fails on its way raises nothing: its
        status says why, and what it reached is kept.
        """
        rows, dt = read_rows(t_span, options["t_eval"], options["save_every"]), options["dt"]
        flow, dynamics = self.lowered.flow, self.lowered.dynamics
        weights, rest = split_weights(parameters or {}, dynamics.networks)
        parameters = spread_arrays(rest)
        given, of_time = (initial, parameters, flow.labels, dynamics.parameters), signal_functions(dynamics)
        threads, cuda = read_threads(options["threads"]), self.kernels.backend.name == "cuda"
        instances = read_instances(*given, of_time, cuda, threads)
        margin = 0.0 if dt is None else 4.0 * positive_number("dt", dt)  # substeps of splittings leave the span
        dtype = np.dtype(self.kernels.dtype)
        tables, places = signal_tables(dynamics, flow, parameters, rows.span, dtype, margin)
        tables |= kernel_weights(weights, dtype)
        method = self._method(dt, options["rtol"])
        external = method.name if isinstance(method, External) else ""
        shared, on_device = read_devices(options["devices"], options["arrays"], self.kernels.backend, external)
        held = (self.kernels.dtype, options["project_initial"], tables, places)
        report, finish = progress_report(options["progress"])
        request = RunRequest(
            self.lowered,
            self.kernels,
            method,
            consistent(dynamics, flow, instances, rows.span[0], *held),
            rows.span,
            whole_number("watch_every", options["watch_every"], least=0),
            plan_events(options["events"], self.lowered),
            tables,
            places,
            threads,
            report,
            on_device,
        )
        try:
            if dt is not None:
                marks, compensated = rows.marks("trajectories", dt), options["compensated"]
                exact = compensated if compensated is not None else marks.count >= COMPENSATE_FROM
                fixed = shared_out(request, shared, lambda some: run_fixed(some, marks, exact), FixedRun.joined)
                return collect_fixed(request, fixed)
            advance = run_external if external else run_adaptive
            sampling, tolerances = Sampling(rows.times, rows.every or 1), read_tolerances(rows.span, options)
            adaptive = shared_out(request, shared, lambda some: advance(some, sampling, tolerances), AdaptiveRun.joined)
            return collect_adaptive(request, adaptive, rows.times)
        finally:
            finish()

    @takes(RunOptions)
    def variations(
        self,
        initial: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        *,
        vectors: Any = None,
        **options: Unpack[RunOptions],
    ) -> Variations:
        """Integrate the variational equations Y' = (df/dx) Y beside the trajectories, in the same kernels.

        vectors: [n, k], tangent vectors at the start, in the order of the components; by default the unit matrix, from
        which Y becomes the derivative of the state by the initial state.  options: as for `run`.  With a splitting or
        an explicit method and `dt`, Y is the exact derivative of the discrete map.

        Raises what `run` does, InputError for vectors of another shape, UnsupportedError for systems with constraints,
        MethodError for methods of SciPy.
        """
        return variations(self, self._widened, initial, parameters, t_span, vectors, options)

    @takes(GuidedOptions)
    def lyapunov(
        self,
        initial: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        *,
        count: int | None = None,
        transient: float = 0.0,
        samples: int = 100,
        **options: Unpack[GuidedOptions],
    ) -> LyapunovSpectrum:
        """The Lyapunov exponents of trajectories, by tangent vectors that are made orthonormal after every step.

        count: how many, from the largest; by default all.  transient: the time after which growth counts.  samples: at
        how many times the means are kept.  options: as for `run`, but for what is saved.  Arrays give ensembles.
        Benettin, Galgani, Giorgilli, Strelcyn, Meccanica 15 (1980) 9.

        Raises what `variations` does, and InputError for a count or a transient that is too large.
        """
        return lyapunov(self, self._widened, initial, parameters, t_span, count, transient, samples, options)

    @takes(GuidedOptions)
    def density(
        self,
        rho: Any,
        points: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t: Any = 0.0,
        *,
        t0: float = 0.0,
        **options: Unpack[GuidedOptions],
    ) -> NDArray[np.float64]:
        """A density that Liouville's equation moves, at given points: carried along the trajectories that lead there.

        rho: the density at t0, an expression in the components, parameters and t, or a function of {component: array};
        points: {component: array}, all of one shape; t: a time, or times, which become a last axis.  options: as for
        `run`.  Where the flow is not known to keep volumes (friction, vector fields, velocities with a mass matrix that
        varies) the determinant of its derivative goes along.  rho(x, t) = rho_0(y) |det dy/dx|, y being where x was at
        t0.  Tuckerman, "Statistical Mechanics", section 2.5.

        Raises what `run` and, with determinants, `variations` do.
        """
        return density_along(self, rho, points, dict(parameters or {}), t, float(t0), options)

    def evolve_density(
        self,
        rho: Any,
        grid: Grid,
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        *,
        dt: float,
        save_every: int = 1,
    ) -> PhaseDensity:
        """Liouville's equation on the phase plane of one degree of freedom, by the simulator's splitting.

        rho: as for `density`.  grid: periodic axes for both components, wide enough for the density.  A kick shifts
        rho along p, a drift along q, each by Fourier waves and exact on the grid: the norm is kept to rounding, the
        integral of rho^2 as far as the grid resolves rho.  The motion draws rho out into filaments; when they become
        finer than the grid, `drift["entropy"]` tells.  Cheng, Knorr, Journal of Computational Physics 22 (1976) 330.

        Raises UnsupportedError for more than two components, MethodError for systems that are not split, InputError for
        grids of other components, and for parameters that are missing or arrays.
        """
        return density_on_grid(self, rho, grid, dict(parameters or {}), t_span, dt, save_every)

    def _widened(self, count: int, orthonormal: bool) -> Simulator:
        key = (count, orthonormal)
        if key not in self._wider:
            self._wider[key] = widened(self, count, orthonormal)
        return self._wider[key]

    @cached_property
    def _wider(self) -> dict[tuple[int, bool], Simulator]:
        """Simulators of the same system with tangent vectors, kept for the next run."""
        return {}

    def _method(self, dt: float | None, rtol: float | None) -> Method:
        if dt is not None and rtol is not None:
            raise InputError(f"dt = {dt} fixes the step and rtol = {rtol} adapts it; give one of them")
        wanted = self.choice.fixed if dt is not None else self.choice.adaptive
        if wanted is not None:
            return wanted
        have = self.choice.fixed or self.choice.adaptive
        assert have is not None
        if dt is not None:
            raise MethodError(
                f"method {have.name!r} ({kind_of(have)}) chooses its own steps; give rtol instead of dt = {dt}"
            )
        adaptive = ", ".join(name for name, m in METHODS.items() if is_adaptive(m))
        raise MethodError(
            f"method {have.name!r} ({kind_of(have)}) has a fixed step: give dt instead of "
            f"{'a tolerance' if rtol is None else f'rtol = {rtol}'}, or compile with one of {adaptive}"
        )


def build_simulator(dynamics: Dynamics, method: str, backend: str, dtype: str, split: Sequence[Part] = ()) -> Simulator:
    """A simulator for derived dynamics, which alternates between the parts of a split where one is given.

    Raises InputError for an unknown backend or dtype, BackendUnavailableError where the backend cannot run here,
    MethodError for a method that is unknown or does not suit the system.
    """
    dtype = precision(dtype)
    lowered = lower(dynamics, split)
    choice = choice_for(lowered, method)
    return Simulator(lowered, choice, kernels_for(backend, dtype))
