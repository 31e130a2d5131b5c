"""Moving pictures of a result: bodies in the plane, or states in their phase planes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.extras import optional
from symphys.simulate.pictures import by_trajectory, label_of, new_figure, planes, some_of
from symphys.simulate.quantities import values_along

if TYPE_CHECKING:
    from symphys.simulate.result import Result

CLOUD = 500  # trajectories that are animated together
MOST_PLANES = 6
FINE = 5  # points of a tail between two frames


@dataclass(frozen=True)
class Scene:
    """A plane in which points move: their courses [trajectory, body, frame], and the names of the axes."""

    across: NDArray[np.float64]
    up: NDArray[np.float64]
    names: tuple[str, str]
    even: bool  # whether both axes have one scale
    joined: bool  # whether the bodies of a trajectory are joined by a line


def animate_result(
    result: Result,
    positions: Sequence[tuple[Any, Any]] | None = None,
    *,
    frames: int = 200,
    seconds: float = 8.0,
    trail: float = 0.15,
    joined: bool = False,
) -> Any:
    """A matplotlib FuncAnimation of a result, at even times between its first and its last (interpolated linearly).

    positions: [(x, y), ...], the place of each body, expressions in the state, the parameters and t; without them every
    coordinate moves in its phase plane. Up to 500 trajectories of an ensemble move together.
    frames, seconds: how many pictures, and how long they take. trail: the share of the run that a tail shows.
    joined: whether a line joins the bodies in their order, as rods do; a fixed end is a position such as (0, 0).

    `animation.save("run.gif", writer="pillow")` writes a file. Raises UnsupportedError where matplotlib is missing,
    InputError for symbols that the result does not hold and for results with fewer than two times.
    """
    animation = optional("matplotlib.animation", "plot", "animating")
    if frames < 2 or not seconds > 0 or not 0 <= trail <= 1:
        raise InputError(
            f"frames = {frames} must be at least 2, seconds = {seconds} positive and trail = {trail} within 0 and 1"
        )
    times = even_times(result, (frames - 1) * FINE + 1)
    scenes = _bodies(result, positions, times, joined) if positions else _phase_planes(result, times)
    columns = min(len(scenes), 3)
    rows = -(-len(scenes) // columns)
    figure = new_figure(max(4.0 * columns, 5.0), 3.6 * rows if not positions else _height(scenes[0]))
    drawn = [_prepare(figure.add_subplot(rows, columns, i + 1), scene, trail) for i, scene in enumerate(scenes)]
    caption = figure.suptitle("")

    def draw(frame: int) -> list[Any]:
        caption.set_text(f"t = {times[frame * FINE]:.2f}")
        return [caption, *(artist for update in drawn for artist in update(frame))]

    draw(0)
    figure.draw_without_rendering()  # lays the axes out once, not in every frame
    figure.set_layout_engine("none")
    return animation.FuncAnimation(figure, draw, frames=frames, interval=1000.0 * seconds / frames, blit=False)


def even_times(result: Result, frames: int) -> NDArray[np.float64]:
    """Even times over the run; InputError where fewer than two were saved."""
    known = result.t[np.isfinite(result.t)]
    if len(known) < 2:
        raise InputError(f"a result with {len(known)} times does not move; save more of them (t_eval, save_every)")
    forward = result.t.reshape(-1)[0] == known.min()
    low, high = float(known.min()), float(known.max())
    return np.linspace(low, high, frames) if forward else np.linspace(high, low, frames)


def at_times(result: Result, values: NDArray[Any], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """[trajectory, frame]: values [..., time] at other times, NaN beyond the end of a trajectory."""
    courses = by_trajectory(values)
    own = np.broadcast_to(by_trajectory(result.t), courses.shape)
    found = np.full((len(courses), len(times)), np.nan)
    for course, clock, out in zip(courses, own, found, strict=True):
        known = np.isfinite(clock) & np.isfinite(course)
        if known.any():
            order = slice(None) if clock[known][0] <= clock[known][-1] else slice(None, None, -1)
            out[:] = np.interp(times, clock[known][order], course[known][order], left=np.nan, right=np.nan)
    return found


def _chosen(result: Result) -> NDArray[np.int64]:
    return some_of(int(np.prod(result.shape, dtype=np.int64)), CLOUD)


def _bodies(
    result: Result, positions: Sequence[tuple[Any, Any]], times: NDArray[np.float64], joined: bool
) -> list[Scene]:
    if any(len(place) != 2 for place in positions):
        raise InputError("positions holds something else than pairs (x, y); give two expressions for each body")
    values = values_along(result, [expression for place in positions for expression in place])
    moved = np.stack([at_times(result, v, times)[_chosen(result)] for v in values], axis=1)
    return [Scene(moved[:, 0::2], moved[:, 1::2], ("$x$", "$y$"), True, joined)]


def _phase_planes(result: Result, times: NDArray[np.float64]) -> list[Scene]:
    scenes = []
    for plane in planes(result)[:MOST_PLANES]:
        if plane.against is None:
            continue
        pair = [at_times(result, result[s], times)[_chosen(result), None] for s in (plane.first, plane.against)]
        scenes.append(Scene(pair[0], pair[1], (label_of(plane.first), label_of(plane.against)), False, False))
    if not scenes:
        raise InputError("one variable alone has no phase plane; give positions=[(x, y), ...]")
    return scenes


def _height(scene: Scene) -> float:
    """The height of a picture five inches wide whose axes have one scale."""
    (left, right), (bottom, top) = _room(scene.across), _room(scene.up)
    return float(np.clip(4.2 * (top - bottom) / (right - left), 2.0, 7.0)) + 1.0


def _prepare(axes: Any, scene: Scene, trail: float) -> Callable[[int], list[Any]]:
    """Axes with room for all that comes, and the function that draws one frame."""
    axes.set_xlabel(scene.names[0])
    axes.set_ylabel(scene.names[1])
    axes.set_xlim(*_room(scene.across))
    axes.set_ylim(*_room(scene.up))
    if scene.even:
        axes.set_aspect("equal", adjustable="box")
    trajectories, bodies = scene.across.shape[:2]
    few = trajectories * bodies <= 32
    length = round(trail * scene.across.shape[-1]) if few else 0
    tails = [axes.plot([], [], linewidth=0.8, alpha=0.6)[0] for _ in range(trajectories * bodies)] if length else []
    rods = [axes.plot([], [], color="0.4", linewidth=1.2)[0] for _ in range(trajectories)] if scene.joined else []
    size = 6.0 if few else 2.0
    points = [axes.plot([], [], "o", markersize=size, color=f"C{i}")[0] for i in range(bodies)]

    def update(frame: int) -> list[Any]:
        frame *= FINE
        for body, point in enumerate(points):
            point.set_data(scene.across[:, body, frame], scene.up[:, body, frame])
        for trajectory, rod in enumerate(rods):
            rod.set_data(scene.across[trajectory, :, frame], scene.up[trajectory, :, frame])
        first = max(frame - length, 0)
        for index, tail in enumerate(tails):
            trajectory, body = divmod(index, bodies)
            tail.set_color(f"C{body}")
            part = slice(first, frame + 1)
            tail.set_data(scene.across[trajectory, body, part], scene.up[trajectory, body, part])
        return [*tails, *rods, *points]

    return update


def _room(values: NDArray[np.float64]) -> tuple[float, float]:
    """The range of what moves with a margin of a twentieth, never empty."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    margin = 0.05 * (high - low) or 0.05 * abs(low) or 1.0
    return low - margin, high + margin
