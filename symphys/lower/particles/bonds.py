"""Energies along given lists: every particle looks up the rows in which it stands, and takes its own share of each.

Rows are read from the particle's side: `bond<t>_role` [degree, ...] says as which of the row's members it stands there
(-1: no row), `bond<t>_member<e>` who the members are. Nothing is scattered, so that the result does not depend on
threads.
"""

from __future__ import annotations

from typing import Any

from codegen import Array, Kind, Node, add_many, apply, integer
from symphys.language.particle_symbols import LocalSymbol
from symphys.lower.particles.site import Site, axis_wish, summed
from symphys.mechanics.particles.derive import BondedForce

I = Kind.INT


def bond_names(number: int, ends: int) -> tuple[str, tuple[str, ...], str]:
    """The arrays of the list of that number, and the scalar that says in how many rows a particle stands at most."""
    return f"bond{number}_role", tuple(f"bond{number}_member{e}" for e in range(ends)), f"degree{number}"


def bonded_forces(site: Site) -> list[list[Node]]:
    """[lists][dim], what pulls at i along each list."""
    return [_total(site, number, each, energies=False) for number, each in enumerate(site.layout.dynamics.bonded)]


def bonded_energies(site: Site) -> list[list[Node]]:
    """[lists], i's share of the energy, of its absolute value, and of the sum of r . F."""
    return [_total(site, number, each, energies=True) for number, each in enumerate(site.layout.dynamics.bonded)]


def _total(site: Site, number: int, each: BondedForce, energies: bool) -> list[Node]:
    b, axes, labels = site.builder, range(site.layout.dim), each.over.bound
    role_name, member_names, degree = bond_names(number, len(labels))
    wishes = ("share", "share_size", "share_virial") if energies else [axis_wish("bond", axis) for axis in axes]
    registers, add = summed(site, wishes)
    with site.scope(), b.loop("bond", 0, site.scalar(degree, I)) as bond:
        role = _entry(site, role_name, degree, bond)
        members = {label: _entry(site, name, degree, bond) for label, name in zip(labels, member_names, strict=True)}
        expressions = (each.potential, *each.pulls) if energies else [f for row in each.forces for f in row]
        symbols, _ = member_symbols(site, members, expressions)
        values = site.lower(expressions, symbols)
        if energies:
            present = apply("le", integer(0), role)
            share = apply("select", present, values[0] * (1.0 / len(labels)), 0.0)
            virial = apply("select", present, add_many(values[1:]) * (1.0 / len(labels)), 0.0)
            add([share, apply("abs", share), virial])
        else:
            rows = [values[r * len(axes) : (r + 1) * len(axes)] for r in range(len(labels))]
            is_role = [apply("eq", role, integer(r)) for r in range(len(labels))]
            add([
                add_many(apply("select", mine, row[axis], 0.0) for mine, row in zip(is_role, rows, strict=True))
                for axis in axes
            ])  # fmt: skip
    return registers


def _entry(site: Site, name: str, degree: str, bond: Node) -> Node:
    """What the particle's list says in one of its rows."""
    batch = site.layout.batch
    site.declare(Array(name, (degree, site.layout.rows), I, instanced=not batch))
    return site.builder.load(name.split("_")[1], name, bond, site.row, kind=I)


def member_symbols(
    site: Site, members: dict[str, Node], expressions: Any
) -> tuple[dict[Any, Node], dict[str, list[Node]]]:
    """Nodes of displacements, velocities and attributes of the members of a row; and the places that were read."""
    wanted = {s for e in expressions for s in e.free_symbols if isinstance(s, LocalSymbol)}
    pairs = sorted({s.labels for s in wanted if s.role == "displacement"})
    places = {
        label: [site.other("position", members[label], axis) for axis in range(site.layout.dim)]
        for label in sorted({label for pair in pairs for label in pair})
    }
    steps = {
        pair: site.nearest([a - b for a, b in zip(places[pair[0]], places[pair[1]], strict=True)]) for pair in pairs
    }
    found = {s: steps[s.labels][s.axis or 0] for s in wanted if s.role == "displacement"}
    for s in sorted((s for s in wanted if s.role in ("attribute", "velocity")), key=str):
        member = members[s.labels[0]]
        found[s] = site.other(s.word, member) if s.role == "attribute" else site.other("velocity", member, s.axis)
    return found, places
