"""The program of a method: how launches and transforms make steps, and which of its scalars are multiples of the step.

A run of `steps` steps shares the flow that ends one step and begins the next, where a method has such a pair: `middle`
= steps - 1 merged turns stand between the first half and the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from codegen import Array, Builder, Intent, Kernel, Kind, Launch, Node, Program, Repeat, Scalar, Transform, variable
from symphys.fields.dynamics import Convolved
from symphys.lower.lattice.layout import Layout
from symphys.lower.lattice.site import LANE, Site

Step = Launch | Transform | Repeat


@dataclass(frozen=True)
class Stage:
    """A flow that is followed for weight * dt from offset * dt after the start of the step."""

    kind: str
    weight: float
    offset: float


@dataclass(frozen=True)
class Piece:
    """A part of a step, for runs in which the host must act between parts.

    offset: of the time at which what is given must be known; steps: launches and transforms; convolutions: what the
    host convolves before, with `source` {component: array} where the argument is not the state itself.
    """

    offset: float
    steps: tuple[Step, ...]
    convolutions: tuple[Convolved, ...] = ()
    source: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A program that advances a state by `steps` steps, and what its scalars and tables stand for.

    weights: scalars that are multiples of dt; constants: scalars that are what they are.
    factors: tables of a linear flow followed for weight * dt, {name of the table: its weight}.
    complex_state: the state is stored as complex numbers.
    sequence: one step in pieces.
    reach: how far kernels read along the outer axes.
    """

    program: Program
    sequence: tuple[Piece, ...]
    weights: Mapping[str, float]
    constants: Mapping[str, float]
    factors: Mapping[str, float]
    complex_state: bool
    reach: int


def kernel_of(name: str, site: Site) -> Kernel:
    """The kernel that a site holds."""
    arrays = (*site.arrays.values(), *site.lowering.weights.values())
    return Kernel(name, LANE, arrays, tuple(site.scalars.values()), site.builder.block(), site.layout.rows)


def launch_of(layout: Layout, kernel: Kernel, reach: int = 0, rename: Iterable[tuple[str, str]] = ()) -> Launch:
    """The launch of a kernel over all sites."""
    return Launch(kernel, layout.sizes, tuple(rename), reach)


def halo_launches(layout: Layout, arrays: Sequence[str], halo: int) -> tuple[Launch, ...]:
    """Fill the cells beyond the ends of every row of some arrays: sign f[source] + (1 - sign) f[end].

    `halo_source`, `halo_end`, `halo_target`: places in a padded row; none where nothing reads across lanes.
    """
    if not halo:
        return ()
    b = Builder()
    where = tuple(variable(row, Kind.INT) for row in layout.rows)
    for name in (*layout.rows, "cell", "row", *arrays):
        b.names.fresh(name)
    cell = variable("cell", Kind.INT)
    source, target = (b.load(f"{n}_cell", f"halo_{n}", cell, kind=Kind.INT) for n in ("source", "target"))
    odd = layout.boundaries[-1] == "dirichlet"
    lists = ["halo_source", "halo_target"]
    if odd:
        end, sign = b.load("end_cell", "halo_end", cell, kind=Kind.INT), b.load("sign_cell", "halo_sign", cell)
        lists += ["halo_end", "halo_sign"]
    value = b.load("inside", "row", *where, source)
    if odd:
        value = sign * value + (1.0 - sign) * b.load("at_end", "row", *where, end)
    b.store("row", *where, target, value=value)
    sizes = layout.sizes[:-1]
    declared = [Array(n, ("cells",), Kind.REAL if n == "halo_sign" else Kind.INT, instanced=False) for n in lists]
    whole = Array("row", (*sizes, "width"), intent=Intent.INOUT, instanced=False)
    scalars = tuple(Scalar(s, Kind.INT) for s in (*sizes, "width", "cells"))
    widest = 1 << (2 * halo - 1).bit_length()  # no wider than the cells of a row: gathers cost by the lane
    kernel = Kernel("halo", "cell", (whole, *declared), scalars, b.block(), layout.rows, widest)
    return tuple(Launch(kernel, (*sizes, "cells"), (("row", name),)) for name in arrays)


def held(site: Site, value: Node) -> Node:
    """A rate that vanishes where ends are held."""
    for axis, boundary in enumerate(site.layout.boundaries):
        if boundary == "dirichlet":
            value = value * site.profile("held", axis)
    return value


def sponge(site: Site) -> Node | None:
    """The rate at which absorbing layers damp, here; None without such layers."""
    total: Node | None = None
    for axis, boundary in enumerate(site.layout.boundaries):
        if boundary == "absorbing":
            here = site.profile("sponge", axis)
            total = here if total is None else total + here
    return total


def steps_of(stages: Sequence[Stage], steps: Callable[[Stage, str], tuple[Step, ...]]) -> tuple[Step, ...]:
    """The body of a program that repeats the stages; `steps(stage, suffix)` writes one, with scalars of that suffix."""
    first, last = stages[0], stages[-1]
    written = [steps(stage, str(i)) for i, stage in enumerate(stages)]
    if len(stages) == 1 or first.kind != last.kind:
        return (Repeat("steps", tuple(s for stage in written for s in stage), "k"),)
    middle = tuple(s for stage in written[1:-1] for s in stage)
    merged = steps(replace(last, weight=first.weight + last.weight), "merged")
    return (*written[0], Repeat("middle", (*middle, *merged), "k"), *middle, *written[-1])


def numbers_of(stages: Sequence[Stage]) -> tuple[dict[str, float], dict[str, float]]:
    """The scalars of `steps_of`: weights (multiples of dt) and offsets."""
    all_stages = {str(i): stage for i, stage in enumerate(stages)}
    if len(stages) > 1 and stages[0].kind == stages[-1].kind:
        all_stages["merged"] = replace(stages[-1], weight=stages[0].weight + stages[-1].weight)
    weights = {f"weight_{suffix}": stage.weight for suffix, stage in all_stages.items()}
    return weights, {f"offset_{suffix}": stage.offset for suffix, stage in all_stages.items()}


def renamed(kernel: Kernel, suffix: str) -> tuple[tuple[str, str], ...]:
    """The weight and the offset of a kernel by the names that they have in the program."""
    own = {s.name for s in kernel.scalars}
    return tuple((name, f"{name}_{suffix}") for name in ("weight", "offset") if name in own)


def program_of(layout: Layout, name: str, body: tuple[Step, ...], extra: Iterable[Scalar] = ()) -> Program:
    """A program with the arrays and scalars that its steps name."""
    arrays: dict[str, Array] = {}
    scalars: dict[str, Scalar] = {s.name: s for s in extra}

    def size(value: Any) -> None:
        if isinstance(value, str):
            scalars.setdefault(value, Scalar(value, Kind.INT))

    def visit(steps: Iterable[Step]) -> None:
        for step in steps:
            if isinstance(step, Repeat):
                size(step.count)
                size(step.counter)
                visit(step.body)
            elif isinstance(step, Transform):
                size(step.extent)
            else:
                names = dict(step.rename)
                for extent in step.extents:
                    size(extent)
                for array in step.kernel.arrays:
                    there = names.get(array.name, array.name)
                    if there not in arrays or array.instanced:  # rather as sites see it than as the halo does
                        arrays[there] = replace(array, name=there)
                for scalar in step.kernel.scalars:
                    there = names.get(scalar.name, scalar.name)
                    scalars[there] = replace(scalar, name=there)

    visit(body)
    return Program(name, tuple(arrays.values()), tuple(scalars.values()), body, layout.wraps)
