"""What plots and animations of fields share: which fields, colours of numbers and phases, currents, totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError, UnsupportedError
from symphys.extras import optional
from symphys.language.arrays import on_host
from symphys.simulate.lattice.naming import field_latex, field_name
from symphys.simulate.pictures import typeset

if TYPE_CHECKING:
    from symphys.simulate.lattice.result import FieldResult

ARROWS = 18  # along an axis
MOST_PIXELS = 800  # along an axis of a picture
SIGNED, UNSIGNED = "RdBu_r", "viridis"


@dataclass(frozen=True)
class Shown:
    """One field of one run of an ensemble; `name` in LaTeX where that can be set."""

    result: FieldResult
    label: Any
    member: tuple[int, ...]
    name: str

    @property
    def complex(self) -> bool:
        """Whether it is drawn as density and phase."""
        return self.result[self.label].dtype.kind == "c"

    @property
    def rows(self) -> int:
        """How many times were saved."""
        return int(self.result.rows[self.member])

    @property
    def density_name(self) -> str:
        """What is drawn in colours: the field itself, or its square."""
        return typeset(f"|{self.name.strip('$')}|^2", f"|{self.name}|^2") if self.complex else self.name

    def at(self, row: int) -> NDArray[Any]:
        """[*grid], the field at a saved time."""
        return np.asarray(on_host(self.result[self.label][(*self.member, row)]))

    def density(self, row: int) -> NDArray[np.float64]:
        """[*grid], what is drawn in colours."""
        values = self.at(row)
        return np.asarray(np.abs(values) ** 2 if self.complex else values)


def member_of_ensemble(result: FieldResult, member: int | tuple[int, ...]) -> tuple[int, ...]:
    """The place of a run in an ensemble, given as a tuple or counted through; InputError where there is none."""
    shape, count = result.shape, int(np.prod(result.shape))
    place: tuple[int, ...] | None = None
    if isinstance(member, tuple):
        inside = len(member) == len(shape) and all(0 <= i < n for i, n in zip(member, shape, strict=True))
        place = member if inside else None
    elif 0 <= member < count:
        place = tuple(int(i) for i in np.unravel_index(member, shape)) if shape else ()
    if place is None:
        raise InputError(f"member = {member} is no run of this result, which has {count} of shape {shape}")
    if not result.rows[place]:
        raise InputError(f"run {member} of this result saved nothing; choose another member")
    return place


def shown(result: FieldResult, labels: tuple[Any, ...], member: int | tuple[int, ...]) -> list[Shown]:
    """The fields to draw: those named, or all that are no rates of others."""
    place = member_of_ensemble(result, member)
    names = [field_name(label) for label in result.states]
    if labels:
        wanted = [field_name(label) for label in labels]
        for label in labels:
            result[label]  # names what there is, if it is none of it
    else:
        ending = f"_{result.time}"
        wanted = [n for n in names if not (n.endswith(ending) and n.removesuffix(ending) in names)]
    return [Shown(result, name, place, typeset(field_latex(name), name)) for name in wanted]


def colours(values: NDArray[Any]) -> dict[str, Any]:
    """A colour map and its range: around zero where there are both signs, from the least to the largest otherwise."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if low < 0.0 < high:
        top = max(-low, high)
        return {"cmap": SIGNED, "vmin": -top, "vmax": top}
    if low == high:
        high = low + (abs(low) or 1.0)
    return {"cmap": UNSIGNED, "vmin": low, "vmax": high}


def phase_colours(values: NDArray[Any], top: float) -> NDArray[np.float64]:
    """[..., 3], the phase as hue (red at 0, then yellow, green, cyan at pi), the modulus as brightness up to `top`."""
    hue = (np.angle(values) / (2 * np.pi)) % 1.0
    brightness = np.clip(np.abs(values) / (top or 1.0), 0.0, 1.0)
    saturation = np.full(hue.shape, 0.85)
    turned = np.nan_to_num(np.stack([hue, saturation, np.sqrt(brightness)], axis=-1))
    return np.asarray(optional("matplotlib.colors", "plot", "plotting").hsv_to_rgb(turned))


