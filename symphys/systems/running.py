"""What every system can do once it is derived: compile, evaluate, emit. The classes delegate here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from codegen import collection_paused
from symphys.keywords import takes
from symphys.language import spread_arrays
from symphys.learn.fit import fit
from symphys.learn.options import LossOptions, read_options
from symphys.learn.result import Fit
from symphys.learn.system import CoordinateSystem
from symphys.mechanics.dynamics import Dynamics
from symphys.mechanics.linearise import Linearisation, equilibrium, linearise
from symphys.mechanics.split import Part, derive_split
from symphys.simulate.compiled import Kernels, Lowered, kernels_for, lower
from symphys.simulate.emit import trajectory_source
from symphys.simulate.evaluate import evaluate_expression
from symphys.simulate.simulator import Simulator, build_simulator


class Runnable:
    """A system with derived `dynamics`, which can be compiled, evaluated and emitted."""

    @property
    def dynamics(self) -> Dynamics:
        """The equations of motion in jet symbols, as lowering takes them."""
        raise NotImplementedError

    @property
    def _generator(self) -> Any:
        """The Hamiltonian or the energy function in jet symbols; None for what has neither."""
        return None

    def compile(
        self, method: str = "auto", *, backend: str = "cpu", dtype: str = "float64", split: Sequence[Any] = ()
    ) -> Simulator:
        """A simulator of this system.

        method: "auto", or the name of an integrator (`Simulator.explain()` says which were chosen, and why).
        backend: "cpu", "cuda", "reference" (NumPy), or "cuda-shim" (CUDA source on the CPU).
        dtype: "float64" or "float32".
        split: the Hamiltonian (the energy of a Lagrangian, in coordinates and velocities) as parts (H_A, H_B, ...)
            that add up to it; fixed steps then alternate between their exact flows. The first is the large part of a
            near-integrable system: SABA and ABA methods err by what is left. Each part must be kinetic or potential
            energy alone, of second degree, or Kepler's p^2/(2 m) - k/|q|, which is found from its structure.

        Raises `MethodError` for a method that is unknown or does not suit the system and for a part without a known
        flow, `InputError` for an unknown backend or dtype and for parts that do not add up, with what is left over,
        `BackendUnavailableError` where the backend cannot run here.
        """
        with collection_paused():
            return build_simulator(self.dynamics, method, backend, dtype, self._parts(split))

    def _parts(self, split: Sequence[Any]) -> tuple[Part, ...]:
        """The parts of a split with their flows; none where none were given."""
        if isinstance(split, tuple | list) and not split:
            return ()
        return derive_split(self.dynamics, self._generator, split)

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

    @takes(LossOptions)
    def fit(
        self,
        data: Any,
        unknowns: Iterable[Any] | None = None,
        parameters: Mapping[Any, Any] | None = None,
        *,
        backend: str = "cpu",
        **options: Unpack[LossOptions],
    ) -> Fit:
        """Find unknown parameters from data, with exact derivatives; nothing that was computed is lost.

        data: {symbol: values [samples]}, states with the accelerations (or rates) measured at them; or `Trajectories`.
        The loss is the mean over samples and components of the squared difference between what the equations of motion
        give and what was measured; of trajectories, between simulated and observed states. NaN is what is missing.
        unknowns: symbols and arrays; None: every parameter that is not among `parameters` {symbol: value}.
        guess, bounds: {symbol: number}, {symbol: (lower, upper)}; positive parameters stay positive. A guess may be
        given for unknown starts too, {component of the state: number or [runs]}.
        loss: an expression whose mean is the loss, or several whose squares are; `predicted(x)` in it is what the
        model says of x. weights: {measured symbol: weights} of the squared errors of samples.
        optimizer: "auto" chooses "least_squares" where the residuals are linear in the unknowns, "levenberg_marquardt"
        up to a few thousand unknowns, else "adam_lbfgs"; "adam" and "lbfgs" may be named too. `steps` bounds their
        steps; learning_rate, schedule ("cosine", "constant" or a function of the share done), batch: of Adam.
        regularisation: times the squared distance of the unknowns from their guess, in units of the guess (in
        logarithms for positive ones), is added to the loss. validation: a share of the samples or runs, or other data;
        the parameters with the lowest validation loss are returned then, after `patience` steps without a lower one.
        method, dt: how trajectories are integrated, with steps of at most dt; by default with as many as make the
        error of the method small. start: a fit, or the path of a saved one or of a checkpoint, to go on from.
        checkpoint: a path that is written every half a minute. progress: as for runs. seed: of everything random.
        tries: so many first weights are drawn, a tenth of the steps is taken from each, and the best goes on.

        Raises `InputError` for data, unknowns, guesses and options that do not fit the system or each other, and names
        them; `MethodError` for a method that cannot integrate it. A fit that fails on its way raises nothing: its
        status says why, and its parameters are the best that it saw.
        """
        read = read_options(**options)
        key = f"{backend} {read['dtype']}"
        if key not in self._evaluators:
            self._evaluators[key] = kernels_for(backend, read["dtype"])
        return fit(CoordinateSystem(self._lowered, self._evaluators[key]), data, unknowns, parameters or {}, read)

    @cached_property
    def _lowered(self) -> Lowered:
        """The system in nodes, lowered once for all fits."""
        return lower(self.dynamics)

    @cached_property
    def _evaluators(self) -> dict[str, Kernels]:
        """Compiled expressions by backend."""
        return {}

    def linearise(self, point: Mapping[Any, float], parameters: Mapping[Any, float] | None = None) -> Linearisation:
        """The linear system d x' = A d x about an equilibrium, with its eigenvalues and stability.

        point: {label: value}; velocities that are not given are 0. Raises `InputError` for a point that is no
        equilibrium, for missing values and for systems that depend on time, `UnsupportedError` for constrained ones.
        """
        return linearise(self.dynamics, point, spread_arrays(parameters or {}))

    def equilibrium(
        self, guess: Mapping[Any, float], parameters: Mapping[Any, float] | None = None
    ) -> dict[Any, float]:
        """The equilibrium near a guess {label: value}; of a Lagrangian system the coordinates alone.

        Raises `InputError` if none is found from there, and as `linearise` does.
        """
        return equilibrium(self.dynamics, guess, spread_arrays(parameters or {}))

    def emit(
        self,
        backend: str = "cpu",
        *,
        method: str = "auto",
        dtype: str = "float64",
        adaptive: bool = False,
        split: Sequence[Any] = (),
    ) -> str:
        """The source of the kernel that advances trajectories: "cpu" as readable Python, "llvm", or "cuda".

        adaptive: the kernel for a tolerance in place of the one for fixed steps, where the method has both.
        split: as for `compile`.
        """
        return trajectory_source(self.dynamics, method, dtype, backend, adaptive, self._parts(split))
