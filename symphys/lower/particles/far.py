"""The smooth part of a sum over all images, wave by wave or through a mesh: one place that knows which."""

from __future__ import annotations

from codegen import Launch, Node, Transform
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.mesh import energy_of_mesh, force_of_mesh, mesh_launches
from symphys.lower.particles.site import Site
from symphys.lower.particles.waves import energy_of_waves, force_of_waves, wave_launches


def far_launches(layout: Layout, share: str) -> tuple[Launch | Transform, ...]:
    """What must be known of all charges at the present places before forces on any are, after a `share` of a step."""
    if layout.dynamics.coupling is None:
        return ()
    return mesh_launches(layout, share) if layout.mesh else wave_launches(layout)


def far_force(site: Site) -> list[Node]:
    """[dim], what the smooth part does to particle i; nothing where there is none."""
    if site.layout.dynamics.coupling is None:
        return []
    return force_of_mesh(site) if site.layout.mesh else force_of_waves(site)


def far_energy(site: Site) -> tuple[Node, Node] | None:
    """i's share of its energy and of its virial."""
    if site.layout.dynamics.coupling is None:
        return None
    return energy_of_mesh(site) if site.layout.mesh else energy_of_waves(site)
