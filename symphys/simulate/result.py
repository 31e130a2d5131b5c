"""What a run gives back: arrays by symbol, times, drifts, events, and how each trajectory ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.simulate.ledger import EnergyLedger
from symphys.simulate.naming import plain_name
from symphys.simulate.status import Ended, counted
from symphys.simulate.table import result_fields, table_of


@dataclass(frozen=True)
class EventRecord:
    """The crossings of one event: `times` and `states` by symbol [..., slots], NaN beyond `count` [...]."""

    times: NDArray[Any]
    states: Mapping[Any, NDArray[Any]]
    count: NDArray[np.int64]

    def __getitem__(self, symbol: Any) -> NDArray[Any]:
        return component(self.states, symbol)


@dataclass(frozen=True)
class Result(Ended):
    """A finished run; `result[symbol]` is [..., time], the leading axes those of the ensemble.

    `t`: [time], or [..., time] where each trajectory of an ensemble chose its own steps (NaN beyond its end).
    `drift`: by name of the conserved quantity, the largest change over the watched steps divided by the largest sum
    of the absolute values of its terms; dimensionless, one number a trajectory. `outcomes`, `times_reached`: how and
    when each trajectory ended [...]; `status` joins them. `steps`, `rejected`: numbers of steps [...]. `pairs`:
    (coordinate, velocity or momentum) for components that belong together. `multipliers`: by symbol, those of
    constraints [..., time]. `ledger`: where energy came from and went to; None where none can, or nothing was watched.
    Components are found by symbol, or by name: "theta1", "theta1_dot".
    """

    t: NDArray[Any]
    states: Mapping[Any, NDArray[Any]]
    parameters: Mapping[Any, NDArray[Any]]
    drift: Mapping[str, NDArray[Any]]
    outcomes: NDArray[Any]
    times_reached: NDArray[Any]
    steps: NDArray[np.int64]
    rejected: NDArray[np.int64]
    events: tuple[EventRecord, ...] = ()
    method: str = ""
    conserved: Mapping[str, Any] = field(default_factory=dict)
    pairs: tuple[tuple[Any, Any], ...] = ()
    multipliers: Mapping[Any, NDArray[Any]] = field(default_factory=dict)
    ledger: EnergyLedger | None = None
    details: NDArray[Any] | None = None

    def __getitem__(self, symbol: Any) -> NDArray[Any]:
        return component({**self.states, **self.multipliers} if self.multipliers else self.states, symbol)

    def plot(self, *symbols: Any, fan: int = 32) -> Any:
        """A matplotlib Figure of courses, phase portraits and drifts; see `plot.plot_result`."""
        from symphys.simulate.plot import plot_result

        return plot_result(self, *symbols, fan=fan)

    def animate(
        self,
        positions: Sequence[tuple[Any, Any]] | None = None,
        *,
        frames: int = 200,
        seconds: float = 8.0,
        trail: float = 0.15,
        joined: bool = False,
    ) -> Any:
        """A matplotlib FuncAnimation of bodies in the plane, or of phase planes; see `animate.animate_result`."""
        from symphys.simulate.animate import animate_result

        return animate_result(self, positions, frames=frames, seconds=seconds, trail=trail, joined=joined)

    def to_xarray(self) -> Any:
        """An xarray Dataset of "theta1", "theta1_dot", ..., drifts and status; times and parameters are coordinates.

        One trajectory has the dimension "t", an ensemble of one axis "trajectory" and "t", of more "axis_0",
        "axis_1", ... and "t". Where each trajectory chose its own times, "step" takes the place of "t" and "t" has
        the axes of the states. Raises UnsupportedError where xarray is missing.
        """
        from symphys.simulate.save import to_dataset

        return to_dataset(table_of(self))

    def save(self, path: str | Path) -> None:
        """Write all of the result to a file: .nc (NetCDF), .zarr (a Zarr store) or .npz (NumPy's format).

        Raises InputError for another suffix, UnsupportedError where what NetCDF or Zarr need is not installed.
        """
        from symphys.simulate.save import save_table

        save_table(table_of(self), path)

    @classmethod
    def load(cls, path: str | Path) -> Result:
        """Read what `save` wrote. Symbols come back as names; `result[theta1]` finds them by name.

        Nothing in the file is evaluated. Raises InputError where the file is missing or no result.
        """
        from symphys.simulate.save import load_table

        fields = result_fields(load_table(path))
        ledger = EnergyLedger(**fields["ledger"]) if fields["ledger"] else None
        return cls(**{**fields, "events": tuple(EventRecord(*event) for event in fields["events"]), "ledger": ledger})

    def __repr__(self) -> str:
        many = "one trajectory" if not self.shape else f"{'x'.join(map(str, self.shape))} trajectories"
        names = ", ".join(plain_name(s) for s in self.states)
        counts = {outcome.name.lower(): n for outcome, n in counted(self.outcomes).items()}
        ends = ", ".join(f"{n} {name}" if self.shape else name for name, n in counts.items())
        known = {name: float(np.nanmax(drift)) for name, drift in self.drift.items() if np.size(drift)}
        drifts = "".join(f"\n  drift of {name}: {value:.2g}" for name, value in known.items())
        return f"Result: {many} of {names}, {self.t.shape[-1]} times, {self.method}: {ends}{drifts}"


def component(states: Mapping[Any, NDArray[Any]], symbol: Any) -> NDArray[Any]:
    """A component of a state by its symbol or by its plain name; InputError where there is none."""
    found = states.get(symbol)  # once: SymPy compares slowly
    if found is not None:
        return found
    name = plain_name(symbol)
    for label, values in states.items():
        if plain_name(label) == name:
            return values
    have = ", ".join(plain_name(s) for s in states)
    other = (
        "; expressions are for `evaluate` of the system"
        if isinstance(symbol, sympy.Add | sympy.Mul | sympy.Pow)
        else ""
    )
    raise InputError(f"{symbol} is no part of this result; it has {have}{other}")
