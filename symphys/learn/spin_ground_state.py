"""Ground states of spins within an ansatz: amplitudes as an expression with networks, its energy made least exactly.

E = c H c / c c over all states of the symmetric sector, without sampling. Steps are those of Levenberg and Marquardt
with the matrix J^T (H - E + sigma) J / (c c), where J is dc / d theta across c: the second variation without second
derivatives of the ansatz, shifted by the root sigma of the variance of H, within which of E there is an eigenvalue
(Weinstein, PNAS 20 (1934) 529). Far from the ground state this is stochastic reconfiguration, J^T J (Sorella, Phys.
Rev. Lett. 80 (1998) 4558); near it sigma vanishes, and steps are Newton's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from symphys.errors import InputError
from symphys.language.networks import networks_in
from symphys.learn.ground_state import Settling
from symphys.learn.levenberg_marquardt import levenberg_marquardt
from symphys.learn.objective import Normal, finite
from symphys.learn.options import LARGE
from symphys.learn.term_kernels import TermKernels
from symphys.learn.unknowns import Unknowns, read_unknowns
from symphys.lower.points import point_columns, point_terms
from symphys.mechanics.graph import postorder
from symphys.mechanics.spin_sector import SpinSector
from symphys.simulate.compiled import Kernels

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SpinState:
    """A state of least energy of spins.

    energy: exact, or an upper bound within an ansatz. states: [m], representatives as integers with bit i set where
    spin i points down; amplitudes: [m], normalised, of the sums over their orbits. parameters: {network: weights,
    symbol: number}. history: the energy after each step. ok: whether it converged.
    """

    energy: float
    states: NDArray[np.int64]
    amplitudes: Floats
    parameters: Mapping[Any, Any]
    history: Floats
    ok: bool
    sector: SpinSector = field(repr=False, compare=False)

    def probability(self, of: Callable[[Floats], NDArray[Any]]) -> float:
        """The mean of a function of the spins [n, m] that no symmetry changes, such as a correlation of sigma_z."""
        return float(np.sum(self.amplitudes**2 * of(self.sector.spins)))


def vary_spins(
    matrix: scipy.sparse.csr_matrix,
    sector: SpinSector,
    spins: tuple[Any, ...],
    expression: Any,
    seed: int,
    steps: int,
    kernels: Kernels,
) -> SpinState:
    """The state of least energy within an ansatz for the amplitudes of configurations."""
    symbols = tuple(sorted(expression.free_symbols - set(spins), key=str))
    networks = networks_in(postorder([expression]))
    unknowns = read_unknowns(symbols, networks, None, {}, {}, {}, seed)
    terms = point_terms(spins, symbols, (expression,))
    if len(terms.residuals) > 1:
        raise InputError(f"the ansatz {expression} is complex; amplitudes here are real")
    made = TermKernels(terms, unknowns.symbols, unknowns.networks, kernels, ("amplitudes",))
    columns = point_columns(sector.spins, [0.0] * len(symbols), 1)
    rayleigh = _Rayleigh(matrix, made, unknowns, columns, np.sqrt(sector.sizes))
    watch = Settling(steps)
    with threadpool_limits(1 if unknowns.size < LARGE else None, user_api="blas"):
        outcome = levenberg_marquardt(rayleigh, unknowns.free(unknowns.guess), watch)
    amplitudes = rayleigh.amplitudes(watch.best)
    amplitudes /= np.linalg.norm(amplitudes)
    found = unknowns.by_key(unknowns.values(watch.best))
    ok = outcome.ok or watch.settled
    return SpinState(watch.lowest, sector.states, amplitudes, found, np.array(watch.losses), ok, sector)


@dataclass(frozen=True)
class _Rayleigh:
    """E of what is unknown in the ansatz, as an objective."""

    matrix: scipy.sparse.csr_matrix
    made: TermKernels
    unknowns: Unknowns
    columns: Mapping[str, Floats]
    roots: Floats  # of the sizes of orbits: amplitudes of normalised sums over them

    def _at(self, u: Floats) -> tuple[dict[str, Floats], Mapping[Any, Floats]]:
        theta = self.unknowns.values(u)
        columns = dict(self.columns)
        if count := len(self.unknowns.symbols):
            columns["parameters"] = np.tile(theta[:count, None], (1, len(self.roots)))
        return columns, self.unknowns.weights(theta)

    def amplitudes(self, u: Floats) -> Floats:
        """c [m]."""
        return self.roots * self.made.residuals(*self._at(u))[0]

    def loss(self, u: Floats) -> float:
        """The energy."""
        c = self.amplitudes(u)
        with np.errstate(all="ignore"):
            return finite(float(c @ (self.matrix @ c) / (c @ c)))

    def normal(self, u: Floats) -> Normal:
        """The energy, half its gradient and half of the Gauss-Newton matrix."""
        values, rows = self.made.rows(*self._at(u))
        c = self.roots * values[0]
        total = float(c @ c)
        moved = self.matrix @ c
        energy = float(c @ moved) / total
        left = moved - energy * c
        shift = energy - float(np.linalg.norm(left)) / np.sqrt(total)
        slopes = np.ascontiguousarray((rows[0] * self.unknowns.slopes(u)[:, None] * self.roots).T)  # [m, U]
        turned = self.matrix @ slopes
        turned -= shift * slopes
        along = c @ slopes / total  # what changes the norm alone is taken out
        pull = slopes.T @ (moved - shift * c)
        matrix = slopes.T @ turned - np.outer(along, pull) - np.outer(pull, along)
        matrix += np.outer(along, along) * (energy - shift) * total
        slope = slopes.T @ left / total
        return Normal(energy, (matrix + matrix.T) / (2.0 * total), slope)
