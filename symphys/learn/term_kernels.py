"""The kernels of residuals, and their launches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledKernel, Kernel
from symphys.language.networks import NetworkSymbol
from symphys.lower.expressions import dense
from symphys.lower.residual import Terms, gradient_kernel, residual_kernel, rows_kernel, widths
from symphys.simulate.compiled import Kernels
from symphys.simulate.execute import cores
from symphys.simulate.inputs import padded
from symphys.simulate.weights import kernel_weights

Floats = NDArray[np.float64]
SHARED = 2048  # samples from which it pays to wake further threads
Columns = Mapping[str, Floats]  # state, signals, parameters, data, roots [k, samples], times [samples]
Weights = Mapping[NetworkSymbol, Floats]


@dataclass(frozen=True)
class TermKernels:
    """The kernels of some residuals, compiled when they are first needed.

    unknown: the symbols by which they are differentiated [S]; networks: those by whose weights, so that U numbers are
    unknown in all.
    """

    terms: Terms
    unknown: tuple[Any, ...]
    networks: tuple[NetworkSymbol, ...]
    kernels: Kernels
    key: tuple[Any, ...]

    @property
    def learnt(self) -> NDArray[np.int64]:
        """[U], the columns that kernels give for unknowns."""
        return learnt_columns(len(self.unknown), self.networks)

    def residuals(self, columns: Columns, weights: Weights) -> Floats:
        """[m, samples]."""
        count = columns["times"].shape[-1]
        kernel, lanes = self._get("residuals", lambda: residual_kernel(self.terms), count)
        arrays = self._arrays(columns, weights, lanes)
        arrays["residuals"] = np.zeros((len(self.terms.residuals), arrays["times"].shape[-1]), self.kernels.dtype)
        kernel(arrays, {}, (count,), threads=_threads(count))
        return np.asarray(arrays["residuals"][:, :count], dtype=np.float64)

    def rows(self, columns: Columns, weights: Weights) -> tuple[Floats, Floats]:
        """Residuals [m, samples] and their derivatives by what is unknown [m, U, samples]."""
        count = columns["times"].shape[-1]
        arrays_of = [dense(network).array for network in self.networks]
        kernel, lanes = self._get("rows", lambda: rows_kernel(self.terms, self.unknown, arrays_of), count)
        arrays = self._arrays(columns, weights, lanes)
        m, width = len(self.terms.residuals), arrays["times"].shape[-1]
        arrays["residuals"] = np.zeros((m, width), self.kernels.dtype)
        arrays["rows"] = np.zeros((m, max(widths(self.unknown, arrays_of)[-1], 1), width), self.kernels.dtype)
        kernel(arrays, {}, (count,), threads=_threads(count))
        rows = np.asarray(arrays["rows"][:, self.learnt, :count], dtype=np.float64)
        return np.asarray(arrays["residuals"][:, :count], dtype=np.float64), rows

    def gradient(self, columns: Columns, weights: Weights) -> tuple[float, Floats]:
        """The sum of the losses of all samples and its gradient by what is unknown [U]."""
        count = columns["times"].shape[-1]
        arrays_of = [dense(network).array for network in self.networks]
        kernel, lanes = self._get("gradient", lambda: gradient_kernel(self.terms, self.unknown, arrays_of), count)
        arrays = self._arrays(columns, weights, lanes)
        arrays["total"] = np.zeros(1, self.kernels.dtype)
        arrays["slope"] = np.zeros(max(widths(self.unknown, arrays_of)[-1], 1), self.kernels.dtype)
        kernel(arrays, {}, (count,), threads=_threads(count))
        return float(arrays["total"][0]), np.asarray(arrays["slope"][self.learnt], dtype=np.float64)

    def _get(self, name: str, build: Callable[[], Kernel], count: int) -> tuple[CompiledKernel, int]:
        return self.kernels.get((name, *self.key, self.unknown, self.networks), build, count)

    def _arrays(self, columns: Columns, weights: Weights, lanes: int) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {
            name: padded(values if values.ndim > 1 else values[None, :], lanes, self.kernels.dtype)
            for name, values in columns.items()
        }
        arrays["times"] = arrays["times"][0]
        return arrays | kernel_weights(weights, np.dtype(self.kernels.dtype))


def learnt_columns(parameters: int, networks: Sequence[NetworkSymbol]) -> NDArray[np.int64]:
    """The places of unknowns among so many parameters and all weights of networks; weights given once are left out."""
    parts, place = [np.arange(parameters)], parameters
    for network in networks:
        layers = dense(network)
        parts.append(np.arange(place + layers.frozen, place + layers.count))
        place += layers.count
    return np.concatenate(parts)


def _threads(count: int) -> int:
    return cores() if count >= SHARED else 1
