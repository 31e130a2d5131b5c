"""The smooth part of a sum over all images: every wave sums over the particles, and every particle over the waves.

With C_k = w_k sum_j q_j cos(k . r_j), S_k alike (`symphys.discretise.ewald`), a particle has an energy and a force

    c q_i / 2 sum_k [C_k cos(k . r_i) + S_k sin(k . r_i)],    c q_i sum_k k [C_k sin(k . r_i) - S_k cos(k . r_i)].

Waves lie in columns, k = base + n step: along one, sines and cosines turn by the angle step . r, so that a column costs
two of each.

A block of columns has as many as there are lanes, or one where lanes are runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from codegen import EVERYWHERE, Array, Intent, Kind, Launch, Node, add_many, apply, integer, real
from symphys.language.particle_symbols import LocalSymbol
from symphys.lower.particles.aside import Aside
from symphys.lower.particles.coupling import coupling_factor, self_energy
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.site import Site, axis_wish, summed

I = Kind.INT


class Columns(Aside):
    """The body of a kernel that runs for every column of waves."""

    axis = "wave_block"

    def table(self, name: str, *shape: int | str, kind: Kind = Kind.REAL, own: bool = True) -> str:
        """What is known of columns: where these are lanes, by lane."""
        return self.declare(Array(name, shape, kind, instanced=own and not self.layout.batch))


def wave_launches(layout: Layout) -> tuple[Launch, ...]:
    """wave_cos, wave_sin: C_k and S_k at the present places."""
    site = Columns(layout)
    b, axes = site.builder, range(layout.dim)
    b.comment("waves of charge")
    first = b.load("first", site.table("wave_start", "wave_blocks", kind=I, own=False), site.row, kind=I)
    depth = b.load("depth", site.table("wave_depth", "wave_blocks", kind=I, own=False), site.row, kind=I)
    base = [b.load(axis_wish("base", k), site.table("wave_base", layout.dim, "wave_blocks"), k, site.row) for k in axes]
    sums = [site.declare(Array(f"wave_{word}", ("wave_rows",), intent=Intent.INOUT)) for word in ("cos", "sin")]
    with b.loop("blank", first, first + depth) as wave:
        for name in sums:
            b.store(name, wave, value=real(0.0))
    with b.loop("one", 0, site.scalar("count", I)) as one, site.scope():
        j = one
        if not layout.batch:
            j = b.load("place", site.table("wave_member", "count", kind=I, own=False), one, kind=I)
        place = [site.other("position", j, k) for k in axes]
        charge = b.let("charge", _charge(site, j))
        turning = _turning(site, base, place, charge)
        with b.loop("wave", first, first + depth) as wave:
            for name, value in zip(sums, turning.now, strict=True):
                b.store(name, wave, value=b.load("before", name, wave) + value)
            turning.go()
    with b.loop("wave", first, first + depth) as wave:
        weight = b.load("weight_of_wave", site.table("wave_weight", "wave_rows"), wave)
        for name in sums:
            b.store(name, wave, value=weight * b.load("sum", name, wave))
    kernel = site.kernel("gather_waves")
    return (Launch(kernel, ("wave_blocks", "runs" if layout.batch else "size"), (), EVERYWHERE),)


@dataclass(frozen=True)
class Turning:
    """amplitude (cos, sin) of the phase of a wave, which `go` turns on to the next."""

    site: Site
    now: tuple[Node, Node]
    by: tuple[Node, Node]

    def go(self) -> None:
        """On to the next wave of the column."""
        b, (x, y), (c, s) = self.site.builder, self.now, self.by
        turned = b.let("turned_cos", x * c - y * s), b.let("turned_sin", x * s + y * c)
        for register, value in zip(self.now, turned, strict=True):
            b.assign(register, value)


def _turning(site: Site, base: Sequence[Node], place: Sequence[Node], amplitude: Node) -> Turning:
    b = site.builder
    start = b.let("phase", add_many(k * r for k, r in zip(base, place, strict=True)))
    now = b.register("wave_x", amplitude * apply("cos", start)), b.register("wave_y", amplitude * apply("sin", start))
    return Turning(site, now, _step(site, place))


def _step(site: Site, place: Sequence[Node]) -> tuple[Node, Node]:
    """cos and sin of the angle by which the waves of a column turn at a place."""
    step = [site.scalar(f"wave_step_{k}") for k in range(len(place))]
    angle = site.builder.let("angle", add_many(k * r for k, r in zip(step, place, strict=True)))
    return site.builder.let("step_cos", apply("cos", angle)), site.builder.let("step_sin", apply("sin", angle))


def _charge(site: Site, j: Node) -> Node:
    """q of particle j."""
    coupling = site.layout.dynamics.coupling
    assert coupling is not None
    known = {s: site.other(s.word, j) for s in coupling.charge.free_symbols if isinstance(s, LocalSymbol)}
    return site.lower((coupling.charge,), known)[0]


def force_of_waves(site: Site) -> list[Node]:
    """[dim], what all waves do to particle i."""
    b, axes = site.builder, range(site.layout.dim)
    registers, add = summed(site, [axis_wish("wave_force", k) for k in axes])
    step = [site.scalar(f"wave_step_{k}") for k in axes]
    with _columns(site) as (base, along):
        (cross, moment), more = summed(site, ("cross", "moment"))

        def visit(n: Node, cosine: Node, sine: Node, phase: tuple[Node, Node], _: Node) -> None:
            here = b.let("here", cosine * phase[1] - sine * phase[0])
            more([here, apply("to_real", n) * here])

        along(visit)
        add([cross * k + moment * s for k, s in zip(base, step, strict=True)])
    strength = b.let("strength", coupling_factor(site))
    return [strength * register for register in registers]


def energy_of_waves(site: Site) -> tuple[Node, Node]:
    """i's share of the energy and of the virial of the waves; less what it does to itself."""
    b = site.builder
    (energy, virial), add = summed(site, ("wave_energy", "wave_virial"))
    with _columns(site) as (_, along):

        def visit(_: Node, cosine: Node, sine: Node, phase: tuple[Node, Node], bend: Node) -> None:
            here = b.let("here", cosine * phase[0] + sine * phase[1])
            add([here, bend * here])

        along(visit)
    half = b.let("half_strength", 0.5 * coupling_factor(site))
    return half * (energy - self_energy(site)), half * virial


