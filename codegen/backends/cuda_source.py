"""What CUDA prints of a kernel: for blocks that work together where that pays, else an instance a thread."""

from __future__ import annotations

from dataclasses import replace

from codegen.emit.cuda_blocks import emit_kernel
from codegen.emit.cuda_team import ROOM, team_of
from codegen.lower.jets import gather_jets
from codegen.optimise.pipeline import optimise_kernel
from codegen.optimise.roots import lift_roots
from codegen.outer import write_out
from codegen.product import write_out_products
from codegen.program import Kernel, Product, functions, statements

from .interface import Optimise

WIDE = 16  # rows and columns of a matrix from which on threads make products together


def prepared(kernel: Kernel, optimise: Optimise | None, dtype: str, room: int = ROOM, together: bool = True) -> Kernel:
    """The kernel as it is printed; `shares` says whether for blocks that work together, with `room` bytes to share."""
    if optimise is None:
        return write_out(write_out_products(kernel))
    if together and _is_wide(kernel):
        shared = lift_roots(optimise(replace(kernel, shares=True)))
        team = team_of(shared, dtype, room)
        if team is not None and team.pays(shared):
            return shared
    return write_out(lift_roots(optimise(kernel)))


def cuda_source(kernel: Kernel, dtype: str = "float64", halo: int = 0) -> str:
    """The text that the CUDA backend compiles for a kernel that is not yet optimised."""
    return emit_kernel(prepared(kernel, optimise_kernel, dtype), dtype, halo, narrow=True)


def _is_wide(kernel: Kernel) -> bool:
    gathered = gather_jets(kernel)
    blocks = (gathered.body, *(f.body for f in functions(gathered.body)))
    products = [s for block in blocks for s in statements(block) if isinstance(s, Product)]
    return any(min(p.rows, p.columns) >= WIDE for p in products)
