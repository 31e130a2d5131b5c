"""The states of spins that share all symmetries of their Hamiltonian, and the Hamiltonian among them.

|r> = sum over the orbit of r / sqrt(N_r), <r'|H|r> = sqrt(N_r / N_r') sum over the orbit of r' of <s'|H|r>. A state is
an integer, with bit i set where spin i points down. Sandvik, AIP Conf. Proc. 1297 (2010) 135, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.mechanics.spins import SpinTerms, String, X, Y, Z, site_symmetries

Floats = NDArray[np.float64]
BITS = 8  # of a state that are moved by one look into a table


@dataclass(frozen=True)
class SpinSector:
    """states: [m], one representative of each orbit; sizes: [m], of the orbits; index: [2^n], the orbit of each state,
    -1 outside of the sector."""

    sites: int
    states: NDArray[np.int64]
    sizes: Floats
    index: NDArray[np.int64]

    @property
    def spins(self) -> Floats:
        """[n, m], sigma_z = 1 or -1 of each site."""
        down = (self.states[None, :] >> np.arange(self.sites)[:, None]) & 1
        return np.asarray(1.0 - 2.0 * down, dtype=np.float64)


def symmetric_sector(terms: SpinTerms, magnetisation: int | None) -> SpinSector:
    """The states that no symmetry changes: of shifts and reflections of sites, and of turning all spins over.

    magnetisation: the sum of sigma_z, where H keeps it; None: 0 for an even number of sites. Raises InputError for a
    magnetisation that is not kept, or that no state has.
    """
    n = terms.sites
    keeps = terms.keeps_magnetisation
    if magnetisation is None and keeps and n % 2 == 0:
        magnetisation = 0
    if magnetisation is not None and not keeps:
        raise InputError(f"magnetisation = {magnetisation} is given, but the Hamiltonian does not keep it")
    every = np.arange(1 << n, dtype=np.int64)
    lowest = _lowest_of_orbits(every, site_symmetries(terms))
    if terms.flips and magnetisation in (None, 0):
        np.minimum(lowest, lowest[every ^ ((1 << n) - 1)], out=lowest)
    inside = np.ones(1 << n, dtype=bool)
    if magnetisation is not None:
        down = np.sum([(every >> i) & 1 for i in range(n)], axis=0)
        inside = np.asarray(n - 2 * down == magnetisation)
        if not inside.any():
            raise InputError(f"magnetisation = {magnetisation} is that of no state of {n} spins")
    states, place, sizes = np.unique(lowest[inside], return_inverse=True, return_counts=True)
    index = np.full(1 << n, -1, dtype=np.int64)
    index[inside] = place
    return SpinSector(n, states, sizes.astype(np.float64), index)


def sector_matrix(sector: SpinSector, terms: Mapping[String, float]) -> scipy.sparse.csr_matrix:
    """[m, m], the Hamiltonian among the states of a sector."""
    by_flip: dict[int, list[tuple[String, float]]] = {}
    for string, coefficient in terms.items():
        flipped = sum(1 << site for site, axis in string if axis != Z)
        by_flip.setdefault(flipped, []).append((string, coefficient))
    spins, m = sector.spins, len(sector.states)
    parts = []
    for flipped, group in by_flip.items():
        amplitude = np.zeros(m)
        for string, coefficient in group:
            turned = (-1.0) ** (sum(axis == Y for _, axis in string) // 2)  # i^2 of two sigma_y
            signs = np.prod([spins[site] for site, axis in string if axis != X], axis=0, initial=1.0)
            amplitude += coefficient * turned * signs
        (some,) = np.nonzero(amplitude)
        reached = sector.index[sector.states[some] ^ flipped]
        weight = amplitude[some] * np.sqrt(sector.sizes[some] / sector.sizes[reached])
        parts.append(scipy.sparse.coo_matrix((weight, (reached, some)), shape=(m, m)))
    return scipy.sparse.csr_matrix(sum(parts[1:], parts[0]))


def _lowest_of_orbits(every: NDArray[np.int64], symmetries: Sequence[tuple[int, ...]]) -> NDArray[np.int64]:
    """The lowest state of each orbit of shifts, and of reflections, of which all follow from one by shifts.

    The lowest of 2 k shifts is that of k shifts here and k shifts further on.
    """
    n = len(symmetries[0])
    shifts = [p for p in symmetries if all((p[i] - p[0] - i) % n == 0 for i in range(n))]
    mirrors = [p for p in symmetries if p not in shifts]
    lowest = every.copy()
    if len(shifts) > 1:
        power, reached = shifts[1], 1
        while reached < len(shifts):
            lowest = np.minimum(lowest, lowest[_permuted(every, power)])
            power, reached = tuple(power[i] for i in power), 2 * reached
    if mirrors:
        lowest = np.minimum(lowest, lowest[_permuted(every, mirrors[0])])
    return lowest


def _permuted(states: NDArray[np.int64], permutation: Sequence[int]) -> NDArray[np.int64]:
    """States with bit i moved to permutation[i], some bits at a time by a table."""
    made = np.zeros_like(states)
    for first in range(0, len(permutation), BITS):
        moved = permutation[first : first + BITS]
        chunk = np.arange(1 << len(moved), dtype=np.int64)
        table = sum(((chunk >> i) & 1) << place for i, place in enumerate(moved))
        made |= np.asarray(table)[(states >> first) & ((1 << len(moved)) - 1)]
    return made
