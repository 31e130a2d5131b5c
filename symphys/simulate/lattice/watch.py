"""How far the integrals of conservation laws strayed in the course of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Watch:
    """By name of the law, one number a run [...].

    first: the integral at the first saved time. change: the largest |integral - first| so far. scale: the largest
    integral of the absolute values of the terms so far. They are all that a run needs to go on being watched.
    """

    first: Numbers
    change: Numbers
    scale: Numbers

    @property
    def drift(self) -> dict[str, NDArray[np.float64]]:
        """change / scale, dimensionless; zero where there is nothing to change."""
        found = {}
        for name, change in self.change.items():
            scale = np.asarray(self.scale[name])
            found[name] = np.divide(change, scale, out=np.zeros(scale.shape), where=scale > 0)
        return found

    def see(self, name: str, member: tuple[int, ...], total: float, size: float) -> None:
        """Take note of an integral, and of that of absolute values."""
        if np.isnan(self.first[name][member]):
            self.first[name][member] = total
        stray = abs(total - self.first[name][member])
        self.change[name][member] = max(self.change[name][member], stray)
        self.scale[name][member] = max(self.scale[name][member], size)


def new_watch(names: tuple[str, ...], shape: tuple[int, ...]) -> Watch:
    """Before anything was seen."""
    return Watch(
        {name: np.full(shape, np.nan) for name in names},
        {name: np.zeros(shape) for name in names},
        {name: np.zeros(shape) for name in names},
    )
