"""What lowering promises of repetitions on a lattice whose axes are rings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rings:
    """What a repetition promises, so that a backend may take several launches in one walk through memory.

    All axes are rings, and instances do alike wherever they are but for what they read. `tables`: lists of places along
    the outer axes, by their names in the program, each with its centre: entry i + centre + k is the place k further on
    than i. `fills`: kernels that copy the ends of rows into the cells beyond their other ends, and do nothing else.
    What a turn writes before it reads it is of no use after the last.
    """

    tables: tuple[tuple[str, int | str], ...] = ()
    fills: tuple[str, ...] = ()
