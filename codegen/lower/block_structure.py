"""The zero pattern of a linear system: which unknowns can be found before which, without a number being known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, maximum_bipartite_matching

from codegen.errors import InputError

Pattern = Sequence[frozenset[int]]  # of each row, the columns that may differ from zero


class SingularMatrixError(InputError):
    """A matrix that no values make regular: `rows` share fewer columns than there are rows (a zero row is one such)."""

    def __init__(self, rows: tuple[int, ...], columns: tuple[int, ...]) -> None:
        self.rows, self.columns = rows, columns
        where = f"only in columns {', '.join(map(str, columns))}" if columns else "nowhere"
        super().__init__(
            f"singular matrix: rows {', '.join(map(str, rows))} differ from zero {where}, "
            f"so that {len(rows)} equations fix {len(columns)} unknowns; remove or complete them"
        )


@dataclass(frozen=True)
class Block:
    """Equations `rows` that fix the unknowns `columns`, once those of earlier blocks are known."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]


def triangular_blocks(pattern: Pattern, symmetric: bool) -> tuple[Block, ...]:
    """The finest blocks that can be solved one after the other (diagonal and triangular systems give blocks of one).

    A matching pairs each row with an unknown that it can be solved for; the strongly connected components of "row needs
    the unknown of another row" are the blocks. A symmetric positive matrix keeps its diagonal as the matching.
    Raises SingularMatrixError if no matching exists.
    Source: Duff, Erisman, Reid, "Direct Methods for Sparse Matrices" (2nd ed.), chapter 6.
    """
    n = len(pattern)
    if n == 0:
        return ()
    unknown = _diagonal(pattern) if symmetric else _matching(pattern)
    owner = {column: row for row, column in enumerate(unknown)}
    needs = [[owner[column] for column in pattern[row] if column != unknown[row]] for row in range(n)]
    labels = connected_components(_sparse(needs, n), directed=True, connection="strong")[1].tolist()
    order = TopologicalSorter(_condensed(labels, needs))
    members: dict[int, list[int]] = {}
    for row in range(n):
        members.setdefault(labels[row], []).append(row)
    return tuple(
        Block(tuple(members[label]), tuple(unknown[row] for row in members[label])) for label in order.static_order()
    )


def _condensed(labels: Sequence[int], needs: Sequence[Sequence[int]]) -> dict[int, set[int]]:
    graph: dict[int, set[int]] = {}
    for row, others in enumerate(needs):
        label = labels[row]
        graph.setdefault(label, set()).update(labels[r] for r in others if labels[r] != label)
    return graph


def _diagonal(pattern: Pattern) -> list[int]:
    for row, columns in enumerate(pattern):
        if row not in columns:  # a positive matrix with a zero on its diagonal has a zero row
            raise SingularMatrixError((row,), ())
    return list(range(len(pattern)))


def _matching(pattern: Pattern) -> list[int]:
    """Of each row an unknown of its own, the one on the diagonal where possible (what is symmetric stays so)."""
    n = len(pattern)
    if all(row in columns for row, columns in enumerate(pattern)):
        return list(range(n))
    matched = [int(column) for column in maximum_bipartite_matching(_sparse(pattern, n), perm_type="column")]
    if -1 not in matched:
        return matched
    owner = {column: row for row, column in enumerate(matched) if column >= 0}
    rows, reached = {matched.index(-1)}, set[int]()  # Hall: what the unmatched row reaches by alternating paths
    waiting = list(rows)
    while waiting:
        fresh = pattern[waiting.pop()] - reached
        reached |= fresh
        waiting += [owner[column] for column in fresh]
        rows |= {owner[column] for column in fresh}
    raise SingularMatrixError(tuple(sorted(rows)), tuple(sorted(reached)))


def _sparse(rows: Sequence[Sequence[int] | frozenset[int]], n: int) -> csr_array:
    counts = np.cumsum([0, *(len(columns) for columns in rows)])
    indices = np.array([column for columns in rows for column in sorted(columns)], dtype=np.int32)
    return csr_array((np.ones(len(indices)), indices, counts), shape=(n, n))
