"""What a run of particles leaves: places and velocities at the saved times, drifts, temperature, pressure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError, UnsupportedError
from symphys.simulate.particles.box import Box
from symphys.simulate.status import Ended

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ParticleResult(Ended):
    """A finished run; `result[atoms]` is [time, particle, component], with the axes of an ensemble in front.

    t: [time]. positions are not folded into a box. drift: by law, the largest change over the watched steps by the
    largest sum of absolute values of its terms (norms for vectors), one number a run. totals: by name [..., time], such
    as "kinetic", "potential", "virial", "momentum" [..., time, dim].
    outcomes, times_reached: how and when each run ended; rows beyond hold NaN in ensembles, and are cut off else.
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
        counted)."""
        return 2.0 * self.totals["kinetic"] / self.degrees

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
        """[..., time], sum_{i<j} (r_i - r_j) . F_ij."""
        return self.totals["virial"]

    def __repr__(self) -> str:
        many = "one run" if not self.shape else f"{'x'.join(map(str, self.shape))} runs"
        ends = ", ".join(sorted({o.name.lower() for o in self.outcomes.flat}))
        drifts = "".join(f"\n  drift of {n}: {float(np.nanmax(d)):.2g}" for n, d in self.drift.items() if np.size(d))
        return (
            f"ParticleResult: {many} of {self.positions.shape[-2]} particles {self.particles}, {len(self.t)} times, "
            f"{self.method}: {ends}{drifts}"
        )
