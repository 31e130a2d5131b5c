"""What a run of particles leaves: places and velocities at the saved times, drifts, temperature, pressure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.data import Frames, write_extxyz
from symphys.errors import InputError, UnsupportedError
from symphys.language.arrays import on_host
from symphys.simulate.particles.box import Box
from symphys.simulate.particles.table import particle_parts, particle_table
from symphys.simulate.status import Ended

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ParticleResult(Ended):
    """A finished run; `result[atoms]` is [time, particle, component], with the axes of an ensemble in front.

    t: [time]. positions are not folded into a box. drift: by law, the largest change over the watched steps by the
    largest sum of absolute values of its terms (norms for vectors), one number a run. totals: by name [..., time], such
    as "kinetic", "potential", "virial", "momentum" [..., time, dim].
    outcomes, times_reached: how and when each run ended; rows beyond hold NaN in ensembles, and are cut off else.
    details: of runs that ended early, which constraint did not hold, or which particle was where it could not go on.
    """

    t: Floats
    particles: Any
    positions: NDArray[Any]
    velocities: NDArray[Any]
    drift: Mapping[str, Floats]
    totals: Mapping[str, Floats]
    degrees: int
    box: Box | None
    outcomes: NDArray[Any]
    times_reached: Floats
    method: str = ""
    species: tuple[str, ...] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    details: NDArray[Any] | None = None

    def __getitem__(self, key: Any) -> NDArray[Any]:
        rate = self.particles.rate(1)
        if key in (self.particles, str(self.particles)):
            return self.positions
        if key in (rate, str(rate)):
            return self.velocities
        raise InputError(f"{key} is no part of this result; it has {self.particles} and {rate}")

    @property
    def energy(self) -> Floats:
        """[..., time], kinetic and potential energy."""
        return self.totals["kinetic"] + self.totals["potential"]

    @property
    def temperature(self) -> Floats:
        """[..., time], k_B T = 2 K / f, as an energy, with f degrees of freedom (those of a conserved momentum not
        counted, nor what constraints hold); NaN where none is left."""
        return 2.0 * self.totals["kinetic"] / (self.degrees or np.nan)

    @property
    def pressure(self) -> Floats:
        """[..., time], (2 K + sum_{i<j} r . F) / (dim V); forces on single particles do not count.

        Raises UnsupportedError without a box. Allen, Tildesley, "Computer Simulation of Liquids", 2nd ed., section 2.4.
        """
        if self.box is None:
            raise UnsupportedError("a pressure needs a volume; compile with a box")
        return (2.0 * self.totals["kinetic"] + self.virial) / (self.particles.dim * self.box.volume)

    @property
    def virial(self) -> Floats:
        """[..., time], sum_{i<j} (r_i - r_j) . F_ij, forces along lists and of constraints included."""
        return self.totals["virial"]

    def frames(self, member: int | tuple[int, ...] = 0, *, every: int = 1) -> Frames:
        """Every so many of the saved times as frames, with times, velocities, potential energies and the box.

        member: which run of an ensemble, as a tuple or counted through. Frames that a run did not reach are left out.
        Species that were not named are called "X". Raises InputError for a member that there is not, or no frame.
        """
        if every < 1:
            raise InputError(f"every = {every}; give a whole number of at least 1")
        one = self._member(member)
        places, velocities = on_host(self.positions[one]), on_host(self.velocities[one])
        rows = np.flatnonzero(np.isfinite(places[:, 0, 0]))[::every]
        if not len(rows):
            raise InputError("this run reached none of the times to save; there are no frames")
        count = self.positions.shape[-2]
        box = None if self.box is None else np.broadcast_to(self.box.matrix, (len(rows), *self.box.matrix.shape))
        return Frames(
            places[rows],
            self.species or ("X",) * count,
            box,
            energies=self.totals["potential"][one][rows],
            velocities=velocities[rows],
            times=self.t[rows],
        )

    def _member(self, member: int | tuple[int, ...]) -> tuple[int, ...]:
        shape, size = self.shape, int(np.prod(self.shape))
        index = member if isinstance(member, tuple) else None
        if index is None and 0 <= int(member) < size:  # type: ignore[arg-type]
            index = tuple(int(i) for i in np.unravel_index(int(member), shape)) if shape else ()  # type: ignore[arg-type]
        if index is None or len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape, strict=True)):
            raise InputError(f"there is no run {member}; the ensemble has the shape {shape}")
        return index

    def to_xarray(self) -> Any:
        """An xarray Dataset: positions "r" and velocities "r_dot" over (t, particle, component), with coordinates.

        Beside them energy, temperature, pressure and what was recorded over t, drifts and status; ensembles have the
        dimension "trajectory" in front, or "axis_0", "axis_1", .... Raises UnsupportedError where xarray is missing.
        """
        from symphys.simulate.save import to_dataset

        return to_dataset(particle_table(self))

    def write_extxyz(self, path: str | Path, *, every: int = 1, member: int | tuple[int, ...] = 0) -> None:
        """Write the trajectory of one run as extended XYZ, which programs that show molecules read; see `frames`."""
        write_extxyz(path, self.frames(member, every=every))

    def save(self, path: str | Path) -> None:
        """Write all of the result to a file: .nc (NetCDF), .zarr (a Zarr store) or .npz (NumPy's format).

        Raises InputError for another suffix, UnsupportedError where what NetCDF or Zarr need is not installed.
        """
        from symphys.simulate.save import save_table

        save_table(particle_table(self), path)

    @classmethod
    def load(cls, path: str | Path) -> ParticleResult:
        """Read what `save` wrote; nothing in the file is evaluated.

        Raises InputError where the file is missing or no result of particles.
        """
        from symphys.simulate.save import load_table

        return cls(**particle_parts(load_table(path)))

    def __repr__(self) -> str:
        many = "one run" if not self.shape else f"{'x'.join(map(str, self.shape))} runs"
        ends = ", ".join(sorted({o.name.lower() for o in self.outcomes.flat}))
        drifts = "".join(f"\n  drift of {n}: {float(np.nanmax(d)):.2g}" for n, d in self.drift.items() if np.size(d))
        return (
            f"ParticleResult: {many} of {self.positions.shape[-2]} particles {self.particles}, {len(self.t)} times, "
            f"{self.method}: {ends}{drifts}"
        )
