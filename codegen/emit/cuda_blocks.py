"""CUDA for kernels that a block works on together.

A block takes tiles of instances one after the other. Threads of one instance all do what stands between loops over its
vectors, and come to the same numbers; what is stored or added up is so by one of them. They meet at a barrier wherever
one may need what another has left.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from codegen.program import Kernel, functions

from .cuda import device_function, emit_cuda, private_arrays
from .cuda_addresses import Addresses, block_sums
from .cuda_groups import GROUP
from .cuda_language import TYPES, support
from .cuda_layout import Layout
from .cuda_rows import early_loads
from .cuda_team import DEPTH, PIECE, ROOM, Team, team_of, whole
from .cuda_team_printer import TeamPrinter
from .cuda_together import ALONE, Share
from .expressions import Sharing
from .names import name_functions


def emit_kernel(
    kernel: Kernel,
    dtype: str = "float64",
    halo: int = 0,
    narrow: bool = False,
    share: Share = ALONE,
    room: int = ROOM,
) -> str:
    """What `emit_cuda` gives, or where the kernel `shares` products, text for blocks that work together.

    That takes one more parameter behind the others, `real* sym_scratch`: memory of as many blocks as there are, where
    it is not in shared memory, of which a block has `room` bytes. Blocks have `Team.threads` threads and take
    `Team.bytes` of shared memory; any grid along x is right.
    """
    team = team_of(kernel, dtype, room) if kernel.shares else None
    if team is None:
        return emit_cuda(kernel, dtype, halo, narrow, share)
    layout = Layout.of(kernel)
    names = name_functions(kernel.body, layout.naming)
    parts = ["\n".join(device_function(f, dtype, names)) for f in functions(kernel.body)]
    body = "\n\n".join([*parts, "\n".join(_kernel(layout, team, dtype, halo, names))])
    real = "float" if dtype == "float32" else "double"
    constants = {
        "samples": team.samples,
        "threads": team.threads,
        "resident": team.resident,
        "line": team.line,
        "rows": team.tall,
        "depth": PIECE if team.direct else DEPTH,
    }
    head = [f"typedef {real} real;", f"typedef {'int' if narrow else 'long long'} sym_place;"]
    head += [f"constexpr int sym_{name} = {value};" for name, value in constants.items()]
    products = "staged" if not team.direct else "tiles" if dtype == "float32" else "fragments"
    together = [files("codegen.emit").joinpath(n).read_text().rstrip() for n in ("team.h", f"team_{products}.h")]
    return "\n\n".join(["\n".join(head), *support(body + " sym_block_sum(", dtype, GROUP), *together, body]) + "\n"


def _kernel(layout: Layout, team: Team, dtype: str, halo: int, names: Mapping[str, str]) -> list[str]:
    kernel, naming = layout.kernel, layout.naming
    addresses = Addresses(private_arrays(kernel.body), kernel, layout.stride, halo)
    printer = TeamPrinter(dtype, naming, names, addresses, block_sums(kernel, addresses, naming), team, kernel)
    printer.depth = 0
    for text in (
        f"Blocks of {team.threads} threads, which take {team.samples} instances at a time. The parameters: which",
        "instances of the lane axis run and the padded length of that axis; arrays, row-major with the lane axis last;",
        "scalars; memory for vectors of the blocks, if that is not in shared memory.",
    ):
        printer.comment(text)
    printer.line(f'extern "C" __launch_bounds__(sym_threads, sym_resident) __global__ void {layout.symbol}(')
    printer.depth = 1
    *parameters, last = [f"{kind} {name}" for kind, name in layout.parameters()]
    for parameter in parameters:
        printer.line(f"{parameter},")
    printer.line(f"{last}) {{")
    printer.line("extern __shared__ sym_quad sym_shared[];")
    if team.shared:
        printer.line("real* const sym_memory = (real*)sym_shared;")
        printer.line(f"real* const sym_stage = sym_memory + {team.memory};")
    else:
        printer.line(f"real* const sym_memory = sym_scratch + (long long)blockIdx.x * {team.memory};")
        printer.line("real* const sym_stage = (real*)sym_shared;")
    if team.held:
        printer.line("sym_piece sym_held = {};")
    begin = f"sym_stage + {whole(team.stage)}"
    for array, size in team.kept:
        printer.line(f"real* const {printer.kept[array]} = {begin};")
        printer.line(f"sym_empty<{size}>({printer.kept[array]});")
        begin = f"{printer.kept[array]} + {whole(size)}"
    printer.line("const int sym_sample = threadIdx.x % sym_samples, sym_rank = threadIdx.x / sym_samples;")
    for block_sum in printer.sums.values():
        printer.line(f"{TYPES[block_sum.array.kind]} {block_sum.name} = 0;")
    early, body = early_loads(kernel)
    printer.block(early[0])
    lane, end = naming(kernel.lane), layout.last
    printer.line(f"for (long long sym_tile = {layout.first} + (long long)blockIdx.x * sym_samples; sym_tile < {end};")
    printer.line("     sym_tile += (long long)gridDim.x * sym_samples) {")
    printer.depth += 1
    printer.line(f"const bool sym_there = sym_tile + sym_sample < {end}, sym_mine = sym_there && sym_rank == 0;")
    printer.line(f"const int sym_present = {end} - sym_tile < sym_samples ? {end} - sym_tile : sym_samples;")
    printer.line(f"const sym_place {lane} = sym_there ? sym_tile + sym_sample : {end} - 1;")
    printer.together = True
    printer.block(body)
    printer.line("__syncthreads();  // the next instances use the same memory")
    printer.depth -= 1
    printer.close(())
    for array, size in team.kept:
        printer.line(f"sym_hand_over<{size}>({naming(array)}, {printer.kept[array]});")
    for block_sum in printer.sums.values():
        (position,) = printer.render((block_sum.position,), Sharing())
        printer.line(f"sym_block_sum(&{naming(block_sum.array.name)}[{position}], {block_sum.name});")
    printer.depth -= 1
    printer.close(())
    return printer.lines
