"""How instances map to this machine: how many stand side by side in registers, how blocks of them are shared out.

The lane count follows the registers that a kernel carries from step to step: where few are carried, many lanes hide
the latency of arithmetic (32 doubles are four 512-bit registers a value); where many are, few lanes keep them out of
memory. Measured on 4096 trajectories, one core: Kahan-Li 8 on Henon-Heiles (4 registers) 87, 152, 221, 184 million
steps a second with 8, 16, 32, 64 lanes; dop853 on a chain of eight pendulums (35 registers) 2.2, 2.1, 1.5 with 8, 16,
32. Kernels with weights, over which all instances loop, keep tiles of sums in registers: 16 lanes at most, and 8 where
the vectors of a layer would leave the first cache. Jets of a network of 4 inputs and three layers of 64 with their
reverse: 5.8, 5.5 and 10.1 microseconds a sample with 8, 16 and 32; of 8 inputs 11, 15 and 19. What a function keeps
at once should lie in the first cache: the Taylor series of a double pendulum keep 75, 204 and 309 numbers at the
orders 5, 12 and 18; 4096 pendulums ran 238, 313, 351 thousand a second with 8, 16, 32 lanes at the first, 116, 125, 102
at the second, 61, 51, 49 at the third.

Registers that are narrower are fewer, too (16 of 256 bits, in place of 32 of 512). Trajectories a second of 1024 double
pendulums, one core of that kind, 4, 8, 16, 32 lanes: Taylor series 31, 22, 22, 21 thousand at a tolerance of 1e-9,
dop853 20, 21, 19, 16, gauss4 6.6, 7.1, 4.4, 3.4. Fixed steps that carry little are cut into strips there
(`emit.llvm_strips`): Kahan-Li 8 on Henon-Heiles 87, 96, 121 million steps a second with 8, 16, 32 lanes, and 150 with
32 in strips of 8; Yoshida's order 4 477, 455, 620, and 850.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from .ir import Kind, walk
from .optimise.cost import work
from .optimise.inline import inline
from .program import Function, Intent, Kernel, Outer, Product, Var, functions, nodes_of, statements
from .strips import loops_of_all_lanes, may_be_cut

MANY_WEIGHTS = 8_800  # beyond which 8 doubles stand side by side
FEW, SOME = 9, 28  # registers up to which 32 and 16 doubles stand side by side; beyond, 8
WIDEST = 32
DOUBLE = 8  # bytes
REGISTER = 64  # bytes of a wide one
BUSY = 64  # operations beyond which what an instance does waits for them, not for memory
CLOSE = 4 << 10  # bytes of values above which narrow registers take one vector of each in place of two
NEAR = 36 << 10  # bytes of values that a function may keep at once: three quarters of a first cache of 48 KiB


def registers(kernel: Kernel) -> int:
    """The real registers that a kernel declares outside its loops: what it carries from step to step."""
    return sum(isinstance(s, Var) and s.target.kind is Kind.REAL for s in kernel.body)


def weights(kernel: Kernel) -> int:
    """The real numbers of arrays that all instances read and whose size is a constant."""
    shared = (a for a in kernel.arrays if not a.instanced and a.kind is Kind.REAL and a.intent is Intent.IN)
    return sum(
        prod(s for s in a.shape if isinstance(s, int)) for a in shared if all(isinstance(s, int) for s in a.shape)
    )


def most_kept(kernel: Kernel) -> int:
    """The most values that a function of a kernel keeps at once, if it computes them in the order of its results."""
    return max((_kept(function) for function in functions(kernel.body)), default=0)


def _kept(function: Function) -> int:
    roots = [n for s in statements(function.body) for n in nodes_of(s)] + list(function.results)
    order = [n for n in walk(roots) if n.op != "constant"]
    last = {a.key: i for i, n in enumerate(order) for a in n.args}
    last.update((n.key, len(order)) for n in function.results)
    found = kept = 0
    for i, n in enumerate(order):
        kept += 1
        found = max(found, kept)
        kept -= sum(last[key] == i for key in {a.key for a in n.args if a.op != "constant"})
    return found


def lanes_for(kernel: Kernel, dtype: str, register: int = REGISTER) -> int:
    """How many instances of a kernel stand side by side: 8, 16 or 32 in double precision, twice as many in single, and
    no more than the kernel has; of loops in narrow registers 4 or 8, where they are not cut into strips.

    register: bytes of the processor's vectors.
    """
    carried, shared = registers(kernel), weights(kernel)
    narrow = (
        register < REGISTER and not shared and not _makes_products(kernel)
    )  # networks have no cost of their own yet
    narrow = narrow and (carried > 0 or (not kernel.outer and (work(kernel.body) or 0) > BUSY))
    if narrow and not _is_cut(kernel):
        lanes = WIDEST // 4 if carried <= SOME and DOUBLE * WIDEST // 4 * most_kept(kernel) <= CLOSE else WIDEST // 8
    else:
        lanes = WIDEST if carried <= FEW else WIDEST // 2 if carried <= SOME else WIDEST // 4
        kept = most_kept(kernel)
        while lanes > WIDEST // 4 and DOUBLE * lanes * kept > NEAR:
            lanes //= 2
    if shared:
        lanes = min(lanes, WIDEST // 2 if shared <= MANY_WEIGHTS else WIDEST // 4)
    lanes = lanes if dtype == "float64" else 2 * lanes
    return lanes if kernel.widest is None else min(lanes, kernel.widest)


def strip_for(dtype: str, register: int) -> int:
    """Lanes of the strips into which loops are cut: two narrow registers; 0 where registers are wide, and many."""
    return 0 if register >= REGISTER else 2 * register // (DOUBLE if dtype == "float64" else DOUBLE // 2)


def _is_cut(kernel: Kernel) -> bool:
    """Whether a loop may be cut into strips to any gain: it carries and keeps little, and touches no memory.

    What keeps more has enough to do at a time in two registers of each value, and compiles sooner in whole lanes. Calls
    of small functions are no hindrance, since their bodies take their place before anything is printed.
    """
    little = registers(kernel) <= FEW and most_kept(kernel) <= FEW
    return little and any(may_be_cut(loop) for loop in loops_of_all_lanes(inline(kernel).body))


def _makes_products(kernel: Kernel) -> bool:
    return kernel.shares or any(isinstance(s, Outer | Product) for s in statements(kernel.body))


def padding(dtype: str) -> int:
    """The multiple of instances that every lane count divides."""
    return WIDEST if dtype == "float64" else 2 * WIDEST


GRAIN = 4_000_000  # operations that a thread must have: 0.1 ms where all goes well, as long as waking it may take


def threads_for(most: int, work: int | None, grain: int) -> int:
    """How many threads are woken for so much work, `most` at most; all where it is not known how much that is."""
    return most if work is None or not grain else max(1, min(most, work // grain))


def shares(begin: int, end: int, workers: int) -> list[tuple[int, int]]:
    """Blocks begin..end - 1 in as many runs of equal length as there are workers, fewer where blocks are fewer."""
    count = max(1, min(workers, end - begin))
    edges = [begin + (end - begin) * i // count for i in range(count + 1)]
    return [(edges[i], edges[i + 1]) for i in range(count)]


def row_shares(rows: int, blocks: int, begin: int, end: int, workers: int) -> list[tuple[int, int]]:
    """The runs of blocks begin..end - 1 of each of `rows` outer indices, whose blocks are numbered one by one."""
    if begin == 0 and end == blocks:
        return shares(0, rows * blocks, workers)
    return [(row * blocks + a, row * blocks + b) for row in range(rows) for a, b in shares(begin, end, workers)]


CACHE = 1 << 20  # bytes of a core's own cache that a tile may fill: half of the 2 MiB that server cores have
FEW_STEPS = 8  # for which rows are cut into chunks of columns where they leave the cache whole
MOST_STEPS = 16  # taken together: more gain nothing, and the borders between threads grow with them
SMALL = 1 << 16  # bytes below which a second thread costs more in waiting than it saves


@dataclass(frozen=True)
class Tiling:
    """How many steps are taken together on rows in the cache, and what is taken through them at a time: how many rows,
    and how many of their columns, which are the indices of a second outer axis.
    """

    steps: int
    band: int
    chunk: int = 1


def skews(accesses: Sequence[Mapping[str, tuple[bool, int]]]) -> tuple[int, ...]:
    """The rows by which each operation of a repeated sequence must lag behind the one before it.

    accesses: by array, whether an operation writes it, and how far from its own row it reads it. It may not read what
    an earlier one has yet to write, nor write what an earlier one has yet to read.
    """
    ops, cycles = len(accesses), 3
    places: list[int] = []
    for later in range(cycles * ops):
        place = places[-1] if places else 0
        mine = accesses[later % ops]
        for earlier in range(max(0, later - ops), later):  # those before are as far from one that is not
            theirs = accesses[earlier % ops]
            met = [max(mine[a][1], theirs[a][1]) for a in mine.keys() & theirs if mine[a][0] or theirs[a][0]]
            place = max([place, *(places[earlier] + reach for reach in met)])
        places.append(place)
    steps = [b - a for a, b in pairwise(places)]
    return tuple(max(steps[op - 1 :: ops] if op else steps[ops - 1 :: ops]) for op in range(ops))


def meetings(accesses: Sequence[Mapping[str, tuple[bool, int]]]) -> list[list[int]]:
    """[later, earlier]: by how many rows an operation must lag behind another one before it, by the rule of `skews`."""

    def met(mine: Mapping[str, tuple[bool, int]], theirs: Mapping[str, tuple[bool, int]]) -> int:
        shared = (a for a in mine.keys() & theirs if mine[a][0] or theirs[a][0])
        return max((max(mine[a][1], theirs[a][1]) for a in shared), default=0)

    return [[met(mine, theirs) for theirs in accesses] for mine in accesses]


def tiling(lag: int, row_bytes: int, rows: int, whole: bool, columns: int = 1) -> Tiling | None:
    """The tiles of a thread that owns `rows` rows of `columns` columns; None where tiles gain nothing.

    Rows are cut where the cache does not hold enough of them: a chunk of columns of the rows over which `steps` steps
    spread fills half of it. `lag`: the rows over which a step spreads; `row_bytes`: of a whole row, in all arrays.
    `whole`: the rows have hard ends, so that no trapezoid must fit between borders.
    """
    lag = max(lag, 1)
    if not row_bytes or rows * row_bytes <= CACHE:
        return None
    most = MOST_STEPS if whole else min(MOST_STEPS, rows // (2 * lag))
    steps = min(most, CACHE * 3 // 4 // row_bytes // lag)
    if columns > 1 and steps < min(most, FEW_STEPS):
        steps = min(most, FEW_STEPS)
        chunk = max(1, CACHE * 3 // 4 * columns // (row_bytes * lag * max(steps, 1)))
        return Tiling(steps, 1, min(chunk, columns)) if steps > 1 else None
    return Tiling(steps, max(1, min(rows, CACHE // 5 // row_bytes)), columns) if steps > 1 else None
