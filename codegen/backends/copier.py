"""Large copies by several threads: one alone moves a fraction of what memory can, and fresh memory costs it pages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHARE = 1 << 20  # bytes that are worth a thread


@dataclass(frozen=True)
class Copier:
    """Copies arrays by up to so many threads, which wait for the next between; they are made when there is much to do,
    and end with the copier."""

    threads: int

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="copier")

    def copy(self, target: NDArray[Any], values: NDArray[Any]) -> None:
        """target[...] = values, of one shape, also of other types where numbers keep their kind."""
        parts = min(self.threads, target.nbytes // SHARE)
        if parts < 2:
            np.copyto(target, values, casting="same_kind")
            return
        axis = int(np.argmax(target.shape))
        there, given = np.moveaxis(target, axis, 0), np.moveaxis(values, axis, 0)
        edges = [len(there) * i // parts for i in range(parts + 1)]
        pieces = [slice(*edge) for edge in pairwise(edges)]
        done = [self._pool.submit(np.copyto, there[piece], given[piece], casting="same_kind") for piece in pieces[1:]]
        np.copyto(there[pieces[0]], given[pieces[0]], casting="same_kind")
        for each in done:
            each.result()
