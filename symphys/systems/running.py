"""What every system can do once it is derived: compile, evaluate, emit. The classes delegate here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.mechanics.dynamics import Dynamics
from symphys.mechanics.linearise import Linearisation, equilibrium, linearise
from symphys.simulate.compiled import Kernels, kernels_for
from symphys.simulate.emit import trajectory_source
from symphys.simulate.evaluate import evaluate_expression
from symphys.simulate.simulator import Simulator, build_simulator


class Runnable:
    """A system with derived `dynamics`, which can be compiled, evaluated and emitted."""

    @property
    def dynamics(self) -> Dynamics:
        """The equations of motion in jet symbols, as lowering takes them."""
        raise NotImplementedError

    def compile(self, method: str = "auto", *, backend: str = "cpu", dtype: str = "float64") -> Simulator:
        """A simulator of this system.

        method: "auto", or the name of an integrator (`Simulator.explain()` says which were chosen, and why).
        backend: "cpu", "cuda", "reference" (NumPy), or "cuda-shim" (CUDA source on the CPU).
        dtype: "float64" or "float32".

        Raises `MethodError` for a method that is unknown or does not suit the system, `InputError` for an unknown
        backend or dtype, `BackendUnavailableError` where the backend cannot run here.
        """
        return build_simulator(self.dynamics, method, backend, dtype)

    def evaluate(
        self,
        expression: Any,
        state: Mapping[Any, Any],
        parameters: Mapping[Any, Any] | None = None,
        t: Any = 0.0,
        *,
        backend: str = "cpu",
    ) -> NDArray[np.float64]:
        """The values of an expression in coordinates, velocities, accelerations, parameters and t; arrays broadcast.

        Accelerations follow from the equations of motion. Raises `InputError` for symbols without a value.
        """
        if backend not in self._evaluators:
            self._evaluators[backend] = kernels_for(backend, "float64")
        return evaluate_expression(self.dynamics, self._evaluators[backend], expression, state, parameters or {}, t)

    @cached_property
    def _evaluators(self) -> dict[str, Kernels]:
        """Compiled expressions by backend."""
        return {}

    def linearise(self, point: Mapping[Any, float], parameters: Mapping[Any, float] | None = None) -> Linearisation:
        """The linear system d x' = A d x about an equilibrium, with its eigenvalues and stability.

        point: {label: value}; velocities that are not given are 0. Raises `InputError` for a point that is no
        equilibrium, for missing values and for systems that depend on time, `UnsupportedError` for constrained ones.
        """
        return linearise(self.dynamics, point, parameters or {})

    def equilibrium(
        self, guess: Mapping[Any, float], parameters: Mapping[Any, float] | None = None
    ) -> dict[Any, float]:
        """The equilibrium near a guess {label: value}; of a Lagrangian system the coordinates alone.

        Raises `InputError` if none is found from there, and as `linearise` does.
        """
        return equilibrium(self.dynamics, guess, parameters or {})

    def emit(
        self, backend: str = "cpu", *, method: str = "auto", dtype: str = "float64", adaptive: bool = False
    ) -> str:
        """The source of the kernel that advances trajectories: "cpu" as readable Python, "llvm", or "cuda".

        adaptive: the kernel for a tolerance in place of the one for fixed steps, where the method has both.
        """
        return trajectory_source(self.dynamics, method, dtype, backend, adaptive)
