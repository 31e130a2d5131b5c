"""Runs of density matrices: the simulator of their components, which takes and gives matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.mechanics.density_matrix import entries
from symphys.simulate.events import Event
from symphys.simulate.result import Result
from symphys.simulate.simulator import MAX_STEPS, Simulator
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
        columns = list(self.states.values())
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

    def run(
        self,
        initial: Any,
        parameters: Mapping[Any, Any] | None = None,
        t_span: tuple[float, float] | None = None,
        *,
        dt: float | None = None,
        rtol: float | None = None,
        atol: float | None = None,
        t_eval: Any = None,
        save_every: int | None = None,
        events: Event | Sequence[Event] = (),
        watch_every: int = 1,
        compensated: bool | None = None,
        max_steps: int = MAX_STEPS,
        max_step: float | None = None,
        first_step: float | None = None,
        project_initial: bool = False,
        threads: int | None = None,
        progress: bool | Callable[[float], None] | None = None,
    ) -> DensityResult:
        """Integrate from a density matrix [..., n, n], or from {component: value}; the rest is as for any simulator.

        Raises InputError for what is no density matrix, with the trace or the eigenvalue that is wrong, and what
        `Simulator.run` raises.
        """
        labels = self.lowered.dynamics.labels
        start = initial if isinstance(initial, Mapping) else components_of(initial, labels)
        result = super().run(
            start,
            parameters,
            t_span,
            dt=dt,
            rtol=rtol,
            atol=atol,
            t_eval=t_eval,
            save_every=save_every,
            events=events,
            watch_every=watch_every,
            compensated=compensated,
            max_steps=max_steps,
            max_step=max_step,
            first_step=first_step,
            project_initial=project_initial,
            threads=threads,
            progress=progress,
        )
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