Visit = Callable[[Node, Node, Node, tuple[Node, Node], Node], None]


@contextmanager
def _columns(site: Site) -> Iterator[tuple[list[Node], Callable[[Visit], None]]]:
    """A loop over columns: its first wave, and what writes a loop over its waves."""
    b, layout, axes = site.builder, site.layout, range(site.layout.dim)
    place = [site.own("position", k) for k in axes]
    by = _step(site, place)
    site.declare(Array("column_base", (layout.dim, "wave_columns"), instanced=False))
    for name in ("column_start", "column_depth"):
        site.declare(Array(name, ("wave_columns",), I, instanced=False))
    with b.loop("column", 0, site.scalar("wave_columns", I)) as column:
        base = [b.load(axis_wish("base", k), "column_base", k, column) for k in axes]
        start = b.load("start_of_column", "column_start", column, kind=I)
        depth = b.load("depth_of_column", "column_depth", column, kind=I)
        first = b.let("first_phase", add_many(k * r for k, r in zip(base, place, strict=True)))

        def along(visit: Visit) -> None:
            now = b.register("wave_x", apply("cos", first)), b.register("wave_y", apply("sin", first))
            turning = Turning(site, now, by)
            with b.loop("n", 0, depth) as n:
                where = start + n if layout.batch else start + n * integer(layout.size)
                cosine, sine = (_of_wave(site, word, where, True) for word in ("cos", "sin"))
                visit(n, cosine, sine, now, _of_wave(site, "bend", where, False))
                turning.go()

        yield base, along


def _of_wave(site: Site, word: str, where: Node, summed_up: bool) -> Node:
    """C_k or S_k, or what is known of a wave: where lanes are runs, the sums are theirs."""
    if site.layout.batch:
        site.declare(Array(f"wave_{word}", ("wave_rows",), instanced=summed_up))
        return site.builder.load(word, f"wave_{word}", where)
    site.declare(Array(f"wave_{word}_all", ("wave_width",), instanced=False))
    return site.builder.load(word, f"wave_{word}_all", where)
