"""Memory that vectors are loaded from whole: arrays that begin on a cache line."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE = 64  # bytes of a cache line


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Zeros that begin on a cache line."""
    kind = np.dtype(dtype)
    length = prod(shape)
    raw = np.zeros(length + LINE // kind.itemsize, dtype=kind)
    lead = (-raw.ctypes.data % LINE) // kind.itemsize
    return raw[lead : lead + length].reshape(shape)
