"""One run of fields in memory: a state that advances, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledProgram, Memory
from symphys.discretise import Grid
from symphys.discretise.spectral import derivative
from symphys.errors import UnsupportedError
from symphys.fields.dynamics import Convolved
from symphys.language.arrays import on_host
from symphys.lower.lattice.convolve import argument_kernel, convolves_by_program, kernel_table
from symphys.lower.lattice.layout import Component
from symphys.lower.lattice.packed import packed_name
from symphys.lower.lattice.plan import counts_of, launch_of, program_of
from symphys.simulate.lattice.convolve import convolve, kernel_waves
from symphys.simulate.lattice.given import depends_on_time, differentiated, labels_of, sample
from symphys.simulate.lattice.machine import Machine
from symphys.simulate.lattice.memory import grid_scalars, grid_tables, missing_arrays, stencil_tables
from symphys.simulate.lattice.sponge import layer_strength
from symphys.simulate.lattice.waves import factor_tables
from symphys.simulate.weights import kernel_weights

MEASURED = ("totals", "sizes")  # the arrays into which laws are summed up

FINITE = "finite?"  # the array that says which arrays of the state are; no symbol has this name

Read = Callable[[str], NDArray[Any]]
Totals = tuple[NDArray[np.float64], NDArray[np.float64]]
Recorded = tuple[dict[Any, NDArray[Any]], Totals]


@dataclass
class Run:
    """The arrays of one run: a state that advances."""

    machine: Machine
    grid: Grid
    values: Mapping[Any, float]
    functions: Mapping[Any, Any]
    dt: float
    t_start: float
    threads: int
    weights: Mapping[Any, NDArray[np.float64]] = field(default_factory=dict)
    k: int = 0
    measured: bool = False  # whether the integrals of the present state were measured in passing

    def __post_init__(self) -> None:
        m = self.machine
        self.frame = m.frame(self.grid)
        self.scalars: dict[str, Any] = {
            **grid_scalars(self.frame, m.margin),
            **{m.layout.names[s]: v for s, v in self.values.items()},
            **m.plan.constants,
            **{name: weight * self.dt for name, weight in m.plan.weights.items()},
            "t_start": self.t_start,
            "dt": self.dt,
            "offset": 0.0,
        }
        self.arrays: Memory = m.backend.memory()
        self.arrays.update(grid_tables(self.frame, m.margin, self._sponges()))
        self.arrays.update(kernel_weights(self.weights, self.frame.dtype))
        if m.plan.factors:
            self.arrays.update(factor_tables(m.layout, self.frame, self.values, m.plan.factors, self.dt))
        convolutions = m.layout.dynamics.convolutions
        self.waves = {
            each.symbol: kernel_waves(m.layout.dynamics, self.grid, each, self.values, self.functions)
            for each in convolutions
        }
        for each in convolutions if convolves_by_program(m.layout) else ():
            table = self.frame.allocate(self.frame.shape[:-1], 2)
            self.frame.sites(table, 2)[...] = self.waves[each.symbol]
            self.arrays[kernel_table(m.layout.names[each.symbol])] = table
        self.moving = [f for f, v in self.functions.items() if depends_on_time(m.layout.dynamics, f, v)]
        self.in_pieces = bool(self.moving) or any(piece.convolutions for piece in m.plan.sequence)
        self.in_pieces |= m.layout.order is None and not m.layout.packed
        self.give(self.t_start, self.functions)
        for program in (m.advance, *((m.measure,) if m.measure else ())):
            self._complete(program)

    # -- what is given -------------------------------------------------------------------------------------------------
    def give(self, time: float, functions: Mapping[Any, Any]) -> None:
        """Sample given functions at a time, and their derivatives that the kernels read."""
        self.measured = False
        layout = self.machine.layout
        for symbol in layout.dynamics.given:
            jet = layout.dynamics.jets.jet(symbol)
            assert jet is not None
            if jet.function not in functions:
                continue
            if jet.index[0]:
                raise UnsupportedError(
                    f"{layout.dynamics.jets.written(symbol)}, a rate of what is given, is not compiled"
                )
            values = sample(layout.dynamics, self.grid, jet.function, functions[jet.function], time)
            name = layout.names[symbol]
            if values.shape == ():
                self.scalars[name] = float(values)
                continue
            values = differentiated(layout, self.grid, jet, values)[self.frame.inside]
            components = 1 if symbol.is_real else 2
            self._sites(name, components)[...] = values
            if self.machine.halo:  # a ring goes on, and ends are mirrors
                cells = self.arrays[name].reshape(*self.frame.shape[:-1], -1, components)
                cells[..., self.arrays["halo_target"], :] = cells[..., self.arrays["halo_source"], :]

    def _sponges(self) -> list[float]:
        """How strongly the layer at the ends of each axis damps: enough to leave a thousandth of the fastest waves."""
        return [
            layer_strength(self.machine.layout, self.grid, number, self.values) for number in range(len(self.grid.axes))
        ]

    # -- the state -----------------------------------------------------------------------------------------------------
    def put(self, state: Mapping[Any, NDArray[Any]]) -> None:
        """Lay a state [*grid] by label into memory."""
        self.measured = False
        layout = self.machine.layout
        for number, unknown in enumerate(layout.dynamics.unknowns):
            if self.machine.plan.complex_state:
                self._sites(packed_name(layout, number), 2)[...] = state[unknown.label][self.frame.inside]
                continue
            for component in layout.components:
                if component.unknown == number:
                    values = state[unknown.velocity_label if component.velocity else unknown.label]
                    part = values.imag if component.part else values.real
                    self._sites(component.name)[...] = self._held(component, part)
        self.fill_halos()

    def renew(self, fields: Mapping[Any, Any]) -> None:
        """Fields [*grid] by label in place of those that were `put`; they and all of this are `here`."""
        self.measured = False
        layout, inside = self.machine.layout, self.frame.inside
        for number, unknown in enumerate(layout.dynamics.unknowns):
            if self.machine.plan.complex_state:
                there = self.arrays.place(packed_name(layout, number), changed=True)
                self.frame.sites(there, 2)[...] = fields[unknown.label][inside]
                continue
            for component in layout.parts(number, False):
                values = fields[unknown.label]
                there = self.arrays.place(component.name, changed=True)
                self.frame.sites(there)[...] = values.imag if component.part else values.real
        self.fill_halos()

    def _sites(self, name: str, components: int = 1) -> NDArray[Any]:
        """The sites of an array, which is made where no program names it."""
        if name not in self.arrays:
            self.arrays[name] = self.frame.allocate(self.frame.shape[:-1], components)
        return self.frame.sites(self.arrays[name], components)

    def _held(self, component: Component, part: NDArray[Any]) -> NDArray[Any]:
        """Velocities vanish at ends that are held."""
        if not component.velocity or all(axis.free.all() for axis in self.grid.axes):
            return part
        out = np.array(part)
        for number, axis in enumerate(self.grid.axes):
            np.moveaxis(out, number, -1)[..., axis.free == 0.0] = 0.0
        return out

    def fill_halos(self) -> None:
        """Set the cells beyond the ends of every row of the state."""
        if not self.machine.halo or self.machine.plan.complex_state:
            return
        with self.arrays.here():
            names = ("halo_target", "halo_source", "halo_end", "halo_sign")
            target, source, end, sign = (self.arrays.place(name) for name in names)
            for component in self.machine.layout.components:
                row = self.arrays.place(component.name, changed=True)
                row[..., target] = sign * row[..., source] + (1 - sign) * row[..., end]

    def state(self) -> dict[Any, NDArray[Any]]:
        """The state [*grid] by label, copied."""
        return {label: np.array(values) for label, values in self._state(self.arrays.read, self.labels).items()}

    @property
    def labels(self) -> tuple[Any, ...]:
        """The parts of the state."""
        return tuple(label for unknown in self.machine.layout.dynamics.unknowns for label in labels_of(unknown))

    def finite(self) -> bool:
        """Whether the state consists of numbers."""
        return self.arrays.finite(self._inside())

    def _inside(self) -> dict[str, slice]:
        """Where in the rows of its arrays the state is."""
        return {name: self.frame.inner(components) for name, components in self._parts().items()}

    def _parts(self) -> dict[str, int]:
        """The arrays that the state is made of, and how many numbers a site has in each."""
        layout = self.machine.layout
        if self.machine.plan.complex_state:
            return {packed_name(layout, number): 2 for number in range(len(layout.dynamics.unknowns))}
        return {component.name: 1 for component in layout.components}

    def _arrays_of(self, label: Any) -> tuple[str, ...]:
        """The arrays that a part of the state is made of."""
        layout = self.machine.layout
        for number, unknown in enumerate(layout.dynamics.unknowns):
            if label in labels_of(unknown):
                if self.machine.plan.complex_state:
                    return (packed_name(layout, number),)
                return tuple(c.name for c in layout.parts(number, label != unknown.label))
        raise KeyError(label)

    def _state(self, read: Read, labels: Sequence[Any]) -> dict[Any, NDArray[Any]]:
        """Parts of the state [*grid] by label, views of what was read where that is possible."""
        found = {}
        for label in labels:
            parts = [read(name) for name in self._arrays_of(label)]
            if self.machine.plan.complex_state:
                sites = self.frame.sites(parts[0], 2)
                if sites.shape == self.grid.shape:
                    found[label] = sites
                    continue
                found[label] = np.zeros(self.grid.shape, dtype=sites.dtype)
                found[label][self.frame.inside] = sites
                continue
            sites_of = [self.frame.sites(part) for part in parts]
            found[label] = _complex(*sites_of) if len(parts) == 2 else sites_of[0]
        return found

    def lay(self, places: Mapping[Any, Any]) -> None:
        """Write the present state into arrays of the device [*grid], by their labels, among the launches."""
        layout, frame = self.machine.layout, self.frame

        def act(arrays: Mapping[str, Any]) -> None:
            for number, unknown in enumerate(layout.dynamics.unknowns):
                if self.machine.plan.complex_state:
                    if unknown.label in places:
                        place, packed = places[unknown.label], arrays[packed_name(layout, number)]
                        place[...] = 0.0  # at ends that no kernel sees
                        place[frame.inside] = packed.view(place.dtype)[..., frame.inner()]
                    continue
                for velocity in (False, True) if unknown.order == 2 else (False,):
                    label = unknown.velocity_label if velocity else unknown.label
                    parts = [frame.sites(arrays[c.name]) for c in layout.parts(number, velocity)]
                    if label in places and len(parts) == 2:
                        places[label].real[...], places[label].imag[...] = parts
                    elif label in places:
                        places[label][...] = parts[0]

        self.arrays.lay(list(self._parts()), act)

    # -- going on ------------------------------------------------------------------------------------------------------
    def go(self, steps: int, watch: bool = False) -> None:
        """Take `steps` steps; `watch`: the integrals will be asked for next, and are best measured in passing."""
        if steps <= 0:
            return
        self.measured = False
        if self.in_pieces:
            self._go_in_pieces(steps)
            return
        self.scalars |= {**counts_of(steps), "k": self.k}
        watched = self.machine.measured if watch else None
        if watched is None:
            self.machine.advance(self.arrays, self.scalars, self.threads)
        else:
            self.scalars |= {"measured_k": self.k + steps, "measured_offset": 0.0}
            watched(self.arrays, self.scalars, self.threads)
            self.measured = True
        self.k += steps

    def _go_in_pieces(self, steps: int) -> None:
        """Steps between whose pieces the host samples what is given at their times, and convolves."""
        layout = self.machine.layout
        moving = {f: self.functions[f] for f in self.moving}
        pieces = [
            (piece, self.machine.compiled(("piece", i), program_of(layout, f"piece_{i}", piece.steps)))
            for i, piece in enumerate(self.machine.plan.sequence)
        ]
        waves = layout.order is None and not layout.packed
        for _ in range(steps):
            self.scalars["k"] = self.k
            for piece, program in pieces:
                self.scalars["offset"] = piece.offset
                self.give(self.t_start + (self.k + piece.offset) * self.dt, moving)
                for each in piece.convolutions:
                    self._convolve(each, piece.source)
                if waves:
                    self._complete(program)
                    self._differentiate({array.name for array in program.program.arrays})
                program(self.arrays, self.scalars, self.threads)
            self.k += 1

    @property
    def time(self) -> float:
        """The present time."""
        return self.t_start + self.k * self.dt

    # -- measures ------------------------------------------------------------------------------------------------------
    def totals(self) -> Totals:
        """[laws], the integrals of the densities and of the absolute values of their terms."""
        self._measure()
        return self._totals(self.arrays.read)

    def recorded(self, labels: Sequence[Any]) -> Callable[[], Recorded | None]:
        """Parts of the present state and `totals`; what this returns tells them, None if any of the state is no finite
        number, while `arrays.ahead` rows later are on their way, or, where that is 0, before the next step. What it
        tells holds as long."""
        self._measure()
        self.arrays.note_finite(FINITE, self._inside())
        measured = () if self.machine.measure is None else MEASURED
        names = dict.fromkeys(name for label in labels for name in self._arrays_of(label))
        copies = self.arrays.snapshot([*names, *measured, FINITE])

        def told() -> Recorded | None:
            found = copies()
            if not found[FINITE].all():
                return None
            return self._state(found.__getitem__, labels), self._totals(found.__getitem__)

        return told

    def _measure(self) -> None:
        if self.machine.measure is not None and not self.measured:
            self._prepare(self.machine.measure)
            self.machine.measure(self.arrays, self.scalars, self.threads)

    def _totals(self, read: Read) -> Totals:
        if self.machine.measure is None:
            return np.zeros(0), np.zeros(0)
        totals, sizes = (read(name)[: len(self.machine.laws)].astype(np.float64) for name in MEASURED)
        return totals, sizes

    def probe(self, expressions: Sequence[Any]) -> list[NDArray[np.complex128]]:
        """The values of expressions in jet symbols at all sites that kernels see, on the host."""
        with self.arrays.here():
            return [on_host(values) for values in self.probe_here(expressions)]

    def probe_here(self, expressions: Sequence[Any]) -> list[Any]:
        """The same, where they were found."""
        program = self.machine.probe(expressions)
        self._complete(program)
        self._prepare(program)
        program(self.arrays, self.scalars, self.threads)
        found = (self.arrays.place(f"probe_{i}") for i in range(len(expressions)))
        return [self.frame.sites(each, 2).astype(np.complex128) for each in found]

    def _complete(self, program: CompiledProgram) -> None:
        """Arrays that a program names and nobody has given, as zeros."""
        self.arrays.update(stencil_tables(program.program, self.frame, self.machine.layout.order))
        self.arrays.update(missing_arrays(program.program, self.frame, self.arrays, self.scalars))

    def _prepare(self, program: CompiledProgram) -> None:
        """Bring time, given functions and, where waves differentiate, derivatives and convolutions up to date."""
        self.scalars |= {"k": self.k, "offset": 0.0}
        if self.moving:
            self.give(self.time, {f: self.functions[f] for f in self.moving})
        layout = self.machine.layout
        wanted = {array.name for array in program.program.arrays}
        for each in layout.dynamics.convolutions:
            if layout.names[each.symbol] in wanted:
                self._convolve(each, {})
        self._differentiate(wanted)

    def _differentiate(self, wanted: set[str]) -> None:
        """Derivatives by waves, of the state or of what stands for it in a stage, into the arrays that are wanted."""
        if self.machine.layout.order is not None:
            return
        components = 2 if self.machine.layout.packed else 1
        for name in wanted:
            base, found, digits = name.rpartition("_d")
            if not found or base not in self.arrays or not digits.isdigit():
                continue
            with self.arrays.here():
                sites = self.frame.sites(self.arrays.place(base), components)
                values = np.zeros_like(sites, np.complex128 if components == 2 else np.float64, shape=self.grid.shape)
                values[self.frame.inside] = sites
                made = derivative(values, self.grid.axes, tuple(map(int, digits)))
                there = self.frame.sites(self.arrays.place(name, changed=True), components)
                there[...] = made[self.frame.inside]

    def _convolve(self, each: Convolved, source: Mapping[str, str]) -> None:
        """A convolution of the present state, or of the arrays that stand for it, by the host."""
        layout = self.machine.layout
        name = layout.names[each.symbol]
        kernel = argument_kernel(layout, each)
        own = {array.name for array in kernel.arrays}
        rename = tuple((a, b) for a, b in source.items() if a in own and a != b)
        body = (launch_of(layout, kernel, 0, rename),)
        program = self.machine.compiled(("argument", name, rename), program_of(layout, kernel.name, body))
        self._complete(program)
        program(self.arrays, self.scalars, self.threads)
        argument = np.zeros(self.grid.shape, dtype=np.complex128)
        argument[self.frame.inside] = self.frame.sites(self.arrays.read(name), 2)
        made = convolve(self.grid, self.waves[each.symbol], argument)
        self.frame.sites(self.arrays[name], 2)[...] = made[self.frame.inside]


def _complex(real: NDArray[Any], imaginary: NDArray[Any]) -> NDArray[Any]:
    """The complex numbers with these parts, to the last bit: a sum would lose signs of zeros."""
    whole = np.empty(real.shape, dtype=np.result_type(real.dtype, np.complex64))
    whole.real, whole.imag = real, imaginary
    return whole
