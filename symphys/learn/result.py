"""What a fit gives back: parameters, how sure they are, how it went, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.learn.eliminate import Elimination
from symphys.learn.status import FitStatus


@dataclass(frozen=True)
class Fit:
    """A finished fit.

    parameters: {symbol: number, array: values}, with the lowest loss seen (the lowest validation loss where there was
    validation). start: {component: [runs]}, initial values that were unknown. method: what found them. uncertainties:
    standard deviations from J^T J, infinite for what the data leave open; empty where there are none. undetermined:
    changes {symbol: change} that leave every residual as it is. history: "loss" and "validation" [steps]. loss: the
    lowest. `status` says how it ended and what to do about it.
    """

    parameters: Mapping[Any, Any]
    method: str
    loss: float
    history: Mapping[str, NDArray[np.float64]]
    status: FitStatus
    uncertainties: Mapping[Any, Any] = field(default_factory=dict)
    undetermined: tuple[Mapping[Any, float], ...] = ()
    start: Mapping[Any, NDArray[np.float64]] = field(default_factory=dict)
    memory: Mapping[str, Any] = field(default_factory=dict, repr=False)
    judge: Callable[..., dict[Any, float]] | None = field(default=None, repr=False, compare=False)
    without: Callable[..., Elimination] | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the fit went where it was sent."""
        return self.status.ok

    def relative_error(
        self, data: Any, parameters: Mapping[Any, Any] | None = None, *, species: Any = None, box: Any = None
    ) -> dict[Any, float]:
        """For each measured quantity of other data, the root of the squared errors over the squared values.

        For particles of several species, for each species. data: as `fit` takes them. parameters: {symbol: values} of
        what was given to the fit and is another here; likewise, for particles, species and box.
        Raises InputError for a fit that was loaded from a file, which has no system.
        """
        if self.judge is None:
            raise InputError("this fit was loaded from a file and has no system; call system.fit(data, start=fit)")
        return self.judge(data, self, parameters or {}, species, box)

    def eliminate(self, terms: Mapping[Any, Any], validation: Any, least: int = 1) -> Elimination:
        """Leave terms of a linear model out one by one, each time the one that the validation loss misses least.

        terms: {name: symbols, elements or whole arrays of parameters that belong to it}; a parameter goes with the
        first of its terms. validation: data as `fit` takes them. least: how many terms stay. Raises InputError for a
        fit that was no linear least squares, or that was loaded from a file.
        """
        if self.without is None:
            raise InputError(f"terms are left out of linear least squares, and this fit is by {self.method}")
        return self.without(terms, validation, least)

    def plot(self) -> Any:
        """A matplotlib Figure of the loss, and of the validation loss, against the steps."""
        from symphys.learn.picture import plot_fit

        return plot_fit(self)

    def save(self, path: str | Path) -> None:
        """Write to a file in NumPy's format, .npz; symbols by name. Raises InputError for another suffix."""
        from symphys.learn.store import save_fit

        save_fit(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Fit:
        """Read what `save` or a checkpoint wrote. Parameters come back under their names; nothing is evaluated."""
        from symphys.learn.store import load_fit

        return load_fit(path)

    def __repr__(self) -> str:
        lines = [f"Fit by {self.method}: loss {self.loss:.6g}, {self.status}"]
        for key, value in self.parameters.items():
            if np.ndim(value):
                lines.append(f"  {key}: {np.size(value)} values")
            elif key in self.uncertainties:
                lines.append(f"  {key} = {value:.6g} +- {self.uncertainties[key]:.2g}")
            else:
                lines.append(f"  {key} = {value:.6g}")
        return "\n".join(lines)
