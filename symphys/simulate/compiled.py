"""Kernels of a simulator: lowered, optimised and compiled when a run first needs them, kept for the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from codegen import (
    Backend,
    CompiledKernel,
    CompiledProgram,
    Kernel,
    Program,
    collection_paused,
    compile_kernel,
    compile_program,
    get_backend,
)
from symphys.lower.flow import Canonical, Flow, lower_canonical, lower_flow
from symphys.mechanics.constrained import Constrained
from symphys.mechanics.dynamics import Dynamics, SecondOrder
from symphys.mechanics.split import Part


@dataclass(frozen=True)
class Lowered:
    """A system in nodes, lowered once: its flow, where asked for its canonical form, and the split that was given."""

    dynamics: Dynamics
    flow: Flow
    split: tuple[Part, ...] = ()
    _canonical: list[Canonical] = field(default_factory=list, compare=False, repr=False)

    @property
    def canonical(self) -> Canonical | None:
        """The canonical form (q, p) of a Lagrangian system without constraints; None for other systems."""
        if not isinstance(self.dynamics, SecondOrder) or isinstance(self.dynamics, Constrained):
            return None
        if self.flow.tangents is not None:  # vectors belong to positions and velocities
            return None
        if not self._canonical:
            self._canonical.append(lower_canonical(self.dynamics))
        return self._canonical[0]


def lower(dynamics: Dynamics, split: Sequence[Part] = ()) -> Lowered:
    """A system in nodes, with the flows of the parts of its split."""
    return Lowered(dynamics, lower_flow(dynamics, split), tuple(split))


@dataclass(frozen=True)
class Kernels:
    """Compiled kernels by what they were made for; compiling is left to the first run that needs it."""

    backend: Backend
    dtype: str
    _known: dict[Any, CompiledKernel] = field(default_factory=dict, compare=False, repr=False)
    _programs: dict[Any, CompiledProgram] = field(default_factory=dict, compare=False, repr=False)

    def program(self, key: tuple[Any, ...], build: Callable[[], Program]) -> CompiledProgram:
        """The program of a key."""
        if key not in self._programs:
            self._programs[key] = compile_program(build(), self.backend, self.dtype)
        return self._programs[key]

    def get(self, key: tuple[Any, ...], build: Callable[[], Kernel], instances: int) -> tuple[CompiledKernel, int]:
        """The kernel of a key for that many instances, and the multiple to which their axis is padded."""
        backend = self.backend.suited(instances)
        full = (key, backend.lanes(self.dtype))
        if full not in self._known:
            with collection_paused():
                self._known[full] = compile_kernel(build(), backend, self.dtype)
        return self._known[full], backend.lanes(self.dtype)


def kernels_for(backend: str, dtype: str) -> Kernels:
    """An empty set of kernels for a backend; raises BackendUnavailableError where it cannot run here."""
    return Kernels(get_backend(backend), dtype)
