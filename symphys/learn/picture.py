"""The picture of a fit: how its loss fell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from symphys.simulate.pictures import new_figure

if TYPE_CHECKING:
    from symphys.learn.result import Fit


def plot_fit(fit: Fit) -> Any:
    """A matplotlib Figure of the losses against the steps, on logarithmic scales where they are positive."""
    figure = new_figure(6.4, 4.0)
    axes = figure.add_subplot()
    for name, losses in fit.history.items():
        shown = np.where(np.isfinite(losses), losses, np.nan)
        axes.plot(np.arange(1, len(shown) + 1), shown, label=name, linewidth=1.0, marker="." if len(shown) < 50 else "")
    if all((np.asarray(line.get_ydata()) > 0).any() for line in axes.lines):
        axes.set_yscale("log")
    axes.set(xlabel="step", ylabel="loss", title=f"{fit.method}, loss {fit.loss:.3g}")
    axes.legend()
    return figure
