"""Thermostats as launches: the sum over all particles that they look at, the bath, and what it does to velocities."""

from __future__ import annotations

from codegen import Array, Builder, Intent, Kernel, Kind, Launch, Node, Scalar, apply, integer, variable
from symphys.integrators.nose_hoover import chain_half_step
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.site import Site
from symphys.statistics import Berendsen, NoseHoover, Thermostat

I = Kind.INT
BATH = ("bath_temperature", "bath_relaxation", "freedom")


def scaling_launches(layout: Layout, thermostat: Thermostat, step: str) -> tuple[Launch, ...]:
    """Velocities scaled by a bath that looks at the kinetic energy; `step` names the scalar of its duration."""
    bath = Launch(_bath(thermostat), ("ones",), (("bath_step", step),))
    return Launch(_heat(layout), layout.extents), bath, Launch(_rescale(layout), layout.extents)


def noise_kernel(layout: Layout) -> Kernel:
    """v = c v + sqrt(k_B T (1 - c^2) / m) xi with c = exp(-h / tau): friction and noise, followed exactly.

    bath_keep: c; bath_push: sqrt(k_B T (1 - c^2)). `noise` [step since `k_noise` times dim, ...] holds normal numbers.
    """
    site = Site(layout)
    b = site.builder
    b.comment("friction and noise")
    (mass,) = site.lower((layout.dynamics.mass,), {})
    keep, push = site.scalar("bath_keep"), b.let("push", site.scalar("bath_push") / apply("sqrt", mass))
    site.declare(Array("noise", ("noise_rows", layout.rows)))
    since = (site.scalar("k", I) - site.scalar("k_noise", I)) * layout.dim
    for axis in range(layout.dim):
        xi = b.load("xi", "noise", since + axis, site.row)
        site.store("velocity", axis, keep * site.own("velocity", axis) + push * xi)
    return site.kernel("noise_and_friction")


def _heat(layout: Layout) -> Kernel:
    """heat [1] = sum m v^2."""
    site = Site(layout)
    site.declare(Array("heat", (1,), intent=Intent.SUM, instanced=False))
    (mass,) = site.lower((layout.dynamics.mass,), {})
    square = site.own("velocity", 0) * site.own("velocity", 0)
    for axis in range(1, layout.dim):
        square = square + site.own("velocity", axis) * site.own("velocity", axis)
    site.builder.accumulate("heat", integer(0), value=site.of_real(mass * square))
    return site.kernel("heat_of_particles")


def _rescale(layout: Layout) -> Kernel:
    """v *= rescale [1]."""
    site = Site(layout)
    site.declare(Array("rescale", (1,), instanced=False))
    factor = site.builder.load("factor", "rescale", 0)
    for axis in range(layout.dim):
        site.store("velocity", axis, site.own("velocity", axis) * factor)
    return site.kernel("rescale_velocities")


def _bath(thermostat: Thermostat) -> Kernel:
    """One instance: the factor of the velocities from the heat, and the chain one step on."""
    b = Builder()
    names = (*BATH, "bath_step")
    for name in ("bath", "heat", "chain", "rescale", *names):
        b.names.fresh(name)
    temperature, relaxation, freedom, step = (variable(name) for name in names)
    heat = b.load("heat_now", "heat", 0)
    arrays = [Array("heat", (1,), instanced=False), Array("rescale", (1,), intent=Intent.OUT, instanced=False)]
    factor: Node
    match thermostat:
        case NoseHoover(_, _, links):
            arrays.append(Array("chain", (2 * links,), intent=Intent.INOUT, instanced=False))
            inertia = b.let("inertia", temperature * relaxation * relaxation)
            masses = [inertia * freedom, *[inertia] * (links - 1)]
            places = [b.load("place", "chain", k) for k in range(links)]
            rates = [b.load("rate", "chain", links + k) for k in range(links)]
            present = (heat, freedom, temperature, masses, places, rates, step + step)
            chain = chain_half_step(*present, lambda x: b.let("decay", apply("exp", x)))
            for k in range(links):
                b.store("chain", k, value=chain.positions[k])
                b.store("chain", links + k, value=chain.velocities[k])
            factor = chain.scale
        case Berendsen():
            now = heat / freedom
            factor = apply("sqrt", apply("max", 1.0 + step / relaxation * (temperature / now - 1.0), 0.0))
    b.store("rescale", 0, value=factor)
    scalars = tuple(Scalar(name) for name in names)
    return Kernel("bath", "bath", tuple(arrays), scalars, b.block(), (), 1)
