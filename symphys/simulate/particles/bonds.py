"""Lists of bonds, angles and the like, from the side of each particle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language.particle_sums import SumOver
from symphys.lower.particles.bonds import bond_names
from symphys.mechanics.particles import ParticleDynamics

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Bonds:
    """By list: `roles` [degree, n], as which member of a row a particle stands in it, -1 for none; `members` [ends,
    degree, n], who the members of that row are."""

    roles: tuple[Integers, ...]
    members: tuple[Integers, ...]

    def arrays(self, place: Integers | None = None) -> dict[str, Integers]:
        """By the names that kernels have for them; members as places in memory, where these are given."""
        found = {}
        for number, (role, members) in enumerate(zip(self.roles, self.members, strict=True)):
            role_name, names, _ = bond_names(number, len(members))
            found[role_name] = role
            found |= {n: m if place is None else place[m] for n, m in zip(names, members, strict=True)}
        return found

    def degrees(self) -> dict[str, int]:
        """In how many rows a particle stands at most."""
        return {bond_names(number, 0)[2]: len(role) for number, role in enumerate(self.roles)}


def rows_of(over: SumOver, count: int) -> Integers:
    """[m, ends], the rows of the list along which a sum goes; InputError for an index that no particle has."""
    assert over.bonds is not None
    rows = np.array(over.bonds.rows, dtype=np.int64)
    if rows.max() >= count:
        raise InputError(f"a list of bonds names particle {rows.max()}, but there are {count}; indices start at 0")
    return rows


def bonds_of(dynamics: ParticleDynamics, count: int) -> Bonds:
    """The lists of some dynamics; InputError for an index that no particle has."""
    roles, members = [], []
    for each in dynamics.bonded:
        rows = rows_of(each.over, count)
        who, ends = rows.reshape(-1), rows.shape[1]
        order = np.argsort(who, kind="stable")
        counts = np.bincount(who, minlength=count)
        turn = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
        role = np.full((counts.max(), count), -1, dtype=np.int64)
        member = np.zeros((ends, counts.max(), count), dtype=np.int64)
        role[turn, who[order]] = order % ends
        member[:, turn, who[order]] = rows[order // ends].T
        roles.append(role)
        members.append(member)
    return Bonds(tuple(roles), tuple(members))
