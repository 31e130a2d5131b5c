"""A theory compiled for a kind of grid: the programs of its steps, and of what is watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy

from codegen import Backend, CompiledProgram, Program, compile_program, program_halo
from symphys.discretise import Grid
from symphys.errors import UnsupportedError
from symphys.fields.dynamics import Law
from symphys.lower.lattice.layout import Layout
from symphys.lower.lattice.measure import measure_kernel, probe_kernel, then_measured, with_halo
from symphys.lower.lattice.plan import Plan, launch_of, program_of
from symphys.mechanics.graph import substitute
from symphys.mechanics.probe import vanishes
from symphys.simulate.lattice.memory import Frame, frame_of


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

    @property
    def measured(self) -> CompiledProgram | None:
        """Steps and what is watched, in one piece; None where the host has to act before anything is measured."""
        if self.measure is None or self.layout.order is None or self.layout.dynamics.convolutions:
            return None
        key = "measured"
        if key in self._known:
            return self._known[key]
        return self.compiled(key, then_measured(self.layout, self.advance.program, self.measure.program))

    def probe(self, expressions: Sequence[Any]) -> CompiledProgram:
        """The program that lays the values of expressions at every site into probe_0, probe_1, ..."""
        key = ("probe", tuple(expressions))
        if key in self._known:
            return self._known[key]
        kernel, reach = probe_kernel(self.layout, expressions)
        alone = program_halo(program_of(self.layout, "probe", (launch_of(self.layout, kernel, reach),)))
        if alone > self.halo or reach > self.margin:
            raise UnsupportedError("an expression with higher derivatives than the equations have needs a wider halo")
        return self.compiled(key, with_halo(self.layout, kernel, reach, self.halo))

    def frame(self, grid: Grid) -> Frame:
        """The memory layout for a grid."""
        return frame_of(grid, self.layout, self.halo, self.backend.lanes(self.dtype), self.dtype)


def watched_laws(layout: Layout) -> tuple[Law, ...]:
    """The laws of a theory that its grid keeps: no momentum along axes with ends, which push back, and nothing that
    flows through ends that are held, as what phi -> phi + 1 conserves does.
    """
    ended = {x for x, ends in zip(layout.dynamics.axes, layout.ends, strict=True) if "periodic" not in ends}

    def kept(law: Law) -> bool:
        moved = {} if law.symmetry is None else law.symmetry.coordinates
        return not any(x in ended and xi != 0 for x, xi in moved.items()) and not any(
            "dirichlet" in ends and law.flux is not None and _flows(layout, axis, law.flux[axis])
            for axis, ends in enumerate(layout.ends)
        )

    return tuple(law for law in layout.dynamics.laws if kept(law))


def _flows(layout: Layout, axis: int, flux: Any) -> bool:
    """Whether a flux through a held end stays where fields and their even derivatives along the axis vanish."""
    jets = layout.dynamics.jets
    at_rest = {
        symbol: sympy.S.Zero
        for symbol in jets.present((flux,))
        if (jet := jets.jet(symbol)) is not None and jet.function in jets.fields and jet.index[axis + 1] % 2 == 0
    }
    return not vanishes(substitute((flux,), at_rest))


def build_machine(
    layout: Layout,
    plan: Plan,
    backend: Backend,
    dtype: str,
    laws: tuple[Law, ...] | None = None,
    probes: Sequence[Any] = (),
) -> Machine:
    """The compiled programs of a plan; `laws` are watched, by default all that the grid keeps; `probes` will be asked
    for.
    """
    laws = watched_laws(layout) if laws is None else laws
    halo, margin, kernel, reach = program_halo(plan.program), plan.reach, None, 0
    if probes:
        asked, far = probe_kernel(layout, probes)
        alone = program_of(layout, "probe", (launch_of(layout, asked, far),))
        halo, margin = max(halo, program_halo(alone)), max(margin, far)
    if laws:
        kernel, reach = measure_kernel(layout, laws)
        alone = program_of(layout, "measure", (launch_of(layout, kernel, reach),))
        halo, margin = max(halo, program_halo(alone)), max(margin, reach)
    advance = compile_program(plan.program, backend, dtype, halo)
    measure = None
    if kernel is not None:
        measure = compile_program(with_halo(layout, kernel, reach, halo), backend, dtype, halo)
    return Machine(layout, plan, backend, dtype, laws, halo, margin, advance, measure)
