"""Fields that pass from their starts by all times of observation, with tangents and adjoints of the steps taken.

The steps are those of a simulator on the same grid: a tableau or a splitting, with the rates of the same kernels'
expressions; here every stage also takes its derivatives along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symphys.integrators import ExplicitTableau, Splitting
from symphys.learn.passage import KEPT, Rows
from symphys.learn.site_kernels import SiteKernels
from symphys.learn.term_kernels import Weights
from symphys.lower.lattice.wave import split_stages
from symphys.simulate.compiled import Kernels

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FieldPassage:
    """Rates on a grid and a method with fixed steps.

    targets: [m], the components that the rates of `rates` belong to. drifting: pairs (position, velocity) of
    components. held: [sites], 0 where ends do not move, else 1. components: C.
    """

    rates: SiteKernels
    method: ExplicitTableau | Splitting
    kernels: Kernels
    targets: NDArray[np.int64]
    drifting: NDArray[np.int64]
    held: Floats
    components: int

    def states(self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows) -> Floats:
        """[n, rows, runs], from `initial` [n, runs]; n = C sites. parameters: theta [U], with the `weights` in it."""
        y = self._fields(initial)
        saved = [y]
        for row in range(len(rows.steps)):
            y, _ = self._pass(y, None, parameters, rows, row)
            saved.append(y)
        return np.stack([each.reshape(len(initial), -1) for each in saved], axis=1)

    def tangents(self, initial: Floats, theta: Floats, rows: Rows, initial_dots: Floats) -> tuple[Floats, Floats]:
        """States [n, rows, runs] and their derivatives [n, rows, runs, D] by theta, and along further directions.

        initial_dots: [n, runs, D], the derivatives of the initial states.
        """
        n, runs, many = initial_dots.shape
        y = self._fields(initial)
        dots: Floats | None = initial_dots.reshape(self.components, -1, runs, many)
        saved, saved_dots = [y], [initial_dots]
        for row in range(len(rows.steps)):
            y, dots = self._pass(y, dots, theta, rows, row)
            assert dots is not None
            saved.append(y)
            saved_dots.append(dots.reshape(n, runs, many))
        return np.stack([each.reshape(n, runs) for each in saved], axis=1), np.stack(saved_dots, axis=1)

    def adjoint(self, states: Floats, theta: Floats, rows: Rows, bars: Floats) -> tuple[Floats, Floats]:
        """The slopes of a loss by initial states [n, runs] and by theta [U], from those by states [n, rows, runs].

        From row to row, states are computed again from the row before, and kept; of long stretches, by their halves.
        """
        n, _, runs = states.shape
        bar, slope = self._fields(bars[:, -1]), np.zeros(len(theta))
        for row in reversed(range(len(rows.steps))):
            h = rows.lengths[row]
            start = self._fields(states[:, row])
            bar, found = self._back(start, theta, rows.times[row], h, int(rows.steps[row]), bar)
            slope += found
            bar = bar + self._fields(bars[:, row])
        return bar.reshape(n, runs), slope

    def _back(
        self, start: Floats, theta: Floats, time: Floats, h: Floats, steps: int, bar: Floats
    ) -> tuple[Floats, Floats]:
        if steps * start.size > KEPT and steps > 1:
            first, middle = steps // 2, start
            for k in range(first):
                middle, _ = self._step(middle, None, theta, time + k * h, h)
            bar, late = self._back(middle, theta, time + first * h, h, steps - first, bar)
            bar, early = self._back(start, theta, time, h, first, bar)
            return bar, late + early
        kept = [start]
        for k in range(steps - 1):
            kept.append(self._step(kept[-1], None, theta, time + k * h, h)[0])
        slope = np.zeros(len(theta))
        for k in reversed(range(steps)):
            bar, found = self._undo(kept[k], theta, time + k * h, h, bar)
            slope += found
        return bar, slope

    def _pass(
        self, y: Floats, dots: Floats | None, theta: Floats, rows: Rows, row: int
    ) -> tuple[Floats, Floats | None]:
        """From one row to the next."""
        h = rows.lengths[row]
        with np.errstate(all="ignore"):
            for k in range(int(rows.steps[row])):
                y, dots = self._step(y, dots, theta, rows.times[row] + k * h, h)
        return y, dots

    def _step(
        self, y: Floats, dots: Floats | None, theta: Floats, time: Floats, h: Floats
    ) -> tuple[Floats, Floats | None]:
        """One step of length h [runs] from `time` [runs], of fields and tangents."""
        if isinstance(self.method, Splitting):
            return self._split_step(y, dots, theta, time, h)
        slopes: list[Floats] = []
        dot_slopes: list[Floats] = []
        wide = h[:, None]
        for row, c in zip(self.method.a, self.method.c, strict=True):
            here = y + h * _mixed(row, slopes) if slopes else y
            there = dots if dots is None or not dot_slopes else dots + wide * _mixed(row, dot_slopes)
            slope, dot_slope = self._flow(here, there, theta, time + float(c) * h)
            slopes.append(slope)
            if dot_slope is not None:
                dot_slopes.append(dot_slope)
        moved = None if dots is None else dots + wide * _mixed(self.method.b, dot_slopes)
        return y + h * _mixed(self.method.b, slopes), moved

    def _flow(self, y: Floats, dots: Floats | None, theta: Floats, time: Floats) -> tuple[Floats, Floats | None]:
        """dy/dt and how it changes along the tangents."""
        found = np.zeros_like(y)
        found[self.drifting[:, 0]] = y[self.drifting[:, 1]]
        if dots is None:
            found[self.targets] = self.rates.values(y, theta, time) * self.held[:, None]
            return found, None
        values, rows = self.rates.slopes(y, theta, time)
        found[self.targets] = values * self.held[:, None]
        changed = np.zeros_like(dots)
        changed[self.drifting[:, 0]] = dots[self.drifting[:, 1]]
        changed[self.targets] = self.rates.push(rows, dots) * self.held[:, None, None]
        return found, changed

    def _split_step(
        self, y: Floats, dots: Floats | None, theta: Floats, time: Floats, h: Floats
    ) -> tuple[Floats, Floats | None]:
        assert isinstance(self.method, Splitting)
        y, dots = y.copy(), None if dots is None else dots.copy()
        positions, velocities = self.drifting.T
        for stage in split_stages(self.method):
            w = stage.weight * h
            if stage.kind == "drift":
                y[positions] += w * y[velocities]
                if dots is not None:
                    dots[positions] += w[:, None] * dots[velocities]
                continue
            kick = w * self.held[:, None]
            moment = time + stage.offset * h
            if dots is None:
                y[self.targets] += kick * self.rates.values(y, theta, moment)
            else:
                values, rows = self.rates.slopes(y, theta, moment)
                dots[self.targets] += kick[..., None] * self.rates.push(rows, dots)
                y[self.targets] += kick * values
        return y, dots

    def _undo(self, y: Floats, theta: Floats, time: Floats, h: Floats, bar: Floats) -> tuple[Floats, Floats]:
        """The cotangent of y, and of theta, from that of the state after a step from y."""
        return (self._undo_split if isinstance(self.method, Splitting) else self._undo_tableau)(y, theta, time, h, bar)

    def _undo_tableau(self, y: Floats, theta: Floats, time: Floats, h: Floats, bar: Floats) -> tuple[Floats, Floats]:
        assert isinstance(self.method, ExplicitTableau)
        a, b, c = self.method.a, self.method.b, self.method.c
        slopes: list[Floats] = []
        points: list[Floats] = []
        for row, at in zip(a, c, strict=True):
            points.append(y + h * _mixed(row, slopes) if slopes else y)
            slopes.append(self._flow(points[-1], None, theta, time + float(at) * h)[0])
        total, found = bar.copy(), np.zeros(len(theta))
        point_bars: list[Floats] = [np.zeros_like(bar)] * len(b)
        for i in reversed(range(len(b))):
            later = [float(a[j][i]) * point_bars[j] for j in range(i + 1, len(b)) if a[j][i]]
            slope_bar = h * (float(b[i]) * bar + sum(later, np.zeros_like(bar)))
            if not slope_bar.any():
                continue
            _, rows = self.rates.slopes(points[i], theta, time + float(c[i]) * h)
            pulled, slope = self.rates.pull(rows, slope_bar[self.targets] * self.held[:, None], self.components)
            pulled[self.drifting[:, 1]] += slope_bar[self.drifting[:, 0]]
            point_bars[i] = pulled
            total += pulled
            found += slope
        return total, found

    def _undo_split(self, y: Floats, theta: Floats, time: Floats, h: Floats, bar: Floats) -> tuple[Floats, Floats]:
        assert isinstance(self.method, Splitting)
        stages = split_stages(self.method)
        positions, velocities = self.drifting.T
        before = [y]
        for stage in stages:
            y = y.copy()
            if stage.kind == "drift":
                y[positions] += stage.weight * h * y[velocities]
            else:
                kick = stage.weight * h * self.held[:, None]
                y[self.targets] += kick * self.rates.values(y, theta, time + stage.offset * h)
            before.append(y)
        bar, found = bar.copy(), np.zeros(len(theta))
        for stage, here in zip(reversed(stages), reversed(before[:-1]), strict=True):
            w = stage.weight * h
            if stage.kind == "drift":
                bar[velocities] += w * bar[positions]
                continue
            _, rows = self.rates.slopes(here, theta, time + stage.offset * h)
            pulled, slope = self.rates.pull(rows, w * self.held[:, None] * bar[self.targets], self.components)
            bar += pulled
            found += slope
        return bar, found

    def _fields(self, flat: Floats) -> Floats:
        return flat.reshape(self.components, -1, flat.shape[-1])


def _mixed(weights: tuple[float, ...], parts: list[Floats]) -> Floats:
    return sum((float(w) * part for w, part in zip(weights, parts, strict=False) if w), np.zeros_like(parts[0]))
