"""Random expressions, functions and kernels for property tests, made from the table of primitives.

Every primitive of the table can occur. Values stay in the domains of the functions and of moderate size: each node
carries a bound, and what grows is scaled down. Truth values and everything that jumps (floor, sign, comparisons)
depend on inputs as they are, never on computed numbers, so that rounding cannot flip a branch and two ways of
computing can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from codegen.builder import Builder
from codegen.interpret import run_kernel
from codegen.ir import Kind, Node, constant_value, real, variable
from codegen.primitives import PRIMITIVES, apply, partials_of
from codegen.program import Array, Function, Intent, Kernel, Scalar

LARGEST = 4.0  # bound of registers, and of what functions are applied to
CONSTANTS = (0.25, 0.5, -0.75, 1.0, 1.5, -2.0, 3.0)


@dataclass(frozen=True)
class Entry:
    """A node, a bound of its absolute value, and whether it is an input that no rounding has touched."""

    node: Node
    bound: float
    exact: bool = False


# what brings an argument of size `LARGEST` into the domain of a function
DRESSING: dict[str, tuple[Callable[[Node], Node], ...]] = {
    "log": (lambda x: x * x + 0.75,),
    "log1p": (lambda x: x * x * 0.5,),
    "sqrt": (lambda x: x * x + 0.25,),
    "rsqrt": (lambda x: x * x + 0.25,),
    "asin": (lambda x: x * 0.125,),
    "acos": (lambda x: x * 0.125,),
    "atanh": (lambda x: x * 0.125,),
    "acosh": (lambda x: x * x + 1.5,),
    "tan": (lambda x: x * 0.25,),
    "div": (lambda x: x, lambda x: x * x + 1.0),
    "pow": (lambda x: x * x * 0.25 + 0.5, lambda x: x * 0.5),
    "quotient": (lambda n: n, lambda n: n * n + 1),
    "remainder": (lambda n: n, lambda n: n * n + 1),
}


def scaled(entry: Entry, bound: float) -> Entry:
    """An entry within a bound, multiplied by a power of two if need be."""
    if entry.bound <= bound or entry.node.kind is not Kind.REAL:
        return entry
    factor = 2.0 ** -np.ceil(np.log2(entry.bound / bound))
    return Entry(entry.node * real(float(factor)), entry.bound * factor)


def combined(op: str, arguments: Sequence[Entry]) -> Entry:
    """A primitive on entries, dressed for its domain, with the bound that a sample of its meaning shows."""
    row = PRIMITIVES[op]
    dressing = DRESSING.get(op, tuple(lambda x: x for _ in arguments))
    tame = [scaled(a, LARGEST) for a in arguments]
    args = [dress(a.node) for dress, a in zip(dressing, tame, strict=True)]
    n = apply(op, *args)
    if n.kind is not Kind.REAL or row.kinds == (Kind.INT,):
        return Entry(n, max([16.0, *(a.bound for a in tame)]), exact=n.kind is not Kind.REAL)
    grids = [np.linspace(-a.bound, a.bound, 9) if a.node.kind is Kind.REAL else np.array([False, True]) for a in tame]
    mesh = np.meshgrid(*grids)
    dressed = [_dressed_values(dress, values) for dress, values in zip(dressing, mesh, strict=True)]
    with np.errstate(all="ignore"):
        values = np.abs(np.asarray(row.meaning(*dressed), dtype=float))
    return scaled(Entry(n, 1.25 * float(values[np.isfinite(values)].max(initial=0.0)) + 0.125), 2 * LARGEST)


def _dressed_values(dress: Callable[[Any], Any], values: np.ndarray) -> np.ndarray:
    return dress(values) if values.dtype != bool else values


@cache
def jumps(op: str) -> bool:
    """Whether a primitive is piecewise constant: it is then applied to inputs alone."""
    row = PRIMITIVES[op]
    if Kind.REAL not in row.kinds and None not in row.kinds:
        return False
    arguments = [variable(f"x{i}", kind or Kind.REAL) for i, kind in enumerate(row.kinds)]
    n = apply(op, *arguments)
    return all(p is None or constant_value(p) == 0 for p in partials_of(n))


@st.composite
def grown(draw: st.DrawFn, pool: Sequence[Entry], size: int = 8, kind: Kind = Kind.REAL) -> list[Entry]:
    """The pool with up to `size` operations on it; the last entry is of `kind`."""
    pool = [*pool, *(Entry(real(c), abs(c), True) for c in CONSTANTS)]
    names = sorted(PRIMITIVES)
    for _ in range(draw(st.integers(1, size))):
        free = draw(st.sampled_from((Kind.REAL, Kind.REAL, Kind.INT)))
        reachable = {(e.node.kind, True) for e in pool if e.exact} | {(e.node.kind, False) for e in pool}
        possible = [op for op in names if all((k or free, jumps(op)) in reachable for k in PRIMITIVES[op].kinds)]
        op = draw(st.sampled_from(possible))
        choices = [
            [e for e in pool if e.node.kind is (k or free) and (e.exact or not jumps(op))] for k in PRIMITIVES[op].kinds
        ]
        pool.append(combined(op, [draw(st.sampled_from(c)) for c in choices]))
    fitting = [e for e in pool if e.node.kind is kind]
    pool.append(fitting[-1])
    return pool


INPUTS = (
    *(Entry(variable(f"x{i}"), 2.0, True) for i in range(4)),
    *(Entry(variable(f"n{i}", Kind.INT), 4.0, True) for i in range(2)),
    Entry(apply("lt", variable("x0"), variable("x1")), 1.0, True),
)


@st.composite
def random_nodes(draw: st.DrawFn, size: int = 12) -> tuple[Node, ...]:
    """Real expressions of x0..x3 (real, in [-2, 2]) and n0, n1 (integers, in [-4, 4])."""
    pool = draw(grown(INPUTS, size))
    reals = [e.node for e in pool[len(INPUTS) :] if e.node.kind is Kind.REAL]
    return tuple(reals[-3:])


@st.composite
def input_values(draw: st.DrawFn, lanes: int = 5) -> dict[str, np.ndarray]:
    """Values for the variables of `random_nodes`, arrays [lanes]."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values: dict[str, np.ndarray] = {f"x{i}": rng.uniform(-2, 2, lanes) for i in range(4)}
    return values | {f"n{i}": rng.integers(-4, 5, lanes) for i in range(2)}


