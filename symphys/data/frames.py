"""Frames: snapshots of the same atoms, with what was computed or recorded at each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError

Floats = NDArray[np.float64]
_PER_ATOM = ("forces", "velocities")


@dataclass(frozen=True)
class Frames:
    """Snapshots of the same n atoms; what was not recorded is None.

    positions: [frames, n, dim], in angstrom. species: (n names). box: [frames, dim, dim], edges in rows, of boxes that
    are periodic along all edges; None without. forces: [frames, n, dim] in eV/angstrom. energies: [frames] in eV.
    velocities: [frames, n, dim] in sqrt(eV / u), times: [frames] in angstrom sqrt(u / eV), as in `symphys.units`. Other
    consistent units do as well: nothing here depends on them.

    `frames[i:j]`, `frames[[0, 5, 9]]` and masks choose frames; one number gives a single frame, with its axis kept.

    Raises `InputError` for shapes that do not fit each other and numbers that are not finite.
    """

    positions: Floats
    species: tuple[str, ...]
    box: Floats | None = None
    forces: Floats | None = None
    energies: Floats | None = None
    velocities: Floats | None = None
    times: Floats | None = None

    def __post_init__(self) -> None:
        for name in self._arrays():
            array = np.asarray(getattr(self, name), dtype=np.float64)
            if not np.isfinite(array).all():
                raise InputError(f"the {name} of the frames hold {array[~np.isfinite(array)].flat[0]}; remove it")
            object.__setattr__(self, name, array)
        object.__setattr__(self, "species", tuple(map(str, self.species)))
        if self.positions.ndim != 3:
            raise InputError(f"positions have the shape {self.positions.shape}; give [frames, n, dim]")
        count, n, dim = self.positions.shape
        if len(self.species) != n:
            raise InputError(f"{len(self.species)} species were given for {n} atoms; give one for each")
        wanted = dict.fromkeys(_PER_ATOM, (count, n, dim)) | {"energies": (count,), "times": (count,)}
        for name, shape in (wanted | {"box": (count, dim, dim)}).items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise InputError(f"{name} has the shape {array.shape}; for positions {(count, n, dim)} give {shape}")

    def _arrays(self) -> tuple[str, ...]:
        names = (entry.name for entry in fields(self) if entry.name != "species")
        return tuple(name for name in names if getattr(self, name) is not None)

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, index: Any) -> Frames:
        """Some of the frames."""
        if isinstance(index, int | np.integer):
            if not -len(self) <= index < len(self):
                raise IndexError(f"there is no frame {index}; there are {len(self)}")
            index = [int(index)]
        chosen = {name: getattr(self, name)[index] for name in self._arrays()}
        return Frames(species=self.species, **chosen)

    def masses(self, masses: Any) -> Floats:
        """[n] masses of the atoms, from {species: mass} or [n] numbers.

        Raises `InputError` for species without a mass, other lengths, and masses that are not positive.
        """
        if isinstance(masses, Mapping):
            if missing := sorted(set(self.species) - set(masses)):
                raise InputError(f"the species {missing[0]} has no mass; give one for each")
            masses = [masses[name] for name in self.species]
        m = np.asarray(masses, dtype=np.float64)
        if m.shape != (len(self.species),) or not (m > 0).all():
            raise InputError(
                f"masses of the shape {m.shape} were given for {len(self.species)} atoms; give "
                "{species: mass} or one positive number for each"
            )
        return m

    def accelerations(self, masses: Any) -> Floats:
        """[frames, n, dim], a_i = F_i / m_i; from eV/angstrom and u in the units of `symphys.units`.

        masses: {species: mass} or [n]. Raises `InputError` where no forces are known, and as `masses` does.
        """
        if self.forces is None:
            raise InputError("these frames hold no forces, and so no accelerations; read data with forces")
        return np.asarray(self.forces / self.masses(masses)[:, None])

    def __repr__(self) -> str:
        kinds = ", ".join(f"{self.species.count(name)} {name}" for name in dict.fromkeys(self.species))
        return f"Frames: {len(self)} of {len(self.species)} atoms ({kinds}), with {', '.join(self._arrays())}"


def joined(parts: list[Frames], origins: list[str]) -> Frames:
    """Frames of the same atoms one after the other; `origins` name them in errors.

    Raises `InputError` where atoms differ, or where one part holds what another does not.
    """
    first = parts[0]
    for part, origin in zip(parts[1:], origins[1:], strict=True):
        if part.species != first.species:
            raise InputError(
                f"{origin} has other atoms ({len(part.species)}) than {origins[0]} ({len(first.species)}), or in "
                "another order; read them apart"
            )
        if differ := set(part._arrays()) ^ set(first._arrays()):
            raise InputError(f"only one of {origins[0]} and {origin} holds {sorted(differ)[0]}; read them apart")
    if len(parts) == 1:
        return first
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in first._arrays()}
    return Frames(species=first.species, **arrays)
