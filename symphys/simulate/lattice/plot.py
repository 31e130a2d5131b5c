"""Pictures of fields: over space and time in one dimension, at some times in two, through the middle in three."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.extras import optional
from symphys.simulate.lattice.pictures import (
    Shown,
    arrows,
    axis_name,
    colours,
    currents,
    draw_drifts,
    draw_totals,
    longest,
    phase_colours,
    phase_key,
    shown,
    thinned,
)
from symphys.simulate.pictures import new_figure, some_of

if TYPE_CHECKING:
    from symphys.simulate.lattice.result import FieldResult

PROFILES = 5
COLUMNS = 3


def plot_fields(result: FieldResult, *labels: Any, member: int | tuple[int, ...] = 0, row: int = -1) -> Any:
    """A matplotlib Figure of fields, and below them what should be conserved.

    One dimension: the field over space and time, and profiles at some times. Two: the field at the first, the middle
    and the last time. Three: slices through the middle at the time of `row`. Complex fields are drawn as density, with
    arrows for the current of the charge where the run knows it, and as phase: the hue is the phase, the brightness the
    modulus. The last row shows |Q(t) - Q(0)| and Q(t) for the integral Q of every conservation law.

    labels: the fields to draw, by default all but rates. member: which run of an ensemble, as a tuple or counted
    through. Raises UnsupportedError where matplotlib is missing, InputError for fields, members and rows that there are
    not.
    """
    fields = shown(result, labels, member)
    place = fields[0].member
    if not -fields[0].rows <= row < fields[0].rows:
        raise InputError(f"row = {row} is none of the {fields[0].rows} saved times")
    row %= fields[0].rows
    dimensions = len(result.grid.shape)
    strips = [(each, phase) for each in fields for phase in ((False, True) if each.complex else (False,))]
    lines = [(each, False) for each in fields] if dimensions == 1 else strips
    last = 1 if result.totals else 0
    figure = new_figure(11.0, 3.0 * len(lines) + 2.2 * last)
    heights = [3.0] * len(lines) + [2.2] * last
    cells = figure.add_gridspec(len(lines) + last, 1, height_ratios=heights)
    for number, (each, phase) in enumerate(lines):
        if dimensions == 1:
            _draw_line(figure, cells[number], each)
        elif dimensions == 2:
            _draw_moments(figure, cells[number], each, phase)
        else:
            _draw_slices(figure, cells[number], each, phase, row)
    if last:
        below = cells[len(lines)].subgridspec(1, 2)
        draw_drifts(figure.add_subplot(below[0]), result, place)
        draw_totals(figure.add_subplot(below[1]), result, place)
    figure.suptitle(_title(result, place))
    return figure


def _title(result: FieldResult, member: tuple[int, ...]) -> str:
    parts = [result.method] if result.method else []
    if result.shape:
        parts.append(f"run {', '.join(map(str, member))} of {'x'.join(map(str, result.shape))}")
    status = result.status[member] if result.shape else result.status
    if not status.ok:
        parts.append(str(status))
    return ", ".join(parts)


# -- one dimension -----------------------------------------------------------------------------------------------------
def _draw_line(figure: Any, cell: Any, each: Shown) -> None:
    """Over space and time, as density and, where complex, as phase; and profiles."""
    result, space = each.result, each.result.grid.axes[0]
    rows = some_of(each.rows, 800)
    values = np.stack([each.at(int(r)) for r in rows])
    values, times, points = thinned(values, result.t[rows], space.points)
    grid = cell.subgridspec(1, COLUMNS)
    profiles = grid[0, 2]
    moving = len(times) > 1
    if not moving:
        profiles = grid[0, :]
    elif each.complex:
        _space_time(figure, grid[0, 0], each, points, times, np.abs(values) ** 2)
        axes = figure.add_subplot(grid[0, 1])
        axes.pcolormesh(points, times, phase_colours(values, float(np.nanmax(np.abs(values)))), shading="nearest")
        axes.set_title(f"phase of {each.name}")
        axes.set_xlabel(axis_name(space.coordinate))
        phase_key(figure, axes)
    else:
        _space_time(figure, grid[0, :2], each, points, times, values)
    axes = figure.add_subplot(profiles)
    axes.set_xlabel(axis_name(space.coordinate))
    axes.set_ylabel(each.density_name)
    chosen = some_of(each.rows, PROFILES)
    for place, row in enumerate(chosen):
        shade = 0.15 + 0.75 * place / max(len(chosen) - 1, 1)
        colour = optional("matplotlib", "plot", "plotting").colormaps["plasma"](shade)
        axes.plot(space.points, each.density(int(row)), color=colour, label=f"{result.t[row]:.4g}", linewidth=1.0)
    axes.legend(title=axis_name(result.time), fontsize="x-small", title_fontsize="x-small", loc="best")


def _space_time(
    figure: Any, cell: Any, each: Shown, points: NDArray[Any], times: NDArray[Any], values: NDArray[Any]
) -> None:
    axes = figure.add_subplot(cell)
    picture = axes.pcolormesh(points, times, values, shading="nearest", **colours(values))
    axes.set_title(each.density_name)
    axes.set_xlabel(axis_name(each.result.grid.axes[0].coordinate))
    axes.set_ylabel(axis_name(each.result.time))
    figure.colorbar(picture, ax=axes, pad=0.01)


# -- two and three -----------------------------------------------------------------------------------------------------
def _draw_moments(figure: Any, cell: Any, each: Shown, phase: bool) -> None:
    """The first, the middle and the last time."""
    rows = [int(r) for r in some_of(each.rows, COLUMNS)]
    pictures = []
    for row in rows:
        flux = None if phase else currents(each, row)
        pictures.append((f"{axis_name(each.result.time)} = {each.result.t[row]:.4g}", each.at(row), (0, 1), flux))
    draw_planes(figure, cell, each, pictures, phase)


def _draw_slices(figure: Any, cell: Any, each: Shown, phase: bool, row: int) -> None:
    """Through the middle, across each axis."""
    values, axes = each.at(row), each.result.grid.axes
    flux = None if phase else currents(each, row)
    pictures = []
    for across in (2, 1, 0):
        middle = axes[across].count // 2
        plane = tuple(i for i in range(3) if i != across)
        part = None if flux is None else [np.take(flux[i], middle, axis=across) for i in plane]
        title = f"{axis_name(axes[across].coordinate)} = {axes[across].points[middle]:.3g}"
        pictures.append((title, np.take(values, middle, axis=across), plane, part))
    draw_planes(figure, cell, each, pictures, phase)


def draw_planes(figure: Any, cell: Any, each: Shown, pictures: list[Any], phase: bool) -> None:
    """Pictures (title, values, axes of the plane, current in it) side by side, in the same colours."""
    grid = cell.subgridspec(1, len(pictures))
    top = max(float(np.nanmax(np.abs(values))) for _, values, _, _ in pictures)
    shades = colours(np.concatenate([_density(values).ravel() for _, values, _, _ in pictures]))
    strongest = longest([flux for _, _, _, flux in pictures if flux is not None])
    made, drawn = [], None
    for number, (title, values, plane, flux) in enumerate(pictures):
        axes = figure.add_subplot(grid[0, number])
        sides = [each.result.grid.axes[i] for i in plane]
        values, *places = thinned(values, *(side.points for side in sides))
        if phase:
            axes.pcolormesh(*places, phase_colours(values, top).swapaxes(0, 1), shading="nearest")
        else:
            drawn = axes.pcolormesh(*places, _density(values).T, shading="nearest", **shades)
        if flux is not None and strongest > 0:
            arrows(axes, [side.points for side in sides], flux, strongest)
        axes.set_xlabel(axis_name(sides[0].coordinate))
        axes.set_ylabel(axis_name(sides[1].coordinate))
        lengths = [side.stop - side.start for side in sides]
        if 1 / 4 < lengths[0] / lengths[1] < 4:
            axes.set_aspect("equal")
        axes.set_title(
            f"phase of {each.name}, {title}" if phase else f"{each.density_name}, {title}", fontsize="medium"
        )
        made.append(axes)
    if phase:
        phase_key(figure, made)
    else:
        figure.colorbar(drawn, ax=made, pad=0.01)


def _density(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.abs(values) ** 2 if np.iscomplexobj(values) else values)
