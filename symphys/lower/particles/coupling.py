"""What a charge is in kernels: its strength, and the energy that a smooth sum over all images holds of it alone."""

from __future__ import annotations

from codegen import Node
from symphys.lower.particles.site import Site

SELF = 0.5641895835477563  # 1 / sqrt(pi)


def charge_of(site: Site) -> Node:
    """q_i."""
    coupling = site.layout.dynamics.coupling
    assert coupling is not None
    (charge,) = site.lower((coupling.charge,), {})
    return charge


def coupling_factor(site: Site) -> Node:
    """c q_i."""
    coupling = site.layout.dynamics.coupling
    assert coupling is not None
    factor, charge = site.lower((coupling.factor, coupling.charge), {})
    return factor * charge


def self_energy(site: Site) -> Node:
    """2 a q_i / sqrt(pi), the potential of a charge's own cloud where it is."""
    return 2.0 * SELF * site.scalar("ewald_split") * charge_of(site)
