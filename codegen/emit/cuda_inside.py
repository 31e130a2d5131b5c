"""What stands inside the loops of a thread: its instances, one after the other or several at a time."""

from __future__ import annotations

from codegen.ir import Node
from codegen.program import Block

from .cuda_ahead import Ahead, ahead_of
from .cuda_layout import Layout
from .cuda_parts import first_alone
from .cuda_printer import CudaPrinter
from .cuda_rows import loop_order
from .cuda_together import Share, together
from .cuda_wide import Pieces
from .expressions import Sharing


class Inside:
    """The innermost loop of a thread over rows, at whose head `level` stands, and the instances in it.

    `mine`: what holds in the thread that writes, where several share the loops of an instance.
    """

    def __init__(
        self,
        printer: CudaPrinter,
        layout: Layout,
        share: Share,
        dtype: str,
        level: Block,
        body: Block,
        mine: Node | None = None,
    ) -> None:
        self.printer, self.layout, self.share, self.dtype = printer, layout, share, dtype
        self.level, self.body, self.mine = level, body, mine
        kernel = layout.kernel
        self.axis = loop_order(kernel)[-1] if kernel.outer else None
        self.wide = together(kernel, body, kernel.lane, share.lanes) if share.lanes else None
        self.known: dict[tuple[str, bytes, int], str] = {}
        self.ahead: Ahead | None = None
        self.stop = ""

    def rows(self, start: str, stop: str, several: bool) -> None:
        """Open the loop, after one that takes rows by several, and what is asked for ahead of it."""
        p, axis, share = self.printer, self.axis, self.share
        assert axis is not None
        name, self.stop = p.naming(axis), stop
        if share.rows > 1 and several:
            p.line(f"sym_place {name} = {start};")
            p.line(f"for (; {name} + {share.rows} <= {stop}; {name} += {share.rows}) {{")
            p.depth += 1
            work = together(self.layout.kernel, (*self.level, *self.body), axis, share.rows)
            if self.mine is None:
                p.open_if(f"{p.naming(self.layout.kernel.lane)} < {self.layout.last}")
                p.depth += 1
                p.alike(work.body)
                p.depth -= 1
                p.close(())
            else:
                p.alike(first_alone(work.body, self.mine))
            p.depth -= 1
            p.close(())
            p.line(f"for (; {name} < {stop}; ++{name}) {{")
            return
        if self.wide is not None and share.ahead:
            pieces = Pieces(self.layout.kernel, self.wide, p.addresses, self.dtype)
            self.ahead = ahead_of(self.layout.kernel, pieces, self.level, axis, share.lanes, p.addresses.halo)
        if self.ahead is not None:
            waiting = {piece.key: p.naming.take(f"{piece.array}_ahead") for piece in self.ahead.pieces}
            self.known = waiting
            p.line(f"sym_wide {', '.join(waiting.values())};")
            p.open_if(f"{start} < {stop} && {self._whole()}")
            p.depth += 1
            self._fetch(start)
            p.depth -= 1
            p.close(())
        p.line(f"for (sym_place {name} = {start}; {name} < {stop}; ++{name}) {{")

    def _whole(self) -> str:
        return f"{self.printer.naming(self.layout.kernel.lane)} + {self.share.lanes} <= {self.layout.last}"

    def _fetch(self, row: str) -> None:
        assert self.ahead is not None
        name = self.printer.naming.unused(f"{self.axis}_ahead")
        self.printer.line(f"const sym_place {self.printer.naming(name)} = {row};")
        self.ahead.fetch(self.printer, name, self.known)

    def instances(self) -> None:
        """The instances of a row: all of a thread at a time where there are as many, else one after the other."""
        p, lane, last = self.printer, self.printer.naming(self.layout.kernel.lane), self.layout.last
        if self.mine is not None:
            p.block(first_alone(self.body, self.mine))
            return
        if self.wide is None:
            p.open_if(f"{lane} < {last}")
            p.nested(self.body, Sharing())
            return
        p.open_if(self._whole())
        p.depth += 1
        known = {}
        if self.ahead is not None:
            for piece in self.ahead.pieces:
                known[piece.key] = p.naming.take(f"{piece.array}_wide")
                p.line(f"const sym_wide {known[piece.key]} = {self.known[piece.key]};")
            row = p.naming(str(self.axis))
            p.open_if(f"{row} + 1 < {self.stop}")
            p.depth += 1
            self._fetch(f"{row} + 1")
            p.depth -= 1
            p.close(())
        p.beside(self.wide, self.layout.kernel, self.dtype, known)
        p.depth -= 1
        p.line("} else {")
        p.depth += 1
        place = p.naming.take(f"{lane}_alone")
        p.line(f"for (sym_place {place} = {lane}; {place} < {last}; ++{place}) {{")
        p.depth += 1
        p.line(f"const sym_place {lane} = {place};")
        p.block(self.body)
        p.depth -= 1
        p.close(())
        p.depth -= 1
        p.close(())
