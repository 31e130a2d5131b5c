"""Runs with tangent vectors: the variational equations, and Lyapunov exponents by Benettin's method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError, MethodError
from symphys.integrators import METHODS, External, Method, Taylor
from symphys.language.arrays import on_host
from symphys.lower.tangents import with_tangents
from symphys.simulate.choose import TAYLOR_NODES, Choice, why_no_taylor, work
from symphys.simulate.compiled import Kernels, Lowered
from symphys.simulate.inputs import not_negative, read_span, real_numbers, whole_number
from symphys.simulate.keywords import GuidedOptions, RunOptions
from symphys.simulate.result import Result
from symphys.simulate.run_fixed import read_marks

if TYPE_CHECKING:
    from symphys.simulate.simulator import Simulator

Array = NDArray[np.float64]
Wide = Callable[[int, bool], "Simulator"]  # the simulator with so many vectors, orthonormal or not


@dataclass(frozen=True)
class Variations:
    """A run with the solutions of Y' = (df/dx) Y beside it.

    result: the trajectories.
    vectors: [..., time, n, k], the k vectors at each time, components in the order of `result.states`; from the unit
    matrix they are the derivatives of the state by the initial state. A CuPy array where the states are.
    """

    result: Result
    vectors: Array


@dataclass(frozen=True)
class LyapunovSpectrum:
    """Lyapunov exponents, per unit of time, largest first but for what has not converged.

    exponents: [..., k], the mean rates of growth from the end of the transient to the end of the run.
    t: [samples], and `history` [..., samples, k]: the same up to each of these times, by which convergence is judged.
    result: the trajectories at the start, the end of the transient, and these times.
    """

    exponents: Array
    t: Array
    history: Array
    result: Result

    @property
    def largest(self) -> Array:
        """[...], the first exponent."""
        return self.exponents[..., 0]

    @property
    def sum(self) -> Array:
        """[...], of all exponents the mean divergence of the flow: 0 for Hamiltonian systems."""
        return self.exponents.sum(axis=-1)

    @property
    def dimension(self) -> Array:
        """[...], the dimension of Kaplan and Yorke, j + (lambda_1 + ... + lambda_j) / |lambda_j+1|; of a full spectrum.

        j is the largest number with a sum that is not negative. Kaplan, Yorke, Lecture Notes in Mathematics 730 (1979).
        """
        ordered = -np.sort(-self.exponents, axis=-1)
        sums = np.cumsum(ordered, axis=-1)
        below = np.argmax(sums < 0, axis=-1)[..., None]
        before = np.where(below > 0, np.take_along_axis(sums, np.maximum(below - 1, 0), -1), 0.0)
        rest = np.abs(np.take_along_axis(ordered, below, -1))
        whole = below + np.divide(before, rest, out=np.zeros_like(before), where=rest > 0)
        return np.where((sums < 0).any(axis=-1), whole[..., 0], float(ordered.shape[-1]))


def widened(simulator: Simulator, count: int, orthonormal: bool) -> Simulator:
    """The simulator of the same system with tangent vectors.

    Its methods are those of the simulator; a Taylor series that would be long gives way to dop853. Raises MethodError
    for methods of SciPy, UnsupportedError for systems with constraints or a split of their own.
    """
    lowered, choice = simulator.lowered, simulator.choice
    if isinstance(choice.adaptive, External):
        raise MethodError(
            f"method {choice.adaptive.name!r} runs in SciPy, which follows no tangent vectors; compile with 'dop853', "
            "or with 'gauss4' and give dt"
        )
    flow = with_tangents(lowered.flow, count, orthonormal)
    adaptive: Method | None = choice.adaptive
    if isinstance(adaptive, Taylor) and (why_no_taylor(lowered.dynamics, flow) or work(flow) > TAYLOR_NODES):
        adaptive = METHODS["dop853"]
    kernels = Kernels(simulator.kernels.backend, simulator.kernels.dtype)
    reason = f"{choice.reason} With {count} tangent vectors."
    return replace(
        simulator,
        lowered=Lowered(lowered.dynamics, flow),
        choice=Choice(choice.fixed, adaptive, reason),
        kernels=kernels,
    )


def variations(
    simulator: Simulator,
    wide: Wide,
    initial: Mapping[Any, Any],
    parameters: Any,
    t_span: Any,
    vectors: Any,
    options: RunOptions,
) -> Variations:
    """See `Simulator.variations`; `wide` makes or remembers the simulators with vectors."""
    labels = simulator.lowered.flow.labels
    starts = _vectors(vectors, len(labels), None)
    count = starts.shape[1]
    run = wide(count, False).run(_initial(wide(count, False), initial, starts), parameters, t_span, **options)
    states = list(run.states.items())
    n = len(labels)
    grown = np.stack([values for _, values in states[n:]], axis=-1)
    shaped = grown.reshape(*grown.shape[:-1], count, n)
    return Variations(_narrow(run, n), np.moveaxis(shaped, -1, -2).copy())  # of NumPy or CuPy, as the states are


def lyapunov(
    simulator: Simulator,
    wide: Wide,
    initial: Mapping[Any, Any],
    parameters: Any,
    t_span: Any,
    count: int | None,
    transient: float,
    samples: int,
    options: GuidedOptions,
) -> LyapunovSpectrum:
    """See `Simulator.lyapunov`."""
    labels, span = simulator.lowered.flow.labels, read_span(t_span)
    n = len(labels)
    count = n if count is None else whole_number("count", count)
    if count > n:
        raise InputError(f"count = {count} exponents of a system with {n} components; ask for at most {n}")
    times = _times(span, not_negative("transient", transient), whole_number("samples", samples), options["dt"])
    chosen = wide(count, True)
    start = _initial(chosen, initial, _vectors(None, n, count))
    run = chosen.run(start, parameters, span, t_eval=times, **options)
    growth = on_host(np.stack(list(run.states.values())[n * (1 + count) :], axis=-1))
    # a run that ended early holds fewer rows
    rows = growth.shape[-2]
    elapsed = (times[2:rows] - times[1])[:, None]
    history = (growth[..., 2:, :] - growth[..., 1:2, :]) / elapsed
    last = history[..., -1, :] if history.shape[-2] else np.full((*history.shape[:-2], count), np.nan)
    return LyapunovSpectrum(last, times[2:rows], history, _narrow(run, n))


def _times(span: tuple[float, float], transient: float, samples: int, dt: float | None) -> Array:
    """The start, the end of the transient, and as many times after it as there are samples."""
    start, end = span
    length = abs(end - start)
    if transient >= length:
        raise InputError(f"the transient of {transient:g} leaves nothing of t_span = {span}; shorten it")
    if transient == 0.0:  # the first row after the start is then one sample later
        transient = length / (samples + 1)
    shares = np.concatenate([[0.0], np.linspace(transient / length, 1.0, samples + 1)])
    if dt is None:
        return np.asarray(start + (end - start) * shares)
    marks = read_marks(span, float(dt), None, None)
    steps = np.unique(np.rint(shares * marks.count).astype(np.int64))
    steps = steps[steps * abs(marks.h) <= length * (1 + 1e-12)]  # the last step may lead beyond the end
    if len(steps) < 3:
        raise InputError(
            f"dt = {dt} leaves {marks.count} steps, too few for a transient and samples; take shorter ones"
        )
    return np.asarray(start + steps * marks.h)


def _vectors(given: Any, n: int, count: int | None) -> Array:
    """[n, k], what was given, the unit matrix, or (count) fixed orthonormal vectors in no particular directions."""
    if given is None:
        return (
            np.eye(n) if count is None else np.linalg.qr(np.random.default_rng(1980).normal(size=(n, n)))[0][:, :count]
        )
    vectors = real_numbers("tangent vectors", "vectors", given)
    if vectors.ndim != 2 or vectors.shape[0] != n or not np.isfinite(vectors).all():
        raise InputError(
            f"vectors have the shape {vectors.shape}; give {n} rows, one for each component of the state, of finite "
            "numbers, and a column for each vector"
        )
    return vectors


def _initial(wide: Simulator, initial: Mapping[Any, Any], vectors: Array) -> dict[Any, Any]:
    """Initial values for the wide state: vectors column by column, then no growth."""
    labels = wide.lowered.flow.labels
    behind = labels[vectors.shape[0] :]
    values = [*vectors.T.reshape(-1), *np.zeros(len(behind) - vectors.size)]
    return {**initial, **dict(zip(behind, values, strict=True))}


def _narrow(run: Result, n: int) -> Result:
    """A run without its tangent vectors."""
    return replace(run, states=dict(list(run.states.items())[:n]))
