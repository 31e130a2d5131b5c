"""Which kernels a block of threads works on together, and how its memory is laid out.

Private vectors that meet matrices lie in memory of the block, for some instances at a time; products are made in tiles,
and the threads of an instance share the turns of loops over its vectors. What is no such loop, every thread of an
instance does for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

from codegen.ir import Kind, constant_value
from codegen.optimise.cost import work
from codegen.program import (
    Block,
    For,
    If,
    Kernel,
    Load,
    Local,
    Outer,
    Product,
    Statement,
    Store,
    While,
    functions,
    must_be_inlined,
    statements,
)

from .cuda_spread import spread

LEAST = 16  # rows of a tile of a product
ROW = 64  # bytes of an element of a vector, of all instances, where products read vectors where they lie
ROOM = 232_448  # bytes of shared memory that a block may have on sm_90
BESIDE = 16 * 1024  # bytes of it that sums over a block take, of reals and of integers
THREADS = 256  # of a block
THERE = 512  # of a multiprocessor at least, if memory allows
WARPS, SCHEDULERS = THREADS // 32, 4  # of a block; of a multiprocessor
TOGETHER = 8  # sums over the elements of vectors at a time
SAMPLES = (32, 16)  # instances of a block, where a multiprocessor has room for two blocks
FEWER = (32, 16, 8)  # where it has not
UNKNOWN = 64  # turns of a loop whose length is not known
ELSEWHERE = 32  # of them where the vectors of eight do not fit, and lie in global memory
DEPTH = 16  # terms of a piece of a product
PIECE = 64  # of a piece of a matrix, where products read vectors where they lie
TALL = 64  # rows of a tile of a product
ACROSS = 128  # columns of it
WARP_TILES = {1: (8, 4), 2: (4, 4), 4: (2, 4), 8: (2, 2)}  # of four by four sums, of a warp whose threads share terms
TERM = 18  # instructions of a term of such a tile: two loads of sixteen bytes, sixteen products
ADDING = {1: 0, 2: 32, 4: 48, 8: 56}  # of adding up over the threads that share terms
TILES = ((1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))  # of sums, of a thread


@dataclass(frozen=True)
class Team:
    """How a block works: `samples` instances; `rows` elements of memory each, of which vectors take some from
    `places` on, `line` numbers from one to the next; `tall` rows of a tile; `stage` numbers for pieces of products.

    `shared`: all that is in shared memory, not the pieces alone. `direct`: products read vectors where they lie, in
    rows of `ROW` bytes; else pieces of both sides are laid side by side first. `resident` blocks fit a multiprocessor.
    `kept`: sums over instances, and how many numbers each has, that a block collects in shared memory to its end.
    `held`: numbers at the begin of the stage that stay from one product to the next.
    """

    samples: int
    line: int
    rows: int
    tall: int
    stage: int
    places: Mapping[str, int]
    shared: bool
    width: int  # bytes of a number
    threads: int = THREADS
    resident: int = 1
    direct: bool = False
    kept: tuple[tuple[str, int], ...] = ()
    held: int = 0

    @property
    def memory(self) -> int:
        """Numbers that the vectors of a block take, in whole loads."""
        return whole(self.rows * self.line)

    @property
    def bytes(self) -> int:
        """Of shared memory."""
        kept = sum(whole(size) for _, size in self.kept)
        return self.width * (whole(self.stage) + kept + (self.memory if self.shared else 0))

    def split(self, terms: int, across: int, most: int = 8) -> int:
        """Among how many threads of a warp the terms of a tile of four by four sums are shared out, where products read
        vectors where they lie: turns of the warp that makes most tiles, and adding up, cost least.
        """

        def cycles(split: int) -> tuple[int, int]:
            high, wide = WARP_TILES[split]
            tiles = -(-self.tall // 4 // high) * -(-across // 4 // wide)
            rounds = -(-tiles // (self.threads // 32))
            return rounds * (-(-terms // split) * TERM + ADDING[split]), split

        fitting = (
            split
            for split, (high, wide) in WARP_TILES.items()
            if split <= most and not (self.tall // 4 % high or across // 4 % wide)
        )
        return min(fitting, key=cycles)

    def tile(self, columns: int) -> tuple[int, int]:
        """The sums of a thread, rows by columns, where the threads of a block make `tall` by `columns`.

        A term costs the port of shared memory a cycle for each number that each warp loads, and each scheduler a cycle
        for each product of its warps; loads wait less where every scheduler has a warp.
        """
        fitting = [
            (high, wide) for high, wide in TILES if high <= self.tall and self._warps(high, wide, columns) <= WARPS
        ]

        def cycles(tile: tuple[int, int]) -> tuple[bool, int, int]:
            high, wide = tile
            warps = self._warps(high, wide, columns)
            port, products = warps * (high + wide), -(-warps // SCHEDULERS) * high * wide
            return warps < SCHEDULERS, max(port, products), -warps

        return min(fitting, key=cycles)

    def _warps(self, high: int, wide: int, columns: int) -> int:
        return -(-(self.tall // high) * (columns // wide) // 32)

    def pays(self, kernel: Kernel) -> bool:
        """Whether what all threads of an instance do is less than what they share out."""
        shared, alone = _work(kernel.body, frozenset(self.places))
        return alone * (self.threads // self.samples) <= shared

    def parts(self, vectors: int) -> list[range]:
        """Vectors in groups that fit a tile."""
        each = max(1, ACROSS // self.samples)
        return [range(first, min(first + each, vectors)) for first in range(0, vectors, each)]


def whole(numbers: int) -> int:
    """Memory in whole loads of sixteen bytes."""
    return -(-numbers // 4) * 4


def team_of(kernel: Kernel, dtype: str, room: int = ROOM) -> Team | None:
    """How a block works on a kernel; None for kernels on which it cannot.

    Those are kernels with outer axes or with neighbours, products where instances part ways, and loops over vectors
    whose turns depend on each other.
    """
    if kernel.outer or any(isinstance(s, Load) and s.shift for s in statements(kernel.body)):
        return None
    if any(must_be_inlined(f) for f in functions(kernel.body)):
        return None
    places = vectors_of(kernel)
    if places is None or not is_together(kernel.body, places):
        return None
    width = 4 if dtype == "float32" else 8
    placed, rows = _packed(kernel, places)
    products = [s for s in statements(kernel.body) if isinstance(s, Product)]
    outers = [s for s in statements(kernel.body) if isinstance(s, Outer)]
    largest = max([LEAST, *(p.sums for p in products), *(max(o.rows, o.columns) for o in outers)])
    tall = min(TALL, 1 << (largest - 1).bit_length())
    vectors = max(len(p.given) for p in products)

    def staged(samples: int, line: int, shared: bool) -> Team:
        columns = max(tall, samples * min(vectors, ACROSS // samples))
        stage = max(TOGETHER * samples * (WARPS + 1), DEPTH * (tall + 16 // width + columns))
        return Team(samples, line, rows, tall, stage, placed, shared, width)

    def direct() -> Team:
        samples = ROW // width
        threads = min(THREADS, samples * tall)  # no more than share out the elements of a vector
        terms = min(max(p.terms for p in products) + 7, PIECE) // 8 * 8
        sums = TOGETHER * samples * (threads // 32 + 1)
        held = max(tall, terms) * (max(tall, terms) + 4) if width == 8 else 0
        stage = held + sums if held else max(sums, terms * (tall + 8))
        team = Team(samples, samples, rows, tall, stage, placed, True, width, threads, direct=True, held=held)
        return replace(team, resident=max(1, min(THERE // threads, room // (team.bytes + BESIDE))))

    options = [direct()]
    options += [replace(staged(n, n + 1, True), resident=2) for n in SAMPLES] + [staged(n, n + 1, True) for n in FEWER]
    fitting = (team for team in options if team.resident * (team.bytes + BESIDE) <= room)
    team = next(fitting, staged(ELSEWHERE, ELSEWHERE, False))
    keeping = replace(team, kept=tuple(_kept(kernel)))
    return keeping if keeping.resident * (keeping.bytes + BESIDE) <= room else team


def _kept(kernel: Kernel) -> Iterator[tuple[str, int]]:
    """Sums of outer products: many numbers, to each of which every block adds again and again."""
    for name in sorted({s.array for s in statements(kernel.body) if isinstance(s, Outer)}):
        shape = kernel.array(name).shape
        if all(isinstance(size, int) for size in shape):
            yield name, prod(int(size) for size in shape)


def vectors_of(kernel: Kernel) -> frozenset[str] | None:
    """The private vectors that belong to the memory of the block; None where one of them cannot."""
    private = {s.array.name: s.array for s in statements(kernel.body) if isinstance(s, Local)}
    found: set[str] = set()
    for s in statements(kernel.body):
        if isinstance(s, Product):
            found |= {*s.given, *s.made}
        elif isinstance(s, Outer):
            found |= {*s.left, *s.right}
    loops = [s for s in statements(kernel.body) if isinstance(s, For)]
    while found:
        more = {
            s.array
            for loop in loops
            if touched((loop,)) & found and not any(isinstance(s, Product | Outer) for s in statements(loop.body))
            for s in statements(loop.body)
            if isinstance(s, Store) and s.array in private
        }
        if more <= found:
            break
        found |= more
    if not found or any(len(private[n].shape) != 1 or private[n].kind is not Kind.REAL for n in found):
        return None
    return frozenset(found)


def touched(block: Iterable[Statement]) -> set[str]:
    """The arrays that statements and those inside them read or write."""
    found: set[str] = set()
    for s in statements(tuple(block)):
        if isinstance(s, Load | Store):
            found.add(s.array)
        elif isinstance(s, Product):
            found |= {*s.given, *s.made}
        elif isinstance(s, Outer):
            found |= {*s.left, *s.right}
    return found


def works_together(statement: Statement, places: Iterable[str]) -> bool:
    """Whether a block has to do what stands in a loop together, statement by statement."""
    return any(isinstance(s, Product | Outer) for s in statements((statement,))) or bool(
        touched((statement,)) & set(places)
    )


def is_together(block: Block, places: frozenset[str]) -> bool:
    """Whether the threads of a block can do the statements as one."""
    for s in block:
        if isinstance(s, While | If) and works_together(s, places):
            return False
        if isinstance(s, For) and works_together(s, places):
            if spread(s) is None and not is_together(s.body, places):
                return False
        elif isinstance(s, For | While | If):
            inside = list(statements(s.body))
            stored = {inner.array for inner in inside if isinstance(inner, Store)}
            if stored & {a.array for a in inside if isinstance(a, Load)} - _private(s.body):
                return False
    return True


def _work(block: Block, places: frozenset[str]) -> tuple[int, int]:
    """Operations that threads of an instance share out, and those that each of them does."""
    shared = alone = 0
    for s in block:
        if isinstance(s, For) and works_together(s, places) and spread(s) is None:
            inner = _work(s.body, places)
            turns = _turns(s)
            shared, alone = shared + turns * inner[0], alone + turns * inner[1]
        elif isinstance(s, Product | Outer) or (isinstance(s, For) and works_together(s, places)):
            shared += work((s,)) or 0
        elif isinstance(s, For | While):
            turns = _turns(s) if isinstance(s, For) else UNKNOWN
            alone += turns * _work(s.body, frozenset())[1]
        else:
            found = work((s,))
            alone += UNKNOWN if found is None else found
    return shared, alone


def _turns(loop: For) -> int:
    first, last = constant_value(loop.start), constant_value(loop.stop)
    return UNKNOWN if first is None or last is None else max(0, int(last) - int(first))


def _private(block: Block) -> set[str]:
    return {s.array.name for s in statements(block) if isinstance(s, Local)}


def _sizes(kernel: Kernel, names: Collection[str]) -> dict[str, int]:
    """How long private vectors are."""
    private = (s.array for s in statements(kernel.body) if isinstance(s, Local))
    return {array.name: int(array.shape[0]) for array in private if array.name in names}


def _packed(kernel: Kernel, places: frozenset[str]) -> tuple[dict[str, int], int]:
    """Where each vector begins, and how much memory all take: those never needed at one time lie on each other."""
    sizes = _sizes(kernel, places)
    times: dict[str, tuple[int, int]] = {}
    for now, s in enumerate(kernel.body):
        for name in sorted(touched((s,)) & places):
            times[name] = (times.get(name, (now, now))[0], now)
    placed: dict[str, int] = {}
    for name in sorted(times, key=lambda n: (times[n][0], -sizes[n], n)):
        beside = sorted((placed[o], sizes[o]) for o in placed if times[o][1] >= times[name][0])
        at = 0
        for begin, size in beside:
            if begin >= at + sizes[name]:
                break
            at = max(at, begin + size)
        placed[name] = at
    for name in sizes:
        placed.setdefault(name, 0)
    return placed, max(placed[name] + sizes[name] for name in sizes)


def overlapping(team: Team, kernel: Kernel) -> Mapping[str, frozenset[str]]:
    """For each vector, those that share memory with it, itself among them."""
    sizes = _sizes(kernel, team.places)

    def meets(a: str, b: str) -> bool:
        return team.places[a] < team.places[b] + sizes[b] and team.places[b] < team.places[a] + sizes[a]

    return {a: frozenset(b for b in sizes if meets(a, b)) for a in sizes}
