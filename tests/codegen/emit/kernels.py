"""Kernels that between them use every statement, every kind of array and every primitive, with data to run them on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from codegen.builder import Builder
from codegen.ir import Kind, Node, integer, real, variable
from codegen.primitives import PRIMITIVES, Primitive, apply
from codegen.program import Array, Function, Intent, Kernel, Scalar

R, I, B = Kind.REAL, Kind.INT, Kind.BOOL


@dataclass(frozen=True)
class Case:
    """A kernel and what it runs on; `shapes` are those of its arrays without the lane axis."""

    kernel: Kernel
    scalars: dict[str, float]
    extents: tuple[int, ...]
    shapes: dict[str, tuple[int, ...]]
    halo: int = 0

    def arrays(self, dtype: str, padding: int = 3) -> dict[str, np.ndarray]:
        """Random reals in (-1, 1), integers in 0..2, zero sums; the lane axis has a few unused places at its end."""
        rng = np.random.default_rng(7)
        lanes = self.extents[-1] + 2 * self.halo + padding
        made = {}
        for array in self.kernel.arrays:
            shape = (*self.shapes[array.name], lanes) if array.instanced else self.shapes[array.name]
            values = rng.uniform(-1, 1, shape) if array.kind is R else rng.integers(0, 3, shape)
            values = np.zeros(shape) if array.intent is Intent.SUM else values
            made[array.name] = np.asarray(values).astype(dtype if array.kind is R else np.int64)
        return made


def _sum(name: str, *shape: int | str, kind: Kind = R) -> Array:
    return Array(name, shape, kind, Intent.SUM, instanced=False)


def ensemble() -> Case:
    """Pendulums by symplectic Euler, their energies summed, the largest angle counted."""
    steps, h, g, l = Scalar("steps", I), Scalar("h"), Scalar("g"), Scalar("l")
    b = Builder()
    b.comment("angle and angular velocity")
    theta, omega = b.register("theta", b.load("theta0", "q", 0)), b.register("omega", b.load("omega0", "q", 1))
    with b.loop("step", 0, steps.node):
        b.assign(omega, omega + h.node * (-(g.node / l.node) * apply("sin", theta)))
        b.assign(theta, theta + h.node * omega)
    b.store("q", 0, value=theta)
    b.store("q", 1, value=omega)
    b.comment("energy over m l^2")
    b.accumulate("energy", value=omega * omega / 2 + g.node / l.node * (1.0 - apply("cos", theta)))
    with b.where(apply("lt", real(0.5), apply("abs", theta))):
        b.accumulate("wide", 0, value=integer(1))
    q = Array("q", (2,), intent=Intent.INOUT)
    kernel = Kernel("pendulums", "run", (q, _sum("energy"), _sum("wide", 1, kind=I)), (steps, h, g, l), b.block())
    scalars = {"steps": 20, "h": 0.05, "g": 9.81, "l": 0.7}
    return Case(kernel, scalars, (77,), {"q": (2,), "energy": (), "wide": (1,)})


def lattice() -> Case:
    """A leapfrog step of u_tt = u_xx - u^3 on rows of sites, with the energy of each row and of all."""
    h, inverse = Scalar("h"), Scalar("inverse_dx2")
    b = Builder()
    row = variable("row", I)
    left, u, right = (b.load(name, "u", row, shift=s) for name, s in (("left", -1), ("here", 0), ("right", 1)))
    v = b.load("v0", "v", row)
    b.comment("discrete Laplacian and the force of the quartic potential")
    force = b.let("force", inverse.node * (left - 2 * u + right) - u * u * u)
    b.store("v", row, value=v + h.node * force)
    b.store("w", row, value=u + h.node * (v + h.node * force))
    density = b.let("density", v * v / 2 + inverse.node * (right - u) * (right - u) / 2 + u * u * u * u / 4)
    b.accumulate("of_row", row, value=density)
    b.accumulate("energy", 0, value=density)
    arrays = (
        Array("u", ("rows",)),
        Array("v", ("rows",), intent=Intent.INOUT),
        Array("w", ("rows",), intent=Intent.OUT),
    )
    sums = (_sum("of_row", "rows"), _sum("energy", 1))
    kernel = Kernel("wave", "site", (*arrays, *sums), (Scalar("rows", I), h, inverse), b.block(), ("row",))
    scalars = {"rows": 5, "h": 0.01, "inverse_dx2": 4.0}
    return Case(kernel, scalars, (5, 40), {"u": (5,), "v": (5,), "w": (5,), "of_row": (5,), "energy": (1,)}, halo=1)


def volume() -> Case:
    """Three outer axes, whose counters are values like any other."""
    b = Builder()
    i, j, k = (variable(name, I) for name in "ijk")
    x = b.load("x0", "x", i, j, k)
    b.store("x", i, j, k, value=x + apply("to_real", i * 100 + j * 10 + k))
    b.accumulate("total", i, value=x)
    x_array = Array("x", (2, 3, "depth"), intent=Intent.INOUT)
    kernel = Kernel("volume", "lane", (x_array, _sum("total", 2)), (Scalar("depth", I),), b.block(), ("i", "j", "k"))
    return Case(kernel, {"depth": 4}, (2, 3, 4, 10), {"x": (2, 3, 4), "total": (2,)})


def _horner() -> Function:
    """A polynomial by private memory and a loop: its value and whether it is positive."""
    x = variable("x")
    b = Builder()
    memory = b.local("c", (4,))
    for i in range(4):
        b.store(memory, i, value=real(1.0) / (i + 1.0) + x)
    y = b.register("y", 0.0)
    with b.loop("i", 0, 4):
        b.assign(y, y * x + b.load("ci", memory, variable("i", I)))
    return Function("horner", (x,), b.block(), (y, apply("lt", real(0.0), y), variable("x") * y))


def _square() -> Function:
    x = variable("x")
    return Function("square", (x,), (), (x * x,))


def _twice() -> Function:
    b = Builder()
    (inner,) = b.call(_square(), (variable("z"),), ("inner",))
    return Function("twice", (variable("z"),), b.block(), (inner + inner,))


def control() -> Case:
    """Calls, private memory, loops that each lane leaves on its own, gathered elements, sums at varying places."""
    lane = variable("lane", I)
    b = Builder()
    x = b.register("position", b.load("x0", "x"))
    y, positive, xy = b.call(_horner(), (x,), ("y", "positive", "xy"))
    (twice,) = b.call(_twice(), (y,), ("doubled",))
    turns = b.register("turns", 0)
    norm = x * x + y * y
    with b.repeat_while(apply("and", apply("lt", norm, real(50.0)), apply("lt", turns, integer(30)))):
        b.assign(x, x + norm * 0.5 + 0.1)
        b.assign(turns, turns + 1)
        with b.where(apply("eq", apply("remainder", turns, integer(3)), integer(0))):
            with b.where(positive):
                b.comment("every third turn, where the polynomial is positive")
                b.assign(x, x - 0.25)
            b.accumulate("steps_of", apply("remainder", lane, integer(3)), value=integer(1))
    memory = b.local("memory", (2, 3))
    with b.loop("a", 0, 2), b.loop("c", 0, 3):
        a, c = variable("a", I), variable("c", I)
        b.store(memory, a, c, value=x * apply("to_real", a * 3 + c))
    kind = b.load("own_kind", "kind", kind=I)
    gathered = b.load("gathered", "table", kind)
    entry = b.load("entry", memory, integer(1), kind)
    b.store("x", value=x + gathered + entry + twice + xy)
    b.store("count", value=turns)
    with b.loop("s", 0, 4):
        b.accumulate("histogram", variable("s", I), value=gathered * apply("to_real", variable("s", I)))
    arrays = (
        Array("x", (), intent=Intent.INOUT),
        Array("kind", (), I),
        Array("count", (), I, Intent.OUT),
        Array("table", (3,), instanced=False),
        _sum("steps_of", 3, kind=I),
        _sum("histogram", 4),
    )
    kernel = Kernel("control", "lane", arrays, (), b.block())
    return Case(
        kernel, {}, (70,), {"x": (), "kind": (), "count": (), "table": (3,), "steps_of": (3,), "histogram": (4,)}
    )


def awkward_names() -> Case:
    """Names that Python, C++ or CUDA keep for themselves, and letters that are not ASCII."""
    words = (
        "lambda",
        "double",
        "threadIdx",
        "math",
        "first",
        "sin",
        "y0",
        "real",
        "t0",
        "lane_stride",
        "θ",
        "theta",
        "Δx",
    )
    b = Builder()
    total: Node = real(0.0)
    for i, word in enumerate(words):
        total = total + b.let(word, (b.load(f"{word}_of_x", "int", i) + 1.0) * variable("np"))
    (squared,) = b.call(Function("log", (variable("class"),), (), (variable("class") * variable("class"),)), (total,))
    b.store("out", value=apply("sin", squared) + apply("sin", squared) * total)
    arrays = (Array("int", (len(words),)), Array("out", (), intent=Intent.OUT))
    kernel = Kernel("index", "lane", arrays, (Scalar("np"),), b.block())
    return Case(kernel, {"np": 0.3}, (9,), {"int": (len(words),), "out": ()})


CASES = {case.__name__: case for case in (ensemble, lattice, volume, control, awkward_names)}


@dataclass(frozen=True)
class Entry:
    """A primitive on arguments of one choice of kinds, which reads and writes one row of each array."""

    row: Primitive
    kinds: tuple[Kind, ...]

    @property
    def result(self) -> Kind:
        return self.row.result or self.kinds[-1]


def table() -> tuple[Entry, ...]:
    """Every primitive, on reals and on integers where it takes both."""
    entries = []
    for row in PRIMITIVES.values():
        choices = (R, I) if None in row.kinds else (R,)
        entries += [Entry(row, tuple(kind or choice for kind in row.kinds)) for choice in choices]
    return tuple(entries)


def table_kernel(entries: tuple[Entry, ...]) -> Kernel:
    """out[e] = primitive e of x[e, :], or of the integers n[e, :]; truth is n > 0, and is stored as 0 or 1."""
    b = Builder()
    for e, entry in enumerate(entries):
        arguments = [_argument(b, e, i, kind) for i, kind in enumerate(entry.kinds)]
        value = apply(entry.row.name, *arguments)
        if entry.result is B:
            value = apply("select", value, integer(1), integer(0))
        b.store("reals" if entry.result is R else "integers", e, value=value)
    count = len(entries)
    inputs = (Array("x", (count, 3)), Array("n", (count, 3), I))
    outputs = (Array("reals", (count,), intent=Intent.OUT), Array("integers", (count,), I, Intent.OUT))
    return Kernel("table", "lane", (*inputs, *outputs), (), b.block())


def _argument(b: Builder, e: int, i: int, kind: Kind) -> Node:
    if kind is R:
        return b.load("a", "x", e, i)
    n = b.load("m", "n", e, i, kind=I)
    return n if kind is I else apply("lt", integer(0), n)


def table_data(entries: tuple[Entry, ...], dtype: str, lanes: int, special: bool) -> dict[str, np.ndarray]:
    """Arguments at which every primitive is finite, or, `special`, the values at which floating point is awkward."""
    rng = np.random.default_rng(11)
    x, n = np.ones((len(entries), 3, lanes), dtype), np.ones((len(entries), 3, lanes), np.int64)
    for e, entry in enumerate(entries):
        reals, integers = _draw(rng, entry, dtype, lanes, special)
        x[e], n[e] = reals, integers
    outputs = {"reals": np.zeros((len(entries), lanes), dtype), "integers": np.zeros((len(entries), lanes), np.int64)}
    return {"x": x, "n": n, **outputs}


SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-30, 3e30, np.inf, -np.inf, np.nan)


def _draw(rng: np.random.Generator, entry: Entry, dtype: str, lanes: int, special: bool) -> tuple[Any, Any]:
    if special:
        reals = rng.choice(np.array(SPECIAL), (3, lanes)).astype(dtype)
        return (np.ones_like(reals) if entry.row.name == "to_int" else reals), rng.integers(-5, 5, (3, lanes))
    kept_x: list[np.ndarray] = []
    kept_n: list[np.ndarray] = []
    for _ in range(1000 * lanes):
        reals = (rng.normal(size=3) * 10.0 ** rng.integers(-2, 2)).astype(dtype)
        integers = rng.integers(-9, 10, 3)
        arguments = [
            reals[i] if k is R else integers[i] if k is I else integers[i] > 0 for i, k in enumerate(entry.kinds)
        ]
        divides = entry.row.name in ("quotient", "remainder")
        with np.errstate(all="ignore"):
            if np.isfinite(entry.row.meaning(*arguments)) and not (divides and integers[1] == 0):
                kept_x.append(reals)
                kept_n.append(integers)
        if len(kept_x) == lanes:
            return np.array(kept_x).T, np.array(kept_n).T
    raise AssertionError(f"{entry.row.name} is finite nowhere")
