"""Fields of any kind by explicit Runge-Kutta methods: a kernel for each stage, fused with what the stage is for.

Stage i computes k_i = R(t + c_i dt, Y_i) from Y_i and its neighbours, and at once Y_{i+1} = y + dt sum_j a_{i+1,j} k_j,
the last one the new y. Two arrays take turns as Y. Where each k_i serves the next stage alone (as in the classical
method), what it adds to the new state is summed up as it comes, and no k is stored.
"""

from __future__ import annotations

from codegen import Intent, Kernel, Kind, Launch, Node, Repeat, Scalar, add_many, program_halo, real
from symphys.errors import MethodError
from symphys.integrators import ExplicitTableau
from symphys.lower.lattice.convolve import convolutions_in
from symphys.lower.lattice.layout import Component, Layout
from symphys.lower.lattice.plan import (
    Piece,
    Plan,
    halo_launches,
    held,
    kernel_of,
    launch_of,
    program_of,
    sponge,
)
from symphys.lower.lattice.site import Site


def runge_kutta_plan(layout: Layout, tableau: ExplicitTableau) -> Plan:
    """Steps of an explicit method for any fields."""
    if tableau.stages < 2:
        raise MethodError(
            f"method {tableau.name!r} has one stage, which would read a field while it is written; choose 'rk4'"
        )
    last = tableau.stages - 1
    if tableau.fsal:  # its last stage is only there to be the first one of the next step
        last -= 1
    chained = all(not any(row[:-1]) for row in tableau.a[: last + 1])
    made = [_stage(layout, tableau, i, last, chained) for i in range(last + 1)]
    halo = program_halo(program_of(layout, "stages", tuple(launch_of(layout, k, r) for k, r in made)))
    body: list[Launch] = []
    sequence = []
    convolved = convolutions_in(layout.dynamics, layout.dynamics.rates)
    offsets: dict[str, float] = {}
    for i, (kernel, reach) in enumerate(made):
        names = [("offset", f"offset_{i}")] if any(s.name == "offset" for s in kernel.scalars) else []
        offsets |= dict.fromkeys((n for _, n in names), float(tableau.c[i]))
        filled = layout.components if i == last else ()
        targets = [c.name for c in filled] or [_argument(c, i + 1) for c in layout.components]
        pieces = (launch_of(layout, kernel, reach, names), *halo_launches(layout, targets, halo))
        source = {c.name: _argument(c, i) for c in layout.components}
        sequence.append(Piece(float(tableau.c[i]), pieces, convolved, source))
        body += pieces
    turns = Repeat("steps", tuple(body), "k", rings=layout.rings)
    program = program_of(layout, "runge_kutta", (turns,), (Scalar("k", Kind.INT),))
    reach = max(r for _, r in made)
    return Plan(program, tuple(sequence), {"dt": 1.0}, offsets, {}, False, reach)


def _argument(component: Component, stage: int) -> str:
    """The array that holds the argument of a stage: the state itself for the first one."""
    return component.name if stage == 0 else f"{'odd' if stage % 2 else 'even'}_of_{component.name}"


def _stage(layout: Layout, tableau: ExplicitTableau, i: int, last: int, chained: bool) -> tuple[Kernel, int]:
    """The kernel of one stage, and its reach along the first outer axis."""
    site = Site(layout, source={c.name: _argument(c, i) for c in layout.components})
    b, dt = site.builder, site.scalar("dt")
    zero = (0,) * layout.dimensions
    slopes = _slopes(site)
    following = tableau.b if i == last else tableau.a[i + 1]
    for component, slope in slopes:
        name = component.name
        b.comment(f"rate of {name}")
        k = b.let(f"rate_{name}", slope)
        before = site.at(name, zero)
        if chained:
            total = dt * real(tableau.b[i]) * k
            if i > 0:
                total = site.at(f"sum_of_{name}", zero) + total
            new = before + (total if i == last else dt * real(following[i]) * k)
            if i < last:
                site.over_sites(f"sum_of_{name}", Intent.OUT if i == 0 else Intent.INOUT)
                b.store(f"sum_of_{name}", *site.where, value=total)
        else:
            terms = [real(w) * site.at(f"slope{j}_of_{name}", zero) for j, w in enumerate(following[:i]) if w]
            terms += [real(following[i]) * k] if following[i] else []
            new = before + dt * add_many(terms)
            if i < last and any(row[i] for row in (*tableau.a[i + 2 : last + 1], tableau.b) if len(row) > i):
                site.over_sites(f"slope{i}_of_{name}", Intent.OUT)
                b.store(f"slope{i}_of_{name}", *site.where, value=k)
        target = name if i == last else _argument(component, i + 1)
        site.over_sites(target, Intent.INOUT if i == last else Intent.OUT)
        b.store(target, *site.where, value=new)
    return kernel_of(f"stage_{i}", site), site.reach


def _slopes(site: Site) -> list[tuple[Component, Node]]:
    """The rates of all components at the site, layers and held ends included."""
    layout, found = site.layout, []
    layer = sponge(site)
    for number, (unknown, rate) in enumerate(zip(layout.dynamics.unknowns, layout.dynamics.rates, strict=True)):
        value = site.lowering.run(rate)
        for component in layout.parts(number, velocity=unknown.order == 2):
            part = value[component.part]
            slope = real(0.0) if part is None else part
            if layer is not None:
                slope = slope - layer * site.derivative(component, (0,) * layout.dimensions)
            found.append((component, held(site, slope)))
        if unknown.order == 2:
            velocities = layout.parts(number, velocity=True)
            zero = (0,) * layout.dimensions
            found += [(q, site.derivative(v, zero)) for q, v in zip(layout.parts(number), velocities, strict=True)]
    return found
