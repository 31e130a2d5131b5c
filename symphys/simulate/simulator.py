"""A compiled system: runs it on one trajectory or on ensembles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import indent
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.discretise import Grid
from symphys.errors import InputError, MethodError
from symphys.integrators import METHODS, External, Method, is_adaptive, kind_of
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
from symphys.simulate.events import Event, plan_events
from symphys.simulate.execute import cores
from symphys.simulate.inputs import (
    not_negative,
    positive_number,
    precision,
    read_instances,
    read_span,
    read_times,
    whole_number,
)
from symphys.simulate.multipliers import consistent
from symphys.simulate.naming import plain_name
from symphys.simulate.progress import progress_report
from symphys.simulate.request import RunRequest, Sampling, Tolerances
from symphys.simulate.result import Result
from symphys.simulate.run_adaptive import AdaptiveRun, run_adaptive
from symphys.simulate.run_external import run_external
from symphys.simulate.run_fixed import FixedRun, read_marks, run_fixed
from symphys.simulate.signals import signal_functions, signal_tables
from symphys.simulate.tangents import LyapunovSpectrum, Variations, lyapunov, variations, widened
from symphys.simulate.weights import kernel_weights, split_weights

DEFAULT_RTOL = 1e-9
COMPENSATE_FROM = 100_000  # steps from which compensated summation is the default for fixed steps
MAX_STEPS = 100_000_000


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

    def run(
        self,
        initial: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        *,
        dt: float | None = None,
        rtol: float | None = None,
        atol: float | None = None,
        t_eval: Any = None,
        save_every: int | None = None,
        events: Event | Sequence[Event] = (),
        watch_every: int = 1,
        compensated: bool | None = None,
        max_steps: int = MAX_STEPS,
        max_step: float | None = None,
        first_step: float | None = None,
        project_initial: bool = False,
        threads: int | None = None,
        devices: int | None = None,
        arrays: str = "numpy",
        progress: bool | Callable[[float], None] | None = None,
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
        devices than there are, for CuPy arrays asked of another backend or of several devices, and for
        initial states off the constraints, with the residual; MethodError for a step with an adaptive-only method and
        a tolerance with a fixed-step one. A run that fails on its way raises nothing: its status says why, and what it
        reached is kept.
        """
        span = read_span(t_span)
        flow, dynamics = self.lowered.flow, self.lowered.dynamics
        weights, rest = split_weights(parameters or {}, dynamics.networks)
        parameters = spread_arrays(rest)
        instances = read_instances(initial, parameters, flow.labels, dynamics.parameters, signal_functions(dynamics))
        margin = 0.0 if dt is None else 4.0 * positive_number("dt", dt)  # substeps of splittings leave the span
        dtype = np.dtype(self.kernels.dtype)
        tables, places = signal_tables(dynamics, flow, parameters, span, dtype, margin)
        tables |= kernel_weights(weights, dtype)
        times = None if t_eval is None else read_times(t_eval, span)
        save_every = None if save_every is None else whole_number("save_every", save_every)
        if times is not None and save_every is not None:
            raise InputError("t_eval and save_every were both given; give one of them")
        method = self._method(dt, rtol)
        shared, on_device = read_devices(devices, arrays, self.kernels.backend)
        instances = consistent(dynamics, flow, instances, span[0], self.kernels.dtype, project_initial, tables, places)
        report, finish = progress_report(progress)
        request = RunRequest(
            self.lowered,
            self.kernels,
            method,
            instances,
            span,
            whole_number("watch_every", watch_every, least=0),
            plan_events(events, self.lowered),
            tables,
            places,
            cores() if threads is None else whole_number("threads", threads),
            report,
            on_device,
        )
        try:
            if dt is not None:
                marks = read_marks(span, positive_number("dt", dt), times, save_every)
                exact = compensated if compensated is not None else marks.count >= COMPENSATE_FROM
                fixed = shared_out(request, shared, lambda some: run_fixed(some, marks, exact), FixedRun.joined)
                return collect_fixed(request, fixed)
            tolerance = positive_number("rtol", DEFAULT_RTOL if rtol is None else rtol)
            tolerances = Tolerances(
                tolerance,
                tolerance if atol is None else not_negative("atol", atol),
                abs(span[1] - span[0]) if max_step is None else positive_number("max_step", max_step),
                0.0 if first_step is None else positive_number("first_step", first_step),
                whole_number("max_steps", max_steps),
            )
            advance = run_external if isinstance(method, External) else run_adaptive
            sampling = Sampling(times, save_every or 1)
            adaptive = shared_out(request, shared, lambda some: advance(some, sampling, tolerances), AdaptiveRun.joined)
            return collect_adaptive(request, adaptive, times)
        finally:
            finish()

    def variations(
        self,
        initial: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        *,
        vectors: Any = None,
        **options: Any,
    ) -> Variations:
        """Integrate the variational equations Y' = (df/dx) Y beside the trajectories, in the same kernels.

        vectors: [n, k], tangent vectors at the start, in the order of the components; by default the unit matrix, from
        which Y becomes the derivative of the state by the initial state.  options: as for `run`.  With a splitting or
        an explicit method and `dt`, Y is the exact derivative of the discrete map.

        Raises what `run` does, InputError for vectors of another shape, UnsupportedError for systems with constraints,
        MethodError for methods of SciPy.
        """
        return variations(self, self._widened, initial, parameters, t_span, vectors, options)

    def lyapunov(
        self,
        initial: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        *,
        count: int | None = None,
        transient: float = 0.0,
        samples: int = 100,
        **options: Any,
    ) -> LyapunovSpectrum:
        """The Lyapunov exponents of trajectories, by tangent vectors that are made orthonormal after every step.

        count: how many, from the largest; by default all.  transient: the time after which growth counts.  samples: at
        how many times the means are kept.  options: as for `run`, but for what is saved.  Arrays give ensembles.
        Benettin, Galgani, Giorgilli, Strelcyn, Meccanica 15 (1980) 9.

        Raises what `variations` does, and InputError for a count or a transient that is too large.
        """
        return lyapunov(self, self._widened, initial, parameters, t_span, count, transient, samples, options)

    def density(
        self,
        rho: Any,
        points: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t: Any = 0.0,
        *,
        t0: float = 0.0,
        **options: Any,
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