@dataclass(frozen=True)
class Case:
    """A kernel with everything that a launch of it takes."""

    kernel: Kernel
    extents: tuple[int, ...]
    scalars: dict[str, float | int]
    seed: int
    halo: int = 0

    def arrays(self) -> dict[str, np.ndarray]:
        """Fresh arrays, the same at every call."""
        rng = np.random.default_rng(self.seed)
        made = {}
        for array in self.kernel.arrays:
            shape = tuple(s if isinstance(s, int) else int(self.scalars[s]) for s in array.shape)
            shape += (self.extents[-1] + 2 * self.halo,) if array.instanced else ()
            made[array.name] = rng.uniform(-2, 2, shape) if array.kind is Kind.REAL else rng.integers(0, 4, shape)
        return made

    def run(self, kernel: Kernel | None = None, dtype: Any = np.float64) -> dict[str, np.ndarray]:
        """What the interpreter writes, by array."""
        arrays = self.arrays()
        typed = {name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in arrays.items()}
        kernel = kernel or self.kernel
        run_kernel(kernel, typed, self.scalars, self.extents, dtype=dtype, halo=self.halo)
        return {a.name: typed[a.name] for a in kernel.arrays if a.intent is not Intent.IN}


class _Writing:
    """A kernel under construction: the builder, and what is in scope."""

    def __init__(self, draw: st.DrawFn, builder: Builder, pool: list[Entry]) -> None:
        self.draw, self.builder, self.pool = draw, builder, pool
        self.registers: list[Node] = []
        self.memory: list[str] = []

    def value(self, kind: Kind = Kind.REAL, size: int = 5) -> Entry:
        return scaled(self.draw(grown(self.pool, size, kind))[-1], LARGEST)

    def condition(self) -> Node:
        exact = [e for e in self.pool if e.exact and e.node.kind is Kind.REAL]
        a, b = (self.draw(st.sampled_from(exact)).node for _ in range(2))
        return apply("lt", a, b) if a != b else apply("lt", a, 0.5)

    def write(self, count: int, depth: int, options: dict[str, Callable[[int], None]]) -> None:
        for _ in range(count):
            options[self.draw(st.sampled_from(sorted(options)))](depth)

    def nested(self, depth: int, options: dict[str, Callable[[int], None]]) -> None:
        """A block whose names are gone after it."""
        scope = list(self.pool), list(self.registers), list(self.memory)
        self.write(self.draw(st.integers(1, 3)), depth - 1, options if depth > 1 else _flat(options))
        self.pool, self.registers, self.memory = scope

    # statements that functions may hold too

    def let(self, depth: int) -> None:
        entry = self.value()
        self.pool.append(Entry(self.builder.copy("v", entry.node), entry.bound))

    def register(self, depth: int) -> None:
        target = self.builder.register("r", self.value().node)
        self.registers.append(target)
        self.pool.append(Entry(target, LARGEST))

    def assign(self, depth: int) -> None:
        if not self.registers:
            return self.register(depth)
        target = self.draw(st.sampled_from(self.registers))
        self.builder.assign(target, target * 0.5 + scaled(self.value(), LARGEST / 2).node)
        return None

    def local(self, depth: int) -> None:
        name = self.builder.local("m", (2,))
        for i in range(2):
            self.builder.store(name, i, value=self.value(size=2).node)
        self.memory.append(name)

    def touch_local(self, depth: int) -> None:
        if not self.memory:
            return self.local(depth)
        name = self.draw(st.sampled_from(self.memory))
        integers = [e.node for e in self.pool if e.node.kind is Kind.INT and e.exact]
        index = apply("remainder", apply("mul", *[self.draw(st.sampled_from(integers))] * 2), 2) if integers else 1
        self.builder.store(name, index, value=self.value(size=2).node)
        self.pool.append(Entry(self.builder.load("w", name, self.draw(st.integers(0, 1))), LARGEST))
        return None

    def comment(self, depth: int) -> None:
        self.builder.comment("what follows is random")


