"""Observations of motions in time, as a fit takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy.core.function import AppliedUndef

from symphys.errors import InputError
from symphys.language import is_complex_field, is_field
from symphys.language.particles import ParticleRate, Particles
from symphys.simulate.inputs import real_numbers

Floats = NDArray[np.float64]


@dataclass(frozen=True, init=False)
class Trajectories:
    """Motions observed at times, which need not be regular; NaN stands where nothing was observed.

    times: [times], or [runs, times] where each run has its own; increasing, NaN beyond the end of a shorter run.
    observed: {coordinate, velocity, or any expression of them: values [times] or [runs, times]}; {particles, or their
    velocities: values [times, n, dim] or [runs, times, n, dim]}; {field, rate, or any expression of them: frames
    [times, *grid] or [runs, times, *grid]}, complex where it is.
    start: {coordinate or velocity: number or [runs]}, what is known of the initial state, at the first time; of
    particles [n, dim] or [runs, n, dim], of fields [*grid] or [runs, *grid].
    weights: {key of `observed`: number or values [times] or [runs, times]}, of the squared errors; 1 by default.
    unknown_start: True, or the components whose initial values are to be found with the parameters. A component that
    is neither in `start` nor named here starts where it was first observed, and is found too if it was not observed.

    Raises `InputError` for shapes that do not fit, times that do not increase, and data that hold nothing.
    """

    times: Floats
    observed: Mapping[Any, Floats]
    start: Mapping[Any, Floats] = field(default_factory=dict)
    weights: Mapping[Any, Floats] = field(default_factory=dict)
    unknown_start: bool | tuple[Any, ...] = ()

    def __init__(
        self,
        times: Any,
        observed: Mapping[Any, Any],
        *,
        start: Mapping[Any, Any] | None = None,
        weights: Mapping[Any, Any] | None = None,
        unknown_start: bool | Iterable[Any] = (),
    ) -> None:
        if not isinstance(observed, Mapping):
            what = "times and observations are swapped" if isinstance(times, Mapping) else "no mapping was given"
            raise InputError(f"{what}; write Trajectories(times, {{coordinate: values [runs, times]}})")
        read = {key: _runs_first(key, _numbers("observations of", key, value)) for key, value in observed.items()}
        if not read:
            raise InputError("the trajectories hold no observations; give {coordinate: values [runs, times]}")
        own = np.atleast_2d(real_numbers("times", "of trajectories", times))
        runs = max(own.shape[0], *(len(values) for values in read.values()))
        shape = (runs, own.shape[1])
        _check_times(own)
        wide = {key: _spread("observations of", key, values, shape) for key, values in read.items()}
        if not any(np.isfinite(values).any() for values in wide.values()):
            raise InputError("the trajectories hold no finite observation; all of their values are NaN")
        weighed = {key: real_numbers("weights of", key, value) for key, value in (weights or {}).items()}
        if strange := [key for key in weighed if key not in wide]:
            raise InputError(f"{strange[0]} has weights but no observations; observed are {', '.join(map(str, wide))}")
        if bad := [key for key, value in weighed.items() if (value < 0).any() or not np.isfinite(value).all()]:
            raise InputError(f"the weights of {bad[0]} are negative or not finite; give 0 for what is not to count")
        begun = {key: _numbers("start of", key, value) for key, value in (start or {}).items()}
        object.__setattr__(self, "times", _spread("times", "of trajectories", own, shape))
        object.__setattr__(self, "observed", wide)
        object.__setattr__(self, "start", {k: _starts(k, value, runs) for k, value in begun.items()})
        object.__setattr__(self, "weights", {k: _weights(k, value, wide[k].shape) for k, value in weighed.items()})
        object.__setattr__(
            self, "unknown_start", unknown_start if isinstance(unknown_start, bool) else tuple(unknown_start)
        )

    @property
    def runs(self) -> int:
        """The number of runs."""
        return self.times.shape[0]

    def of(self, runs: Any) -> Trajectories:
        """Some of the runs, by their indices."""
        chosen = np.asarray(runs)
        return Trajectories(
            self.times[chosen],
            {key: values[chosen] for key, values in self.observed.items()},
            start={key: values[chosen] for key, values in self.start.items()},
            weights={key: values[chosen] for key, values in self.weights.items()},
            unknown_start=self.unknown_start,
        )

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.observed))
        return f"Trajectories: {self.runs} runs of {names} at {self.times.shape[1]} times"


def _check_times(times: Floats) -> None:
    for run, row in enumerate(times):
        finite = np.isfinite(row)
        count = int(finite.sum())
        if count < 2 or not finite[:count].all():
            raise InputError(
                f"run {run} has {count} finite times; give at least two, and NaN only beyond the end of a run"
            )
        if (np.diff(row[:count]) <= 0).any():
            raise InputError(f"the times of run {run} do not increase; sort them, one observation at a time")


def _of_particles(key: Any) -> bool:
    return isinstance(key, Particles | ParticleRate)


def _axes(key: Any) -> int:
    """How many axes of space observations of fields have; 0 for what is none."""
    fields = [node for node in key.atoms(AppliedUndef) if is_field(node)] if isinstance(key, sympy.Basic) else []
    return len(fields[0].args) - 1 if fields else 0


def _numbers(what: str, key: Any, value: Any) -> Any:
    """Real numbers; complex ones of expressions in complex fields."""
    if _axes(key) and any(is_complex_field(node) for node in key.atoms(AppliedUndef)):
        read = np.asarray(value)
        if read.dtype.kind == "c":
            return read.astype(np.complex128)
    return real_numbers(what, key, value)


def _runs_first(key: Any, values: Floats) -> Floats:
    """Observations with an axis of runs."""
    if space := _axes(key):
        if values.ndim not in (space + 1, space + 2):
            raise InputError(
                f"the observations of {key} have the shape {values.shape}; give frames [times, *grid] or [runs, times, "
                f"*grid], with {space} axes of space"
            )
        return values if values.ndim == space + 2 else values[None]
    if not _of_particles(key):
        return np.atleast_2d(values)
    dim = (key.particles if isinstance(key, ParticleRate) else key).dim
    if values.ndim not in (3, 4) or values.shape[-1] != dim:
        raise InputError(
            f"the observations of {key} have the shape {values.shape}; give [times, n, {dim}] or "
            f"[runs, times, n, {dim}]"
        )
    return values if values.ndim == 4 else values[None]


def _spread(what: str, key: Any, values: Floats, shape: tuple[int, int]) -> Floats:
    tail = values.shape[2:] if _of_particles(key) or _axes(key) else ()
    try:
        return np.array(np.broadcast_to(values, (*shape, *tail)))
    except ValueError:
        raise InputError(
            f"the {what} {key} have the shape {values.shape}, and there are {shape[0]} runs of {shape[1]} times; "
            "give [times] or [runs, times]" + (", with the axes of space or particles behind" if tail else "")
        ) from None


def _weights(key: Any, values: Floats, shape: tuple[int, ...]) -> Floats:
    """Weights in the shape of what they belong to; [times] or [runs, times] hold for whole frames."""
    if len(shape) > 2 and values.ndim <= 2 and _axes(key):
        values = np.atleast_2d(values)
        return np.array(np.broadcast_to(values.reshape(*values.shape, *(1,) * (len(shape) - 2)), shape))
    return _spread("weights of", key, np.atleast_2d(values), (shape[0], shape[1]))


def _starts(key: Any, value: Floats, runs: int) -> Floats:
    if space := _axes(key):
        if value.ndim not in (space, space + 1) or not np.isfinite(value).all():
            raise InputError(
                f"the start of {key} has the shape {value.shape}; give finite values [*grid] or [runs, *grid]"
            )
        return np.array(np.broadcast_to(value, (runs, *value.shape[-space:])))
    if _of_particles(key):
        return _particle_starts(key, value, runs)
    if value.ndim > 1 or value.size not in (1, runs):
        raise InputError(f"the start of {key} has the shape {value.shape}; give a number or [{runs}], one a run")
    if not np.isfinite(value).all():
        raise InputError(f"the start of {key} is not finite; leave it out, and it is found with the parameters")
    return np.array(np.broadcast_to(value.reshape(-1), (runs,)))


def _particle_starts(key: Any, value: Floats, runs: int) -> Floats:
    """[runs, n, dim]."""
    if value.ndim not in (2, 3) or (value.ndim == 3 and value.shape[0] not in (1, runs)):
        raise InputError(f"the start of {key} has the shape {value.shape}; give [n, dim] or [{runs}, n, dim]")
    if not np.isfinite(value).all():
        raise InputError(f"the start of {key} is not finite; leave it out, and it is found with the parameters")
    return np.array(np.broadcast_to(value, (runs, *value.shape[-2:])))
