"""Python's collector of cycles, left alone while much is built and little dropped."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """No search for cycles inside; afterwards it goes on, where it went on before.

    Graphs of nodes and SymPy's expressions hold no cycles, and stay: searching them again and again for garbage took a
    fifth of the time in which a system is derived and compiled.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
