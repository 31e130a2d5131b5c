"""Particles compiled: one run of many, or many runs of few."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import get_backend
from symphys.errors import InputError, MethodError
from symphys.integrators import METHODS, Splitting, method_named
from symphys.lower.particles.layout import Layout
from symphys.mechanics.particles import ParticleAction, ParticleDynamics, derive_particles
from symphys.mechanics.particles.derive import SMOOTHINGS
from symphys.simulate.execute import cores
from symphys.simulate.inputs import positive_number, read_span, read_times, whole_number
from symphys.simulate.particles.box import Box, read_box
from symphys.simulate.particles.inputs import ParticleInputs, read_particles_inputs
from symphys.simulate.particles.listed import ListedState, ListMachine, build_lists
from symphys.simulate.particles.result import ParticleResult
from symphys.simulate.particles.state import Machine, State, build_machine
from symphys.simulate.particles.watch import Watch
from symphys.simulate.progress import progress_report
from symphys.simulate.run_fixed import Marks, read_marks
from symphys.simulate.status import Outcome

FEW = 64  # particles up to which several runs stand side by side as lanes
SEVERAL = 4  # runs from which they do
MANY = 300  # particles above which a cutoff makes lists of neighbours worth their while
SIZE, LISTED_SIZE = 16, 8  # doubles of a cluster: without lists, latency is hidden; with them, clusters are small
SKIN = 0.12  # by which lists reach beyond the cutoff, in units of it
PORTION = 1 << 28  # pairs of particles between looks at progress and at states that left the finite world


@dataclass(frozen=True)
class ParticleSimulator:
    """Forces, a splitting, a box, a backend and a precision; programs are compiled when first needed.

    The number of particles and runs is known when a run starts, and no program depends on it.
    """

    dynamics: ParticleDynamics
    method: Splitting
    box: Box | None
    cutoffs: Mapping[str, float]
    skin: float
    backend: str
    dtype: str
    reason: str
    machines: dict[Any, Machine] = field(default_factory=dict, compare=False, repr=False)

    def explain(self) -> str:
        """Which method was chosen, and why."""
        box = "no box" if self.box is None else f"a periodic {self.box.shape} box"
        cut = f", cutoff {self.cutoffs['cutoff']:g}" if self.cutoffs else ""
        return (
            f"{self.reason}\nwith dt: {self.method.name}, of order {self.method.order} ({self.method.source})\n"
            f"{box}{cut}; backend: {self.backend}, {self.dtype}"
        )

    def machine(self, batch: bool, listed: bool) -> Machine:
        """The compiled programs, for a batch of runs or for a crowd, with lists of neighbours or without."""
        key = (batch, listed)
        if key not in self.machines:
            backend = get_backend(self.backend)
            size = LISTED_SIZE if listed else SIZE
            size *= 1 if self.dtype == "float64" else 2
            shape = self.box.shape if self.box else None
            layout = Layout(self.dynamics, batch, size, shape, bool(self.cutoffs), listed)
            self.machines[key] = build_machine(layout, self.method, backend, self.dtype)
        return self.machines[key]

    @cached_property
    def lists(self) -> ListMachine:
        """The programs that make lists of neighbours."""
        return build_lists(self.machine(batch=False, listed=True))

    def layout_for(self, runs: int, particles: int) -> tuple[bool, bool]:
        """Whether runs stand side by side as lanes, and whether neighbours come from lists."""
        reach = self.cutoffs.get("cutoff", 0.0)
        wide = self.box is not None and reach > self.box.widths.min() / 2  # further than to the nearest image
        listed = bool(self.cutoffs) and (particles > MANY or wide)
        return runs >= SEVERAL and particles <= FEW and not listed, listed

    def start(
        self, inputs: ParticleInputs, members: list[tuple[int, ...]], batch: bool, listed: bool, h: float, threads: int
    ) -> State:
        """Runs in memory, at their initial state."""
        given = (self.machine(batch, listed), inputs, members, self.box, self.cutoffs, h, threads)
        return ListedState(*given, lists=self.lists, skin=self.skin) if listed else State(*given)

    @property
    def source(self) -> str:
        """The kernels that run, as readable Python with the physics named."""
        return str(self.machine(batch=False, listed=False).advance.source)

    def run(
        self,
        initial: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        *,
        dt: float | None = None,
        t_eval: Any = None,
        save_every: int | None = None,
        watch_every: int | None = None,
        species: Any = None,
        threads: int | None = None,
        progress: bool | Callable[[float], None] | None = None,
    ) -> ParticleResult:
        """Integrate in round((t1 - t0) / dt) steps.

        initial: {atoms: [n, dim], dot(atoms): [n, dim]}, with more axes in front for an ensemble. parameters: numbers,
        or arrays over the ensemble; {atoms.mass: [n] values, one number, or {species: number}}; weights of networks.
        species: a name for each particle, where the particles have species.
        t_eval gives the times to save (multiples of dt), save_every every n-th step and the start; with neither every
        step is saved. Laws are watched at the saved times, and every watch_every steps besides, as that takes a pass
        over all pairs. threads defaults to all cores.

        Raises InputError for missing, unknown, non-finite or forbidden values and shapes that do not fit. A run that
        fails on its way raises nothing: its status says why, and what was saved is kept.
        """
        span = read_span(t_span)
        if dt is None:
            raise InputError("particles are integrated with a fixed step; give dt")
        times = None if t_eval is None else read_times(t_eval, span)
        every = None if save_every is None else whole_number("save_every", save_every)
        if times is not None and every is not None:
            raise InputError("t_eval and save_every were both given; give one of them")
        look = None if watch_every is None else whole_number("watch_every", watch_every)
        inputs = read_particles_inputs(self.dynamics, initial, dict(parameters or {}), species)
        marks = read_marks(span, positive_number("dt", dt), times, every)
        count = cores() if threads is None else whole_number("threads", threads)
        report, finish = progress_report(progress)
        try:
            return self._run(inputs, marks, look, count, report, None if species is None else tuple(map(str, species)))
        finally:
            finish()

    def _run(
        self,
        inputs: ParticleInputs,
        marks: Marks,
        look: int | None,
        threads: int,
        report: Callable[[float], None],
        species: tuple[str, ...] | None,
    ) -> ParticleResult:
        members = list(itertools.product(*(range(n) for n in inputs.shape)))
        batch, listed = self.layout_for(len(members), inputs.count)
        groups = [members] if batch else [[member] for member in members]
        machine = self.machine(batch, listed)
        rows = len(marks.steps)
        dtype = np.dtype(self.dtype)
        saved = np.full((2, len(members), rows, inputs.count, self.dynamics.particles.dim), np.nan, dtype=dtype)
        watch = Watch.new(machine.layout, len(members), rows, self.box is not None)
        outcomes = np.full(len(members), Outcome.FINISHED, dtype=object)
        reached = np.zeros(len(members))
        first = 0
        for number, group in enumerate(groups):
            part = slice(first, first + len(group))
            state = self.start(inputs, group, batch, listed, marks.h, threads)

            def told(share: float, number: int = number) -> None:
                report((number + share) / len(groups))

            course = Course(state, marks, look, saved[:, part], watch.part(part), outcomes[part], reached[part])
            course.run(told)
            first += len(group)
        reached = marks.times[0] - marks.steps[0] * marks.h + reached * marks.h
        shape = inputs.shape
        last = rows if shape else int(np.isfinite(saved[0, 0, :, 0, 0]).sum())
        saved = saved.reshape(2, *shape, *saved.shape[2:])
        conserved = self.dynamics.translations and inputs.count > 1
        degrees = self.dynamics.particles.dim * (inputs.count - conserved)
        return ParticleResult(
            np.asarray(marks.times[:last], dtype=np.float64),
            self.dynamics.particles,
            saved[0][..., :last, :, :],
            saved[1][..., :last, :, :],
            watch.drift(shape),
            watch.totals(shape, last),
            degrees,
            self.box,
            outcomes.reshape(shape),
            reached.reshape(shape),
            self.method.name,
            species,
        )


@dataclass
class Course:
    """One group of runs on its way: where what it leaves is written, [member, ...]."""

    state: State
    marks: Marks
    look: int | None
    saved: NDArray[Any]
    watch: Watch
    outcomes: NDArray[Any]
    reached: NDArray[np.float64]

    def run(self, report: Callable[[float], None]) -> None:
        """Take all steps; runs that leave the finite world keep what they have."""
        state, marks = self.state, self.marks
        work = max(1, state.inputs.count**2 * len(state.members))
        portion = max(1, PORTION // work)
        try:
            for row, step in enumerate([*marks.steps, marks.count]):
                while state.k < step:
                    ahead = min(portion, int(step) - state.k)
                    if self.look is not None:
                        ahead = min(ahead, self.look - state.k % self.look)
                    state.go(ahead)
                    report(state.k / max(marks.count, 1))
                    if not self._alive():
                        return
                    if self.look is not None and state.k % self.look == 0 and state.k < step:
                        self.watch.see(state.totals(), None, self._running)
                if row < len(marks.steps):
                    self._keep(row)
        except KeyboardInterrupt:
            self.outcomes[self._running] = Outcome.INTERRUPTED

    @property
    def _running(self) -> NDArray[np.bool_]:
        return np.array([o is Outcome.FINISHED for o in self.outcomes])

    def _alive(self) -> bool:
        """Note who is no longer finite; whether anyone is."""
        finite = np.isfinite(self.state.read("position")).all((1, 2)) & np.isfinite(self.state.read("velocity")).all(
            (1, 2)
        )
        self.outcomes[self._running & ~finite] = Outcome.NOT_FINITE
        self.reached[self._running] = self.state.k
        return bool(self._running.any())

    def _keep(self, row: int) -> None:
        running = self._running
        self.saved[0, running, row] = self.state.read("position")[running]
        self.saved[1, running, row] = self.state.read("velocity")[running]
        self.watch.see(self.state.totals(), row, running)


def build_particle_simulator(
    action: ParticleAction, method: str, box: Any, cutoff: Any, smoothing: Any, backend: str, dtype: str
) -> ParticleSimulator:
    """A simulator of a derived Lagrangian.

    Raises InputError for an unfit box, cutoff, smoothing, backend or dtype, MethodError for a method that is unknown or
    no splitting, BackendUnavailableError where the backend cannot run here.
    """
    if dtype not in ("float64", "float32"):
        raise InputError(f"dtype {dtype!r} is unknown; choose 'float64' or 'float32'")
    get_backend(backend)
    reason = f"method {method!r} was asked for."
    chosen = METHODS["verlet"] if method == "auto" else method_named(method, METHODS)
    if method == "auto":
        reason = "Forces are free of velocities: leapfrog, which is symplectic and keeps momenta."
    if not isinstance(chosen, Splitting):
        raise MethodError(f"method {method!r} does not integrate particles; choose a splitting: verlet, yoshida4, ...")
    walls = read_box(box, action.particles.dim)
    cutoffs = read_cutoff(cutoff, smoothing)
    dynamics = derive_particles(action, smoothing)
    return ParticleSimulator(
        dynamics, chosen, walls, cutoffs, SKIN * cutoffs.get("cutoff", 0.0), backend, dtype, reason
    )


def read_cutoff(cutoff: Any, smoothing: Any) -> dict[str, float]:
    """The numbers of the cutoff, by the names that kernels have for them."""
    if smoothing is not None and smoothing not in SMOOTHINGS:
        raise InputError(f"smoothing = {smoothing!r}; choose None, {', '.join(map(repr, SMOOTHINGS))}")
    if cutoff is None:
        if smoothing is not None:
            raise InputError(f"smoothing = {smoothing!r} ends potentials at a cutoff; give cutoff")
        return {}
    reach = positive_number("cutoff", cutoff)
    return {"cutoff": reach, "onset": 0.8 * reach}
