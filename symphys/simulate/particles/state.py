"""Particles in memory: arrays as kernels see them, for a crowd or a batch of runs, and what is measured of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import Backend, CompiledProgram, Memory, compile_program
from symphys.discretise.ewald import Ewald
from symphys.discretise.mesh import Mesh
from symphys.errors import InputError
from symphys.integrators import Splitting
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.plan import Plan, ends_stale, measure_program, measures_of, plan_of
from symphys.simulate.memory import aligned
from symphys.simulate.particles.bath import Read, bath_arrays, bath_energy, bath_scalars, degrees_of_freedom
from symphys.simulate.particles.bonds import bonds_of
from symphys.simulate.particles.box import Box
from symphys.simulate.particles.holds import holds_of
from symphys.simulate.particles.inputs import ParticleInputs
from symphys.simulate.particles.mesh import mesh_tables
from symphys.simulate.particles.waves import check_neutral, wave_tables
from symphys.simulate.weights import kernel_weights
from symphys.statistics import Langevin, NoseHoover, Thermostat

Ordered = Callable[[str, NDArray[Any]], NDArray[Any]]
Told = Callable[[], tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]]

NOISY = 32  # steps for which noise is drawn at a time


@dataclass(frozen=True)
class Machine:
    """Compiled programs of a layout."""

    layout: Layout
    plan: Plan
    backend: Backend
    dtype: str
    thermostat: Thermostat | None
    advance: CompiledProgram
    begin: CompiledProgram
    measure: CompiledProgram
    project: CompiledProgram | None = None
    mesh: Mesh | None = None

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of what `measure` adds up."""
        return measures_of(self.layout)


def build_machine(
    layout: Layout,
    splitting: Splitting,
    thermostat: Thermostat | None,
    backend: Backend,
    dtype: str,
    mesh: Mesh | None = None,
) -> Machine:
    """The programs of a layout, compiled."""
    plan = plan_of(layout, splitting, thermostat)
    written = (plan.advance, plan.begin, measure_program(layout, ends_stale(splitting)))
    advance, begin, measure = (compile_program(program, backend, dtype) for program in written)
    project = None if plan.project is None else compile_program(plan.project, backend, dtype)
    return Machine(layout, plan, backend, dtype, thermostat, advance, begin, measure, project, mesh)


@dataclass(frozen=True)
class Choices:
    """What a run is told besides its values: the step, threads, the limit of forces, the seed of noise.

    begin: the time of the start. project: whether the initial state is carried to what is held.
    """

    h: float
    threads: int
    limit: float | None = None
    seed: int = 0
    project: bool = False
    begin: float = 0.0


