"""A theory compiled for a kind of grid, and the arrays of one run of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from codegen import Backend, CompiledProgram, Program, compile_program, program_halo
from symphys.discretise import Grid
from symphys.discretise.spectral import derivative
from symphys.errors import UnsupportedError
from symphys.fields.dynamics import Law
from symphys.fields.jets import Jet, Nonlocal
from symphys.lower.lattice.layout import Component, Layout
from symphys.lower.lattice.measure import measure_kernel, probe_kernel, with_halo
from symphys.lower.lattice.plan import Plan, launch_of, program_of
from symphys.lower.lattice.site import derivative_name
from symphys.lower.lattice.split_step import convolution_names, kernel_table, packed_name
from symphys.simulate.lattice.given import depends_on_time, differentiated, sample
from symphys.simulate.lattice.memory import Frame, frame_of, grid_scalars, grid_tables, missing_arrays
from symphys.simulate.lattice.waves import convolution_table, factor_tables

MODEST = 1.0e-3


@dataclass(frozen=True)
class Machine:
    """Compiled programs of a theory on a kind of grid: the steps, and the integrals that are watched."""

    layout: Layout
    plan: Plan
    backend: Backend
    dtype: str
    laws: tuple[Law, ...]
    halo: int
    margin: int
    advance: CompiledProgram
    measure: CompiledProgram | None
    _known: dict[Any, CompiledProgram] = field(default_factory=dict, compare=False, repr=False)

    def compiled(self, key: Any, program: Program) -> CompiledProgram:
        """A further program, compiled when it is first asked for."""
        if key not in self._known:
            self._known[key] = compile_program(program, self.backend, self.dtype, self.halo)
        return self._known[key]

    def frame(self, grid: Grid) -> Frame:
        """The memory layout for a grid."""
        return frame_of(grid, self.layout, self.halo, self.backend.lanes(self.dtype), self.dtype)


def build_machine(layout: Layout, plan: Plan, backend: Backend, dtype: str) -> Machine:
    """The compiled programs of a plan; laws without a local density are left out of what is watched."""
    laws = tuple(law for law in layout.dynamics.laws if _watchable(layout, law))
    halo, margin, kernel = program_halo(plan.program), plan.reach, None
    if laws:
        kernel, reach = measure_kernel(layout, laws)
        alone = program_of(layout, "measure", (launch_of(layout, kernel, reach),))
        halo, margin = max(halo, program_halo(alone)), max(margin, reach)
    advance = compile_program(plan.program, backend, dtype, halo)
    measure = None
    if kernel is not None:
        measure = compile_program(with_halo(layout, kernel, reach, halo), backend, dtype, halo)
    return Machine(layout, plan, backend, dtype, laws, halo, margin, advance, measure)


def _watchable(layout: Layout, law: Law) -> bool:
    """Whether all that a law's density names is known on the grid."""
    jets = layout.dynamics.jets
    for symbol in jets.present(law.terms):
        jet = jets.jet(symbol)
        assert jet is not None
        nonlocal_term = isinstance(jet.function, Nonlocal)
        if nonlocal_term and (layout.order is not None or layout.names.get(symbol) not in convolution_names(layout)):
            return False
    return True


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
    k: int = 0

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
        self.arrays: dict[str, NDArray[Any]] = grid_tables(self.frame, m.margin, self._sponges())
        if m.plan.factors:
            self.arrays |= factor_tables(m.layout, self.frame, self.values, m.plan.factors, self.dt)
        for name, each in (convolution_names(m.layout) if m.plan.complex_state else {}).items():
            self.arrays[kernel_table(name)] = convolution_table(
                m.layout.dynamics, self.grid, self.frame, each, self.values, self.functions
            )
        self.moving = [f for f, v in self.functions.items() if depends_on_time(m.layout.dynamics, f, v)]
        self.give(self.t_start, self.functions)
        for program in (m.advance.program, *((m.measure.program,) if m.measure else ())):
            self.arrays |= missing_arrays(program, self.frame, self.arrays, self.scalars)

    # -- what is given -------------------------------------------------------------------------------------------------
    def give(self, time: float, functions: Mapping[Any, Any]) -> None:
        """Sample given functions at a time, and their derivatives that the kernels read."""
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
            values = differentiated(layout, self.grid, Jet(jet.function, jet.index), values)[self.frame.inside]
            components = 1 if symbol.is_real else 2
            if name not in self.arrays:
                self.arrays[name] = self.frame.allocate(self.frame.shape[:-1], components)
            self.frame.sites(self.arrays[name], components)[...] = values

    def _sponges(self) -> list[float]:
        """How strongly the layer at the ends of each axis damps: enough to leave a thousandth of the fastest waves."""
        return [
            layer_strength(self.machine.layout, self.grid, number, self.values) for number in range(len(self.grid.axes))
        ]

    # -- the state -----------------------------------------------------------------------------------------------------
    def put(self, state: Mapping[Any, NDArray[Any]]) -> None:
        """Lay a state [*grid] by label into memory."""
        layout = self.machine.layout
        for number, unknown in enumerate(layout.dynamics.unknowns):
            if self.machine.plan.complex_state:
                array = self.arrays[packed_name(layout, number)]
                self.frame.sites(array, 2)[...] = state[unknown.label][self.frame.inside]
                continue
            for component in layout.components:
                if component.unknown == number:
                    values = state[unknown.velocity_label if component.velocity else unknown.label]
                    part = values.imag if component.part else values.real
                    self.frame.sites(self.arrays[component.name])[...] = self._held(component, part)
        self.fill_halos()

    def _held(self, component: Component, part: NDArray[Any]) -> NDArray[Any]:
        """Velocities vanish at ends that are held."""
        if not component.velocity:
            return part
        out = np.array(part)
        for number, axis in enumerate(self.grid.axes):
            if axis.boundary == "dirichlet":
                np.moveaxis(out, number, 0)[[0, -1]] = 0.0
        return out

    def fill_halos(self) -> None:
        """Set the cells beyond the ends of every row of the state."""
        if not self.machine.halo or self.machine.plan.complex_state:
            return
        a = self.arrays
        for component in self.machine.layout.components:
            row = a[component.name]
            sign = a["halo_sign"]
            row[..., a["halo_target"]] = sign * row[..., a["halo_source"]] + (1 - sign) * row[..., a["halo_end"]]

    def state(self) -> dict[Any, NDArray[Any]]:
        """The state [*grid] by label, copied."""
        layout, found = self.machine.layout, {}
        for number, unknown in enumerate(layout.dynamics.unknowns):
            if self.machine.plan.complex_state:
                whole = np.zeros(self.grid.shape, dtype=np.result_type(self.frame.dtype, np.complex64))
                whole[self.frame.inside] = self.frame.sites(self.arrays[packed_name(layout, number)], 2)
                found[unknown.label] = whole
                continue
            for velocity in (False, True) if unknown.order == 2 else (False,):
                parts = [self.frame.sites(self.arrays[c.name]) for c in layout.parts(number, velocity)]
                label = unknown.velocity_label if velocity else unknown.label
                found[label] = parts[0] + 1j * parts[1] if len(parts) == 2 else parts[0].copy()
        return found

    # -- going on ------------------------------------------------------------------------------------------------------
    def go(self, steps: int) -> None:
        """Take `steps` steps."""
        if steps <= 0:
            return
        if self.moving:
            self._go_in_pieces(steps)
            return
        self.scalars |= {"steps": steps, "middle": steps - 1, "k": self.k}
        self.machine.advance(self.arrays, self.scalars, self.threads)
        self.k += steps

    def _go_in_pieces(self, steps: int) -> None:
        """Steps whose given functions are asked anew at the time of every stage."""
        layout = self.machine.layout
        moving = {f: self.functions[f] for f in self.moving}
        pieces = [
            (offset, self.machine.compiled(("piece", i), program_of(layout, f"piece_{i}", body)))
            for i, (offset, body) in enumerate(self.machine.plan.sequence)
        ]
        for _ in range(steps):
            self.scalars["k"] = self.k
            for offset, program in pieces:
                self.give(self.t_start + (self.k + offset) * self.dt, moving)
                program(self.arrays, self.scalars, self.threads)
            self.k += 1

    @property
    def time(self) -> float:
        """The present time."""
        return self.t_start + self.k * self.dt

    # -- measures ------------------------------------------------------------------------------------------------------
    def totals(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """[laws], the integrals of the densities and of the absolute values of their terms."""
        if self.machine.measure is None:
            return np.zeros(0), np.zeros(0)
        self._prepare(self.machine.measure.program)
        self.machine.measure(self.arrays, self.scalars, self.threads)
        count = len(self.machine.laws)
        return self.arrays["totals"][:count].astype(np.float64), self.arrays["sizes"][:count].astype(np.float64)

    def probe(self, expressions: Sequence[Any]) -> list[NDArray[np.complex128]]:
        """The values of expressions in jet symbols at all sites that kernels see."""
        m = self.machine
        key = ("probe", tuple(expressions))
        kernel, reach = probe_kernel(m.layout, expressions)
        alone = program_halo(program_of(m.layout, "probe", (launch_of(m.layout, kernel, reach),)))
        if alone > m.halo or reach > m.margin:
            raise UnsupportedError("an expression with higher derivatives than the equations have needs a wider halo")
        program = m.compiled(key, with_halo(m.layout, kernel, reach, m.halo))
        self.arrays |= missing_arrays(program.program, self.frame, self.arrays, self.scalars)
        self._prepare(program.program)
        program(self.arrays, self.scalars, self.threads)
        return [self.frame.sites(self.arrays[f"probe_{i}"], 2).astype(np.complex128) for i in range(len(expressions))]

    def _prepare(self, program: Program) -> None:
        """Bring time, given functions and, where waves differentiate, derivatives and convolutions up to date."""
        self.scalars |= {"k": self.k, "offset": 0.0}
        if self.moving:
            self.give(self.time, {f: self.functions[f] for f in self.moving})
        layout = self.machine.layout
        if layout.order is not None:
            return
        wanted = {array.name for array in program.arrays}
        convolved = convolution_names(layout)
        if wanted & set(convolved):
            self._convolve()
        for number in range(len(layout.dynamics.unknowns)):
            base = packed_name(layout, number)
            values: NDArray[Any] | None = None
            for name in wanted:
                if name.startswith(f"{base}_d"):
                    index = tuple(int(digit) for digit in name[len(base) + 2 :])
                    if derivative_name(base, index) != name:
                        continue
                    if values is None:
                        values = np.zeros(self.grid.shape, dtype=np.complex128)
                        values[self.frame.inside] = self.frame.sites(self.arrays[base], 2)
                    self.frame.sites(self.arrays[name], 2)[...] = derivative(values, self.grid.axes, index)[
                        self.frame.inside
                    ]

    def _convolve(self) -> None:
        """The convolutions of the present state."""
        m = self.machine
        body = tuple(step for steps in _phase_steps(m.plan) for step in steps)
        program = m.compiled("convolve", program_of(m.layout, "convolve", body))
        program(self.arrays, self.scalars, self.threads)


def _phase_steps(plan: Plan) -> list[tuple[Any, ...]]:
    """What comes before the phases of a split step: its convolutions."""
    for _, steps in plan.sequence:
        if len(steps) > 1 and getattr(getattr(steps[-1], "kernel", None), "name", "") == "phases":
            return [steps[:-1]]
    return []


def layer_strength(layout: Layout, grid: Grid, number: int, values: Mapping[Any, float]) -> float:
    """The damping rate at the ends of an absorbing axis.

    A wave of speed c that crosses the layer twice is left with the fraction exp(-2 int sigma dx / c) = 1e-3, where c is
    that of the linear part: sqrt of the coefficient of phi_xx for second order, the group velocity at a quarter of the
    largest wave number for first order.
    """
    axis = grid.axes[number]
    if axis.boundary != "absorbing":
        return 0.0
    second = tuple(2 if i == number + 1 else 0 for i in range(len(grid.axes) + 1))
    found = [0.0]
    for a, unknown in enumerate(layout.dynamics.unknowns):
        coefficient = layout.dynamics.structure.linear[a][a].get(second)
        if coefficient is not None:
            c = abs(complex(sympy.sympify(coefficient).subs(values).evalf()))
            found.append(float(np.sqrt(c)) if unknown.order == 2 else float(2.0 * c * np.pi / axis.spacing / 4.0))
    speed = max(found) or 1.0
    depth = float(np.sum(axis.absorption)) * axis.spacing / 2.0  # int of the profile over one layer
    # friction on velocities takes half its rate from amplitudes
    halves = 2.0 if layout.dynamics.structure.order == 2 else 1.0
    return float(halves * speed * np.log(1.0 / MODEST) / (2.0 * depth))