def thinned(values: NDArray[Any], *axes: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Values over some axes and these axes, with every n-th entry where there are more than a picture shows."""
    steps = tuple(slice(None, None, -(-len(axis) // MOST_PIXELS)) for axis in axes)
    return (values[steps], *(axis[step] for axis, step in zip(axes, steps, strict=True)))


def phase_key(figure: Any, axes: Any) -> None:
    """A key of hues beside a picture of phases."""
    cm, colors = (optional(f"matplotlib.{name}", "plot", "plotting") for name in ("cm", "colors"))
    # hues begin at phase 0, so that the key from -pi to pi begins in the middle of the wheel
    wheel = colors.ListedColormap(colors.hsv_to_rgb([((i / 256 + 0.5) % 1.0, 0.85, 1.0) for i in range(256)]))
    bar = figure.colorbar(cm.ScalarMappable(colors.Normalize(-np.pi, np.pi), wheel), ax=axes, pad=0.01)
    bar.set_ticks([-np.pi, 0.0, np.pi], labels=[r"$-\pi$", "0", r"$\pi$"])


def axis_name(coordinate: Any) -> str:
    """The name of a coordinate on an axis of a picture."""
    return typeset(field_latex(coordinate), str(coordinate))


def currents(which: Shown, row: int) -> list[NDArray[np.float64]] | None:
    """The current of the charge at a saved time; None for real fields, and where none is known."""
    if not which.complex:
        return None
    try:
        found = which.result.current("charge", row=row, member=which.member)
    except (InputError, UnsupportedError):
        return None
    return list(found.values())


def arrows(axes: Any, places: list[NDArray[Any]], flux: list[NDArray[Any]], top: float) -> Any:
    """Arrows for a current [*plane] along two axes, a few in every direction; the longest stand for `top`."""
    steps = _arrow_steps(places)
    grid = (places[0][steps[0]], places[1][steps[1]])
    scale = top * ARROWS / 2.0  # the longest are twice as long as they are apart
    look = {"color": "white", "edgecolor": "black", "linewidth": 0.4, "pivot": "middle", "width": 0.007, "minlength": 0}
    return axes.quiver(*grid, *arrow_parts(places, flux, top), scale=scale, scale_units="width", **look)


def arrow_parts(places: list[NDArray[Any]], flux: list[NDArray[Any]], top: float) -> list[NDArray[Any]]:
    """The components of the arrows; those that would be dots are left out."""
    across, up = (part[_arrow_steps(places)].T for part in flux[:2])
    dots = np.hypot(across, up) < 0.03 * top
    return [np.where(dots, np.nan, part) for part in (across, up)]


def _arrow_steps(places: list[NDArray[Any]]) -> tuple[slice, ...]:
    return tuple(slice(len(p) // (2 * ARROWS), None, max(1, len(p) // ARROWS)) for p in places[:2])


def longest(fluxes: list[list[NDArray[Any]]]) -> float:
    """The largest modulus of some currents in a plane."""
    return max((float(np.nanmax(np.hypot(flux[0], flux[1]))) for flux in fluxes), default=0.0)


def draw_drifts(axes: Any, result: FieldResult, member: tuple[int, ...]) -> None:
    """|Q(t) - Q(0)| of every law in the course of one run, with its drift in the legend."""
    axes.set_xlabel(axis_name(result.time))
    axes.set_ylabel("$|Q(t) - Q(0)|$")
    for name, course in result.totals.items():
        values = course[member]
        drift = float(result.drift[name][member])
        change = np.abs(values - values[0])
        axes.plot(result.t, np.where(change > 0, change, np.nan), label=f"{name} (drift {drift:.1e})")
    if any((np.asarray(line.get_ydata()) > 0).any() for line in axes.lines):
        axes.set_yscale("log")
    axes.legend(fontsize="x-small", loc="best", ncols=2)


def draw_totals(axes: Any, result: FieldResult, member: tuple[int, ...]) -> None:
    """The integrals themselves."""
    axes.set_xlabel(axis_name(result.time))
    axes.set_ylabel("$Q(t)$")
    for name, course in result.totals.items():
        axes.plot(result.t, course[member], label=name)
    axes.legend(fontsize="x-small", loc="best", ncols=2)