@dataclass
class State:
    """Runs in memory that advance together: those of `members` of an ensemble, one of them for a crowd."""

    machine: Machine
    inputs: ParticleInputs
    members: list[tuple[int, ...]]
    box: Box | None
    cutoffs: Mapping[str, float]
    choices: Choices
    long_range: Ewald | None = None
    k: int = 0
    astray: str = ""  # of a place that was given up as no number, what it was and why
    arrays: Memory = field(init=False)

    def __post_init__(self) -> None:
        m, n = self.machine, self.inputs.count
        self.arrays = m.backend.memory()
        layout = m.layout
        if layout.batch:
            lanes = m.backend.lanes(m.dtype)
            rows, width = n, -(-len(self.members) // lanes) * lanes
        else:
            rows, width = -(-n // layout.size), layout.size
        self.rows, self.width, timed = rows, width, layout.dynamics.timed
        self.scalars: dict[str, Any] = {
            "count": n,
            "k": 0,
            layout.extents[0]: rows,
            layout.extents[1]: len(self.members) if layout.batch else layout.size,
            "width": rows * width,
            "flat_width": rows * width,
            "steps": 0,
            **({"time_begin": self.choices.begin, "time_step": self.choices.h, "time_share": 0.0} if timed else {}),
            **(m.plan.shares if timed else {}),
            **self.cutoffs,
            **(self.box.scalars() if self.box else {}),
            **{name: weight * self.choices.h for name, weight in m.plan.weights.items()},
            "limit": self.choices.limit or 0.0,
            **bath_scalars(m.thermostat, m.layout.dynamics, n, self.choices.h),
        }
        self.arrays.update(bath_arrays(m.thermostat, np.dtype(m.dtype)))
        self.bonds = bonds_of(m.layout.dynamics, n)
        self.scalars |= self.bonds.degrees()
        self.holds = holds_of(layout, n, layout.size) if layout.dynamics.held else None
        if self.holds is not None:
            self.arrays |= self.holds.arrays(width, np.dtype(m.dtype))
            self.scalars |= self.holds.scalars(m.dtype)
            self.arrays["hold_virial"] = np.zeros((1, len(self.members)) if layout.batch else 1, np.dtype(m.dtype))
        if layout.dynamics.coupling is not None:
            assert self.box is not None
            assert self.long_range is not None
            check_neutral(layout.dynamics, self.inputs, self.long_range)
            reach = self.cutoffs["cutoff"]
            dtype = np.dtype(m.dtype)
            if m.mesh is not None:
                far = mesh_tables(m.mesh, self.box, self.long_range.split(reach), n, dtype)
            else:
                far = wave_tables(layout, self.box, self.long_range, reach, width, dtype)
            self.arrays |= {**far.arrays, "wave_member": np.arange(n)}
            self.scalars |= far.scalars
        self._fill()
        m.begin(self.arrays, self.scalars, self.choices.threads)
        self._check_start()
        if "hits" in self.arrays:  # the limit of forces is counted from the first step on
            self.arrays["hits"][...] = 0

    def _project(self) -> None:
        """Carry the places in memory to what is held, if that was asked for."""
        if self.machine.project is not None and self.choices.project:
            self.machine.project(self.arrays, self.scalars, self.choices.threads)

    def _check_start(self) -> None:
        """InputError where the initial state is not held, or nothing is left to a thermostat."""
        if self.holds is None:
            return
        for block, lane in self.holds.failed(self.arrays)[:1]:
            what = self.holds.complaint(self.arrays, block, lane)
            if self.choices.project:
                raise InputError(f"the initial state could not be projected: {what}; start nearer to it")
            raise InputError(
                f"in the initial state {what}; give values that obey it, or project_initial=True to take the nearest "
                "ones"
            )
        if self.machine.thermostat is not None:
            if not self.degrees:
                raise InputError(
                    f"the constraints leave nothing of the motion of {self.inputs.count} particles to a thermostat; "
                    "hold less, or run without it"
                )
            self.scalars["freedom"] = float(self.degrees)

    @property
    def degrees(self) -> int:
        """The number of degrees of freedom that a temperature counts."""
        held = 0
        if self.holds is not None:
            held = self.holds.independent(self.arrays)
        dynamics, thermostat = self.machine.layout.dynamics, self.machine.thermostat
        return degrees_of_freedom(dynamics, thermostat, self.inputs.count, held)

    def lost(self) -> dict[int, tuple[int, str]]:
        """By member that is not held any more, the step at which that was seen, and what was."""
        found: dict[int, tuple[int, str]] = {}
        if self.holds is None or not self.arrays.read("hold_lost").any():
            return found
        for block, lane in self.holds.failed(self.arrays):
            member = int(lane) if self.machine.layout.batch else 0
            when = int(self.arrays.read("hold_when")[block, lane])
            if member < len(self.members) and (member not in found or when < found[member][0]):
                found[member] = when, self.holds.complaint(self.arrays, block, lane)
        return found

    @property
    def hits(self) -> int:
        """How often a force met its limit, particle by particle and step by step."""
        return int(self.arrays.read("hits").sum()) if "hits" in self.arrays else 0

    def _fill(self) -> None:
        dtype, inputs = np.dtype(self.machine.dtype), self.inputs
        self.vector("position", np.stack([self._member(inputs.places, m) for m in self.members]), dtype)
        self.vector("velocity", np.stack([self._member(inputs.velocities, m) for m in self.members]), dtype)
        self.vector("force", np.zeros((len(self.members), inputs.count, self.machine.layout.dim)), dtype)
        self._make_room(dtype)
        if count := self.machine.layout.leading("slope"):
            self.arrays["slope"] = aligned((count, self.rows, self.width), dtype)
            self.arrays["slope_all"] = self.arrays["slope"].reshape(count, -1)
        for name, values in inputs.attributes.items():
            self.number(name, np.stack([self._member(values[..., None], m)[..., 0] for m in self.members]), dtype, 1.0)
        self.number("kind", np.broadcast_to(inputs.kinds, (len(self.members), inputs.count)), np.dtype(np.int64), -1)
        for name, rows in self.bonds.arrays().items():
            self.arrays[name] = rows
            if not self.machine.layout.batch:
                whole = np.full((len(rows), self.rows * self.width), -1 if name.endswith("role") else 0, dtype=np.int64)
                whole[:, : rows.shape[1]] = rows
                self.arrays[name] = whole.reshape(-1, self.rows, self.width)
        if self.machine.layout.limited:
            self.number("hits", np.zeros((len(self.members), inputs.count)), np.dtype(np.int64), 0)
        self._fill_parameters(dtype)
        self._project()

    def _make_room(self, dtype: Any) -> None:
        """Memory for what a mesh leaves of each particle, as many as there is room for."""
        layout = self.machine.layout
        if layout.mesh:
            places = self.rows * self.width
            force = self.arrays["mesh_force"] = aligned((layout.dim, self.rows, self.width), dtype)
            self.arrays["mesh_force_flat"] = force.reshape(layout.dim, -1)
            self.arrays["mesh_spline"] = np.zeros((places, layout.dim * layout.mesh), dtype)
            self.arrays |= {f"mesh_{word}_flat": np.zeros(places, np.int64) for word in ("column", "depth")}

    def _fill_parameters(self, dtype: Any) -> None:
        inputs = self.inputs
        for symbol, values in inputs.numbers.items():
            name = self.machine.layout.names[symbol]
            here = np.broadcast_to(values, inputs.shape)
            if self.machine.layout.batch:
                self.arrays[name] = np.full(self.width, float(here[self.members[-1]]), dtype=dtype)
                self.arrays[name][: len(self.members)] = [here[m] for m in self.members]
            else:
                self.scalars[name] = float(here[self.members[0]])
        self.arrays.update(kernel_weights(inputs.weights, dtype))
        count = len(self.machine.measures)
        self.arrays["totals"] = np.zeros((count, len(self.members)) if self.machine.layout.batch else count, dtype)

    def _member(self, values: NDArray[Any], member: tuple[int, ...]) -> NDArray[Any]:
        return np.broadcast_to(values, (*self.inputs.shape, *values.shape[-2:]))[member]

    def vector(self, name: str, values: NDArray[Any], dtype: Any) -> None:
        """Lay [member, n, dim] into memory as [dim, row, lane], and beside it as one list of others."""
        dim = values.shape[-1]
        array = aligned((dim, self.rows, self.width), dtype)
        if self.machine.layout.batch:
            array[..., : len(values)] = values.transpose(2, 1, 0)
            array[..., len(values) :] = values[-1].T[..., None]
        else:
            array.reshape(dim, -1)[:, : values.shape[1]] = values[0].T
        self.arrays[name] = array
        self.arrays[f"{name}_all"] = self.arrays[f"{name}_flat"] = array.reshape(dim, -1)

    def number(self, name: str, values: NDArray[Any], dtype: Any, pad: float) -> None:
        """Lay [member, n] into memory as [row, lane], and beside it as one list of others."""
        array = aligned((self.rows, self.width), dtype)
        array[...] = pad
        if self.machine.layout.batch:
            array[:, : len(values)] = values.T
        else:
            array.reshape(-1)[: values.shape[1]] = values[0]
        self.arrays[name] = array
        self.arrays[f"{name}_all"] = self.arrays[f"{name}_flat"] = array.reshape(-1)

    def read(self, name: str) -> NDArray[Any]:
        """[member, n, dim], copied."""
        return np.ascontiguousarray(self.ordered()(name, self.arrays.read(name)))

    def ordered(self) -> Ordered:
        """What brings an array of a name, as it is now, into the order of the users [member, n, dim]."""
        return lambda _, array: self.in_order(array)

    def in_order(self, array: Any) -> Any:
        """[member, n, dim], a view, of an array [dim, row, lane]; also of one on a device."""
        if self.machine.layout.batch:
            return array[..., : len(self.members)].transpose(2, 1, 0)
        return array.reshape(len(array), -1)[:, : self.inputs.count].T[None]

    def finite(self) -> bool:
        """Whether places and velocities are all finite, those that fill up rows included."""
        return self.arrays.finite({name: slice(None) for name in ("position", "velocity")})

    @property
    def pairs(self) -> int:
        """How many pairs of particles a step looks at."""
        return self.inputs.count**2 * len(self.members)

    def go(self, steps: int) -> None:
        """Take `steps` steps."""
        while steps > 0:
            ahead = steps
            if isinstance(self.machine.thermostat, Langevin):
                ahead = min(steps, NOISY)
                self._draw(ahead)
            self.scalars |= {"steps": ahead, "k": self.k}
            self.machine.advance(self.arrays, self.scalars, self.choices.threads)
            self.k, steps = self.k + ahead, steps - ahead

    def _draw(self, steps: int) -> None:
        """Normal numbers for some steps, which depend on the seed, the run and the step alone."""
        n, dim = self.inputs.count, self.machine.layout.dim
        noise = np.zeros((steps * dim, self.rows, self.width), dtype=self.machine.dtype)
        for number, member in enumerate(self.members):
            run = int(np.ravel_multi_index(member, self.inputs.shape)) if member else 0
            for s in range(steps):
                bits = np.random.Philox(key=(self.choices.seed, run), counter=[0, 0, 0, self.k + s])
                values = np.random.Generator(bits).standard_normal((n, dim))
                self._lay(noise[s * dim : (s + 1) * dim], number, values)
        self.arrays["noise"] = noise
        self.scalars |= {"noise_rows": steps * dim, "k_noise": self.k}

    def _lay(self, array: NDArray[Any], member: int, values: NDArray[Any]) -> None:
        """Lay [n, dim] of one member into [dim, row, lane]."""
        if self.machine.layout.batch:
            array[..., member] = values.T
        else:
            array.reshape(len(array), -1)[:, : len(values)] = values.T

    def totals(self) -> NDArray[np.float64]:
        """[member, measures and the energy of the bath], now."""
        self._measure()
        return self._totals(self.arrays.read)

    def recorded(self) -> Told:
        """Places, velocities [member, n, dim] and `totals` now; what this returns tells them, while `arrays.ahead` rows
        later are on their way, or, where that is 0, before the next step."""
        self._measure()
        bath = ("chain",) if isinstance(self.machine.thermostat, NoseHoover) else ()
        held = () if self.holds is None else ("hold_virial",)
        order, copies = self.ordered(), self.arrays.snapshot(["position", "velocity", "totals", *bath, *held])

        def told() -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float64]]:
            found = copies()
            places, velocities = (order(name, found[name]) for name in ("position", "velocity"))
            return places, velocities, self._totals(found.__getitem__)

        return told

    def _measure(self) -> None:
        self.scalars["k"] = self.k
        self.machine.measure(self.arrays, self.scalars, self.choices.threads)

    def _totals(self, read: Read) -> NDArray[np.float64]:
        found = read("totals").astype(np.float64)
        found = found.T.copy() if self.machine.layout.batch else found[None]
        if self.holds is not None:
            found[:, self.machine.measures.index("virial")] += read("hold_virial").reshape(-1)
        bath = bath_energy(self.machine.thermostat, read, self.scalars)
        return np.concatenate([found, np.full((len(found), 1), bath)], axis=1)