def _flat(options: dict[str, Callable[[int], None]]) -> dict[str, Callable[[int], None]]:
    return {name: option for name, option in options.items() if not name.startswith("nested")}


@st.composite
def random_functions(draw: st.DrawFn, name: str = "f") -> Function:
    """A function of two reals within `LARGEST` with one or two results within it."""
    builder = Builder()
    parameters = (variable("a"), variable("b"))
    for p in parameters:
        builder.names.fresh(str(p.attribute))
    writing = _Writing(draw, builder, [Entry(p, LARGEST) for p in parameters])

    def loop(depth: int) -> None:
        with builder.loop("k", 0, draw(st.integers(0, 3))):
            writing.nested(depth, options)

    options = {
        "let": writing.let, "register": writing.register, "assign": writing.assign,
        "local": writing.touch_local, "comment": writing.comment, "nested loop": loop,
    }  # fmt: skip
    writing.write(draw(st.integers(0, 4)), 1, options)
    results = tuple(writing.value().node for _ in range(draw(st.integers(1, 2))))
    return Function(name, parameters, builder.block(), results)


ARRAYS = (
    Array("a", (3,)),
    Array("wide", (), Kind.REAL),
    Array("limit", (), Kind.INT),
    Array("table", ("size",), instanced=False),
    Array("state", (2,), intent=Intent.INOUT),
    Array("out", ("rows", 3), intent=Intent.OUT),
    Array("total", (2,), intent=Intent.SUM, instanced=False),
)
SCALARS = (Scalar("h"), Scalar("count", Kind.INT), Scalar("size", Kind.INT), Scalar("rows", Kind.INT))


