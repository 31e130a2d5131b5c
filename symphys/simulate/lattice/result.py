"""What a run of fields leaves: states at the saved times, drifts, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.discretise import Grid
from symphys.errors import InputError, UnsupportedError
from symphys.simulate.lattice.naming import field_name
from symphys.simulate.lattice.table import field_parts, field_table
from symphys.simulate.lattice.watch import Watch
from symphys.simulate.run_fixed import Marks
from symphys.simulate.status import Ended


@dataclass(frozen=True)
class FieldResult(Ended):
    """A finished run of fields; `result[phi]` is [time, *grid], with the axes of an ensemble in front.

    t: [time], the saved times. states: by label, complex where the field is. parameters: by symbol [...]; external
    functions are not kept. watch: how far the integrals of conservation laws strayed. totals: by name of the law
    [..., time], its integral. conserved: the laws' densities by name. outcomes, times_reached: how and when each run
    ended [...]; details: [...], why its step is too long for the grid, empty where it is not. rows: [...], one more
    than the last row that each run saved; rows beyond hold NaN in ensembles and are cut off in single runs. time: the
    name of the coordinate of time. t_start: when step 0 is; steps: [time], the numbers of the saved steps; marks: all
    steps that were to be saved.
    Fields and parameters are found by symbol, or by name: "phi", "phi_t".
    """

    t: NDArray[np.float64]
    states: Mapping[Any, NDArray[Any]]
    grid: Grid
    parameters: Mapping[Any, NDArray[np.float64]]
    watch: Watch
    outcomes: NDArray[Any]
    times_reached: NDArray[np.float64]
    rows: NDArray[np.int64]
    steps: NDArray[np.int64]
    marks: Marks
    t_start: float
    method: str = ""
    derivatives: str = ""
    conserved: Mapping[str, Any] = field(default_factory=dict)
    totals: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    time: str = "t"
    details: NDArray[Any] | None = None
    residual: Callable[[str | None], NDArray[np.float64]] | None = field(default=None, compare=False, repr=False)
    flux: Callable[..., Mapping[Any, NDArray[np.float64]]] | None = field(default=None, compare=False, repr=False)

    def __getitem__(self, label: Any) -> NDArray[Any]:
        if label in self.states:
            return self.states[label]
        name = field_name(label)
        for known, values in self.states.items():
            if field_name(known) == name:
                return values
        raise InputError(f"{label} is no part of this result; it has {', '.join(map(str, self.states))}")

    @property
    def drift(self) -> dict[str, NDArray[np.float64]]:
        """By name of the law, the largest change of its integral over the saved times, relative; one number a run.

        It is divided by the largest value of the integral of the absolute values of the terms: dimensionless.
        """
        return self.watch.drift

    @property
    def dt(self) -> float:
        """The step, negative where time ran backwards."""
        return self.marks.h

    def continuity_residual(self, name: str | None = None) -> NDArray[np.float64]:
        """[..., time], the largest |dn/dt + div j| on the grid for a law with a current, by default the charge.

        At each saved time one more step is taken from the saved state; dn/dt is its change, div j the mean of both ends
        by the derivatives of the method, so that what is left is O(dt^2) and the error of the derivatives.

        Raises InputError for an unknown law or one without a current, UnsupportedError for a result from a file.
        """
        if self.residual is None:
            raise UnsupportedError("a result read from a file cannot take the steps that this needs; run again")
        return self.residual(name)

    def current(
        self, name: str | None = None, *, row: int = -1, member: tuple[int, ...] = ()
    ) -> Mapping[Any, NDArray[np.float64]]:
        """{coordinate: [*grid]}, the flux of a law with a current at a saved time, by default that of the charge.

        row: which of the saved times; member: which run of an ensemble. Raises as `continuity_residual` does.
        """
        if self.flux is None:
            raise UnsupportedError("a result read from a file knows no currents; evaluate their flux by the theory")
        return self.flux(name, member, row)

    def plot(self, *labels: Any, member: int | tuple[int, ...] = 0, row: int = -1) -> Any:
        """A matplotlib Figure of fields over space and time, densities, phases, currents and drifts; see `plot.py`."""
        from symphys.simulate.lattice.plot import plot_fields

        return plot_fields(self, *labels, member=member, row=row)

    def animate(
        self, label: Any = None, *, member: int | tuple[int, ...] = 0, frames: int = 100, seconds: float = 8.0
    ) -> Any:
        """A matplotlib FuncAnimation of one field; see `animate.animate_field`."""
        from symphys.simulate.lattice.animate import animate_field

        return animate_field(self, label, member=member, frames=frames, seconds=seconds)

    def to_xarray(self) -> Any:
        """An xarray Dataset of "phi", "phi_t", ..., drifts, totals and status.

        Times, places and parameters are its coordinates. One run has the dimensions of time and space, such as
        ("t", "x"); an ensemble of one axis has "trajectory" in front, of more "axis_0", "axis_1", .... Complex fields
        stay complex. Raises UnsupportedError where xarray is missing.
        """
        from symphys.simulate.save import to_dataset

        return to_dataset(field_table(self))

    def save(self, path: str | Path) -> None:
        """Write all of the result to a file: .nc (NetCDF), .zarr (a Zarr store) or .npz (NumPy's format).

        Files hold real numbers and text: psi is "psi_real" and "psi_imag". Raises InputError for another suffix,
        UnsupportedError where what NetCDF or Zarr need is not installed.
        """
        from symphys.simulate.save import save_table

        save_table(field_table(self), path)

    @classmethod
    def load(cls, path: str | Path) -> FieldResult:
        """Read what `save` wrote. Symbols come back as names, `result[psi]` finds them by name; the grid is whole.

        Nothing in the file is evaluated. Raises InputError where the file is missing or no result of fields.
        """
        from symphys.simulate.save import load_table

        return cls(**field_parts(load_table(path)))

    @classmethod
    def open(cls, path: str | Path) -> FieldResult:
        """A result whose fields stay in the file (.nc or .zarr): `result[psi][-1]` reads one row of it.

        `result[psi]` has a shape, a dtype and indices as an array has, and becomes one where NumPy needs it. A file
        that a run is writing, or was when its process died, is read up to its last row. Raises as `load` does.
        """
        from symphys.simulate.stored import open_table

        return cls(**field_parts(open_table(path)))

    def __repr__(self) -> str:
        many = "one run" if not self.shape else f"{'x'.join(map(str, self.shape))} runs"
        names = ", ".join(field_name(s) for s in self.states)
        size = "x".join(map(str, self.grid.shape))
        ends = ", ".join(sorted({o.name.lower() for o in self.outcomes.flat}))
        drifts = "".join(f"\n  drift of {n}: {float(np.nanmax(d)):.2g}" for n, d in self.drift.items() if np.size(d))
        return f"FieldResult: {many} of {names} on {size} points, {len(self.t)} times, {self.method}: {ends}{drifts}"
