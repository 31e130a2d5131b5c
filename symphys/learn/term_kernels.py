"""The kernels of residuals, and their launches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledKernel, Kernel, Memory
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
    _memory: list[Memory] = field(default_factory=list, compare=False, repr=False)
    _given: dict[str, tuple[int, Floats]] = field(default_factory=dict, compare=False, repr=False)  # what lies there

    @property
    def learnt(self) -> NDArray[np.int64]:
        """[U], the columns that kernels give for unknowns."""
        return learnt_columns(len(self.unknown), self.networks)

    def residuals(self, columns: Columns, weights: Weights) -> Floats:
        """[m, samples]."""
        count = columns["times"].shape[-1]
        kernel, lanes = self._get("residuals", lambda: residual_kernel(self.terms), count)
        memory, width = self._laid(columns, weights, lanes)
        memory.full("residuals", (len(self.terms.residuals), width), self.kernels.dtype, 0.0)
        kernel(memory, {}, (count,), threads=_threads(count))
        return np.asarray(memory["residuals"][:, :count], dtype=np.float64)

    def rows(self, columns: Columns, weights: Weights) -> tuple[Floats, Floats]:
        """Residuals [m, samples] and their derivatives by what is unknown [m, U, samples]."""
        count = columns["times"].shape[-1]
        arrays_of = [dense(network).array for network in self.networks]
        kernel, lanes = self._get("rows", lambda: rows_kernel(self.terms, self.unknown, arrays_of), count)
        memory, width = self._laid(columns, weights, lanes)
        m, unknown = len(self.terms.residuals), max(widths(self.unknown, arrays_of)[-1], 1)
        memory.full("residuals", (m, width), self.kernels.dtype, 0.0)
        memory.full("rows", (m, unknown, width), self.kernels.dtype, 0.0)
        kernel(memory, {}, (count,), threads=_threads(count))
        rows = np.asarray(memory["rows"][:, self.learnt, :count], dtype=np.float64)
        return np.asarray(memory["residuals"][:, :count], dtype=np.float64), rows

    def gradient(self, columns: Columns, weights: Weights) -> tuple[float, Floats]:
        """The sum of the losses of all samples and its gradient by what is unknown [U]."""
        count = columns["times"].shape[-1]
        arrays_of = [dense(network).array for network in self.networks]
        kernel, lanes = self._get("gradient", lambda: gradient_kernel(self.terms, self.unknown, arrays_of), count)
        memory, _ = self._laid(columns, weights, lanes)
        memory.full("total", (1,), self.kernels.dtype, 0.0)
        memory.full("slope", (max(widths(self.unknown, arrays_of)[-1], 1),), self.kernels.dtype, 0.0)
        kernel(memory, {}, (count,), threads=_threads(count))
        return float(memory.read("total")[0]), np.asarray(memory.read("slope")[self.learnt], dtype=np.float64)

    def _get(self, name: str, build: Callable[[], Kernel], count: int) -> tuple[CompiledKernel, int]:
        return self.kernels.get((name, *self.key, self.unknown, self.networks), build, count)

    def _laid(self, columns: Columns, weights: Weights, lanes: int) -> tuple[Memory, int]:
        """Columns and weights where kernels read them, and the padded number of samples. Columns that cannot change are
        laid there once, as long as the next call brings the same ones."""
        if not self._memory:
            self._memory.append(self.kernels.backend.memory())
        memory, wide = self._memory[0], np.dtype(self.kernels.dtype)
        for name, values in columns.items():
            before = self._given.pop(name, None)
            if before is None or before[0] != lanes or not _same(before[1], values):
                laid = padded(values if values.ndim > 1 else values[None, :], lanes, wide)
                memory[name] = laid if values.ndim > 1 else laid[0]
            self._given[name] = lanes, values
        memory.update(kernel_weights(weights, wide))
        return memory, memory.shape("times")[-1]


def learnt_columns(parameters: int, networks: Sequence[NetworkSymbol]) -> NDArray[np.int64]:
    """The places of unknowns among so many parameters and all weights of networks; weights given once are left out."""
    parts, place = [np.arange(parameters)], parameters
    for network in networks:
        layers = dense(network)
        parts.append(np.arange(place + layers.frozen, place + layers.count))
        place += layers.count
    return np.concatenate(parts)


def freeze(values: NDArray[Any]) -> None:
    """Let nobody change an array of one's own any more, so that kernels are given it once."""
    for each in _chain(values):
        each.flags.writeable = False


def _chain(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """An array, what it is a view of, and so on."""
    found: Any = values
    while isinstance(found, np.ndarray):
        yield found
        found = found.base


def _same(one: Floats, other: Floats) -> bool:
    """Whether two arrays are the same numbers in the same memory, which nobody can have changed since."""
    if any(each.flags.writeable for values in (one, other) for each in _chain(values)):
        return False
    return (one.ctypes.data, one.shape, one.strides) == (other.ctypes.data, other.shape, other.strides)


def _threads(count: int) -> int:
    return cores() if count >= SHARED else 1
