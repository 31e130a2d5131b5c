"""Cells of a row, and pieces of a table, as kernels look them up."""

from __future__ import annotations

from codegen import Node, apply, real


def cell_among(place: Node, count: Node) -> Node:
    """The cell of a row of `count` in which a place in units of a cell lies, or the nearest there is, as a real number.

    A place that is not a number lies in the first: comparisons with it are false, and what is read must be there until
    the run is found to have left the finite world.
    """
    cell = apply("floor", place)
    return apply("select", apply("le", real(0.0), cell), apply("min", cell, count - 1.0), real(0.0))
