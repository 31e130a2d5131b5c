"""Input signals: callables or samples of the user's, as tables of polynomials that kernels evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import UnsupportedError
from symphys.lower.flow import Flow
from symphys.mechanics.dynamics import Dynamics


def signal_tables(
    dynamics: Dynamics, flow: Flow, given: Mapping[Any, Any], span: tuple[float, float], dtype: np.dtype[Any]
) -> tuple[dict[str, NDArray[Any]], dict[str, float | int]]:
    """The tables of all signals: arrays and scalars of `lower.frame.SignalTable`, by name."""
    if not dynamics.signals:
        return {}, {}
    raise UnsupportedError("signals are being built")
