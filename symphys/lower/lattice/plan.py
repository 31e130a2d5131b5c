"""The program of a method: how launches and transforms make steps, and which of its scalars are multiples of the step.

A run of `steps` steps shares the flow that ends one step and begins the next, where a method has such a pair: `middle`
= steps - 1 merged turns stand between the first half and the last. Where a body is written for two steps at once, it is
repeated half as often, and once more for the odd step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from codegen import Array, Builder, Intent, Kernel, Kind, Launch, Node, Program, Repeat, Scalar, Transform, variable
from symphys.fields.dynamics import Convolved
from symphys.lower import programs
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
    odd = "dirichlet" in layout.ends[-1]
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
    for axis, ends in enumerate(site.layout.ends):
        if "dirichlet" in ends:
            value = value * site.profile("held", axis)
    return value


def sponge(site: Site) -> Node | None:
    """The rate at which absorbing layers damp, here; None without such layers."""
    total: Node | None = None
    for axis, ends in enumerate(site.layout.ends):
        if "absorbing" in ends:
            here = site.profile("sponge", axis)
            total = here if total is None else total + here
    return total


@dataclass(frozen=True)
class Course:
    """The stages of a whole run, each with the suffix of its scalars: before the repetition, in it, and after it."""

    before: tuple[tuple[str, Stage], ...]
    body: tuple[tuple[str, Stage], ...]
    after: tuple[tuple[str, Stage], ...]
    count: str

    def again(self) -> tuple[tuple[str, Stage], ...]:
        """The body one step later."""
        return tuple(_later(each, "again") for each in self.body)


def _later(each: tuple[str, Stage], word: str) -> tuple[str, Stage]:
    suffix, stage = each
    return f"{suffix}_{word}", replace(stage, offset=stage.offset + 1.0)


def course_of(stages: Sequence[Stage]) -> Course:
    """The stages of a run: the last flow of a step is merged with the first one of the next where both are of one kind.

    A merged kick stands first in the body, so that a drift follows it there.
    """
    own = tuple((str(i), stage) for i, stage in enumerate(stages))
    first, *rest, last = own if len(own) > 1 else (*own, *own)
    if len(own) == 1 or first[1].kind != last[1].kind:
        return Course((), own, (), "steps")
    merged = ("merged", replace(last[1], weight=first[1].weight + last[1].weight))
    if merged[1].kind != "kick":
        return Course((first,), (*rest, merged), (*rest, last), "middle")
    return Course((first, *rest), (merged, *(_later(each, "later") for each in rest)), (last,), "middle")


def counts_of(steps: int) -> dict[str, int]:
    """The counts of the repetitions of a run: all steps, those without the first; either in pairs, whether one is left
    (odd) or none (even).
    """
    whole = {"steps": steps, "middle": steps - 1}
    return whole | {f"{name}_{part}": n for name, count in whole.items() for part, n in _halved(count)}


def _halved(count: int) -> tuple[tuple[str, int], ...]:
    return ("pairs", count // 2), ("odd", count % 2), ("even", 1 - count % 2)


def steps_of(stages: Sequence[Stage], steps: Callable[[Stage, str], tuple[Step, ...]]) -> tuple[Step, ...]:
    """The body of a program that repeats the stages; `steps(stage, suffix)` writes one, with scalars of that suffix."""
    course = course_of(stages)

    def written(part: Iterable[tuple[str, Stage]]) -> tuple[Step, ...]:
        return tuple(step for suffix, stage in part for step in steps(stage, suffix))

    return (*written(course.before), Repeat(course.count, written(course.body), "k"), *written(course.after))


def numbers_of(stages: Sequence[Stage]) -> tuple[dict[str, float], dict[str, float]]:
    """The scalars of the stages of a run by their suffixes: weights (multiples of dt) and offsets."""
    course = course_of(stages)
    every = dict((*course.before, *course.body, *course.again(), *course.after))
    every |= {str(i): stage for i, stage in enumerate(stages)}
    weights = {f"weight_{suffix}": stage.weight for suffix, stage in every.items()}
    return weights, {f"offset_{suffix}": stage.offset for suffix, stage in every.items()}


def renamed(kernel: Kernel, suffix: str) -> tuple[tuple[str, str], ...]:
    """The weight and the offset of a kernel by the names that they have in the program."""
    own = {s.name for s in kernel.scalars}
    return tuple((name, f"{name}_{suffix}") for name in ("weight", "offset") if name in own)


def program_of(layout: Layout, name: str, body: tuple[Step, ...], extra: Iterable[Scalar] = ()) -> Program:
    """A program with the arrays and scalars that its steps name."""
    return programs.program_of(name, body, extra, layout.wraps)
