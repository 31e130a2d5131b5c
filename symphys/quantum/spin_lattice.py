"""Spins one half on a lattice as users hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
import sympy

from symphys.errors import InputError
from symphys.learn.spin_ground_state import SpinState, vary_spins
from symphys.mechanics.notation import text
from symphys.mechanics.spin_sector import SpinSector, sector_matrix, symmetric_sector
from symphys.mechanics.spins import SpinTerms, read_spins, site_symmetries
from symphys.simulate.compiled import kernels_for
from symphys.simulate.inputs import numbers, refuse_missing, refuse_strange

DENSE = 64  # states, up to which all eigenvalues are found


@dataclass(frozen=True, init=False, repr=False)
class SpinLattice:
    """Spins one half with a Hamiltonian in Pauli operators.

    hamiltonian: an expression in X, Y, Z = `spins(sites)`, numbers and parameters, real in the basis of sigma_z. Its
    symmetries are found: shifts and reflections of the sites in their order, turning all spins over, the magnetisation.

    Raises `InputError` and `UnsupportedError` for what is no such Hamiltonian.
    """

    hamiltonian: Any
    terms: SpinTerms

    def __init__(self, hamiltonian: Any) -> None:
        object.__setattr__(self, "hamiltonian", sympy.sympify(hamiltonian))
        object.__setattr__(self, "terms", read_spins(hamiltonian))

    @property
    def sites(self) -> int:
        """The number of spins."""
        return self.terms.sites

    @property
    def parameters(self) -> tuple[Any, ...]:
        """Every symbol that is no spin, sorted by name."""
        return self.terms.parameters

    @property
    def symmetries(self) -> tuple[tuple[int, ...], ...]:
        """Shifts and reflections that change nothing, each as the new place of every site."""
        return site_symmetries(self.terms)

    def ground_state(
        self,
        parameters: Mapping[Any, Any] | None = None,
        *,
        ansatz: Callable[[tuple[Any, ...]], Any] | None = None,
        magnetisation: int | None = None,
        seed: int = 0,
        max_steps: int = 200,
        backend: str = "cpu",
    ) -> SpinState:
        """The state of least energy among those that share all symmetries, by sums over all of them.

        ansatz: a function of the spins (s_0, s_1, ...), each 1 or -1, that gives the amplitude as an expression with
        networks, such as `lambda s: exp(N(*correlations(s)))`; without it the state is exact, by Lanczos's method. It
        is taken at one configuration of each orbit, so that it has the symmetries whatever it is. Its weights are
        varied by Gauss-Newton steps from what `seed` draws. magnetisation: the sum of sigma_z, 0 by default, where the
        Hamiltonian keeps it. backend: where amplitudes and their slopes are computed, as for `Lagrangian.compile`.

        A ground state without a sign change (Perron and Frobenius) shares all symmetries; turn every second spin about
        z, as Marshall did, where an antiferromagnet asks for it. Raises `InputError` for missing or unfit values,
        `BackendUnavailableError` where the backend cannot run here. A descent that does not converge in `max_steps`
        says so by `ok`.
        """
        matrix, sector = self._matrix(dict(parameters or {}), magnetisation)
        if ansatz is not None:
            s = tuple(sympy.Symbol(f"s_{i}", real=True) for i in range(self.sites))
            kernels = kernels_for(backend, "float64")
            return vary_spins(matrix, sector, s, sympy.sympify(ansatz(s)), seed, max_steps, kernels)
        if matrix.shape[0] <= DENSE:
            values, vectors = np.linalg.eigh(matrix.toarray())
        else:
            first = np.random.default_rng(seed).normal(size=matrix.shape[0])
            values, vectors = scipy.sparse.linalg.eigsh(matrix, k=1, which="SA", v0=first)
        energy = float(values[0])
        return SpinState(energy, sector.states, vectors[:, 0], {}, np.array([energy]), True, sector)

    def _matrix(
        self, parameters: dict[Any, Any], magnetisation: int | None
    ) -> tuple[scipy.sparse.csr_matrix, SpinSector]:
        refuse_strange([s for s in parameters if s not in self.parameters], self.parameters, "parameter")
        refuse_missing([s for s in self.parameters if s not in parameters], "value", parameters)
        values = {s: float(numbers("parameter", s, value)) for s, value in parameters.items()}
        strings = {string: float(c.subs(values)) for string, c in self.terms.terms.items()}
        if magnetisation is None:
            sector = self._symmetric
        elif isinstance(magnetisation, int):
            sector = symmetric_sector(self.terms, magnetisation)
        else:
            raise InputError(f"magnetisation = {magnetisation!r}; give a whole number, the sum of sigma_z")
        return sector_matrix(sector, strings), sector

    @cached_property
    def _symmetric(self) -> SpinSector:
        return symmetric_sector(self.terms, None)

    def __str__(self) -> str:
        return f"{self.sites} spins: H = {text(self.hamiltonian)}"

    def __repr__(self) -> str:
        return f"SpinLattice({text(self.hamiltonian)})"
