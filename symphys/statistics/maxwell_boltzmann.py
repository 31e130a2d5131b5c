"""Velocities at a temperature."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError


def maxwell_boltzmann(
    temperature: float, masses: Any, species: Any = None, *, seed: int = 0, dim: int = 3, drift: bool = False
) -> NDArray[np.float64]:
    """[n, dim], velocities with components of variance k_B T / m, as particles in equilibrium have them.

    temperature: k_B T as an energy. masses: [n] numbers, or {species: number} with species [n]. Without `drift` the
    mean momentum is taken off. Raises `InputError` for values that are not positive and species without a mass.
    """
    if isinstance(masses, Mapping):
        if species is None:
            raise InputError("masses were given by species; give species=[...], a name for each particle")
        names = [str(each) for each in species]
        if missing := sorted(set(names) - set(masses)):
            raise InputError(f"the species {missing[0]} has no mass; give one for each")
        masses = [masses[name] for name in names]
    m = np.atleast_1d(np.asarray(masses, dtype=np.float64))
    if m.ndim != 1 or not (m > 0).all() or not 0.0 <= temperature < float("inf"):
        raise InputError(f"the temperature {temperature} and the masses must be positive; masses are [n]")
    v = np.random.default_rng(seed).standard_normal((len(m), dim)) * np.sqrt(temperature / m)[:, None]
    return v if drift else v - (m[:, None] * v).sum(axis=0) / m.sum()
