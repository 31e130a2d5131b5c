"""What a thread asks memory for one row before it needs it, while it walks along an axis.

Of every array those pieces are taken that no thread has read before: the instances' own, or, where neighbours along
the walk are read, the furthest ahead; the others are still in the caches. Rows of one launch do not wait for each
other, and what an instance reads beyond its own place is not written, so that nothing asked for early is out of date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from codegen.bindings import names_read
from codegen.ir import Kind, Node, constant_value, variable, variables
from codegen.optimise.traverse import Substitution, with_nodes
from codegen.program import Block, Kernel, Load, nodes_of

from .cuda_printer import CudaPrinter
from .cuda_wide import Piece, Pieces, own_pieces
from .expressions import Sharing


@dataclass(frozen=True)
class Ahead:
    """The pieces, and the loads of tables (`tables`) that say where they are in a row along an axis."""

    axis: Node
    tables: tuple[Load, ...]
    pieces: tuple[Piece, ...]

    def fetch(self, printer: CudaPrinter, row: str, names: Mapping[tuple[str, bytes, int], str]) -> None:
        """Write the loads of a row, the name of which is given."""
        there = variable(row, Kind.INT)
        swap = Substitution({self.axis: there})
        sharing = Sharing()
        for load in self.tables:
            target = variable(printer.naming.unused(f"{load.target.attribute}_{row}"), load.target.kind)
            moved = with_nodes(load, swap.all(nodes_of(load)))
            assert isinstance(moved, Load)
            printer.statement(replace(moved, target=target), sharing)
            swap.set(load.target, target)
        for piece in self.pieces:
            (base,) = printer.render((swap(piece.base),), sharing)
            printer.load_piece(names[piece.key], piece, base, declare="")


def ahead_of(kernel: Kernel, pieces: Pieces, level: Block, axis: str, lanes: int, halo: int) -> Ahead | None:
    """What to ask for ahead along an axis, at the head of whose loop `level` stands; None where there is nothing."""
    tables = {str(s.target.attribute): s for s in level if isinstance(s, Load)}
    chosen: list[Piece] = []
    for candidates in own_pieces(pieces, kernel, lanes, halo).values():
        far = max(_distance(p.base, tables) for p in candidates)
        furthest = [p for p in candidates if _distance(p.base, tables) == far]
        others = {p.base.key: _foreign(p.base, kernel, tables) for p in furthest}
        chosen += [p for p in furthest if others[p.base.key] == min(others.values())]
    here = variable(axis, Kind.INT)
    along = [p for p in chosen if here in variables((p.base,)) or set(tables) & names_read((p.base,))]
    if not along:
        return None
    needed = names_read(p.base for p in along)
    loads = tuple(s for name, s in tables.items() if name in needed)
    if any(names_read(nodes_of(s)) & set(tables) for s in loads):
        return None
    return Ahead(here, loads, tuple(along))


def _distance(base: Node, tables: Mapping[str, Load]) -> int:
    """How far ahead along the walk a place is, as the tables tell it that it is read from; 0 where there is none."""
    return max((_constant(n) for name in names_read((base,)) if name in tables for n in tables[name].index), default=0)


def _foreign(base: Node, kernel: Kernel, tables: Mapping[str, Load]) -> int:
    """How many variables of a place are neither axes nor numbers of the kernel nor of these tables."""
    own = {kernel.lane, *kernel.outer, *(s.name for s in kernel.scalars), *tables}
    return len(names_read((base,)) - own)


def _constant(n: Node) -> int:
    """The constant of a sum."""
    if n.op == "add":
        return sum(_constant(a) for a in n.args)
    if n.op == "sub":
        return _constant(n.args[0]) - _constant(n.args[1])
    return int(constant_value(n) or 0) if n.op == "constant" else 0
