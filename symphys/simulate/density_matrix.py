"""Runs of density matrices: the simulator of their components, which takes and gives matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.keywords import takes
from symphys.language.arrays import on_host
from symphys.mechanics.density_matrix import entries
from symphys.simulate.keywords import RunOptions
from symphys.simulate.result import Result
from symphys.simulate.simulator import Simulator
from symphys.statistics.density_matrices import density_matrix, expectation

Complexes = NDArray[np.complex128]


@dataclass(frozen=True)
class DensityResult(Result):
    """A finished run: `rho` is [..., time, n, n], the leading axes those of the ensemble; else as `Result`.

    `drift` has the laws that hold: "trace", and without jumps "purity" and, unless H changes in time, "energy".
    """

    @property
    def rho(self) -> Complexes:
        """[..., time, n, n], Hermitian; NaN where a member of an ensemble did not get."""
        columns = [on_host(values) for values in self.states.values()]
        n = isqrt(len(columns))
        made = np.zeros((*np.shape(columns[0]), n, n), dtype=np.complex128)
        for (i, j, part), values in zip(entries(n), columns, strict=True):
            made[..., i, j] += 1j * values if part == "imaginary" else values
            if i != j:
                made[..., j, i] += -1j * values if part == "imaginary" else values
        return made

    def expectation(self, operator: Any) -> NDArray[Any]:
        """[..., time], tr(rho A) of a matrix [n, n] of numbers, from SymPy or NumPy; real where it is Hermitian.

        Raises InputError for sizes that do not fit and for symbols without a value.
        """
        try:
            numbers = np.asarray(np.array(operator), dtype=np.complex128)
        except TypeError as error:
            raise InputError(f"the operator {operator} is no matrix of numbers; substitute its symbols") from error
        return expectation(self.rho, numbers)


@dataclass(frozen=True)
class DensitySimulator(Simulator):
    """A simulator whose initial state may be a density matrix."""

    @takes(RunOptions)
    def run(
        self,
        initial: Any,
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        **options: Unpack[RunOptions],
    ) -> DensityResult:
        """Integrate from a density matrix [..., n, n], or from {component: value}; options are those of any simulator.

        Raises InputError for what is no density matrix, with the trace or the eigenvalue that is wrong, and what
        `Simulator.run` raises.
        """
        labels = self.lowered.dynamics.labels
        start = initial if isinstance(initial, Mapping) else components_of(initial, labels)
        result = super().run(start, parameters, t_span, **options)
        return DensityResult(**vars(result))


def components_of(rho: Any, labels: Sequence[Any]) -> dict[Any, NDArray[np.float64]]:
    """{label: [...]}, the real components of density matrices [..., n, n]; InputError for what is none."""
    n = isqrt(len(labels))
    states = density_matrix(rho, "initial density matrix")
    if states.shape[-1] != n:
        raise InputError(f"the initial density matrix has the shape {states.shape}; this system has {n} states")
    pick = {"diagonal": np.real, "real": np.real, "imaginary": np.imag}
    return {
        label: np.asarray(pick[part]((states[..., i, j] + states[..., j, i].conj()) / 2))
        for label, (i, j, part) in zip(labels, entries(n), strict=True)
    }
