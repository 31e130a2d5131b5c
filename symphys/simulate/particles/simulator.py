"""Particles compiled: one run of many, or many runs of few."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from textwrap import indent
from typing import Any, Unpack

import numpy as np

from codegen import get_backend
from symphys.discretise.ewald import Ewald, waves_of
from symphys.discretise.mesh import Mesh, charges_from, mesh_of
from symphys.errors import InputError, MethodError, UnsupportedError
from symphys.integrators import Splitting
from symphys.keywords import takes
from symphys.lower.particles.layout import Layout
from symphys.mechanics.particles import ParticleDynamics
from symphys.mechanics.particles.surroundings import SMOOTHINGS
from symphys.simulate.devices import read_devices
from symphys.simulate.inputs import positive_number, precision, whole_number
from symphys.simulate.keywords import FIXED_STEPS, ParticleRunOptions, read_rows, read_threads
from symphys.simulate.particles.box import Box, read_box
from symphys.simulate.particles.choose import choose_splitting
from symphys.simulate.particles.course import Course
from symphys.simulate.particles.inputs import ParticleInputs, read_particles_inputs
from symphys.simulate.particles.keywords import CompileOptions
from symphys.simulate.particles.listed import ListedState, ListMachine, build_lists
from symphys.simulate.particles.result import ParticleResult
from symphys.simulate.particles.state import Choices, Machine, State, build_machine
from symphys.simulate.particles.watch import Watch
from symphys.simulate.progress import progress_report
from symphys.simulate.run_fixed import Marks
from symphys.simulate.status import Outcome
from symphys.statistics import Berendsen, Langevin, NoseHoover, Thermostat

FEW = 64  # particles up to which several runs stand side by side as lanes
SEVERAL = 4  # runs from which they do
MANY = 300  # particles above which a cutoff makes lists of neighbours worth their while
SIZE, LISTED_SIZE = 16, 8  # doubles of a cluster: without lists, latency is hidden; with them, clusters are small
SKIN = 0.2  # by which lists reach beyond the cutoff, in units of it


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
    thermostat: Thermostat | None
    backend: str
    dtype: str
    reason: str
    long_range: Ewald | None = None
    machines: dict[Any, Machine] = field(default_factory=dict, compare=False, repr=False)

    def explain(self) -> str:
        """Which method was chosen, and why."""
        box = "no box" if self.box is None else f"a periodic {self.box.shape} box"
        cut = f", cutoff {self.cutoffs['cutoff']:g}" if self.cutoffs else ""
        if self.long_range is not None and self.box is not None:
            reach = self.cutoffs["cutoff"]
            cut += f", 1 / r over all images by Ewald's sum (split at {self.long_range.split(reach):.4g}, {self._far})"
        return (
            f"{self.reason}\nwith dt: {self.method.name}, of order {self.method.order} ({self.method.source})\n"
            f"{box}{cut}; backend: {self.backend}, {self.dtype}"
        )

    @property
    def _far(self) -> str:
        """Which waves there are, and whether they go through a mesh."""
        assert self.long_range is not None
        if self.long_range.mesh not in ("auto", False):
            return str(self.mesh)
        waves = f"{self.waves} waves"
        if self.long_range.mesh is False or math.isinf(least := charges_from(self.mesh, self.waves)):
            return waves
        return f"{waves}; from {math.ceil(least)} charges on {self.mesh}"

    @cached_property
    def mesh(self) -> Mesh:
        """The mesh through which sums over all images may go."""
        assert self.box is not None
        assert self.long_range is not None
        return mesh_of(self.box.matrix, self.long_range, self.cutoffs["cutoff"])

    @cached_property
    def waves(self) -> int:
        """How many waves there are without a mesh."""
        assert self.box is not None
        assert self.long_range is not None
        return int(waves_of(self.box.matrix, self.long_range, self.cutoffs["cutoff"]).depth.sum())

    def mesh_for(self, particles: int) -> Mesh | None:
        """The mesh through which the sums of so many particles go; None where they go wave by wave."""
        if self.long_range is None or self.long_range.mesh is False:
            return None
        if self.long_range.mesh == "auto" and particles < charges_from(self.mesh, self.waves):
            return None
        return self.mesh

    def __repr__(self) -> str:
        return f"ParticleSimulator of {self.dynamics.particles}\n{indent(self.explain(), '  ')}"

    def machine(self, batch: bool, listed: bool, limited: bool = False, mesh: Mesh | None = None) -> Machine:
        """The compiled programs, for a batch of runs or for a crowd, with lists of neighbours or without."""
        key = (batch, listed, limited, mesh)
        if key not in self.machines:
            backend = get_backend(self.backend)
            size = LISTED_SIZE if listed else SIZE
            size *= 1 if self.dtype == "float64" else 2
            shape = self.box.shape if self.box else None
            order = 0 if mesh is None else mesh.order
            # sixteen lanes gather a component in 4 ns, and read three that lie side by side in 7; eight in 1.6 and 4.4
            beside = listed and self.dtype == "float32"
            layout = Layout(self.dynamics, batch, size, shape, bool(self.cutoffs), listed, limited, order, beside)
            self.machines[key] = build_machine(layout, self.method, self.thermostat, backend, self.dtype, mesh)
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
        together = runs >= SEVERAL and particles <= FEW and not listed and self.mesh_for(particles) is None
        # a bath looks at one run, and so does a mesh
        return together and (self.thermostat is None or isinstance(self.thermostat, Langevin)), listed

    def start(
        self, inputs: ParticleInputs, members: list[tuple[int, ...]], batch: bool, listed: bool, choices: Choices
    ) -> State:
        """Runs in memory, at their initial state."""
        machine = self.machine(batch, listed, choices.limit is not None, self.mesh_for(inputs.count))
        given = (machine, inputs, members, self.box, self.cutoffs, choices, self.long_range)
        return ListedState(*given, lists=self.lists, skin=self.skin) if listed else State(*given)

    @property
    def source(self) -> str:
        """The kernels that run, as readable Python with the physics named."""
        return str(self.machine(batch=False, listed=False).advance.source)

    @takes(ParticleRunOptions, FIXED_STEPS)
    def run(
        self,
        initial: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        **options: Unpack[ParticleRunOptions],
    ) -> ParticleResult:
        """Integrate in round((t1 - t0) / dt) steps.

        initial: {atoms: [n, dim], dot(atoms): [n, dim]}, with more axes in front for an ensemble. parameters: numbers,
        or arrays over the ensemble; {atoms.mass: [n] values, one number, or {species: number}}; weights of networks.
        species: a name for each particle, where the particles have species.
        t_eval gives the times to save (multiples of dt), save_every every n-th step and the start; with neither every
        step is saved. Laws are watched at the saved times, and every watch_every steps besides, as that takes a pass
        over all pairs. force_limit: the largest |F_i|; larger ones are shortened, and `result.counts` says how often.
        seed: of the noise of a Langevin thermostat. What constraints hold must be held from the start;
        `project_initial` takes the nearest state that is. threads defaults to all cores. arrays="cupy" leaves places
        and velocities on the device (backend="cuda").

        Raises InputError for missing, unknown, non-finite or forbidden values and shapes that do not fit, and for
        initial states off the constraints, with the particles and the residual. A run that fails on its way raises
        nothing: its status says why, and what was saved is kept.
        """
        rows = read_rows(t_span, options["t_eval"], options["save_every"])
        look, limit, species = options["watch_every"], options["force_limit"], options["species"]
        marks = rows.marks("particles", options["dt"])
        inputs = read_particles_inputs(self.dynamics, initial, dict(parameters or {}), species)
        choices = Choices(
            marks.h,
            read_threads(options["threads"]),
            None if limit is None else positive_number("force_limit", limit),
            whole_number("seed", options["seed"], least=0),
            options["project_initial"],
            marks.times[0] - marks.steps[0] * marks.h,
        )
        look = None if look is None else whole_number("watch_every", look)
        _, on_device = read_devices(None, options["arrays"], get_backend(self.backend))
        report, finish = progress_report(options["progress"])
        try:
            return self._run(
                inputs, marks, look, choices, report, None if species is None else tuple(map(str, species)), on_device
            )
        finally:
            finish()

    def _run(
        self,
        inputs: ParticleInputs,
        marks: Marks,
        look: int | None,
        choices: Choices,
        report: Callable[[float], None],
        species: tuple[str, ...] | None,
        on_device: bool,
    ) -> ParticleResult:
        members = list(itertools.product(*(range(n) for n in inputs.shape)))
        batch, listed = self.layout_for(len(members), inputs.count)
        groups = [members] if batch else [[member] for member in members]
        machine = self.machine(batch, listed, choices.limit is not None, self.mesh_for(inputs.count))
        rows = len(marks.steps)
        dtype = np.dtype(self.dtype)
        stays = on_device and not listed
        size = (2, len(members), rows, inputs.count, self.dynamics.particles.dim)
        saved = machine.backend.memory().blank(size, dtype) if stays else np.full(size, np.nan, dtype=dtype)
        kept = np.zeros(len(members), dtype=np.int64)
        watch = Watch.new(machine.layout, len(members), rows, self.box is not None, self.thermostat)
        outcomes = np.full(len(members), Outcome.FINISHED, dtype=object)
        reached = np.zeros(len(members))
        details = np.full(len(members), "", dtype=object)
        first, hits, degrees = 0, 0, 0
        for number, group in enumerate(groups):
            part = slice(first, first + len(group))
            state = self.start(inputs, group, batch, listed, choices)

            def told(share: float, number: int = number) -> None:
                report((number + share) / len(groups))

            course = Course(
                state,
                marks,
                look,
                saved[:, part],
                watch.part(part),
                outcomes[part],
                reached[part],
                details[part],
                kept[part],
                stays,
            )
            degrees = max(degrees, state.degrees)
            course.run(told)
            first, hits = first + len(group), hits + state.hits
        reached = choices.begin + reached * marks.h
        shape = inputs.shape
        last = rows if shape else int(kept[0])
        saved = saved.reshape(2, *shape, *saved.shape[2:])
        if on_device and not stays:  # lists of neighbours bring every row to the host
            memory = machine.backend.memory()
            memory["saved"] = saved
            saved = memory.on_device("saved")
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
            {} if choices.limit is None else {"force limit": hits},
            details.reshape(shape),
        )


def build_particle_simulator(
    dynamics: Callable[[str | None, bool], ParticleDynamics], method: str, options: CompileOptions
) -> ParticleSimulator:
    """A simulator; `dynamics` derives the forces with a smoothing, and perhaps a sum over all images.

    Raises InputError for an unfit box, cutoff, smoothing, thermostat, backend or dtype, MethodError for a method that
    is unknown, no splitting, or does not go with the thermostat, BackendUnavailableError where the backend cannot run.
    """
    box, smoothing, thermostat = options["box"], options["smoothing"], options["thermostat"]
    backend, dtype = options["backend"], precision(options["dtype"])
    get_backend(backend)
    if thermostat is not None and not isinstance(thermostat, NoseHoover | Langevin | Berendsen):
        raise InputError(f"thermostat is {thermostat!r}; give a NoseHoover, Langevin or Berendsen thermostat")
    cutoffs = read_cutoff(options["cutoff"], smoothing)
    ewald = read_long_range(options["long_range"], box, cutoffs)
    derived = dynamics(smoothing, ewald is not None)
    apart = derived.friction is not None or bool(derived.turning)
    chosen, reason = choose_splitting(method, bool(derived.held), apart)
    if thermostat is not None and chosen.order > 2:
        take = "rattle" if derived.held else "verlet"
        raise MethodError(f"with a thermostat any method is of order 2; take {take!r} instead of {chosen.name!r}")
    walls, skin = read_box(box, derived.particles.dim), SKIN * cutoffs.get("cutoff", 0.0)
    if ewald is not None and derived.particles.dim != 3:
        raise UnsupportedError(
            f"1 / r is summed over all images in three dimensions; {derived.particles} live in {derived.particles.dim}"
        )
    return ParticleSimulator(derived, chosen, walls, cutoffs, skin, thermostat, backend, dtype, reason, ewald)


def read_long_range(long_range: Any, box: Any, cutoffs: Mapping[str, float]) -> Ewald | None:
    """How what goes as 1 / r is summed over all images."""
    if long_range is None:
        return None
    ewald = Ewald() if long_range == "ewald" else long_range
    if not isinstance(ewald, Ewald):
        raise InputError(f"long_range = {long_range!r}; choose 'ewald', an Ewald(...), or None")
    if box is None or not cutoffs:
        missing = "box" if box is None else "cutoff"
        raise InputError(f"a sum over all images needs a periodic box and a cutoff of what is near; give {missing}")
    return ewald


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