@st.composite
def random_kernels(draw: st.DrawFn, statements: int = 8) -> Case:
    """Kernels with every kind of statement, lanes that part ways, an outer axis, and the arrays to run them on."""
    builder = Builder()
    for name in (*(a.name for a in ARRAYS), *(s.name for s in SCALARS), "lane", "row", "f", "g"):
        builder.names.fresh(name)
    halo = draw(st.integers(0, 1))
    pool = [Entry(SCALARS[0].node, 2.0, True), Entry(variable("lane", Kind.INT), 4.0, True)]
    pool += [Entry(builder.load("x", "a", i), 2.0, True) for i in range(3)]
    pool.append(Entry(apply("le", pool[2].node, pool[3].node), 1.0, True))
    pool.append(Entry(builder.load("t", "table", apply("remainder", variable("lane", Kind.INT), 4)), 2.0, True))
    writing = _Writing(draw, builder, pool)
    functions = [draw(random_functions("f")), draw(random_functions("g"))]

    def load(depth: int) -> None:
        shift = draw(st.integers(-halo, halo))
        writing.pool.append(Entry(builder.load("y", "wide", shift=shift), 2.0, True))

    def call(depth: int) -> None:
        function = draw(st.sampled_from(functions))
        for target in builder.call(function, [writing.value(size=2).node for _ in range(2)]):
            writing.pool.append(Entry(target, LARGEST))

    def store(depth: int) -> None:
        index = (variable("row", Kind.INT), draw(st.integers(0, 2)))
        builder.store("out", *index, value=writing.value().node)

    def update(depth: int) -> None:
        builder.store("state", draw(st.integers(0, 1)), value=writing.value(size=3).node)

    def accumulate(depth: int) -> None:
        builder.accumulate("total", draw(st.integers(0, 1)), value=writing.value(size=3).node)

    def loop(depth: int) -> None:
        with builder.loop("i", 0, draw(st.sampled_from([SCALARS[1].node, 2]))) as counter:
            scope = list(writing.pool)
            writing.pool.append(Entry(counter, 4.0, True))
            writing.nested(depth, options)
            writing.pool = scope

    def repeat(depth: int) -> None:
        limit = builder.load("stop", "limit", kind=Kind.INT)
        left = builder.register("left", limit)
        with builder.repeat_while(apply("lt", 0, left)):
            writing.nested(depth, options)
            builder.assign(left, left - 1)

    def branch(depth: int) -> None:
        with builder.where(writing.condition()):
            writing.nested(depth, options)

    options = {
        "let": writing.let, "register": writing.register, "assign": writing.assign, "local": writing.touch_local,
        "comment": writing.comment, "load": load, "call": call, "store": store, "update": update,
        "accumulate": accumulate, "nested loop": loop, "nested while": repeat, "nested if": branch,
    }  # fmt: skip
    writing.write(draw(st.integers(2, statements)), 2, options)
    for i in range(3):
        builder.store("out", variable("row", Kind.INT), i, value=writing.value(size=3).node)
    kernel = Kernel("random", "lane", ARRAYS, SCALARS, builder.block(), outer=("row",))
    lanes, rows = draw(st.sampled_from([1, 3, 5])), draw(st.integers(1, 2))
    scalars = {"h": 0.375, "count": draw(st.integers(0, 3)), "size": 4, "rows": rows}
    return Case(kernel, (rows, lanes), scalars, draw(st.integers(0, 2**32 - 1)), halo)
