"""Pictures of a result: time series, phase portraits, and how well conserved quantities were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.simulate.pictures import Plane, by_trajectory, label_of, new_figure, planes, some_of
from symphys.simulate.quantities import values_along

if TYPE_CHECKING:
    from symphys.simulate.result import Result

FAN = 32  # trajectories drawn one by one; of larger ensembles the quantiles are shown
MOST_ROWS = 12
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TIME = "$t$"


def plot_result(result: Result, *symbols: Any, fan: int = FAN) -> Any:
    """A matplotlib Figure with a row for each coordinate: its course, that of its velocity or momentum, its portrait.

    A last row shows the drift: along one trajectory |Q(t) - Q(0)| of each conserved quantity Q in its own units, of
    an ensemble the drifts of its trajectories, sorted. Ensembles of more than `fan` trajectories that share their
    times are shown by their median with the bands that hold half and nine tenths of them, and `fan` of them in
    portraits.

    symbols: only the coordinates named here; by default the first twelve.
    Raises UnsupportedError where matplotlib is missing, InputError for symbols that the result does not hold.
    """
    if fan < 1:
        raise InputError(f"fan = {fan}; give the number of trajectories to draw, at least 1")
    rows = planes(result, symbols)
    shown = rows if symbols else rows[:MOST_ROWS]
    last = 1 if result.drift else 0
    figure = new_figure(11.0, 2.4 * (len(shown) + last))
    grid = figure.add_gridspec(len(shown) + last, 3)
    for number, plane in enumerate(shown):
        _draw_row(figure, grid[number, :], result, plane, fan)
    if last:
        _draw_drift(figure.add_subplot(grid[-1, :]), result)
    figure.suptitle(_title(result, len(shown), len(rows)))
    return figure


def _title(result: Result, shown: int, rows: int) -> str:
    parts = [result.method] if result.method else []
    if shown < rows:
        parts.append(f"{shown} of {rows} coordinates")
    bad = int(np.size(result.ok) - np.count_nonzero(result.ok))
    if bad and result.shape:
        parts.append(f"{bad} of {np.size(result.ok)} trajectories did not finish")
    elif bad:
        parts.append(str(result.status))
    return ", ".join(parts)


def _draw_row(figure: Any, cells: Any, result: Result, plane: Plane, fan: int) -> None:
    grid = cells.subgridspec(1, 3)
    if plane.second is not None:
        _draw_course(figure.add_subplot(grid[0, 0]), result, plane.first, fan)
        _draw_course(figure.add_subplot(grid[0, 1]), result, plane.second, fan)
    else:
        columns = slice(0, 2) if plane.against is not None else slice(0, 3)
        _draw_course(figure.add_subplot(grid[0, columns]), result, plane.first, fan)
    if plane.against is not None:
        _draw_portrait(figure.add_subplot(grid[0, 2]), result, plane.first, plane.against, fan)


def _draw_course(axes: Any, result: Result, symbol: Any, fan: int) -> None:
    axes.set_xlabel(TIME)
    axes.set_ylabel(label_of(symbol))
    values = by_trajectory(result[symbol])
    if len(values) > fan and result.t.ndim == 1:
        _draw_bands(axes, result.t, values)
        return
    times = np.broadcast_to(by_trajectory(result.t), values.shape)
    for index in some_of(len(values), fan):
        axes.plot(times[index], values[index], **_thin(len(values)))
    if len(values) == 1:
        for record in result.events:
            axes.plot(record.times.reshape(-1), record[symbol].reshape(-1), "o", markersize=3, color="C3")


def _draw_bands(axes: Any, times: NDArray[Any], values: NDArray[Any]) -> None:
    present = np.isfinite(values).any(axis=0)
    outer, inner, middle, inner_top, outer_top = np.nanquantile(values[:, present], QUANTILES, axis=0)
    axes.fill_between(times[present], outer, outer_top, color="C0", alpha=0.15, linewidth=0, label="90 %")
    axes.fill_between(times[present], inner, inner_top, color="C0", alpha=0.3, linewidth=0, label="50 %")
    axes.plot(times[present], middle, color="C0", linewidth=1.0, label="median")
    axes.legend(fontsize="x-small", loc="best")


def _draw_portrait(axes: Any, result: Result, first: Any, second: Any, fan: int) -> None:
    axes.set_xlabel(label_of(first))
    axes.set_ylabel(label_of(second))
    across, up = by_trajectory(result[first]), by_trajectory(result[second])
    for index in some_of(len(across), fan):
        axes.plot(across[index], up[index], **_thin(len(across)))
    for record in result.events:
        axes.plot(record[first].reshape(-1), record[second].reshape(-1), "o", markersize=2, color="C3")


def _thin(trajectories: int) -> dict[str, Any]:
    """Lines of one trajectory stand out, many let each other through."""
    return {"linewidth": 1.0} if trajectories == 1 else {"linewidth": 0.7, "alpha": 0.6}


def _draw_drift(axes: Any, result: Result) -> None:
    if result.shape:
        axes.set_xlabel("share of the trajectories")
        axes.set_ylabel("drift")
        for name, drift in result.drift.items():
            ordered = np.sort(drift.reshape(-1))
            axes.plot((np.arange(len(ordered)) + 0.5) / max(len(ordered), 1), ordered, label=name)
    else:
        axes.set_xlabel(TIME)
        axes.set_ylabel("$|Q(t) - Q(0)|$")
        # a result that was loaded from a file knows its laws by name alone
        laws = {name: law for name, law in result.conserved.items() if not isinstance(law, str)}
        for (name, _), values in zip(laws.items(), values_along(result, list(laws.values())), strict=True):
            if values.size:
                size = f" (drift {float(result.drift[name]):.1e})" if name in result.drift else ""
                axes.plot(result.t, np.abs(values - values[0]), label=f"{name}{size}")
        for name in result.drift.keys() - laws.keys():
            axes.plot([], [], " ", label=f"{name} (drift {float(result.drift[name]):.1e})")
    if any((np.asarray(line.get_ydata()) > 0).any() for line in axes.lines):
        axes.set_yscale("log")
    axes.legend(fontsize="x-small", loc="best", ncols=4)
