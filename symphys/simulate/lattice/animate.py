"""Moving pictures of a field: a profile in one dimension, colours in two, the middle slice in three."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.extras import optional
from symphys.simulate.lattice.pictures import (
    Shown,
    arrow_parts,
    arrows,
    axis_name,
    colours,
    currents,
    draw_drifts,
    longest,
    phase_colours,
    phase_key,
    shown,
    thinned,
)
from symphys.simulate.pictures import new_figure, some_of

if TYPE_CHECKING:
    from symphys.simulate.lattice.result import FieldResult

Update = Callable[[int], list[Any]]


def animate_field(
    result: FieldResult,
    label: Any = None,
    *,
    member: int | tuple[int, ...] = 0,
    frames: int = 100,
    seconds: float = 8.0,
) -> Any:
    """A matplotlib FuncAnimation of a field at its saved times, evenly chosen if there are more than `frames`.

    A profile in one dimension; colours in two, and in the middle plane across the last axis in three. Complex fields
    are shown as density, with arrows for the current of the charge where the run knows it, and as phase. Below, the
    integrals of conservation laws with a mark that moves. Colours mean the same in all frames.

    label: the field, by default the first. member: which run of an ensemble. frames, seconds: how many pictures at
    most, and how long they take. `animation.save("run.gif", writer="pillow")` writes a file. Raises UnsupportedError
    where matplotlib is missing, InputError for fields and members that there are not, and results with fewer than two
    times.
    """
    animation = optional("matplotlib.animation", "plot", "animating")
    if frames < 2 or not seconds > 0:
        raise InputError(f"frames = {frames} must be at least 2 and seconds = {seconds} positive")
    each = shown(result, () if label is None else (label,), member)[0]
    if each.rows < 2:
        raise InputError(f"a result with {each.rows} times does not move; save more of them (t_eval, save_every)")
    rows = some_of(each.rows, frames)
    planar = len(result.grid.shape) > 1
    columns = 2 if planar and each.complex else 1
    last = 1 if result.totals else 0
    figure = new_figure(5.0 * columns + 1.0, 4.4 + 1.8 * last)
    cells = figure.add_gridspec(1 + last, 1, height_ratios=[4.4] + [1.8] * last)
    above = cells[0].subgridspec(1, columns)
    if planar:
        drawn = _planes(figure, [above[0, i] for i in range(columns)], each, rows)
    else:
        drawn = [_profile(figure.add_subplot(above[0, 0]), each, rows)]
    if last:
        drawn.append(_clock(figure.add_subplot(cells[1]), each))
    caption = figure.suptitle("")

    def draw(frame: int) -> list[Any]:
        row = int(rows[frame])
        caption.set_text(f"{axis_name(result.time)} = {result.t[row]:.4g}")
        return [caption, *(artist for update in drawn for artist in update(row))]

    draw(0)
    figure.draw_without_rendering()  # lays the axes out once, not in every frame
    figure.set_layout_engine("none")
    return animation.FuncAnimation(figure, draw, frames=len(rows), interval=1000.0 * seconds / len(rows), blit=False)


def _profile(axes: Any, each: Shown, rows: NDArray[np.int64]) -> Update:
    """The field over its one dimension; of complex ones the density, filled in the colours of the phase."""
    points = each.result.grid.axes[0].points
    low = min(float(np.nanmin(each.density(int(r)))) for r in rows)
    high = max(float(np.nanmax(each.density(int(r)))) for r in rows)
    margin = 0.05 * (high - low) or 1.0
    axes.set_xlim(points[0], points[-1])
    axes.set_ylim(low - (0.0 if each.complex else margin), high + margin)
    axes.set_xlabel(axis_name(each.result.grid.axes[0].coordinate))
    axes.set_ylabel(each.density_name)
    (line,) = axes.plot([], [], color="black", linewidth=1.0)
    hues = None
    if each.complex:
        extent = (points[0], points[-1], 0.0, high + margin)
        hues = axes.imshow(np.zeros((1, len(points), 3)), extent=extent, aspect="auto", origin="lower", zorder=0)
        axes.set_xlim(points[0], points[-1])

    def update(row: int) -> list[Any]:
        values = each.density(row)
        line.set_data(points, values)
        if hues is None:
            return [line]
        heights = np.linspace(0.0, high + margin, 200)
        under = heights[:, None] <= values[None, :]
        phases = phase_colours(each.at(row) / np.maximum(np.abs(each.at(row)), 1e-300), 1.0)
        hues.set_data(np.where(under[..., None], phases[None, :, :], 1.0))
        return [hues, line]

    return update


def _planes(figure: Any, cells: list[Any], each: Shown, rows: NDArray[np.int64]) -> list[Update]:
    """The density with its current, and the phase of complex fields."""
    sides = each.result.grid.axes[:2]
    places = [side.points for side in sides]
    densities = [_plane(each.density(int(r))) for r in rows]
    shades = colours(np.array([f(d) for d in densities for f in (np.nanmin, np.nanmax)]))
    top = float(np.sqrt(max(float(np.nanmax(d)) for d in densities))) if each.complex else 1.0
    pictures: list[Any] = []
    updates: list[Update] = []
    for number, cell in enumerate(cells):
        axes = figure.add_subplot(cell)
        axes.set_xlabel(axis_name(sides[0].coordinate))
        axes.set_ylabel(axis_name(sides[1].coordinate))
        lengths = [side.stop - side.start for side in sides]
        if 1 / 4 < lengths[0] / lengths[1] < 4:
            axes.set_aspect("equal")
        axes.set_title(f"phase of {each.name}" if number else each.density_name)
        pictures.append(axes)
    values, *near = thinned(_plane(each.density(0)), *places)
    colourful = pictures[0].pcolormesh(*near, values.T, shading="nearest", **shades)
    figure.colorbar(colourful, ax=pictures[0], pad=0.01)
    fluxes = [_plane_current(each, int(r)) for r in some_of(each.rows, 5)]
    strongest = longest([flux for flux in fluxes if flux is not None])
    quiver = None
    if strongest > 0 and fluxes[0] is not None:
        quiver = arrows(pictures[0], places, fluxes[0], strongest)

    def density(row: int) -> list[Any]:
        colourful.set_array(thinned(_plane(each.density(row)), *places)[0].T)
        if quiver is None:
            return [colourful]
        now = _plane_current(each, row)
        assert now is not None
        quiver.set_UVC(*arrow_parts(places, now, strongest))
        return [colourful, quiver]

    updates.append(density)
    if len(pictures) > 1:
        first = phase_colours(thinned(_plane(each.at(0)), *places)[0], top)
        hues = pictures[1].pcolormesh(*near, first.swapaxes(0, 1), shading="nearest")
        phase_key(figure, pictures[1])

        def phase(row: int) -> list[Any]:
            hues.set_array(phase_colours(thinned(_plane(each.at(row)), *places)[0], top).swapaxes(0, 1))
            return [hues]

        updates.append(phase)
    return updates


def _plane(values: NDArray[Any]) -> NDArray[Any]:
    """A field in a plane: as it is in two dimensions, through the middle of the last axis in three."""
    return values if values.ndim == 2 else values[:, :, values.shape[2] // 2]


def _plane_current(each: Shown, row: int) -> list[NDArray[np.float64]] | None:
    flux = currents(each, row)
    return None if flux is None else [_plane(part) for part in flux[:2]]


def _clock(axes: Any, each: Shown) -> Update:
    draw_drifts(axes, each.result, each.member)
    mark = axes.axvline(each.result.t[0], color="0.5", linewidth=1.0)

    def update(row: int) -> list[Any]:
        mark.set_xdata([each.result.t[row]] * 2)
        return [mark]

    return update
