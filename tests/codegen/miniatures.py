"""Six small programs, one for each shape of work that the compiler must carry, with the same in plain NumPy.

An ensemble, a wave on a lattice, batched pairs, lists of neighbours, a layer with its vjp, a spectral step. What runs
these on a backend can run what physics asks for; nothing in the compiler knows any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from codegen.builder import Builder
from codegen.ir import Kind, Node, real, variable
from codegen.primitives import apply
from codegen.program import Array, Function, Intent, Kernel, Launch, Program, Repeat, Scalar, Transform

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Miniature:
    """A program, what to run it on, and what plain NumPy makes of that (the arrays that it names)."""

    program: Program
    arrays: Callable[[], Arrays]
    scalars: dict[str, float | int]
    expected: Callable[[Arrays], Arrays]
    operations: int  # roundings on the longest path from an input to a result, from which the tolerance follows


def ensemble() -> Miniature:
    """Pendulums by the classical Runge-Kutta method, each until a time of its own (lanes stop on their own)."""
    theta, omega = variable("theta"), variable("omega")
    gravity = variable("gravity")
    rate = Function("rate", (theta, omega, gravity), (), (omega, -(gravity * apply("sin", theta))))
    h, g = Scalar("h"), Scalar("g")
    b = Builder()
    b.comment("angle and angular velocity")
    state = [b.register(name, b.load(f"{name}0", "state", i)) for i, name in enumerate(("angle", "velocity"))]
    last = b.load("last", "end")
    time = b.register("time", 0.0)
    with b.repeat_while(apply("lt", time + h.node * 0.5, last)):
        stages: list[tuple[Node, ...]] = []
        for weight in (0.0, 0.5, 0.5, 1.0):
            at = [
                x if not stages else x + h.node * weight * k
                for x, k in zip(state, (stages or [state])[-1], strict=True)
            ]
            stages.append(b.call(rate, (*at, g.node)))
        new = [
            b.let("new", x + h.node / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4))
            for x, k1, k2, k3, k4 in zip(state, *stages, strict=True)
        ]
        for x, value in zip(state, new, strict=True):
            b.assign(x, value)
        b.assign(time, time + h.node)
    for i, x in enumerate(state):
        b.store("state", i, value=x)
    arrays = (Array("state", (2,), intent=Intent.INOUT), Array("end", ()))
    kernel = Kernel("ensemble", "run", arrays, (h, g), b.block())
    program = Program("pendulums", arrays, (h, g, Scalar("runs", Kind.INT)), (Launch(kernel, ("runs",)),))

    def made() -> Arrays:
        rng = np.random.default_rng(1)
        return {"state": rng.uniform(-1.5, 1.5, (2, 7)), "end": rng.integers(0, 9, 7) * 0.1}

    def expected(given: Arrays) -> Arrays:
        f = lambda y: np.array([y[1], -9.81 * np.sin(y[0])])  # noqa: E731
        out = given["state"].copy()
        for lane in range(7):
            y = out[:, lane].copy()
            for _ in range(round(given["end"][lane] / 0.1)):
                k1 = f(y)
                k2 = f(y + 0.05 * k1)
                k3 = f(y + 0.05 * k2)
                k4 = f(y + 0.1 * k3)
                y = y + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
            out[:, lane] = y
        return {"state": out}

    return Miniature(program, made, {"h": 0.1, "g": 9.81, "runs": 7}, expected, operations=8 * 40)


def wave() -> Miniature:
    """u_tt = u_xx on a periodic lattice by leapfrog; a kernel fills the halo, another adds up the energy."""
    h, inverse = Scalar("h"), Scalar("inverse_dx")
    sites, padded = Scalar("sites", Kind.INT), Scalar("padded", Kind.INT)
    u_in, v_in = Array("u", ()), Array("v", ())
    b = Builder()
    whole = Array("u", ("padded",), intent=Intent.INOUT, instanced=False)
    b.store("u", 0, value=b.load("last", "u", sites.node))
    b.store("u", sites.node + 1, value=b.load("first", "u", 1))
    wrap = Kernel("wrap", "once", (whole,), (sites, padded), b.block())
    b = Builder()
    left, here, right = (b.load(name, "u", shift=s) for name, s in (("left", -1), ("here", 0), ("right", 1)))
    force = b.let("force", (left - 2.0 * here + right) * inverse.node * inverse.node)
    b.store("v", value=b.load("v0", "v") + h.node * force)
    kick = Kernel("kick", "site", (u_in, Array("v", (), intent=Intent.INOUT)), (h, inverse), b.block())
    b = Builder()
    b.store("u", value=b.load("u0", "u") + h.node * b.load("v0", "v"))
    drift = Kernel("drift", "site", (Array("u", (), intent=Intent.INOUT), v_in), (h,), b.block())
    b = Builder()
    slope = b.let("slope", (b.load("right", "u", shift=1) - b.load("here", "u")) * inverse.node)
    speed = b.load("speed", "v")
    b.accumulate("energy", value=0.5 * (speed * speed + slope * slope))
    total = Array("energy", (), intent=Intent.SUM, instanced=False)
    measure = Kernel("measure", "site", (u_in, v_in, total), (inverse,), b.block())
    program = Program(
        "wave",
        (u_in, v_in, total),
        (h, inverse, sites, padded, Scalar("steps", Kind.INT)),
        (
            Repeat("steps", (Launch(wrap, (1,)), Launch(kick, ("sites",)), Launch(drift, ("sites",)))),
            Launch(wrap, (1,)),
            Launch(measure, ("sites",)),
        ),
    )

    def made() -> Arrays:
        rng = np.random.default_rng(2)
        return {"u": rng.normal(size=14), "v": rng.normal(size=14), "energy": np.array(0.0)}

    def expected(given: Arrays) -> Arrays:
        u, v = given["u"][1:-1].copy(), given["v"][1:-1].copy()
        for _ in range(20):
            v += 0.05 * (np.roll(u, 1) - 2 * u + np.roll(u, -1)) * 4.0
            u += 0.05 * v
        slope = (np.roll(u, -1) - u) * 2.0
        energy = np.sum(v**2 + slope**2) / 2
        return {"u": np.pad(u, 1, mode="wrap"), "energy": np.array(energy)}

    scalars = {"h": 0.05, "inverse_dx": 2.0, "sites": 12, "padded": 14, "steps": 20}
    return Miniature(program, made, scalars, expected, operations=20 * 8 + 16)


def pairs() -> Miniature:
    """Few particles in the plane with a softened attraction, velocity Verlet inside the kernel, many runs side by
    side."""
    n = 4
    h, softening, steps = Scalar("h"), Scalar("softening"), Scalar("steps", Kind.INT)
    b = Builder()
    position, velocity, force = (b.local(name, (n, 2)) for name in ("position", "velocity", "force"))
    with b.loop("p", 0, n) as p:
        for axis in range(2):
            b.store(position, p, axis, value=b.load("x_in", "x", p, axis))
            b.store(velocity, p, axis, value=b.load("v_in", "v", p, axis))

    def add(memory: str, particle: Node, axis: int, value: Node) -> None:
        b.store(memory, particle, axis, value=b.load("old", memory, particle, axis) + value)

    def kick() -> None:
        b.comment("forces of all pairs")
        with b.loop("cleared", 0, n) as p:
            for axis in range(2):
                b.store(force, p, axis, value=real(0.0))
        with b.loop("i", 0, n) as i, b.loop("j", i + 1, n) as j:
            apart = [
                b.let("apart", b.load("there", position, j, axis) - b.load("here", position, i, axis))
                for axis in range(2)
            ]
            r2 = b.let("r2", apart[0] * apart[0] + apart[1] * apart[1] + softening.node)
            strength = b.let("strength", 1.0 / (r2 * apply("sqrt", r2)))
            for axis in range(2):
                add(force, i, axis, strength * apart[axis])
                add(force, j, axis, -(strength * apart[axis]))
        with b.loop("kicked", 0, n) as p:
            for axis in range(2):
                add(velocity, p, axis, h.node * 0.5 * b.load("f", force, p, axis))

    with b.loop("step", 0, steps.node):
        kick()
        with b.loop("drifted", 0, n) as p:
            for axis in range(2):
                add(position, p, axis, h.node * b.load("w", velocity, p, axis))
        kick()
    with b.loop("stored", 0, n) as p:
        for axis in range(2):
            b.store("x", p, axis, value=b.load("x_out", position, p, axis))
            b.store("v", p, axis, value=b.load("v_out", velocity, p, axis))
    arrays = tuple(Array(name, (n, 2), intent=Intent.INOUT) for name in ("x", "v"))
    kernel = Kernel("pairs", "run", arrays, (h, softening, steps), b.block())
    program = Program("pairs", arrays, (h, softening, steps, Scalar("runs", Kind.INT)), (Launch(kernel, ("runs",)),))

    def made() -> Arrays:
        rng = np.random.default_rng(3)
        return {"x": rng.normal(size=(n, 2, 5)), "v": rng.normal(size=(n, 2, 5)) * 0.1}

    def expected(given: Arrays) -> Arrays:
        x, v = given["x"].copy(), given["v"].copy()

        def acceleration() -> np.ndarray:
            apart = x[None] - x[:, None]  # [i, j, axis, run]
            r2 = np.sum(apart**2, axis=2) + 0.1
            return np.sum(apart / r2[:, :, None] ** 1.5, axis=1)

        for _ in range(6):
            v += 0.01 * 0.5 * acceleration()
            x += 0.01 * v
            v += 0.01 * 0.5 * acceleration()
        return {"x": x, "v": v}

    scalars = {"h": 0.01, "softening": 0.1, "steps": 6, "runs": 5}
    return Miniature(program, made, scalars, expected, operations=6 * 40)


def lists() -> Miniature:
    """Each finds the later ones near it, lists them in short integers, and adds their places and colours up."""
    count, reach = Scalar("count", Kind.INT), Scalar("reach")
    room = 16
    b = Builder()
    me = variable("me", Kind.INT)
    place, x = b.register("place", me * room), b.load("x", "spots", me, 0)
    with b.loop("other", 0, count.node) as other:
        away = b.let("away", b.load("x_other", "spots", other, 0) - x)
        with b.where(apply("and", apply("lt", 0.0, away), apply("lt", away, reach.node))):
            b.store("near", place, value=other)
            b.assign(place, place + 1)
    with b.repeat_while(apply("lt", place, (me + 1) * room)):
        b.store("near", place, value=me)
        b.assign(place, place + 1)
    listing = Kernel(
        "listing",
        "me",
        (
            Array("spots", ("count", 4), instanced=False),
            Array("near", ("entries",), Kind.INT, Intent.OUT, False, 1, True),
        ),
        (count, reach, Scalar("entries", Kind.INT)),
        b.block(),
    )
    b = Builder()
    sums = [b.register(f"sum_{k}", 0.0) for k in range(5)]
    with b.loop("entry", 0, room) as entry:
        j = b.load("j", "beside", entry, kind=Kind.INT)
        parts = [b.load("part", "spots", j, k) for k in (2, 0, 1)] + [b.load("colour", "colours", j, k) for k in (0, 1)]
        for total, part in zip(sums, parts, strict=True):
            b.assign(total, total + part)
    for k, total in enumerate(sums):
        b.store("sums", k, value=total)
    adding = Kernel(
        "adding",
        "me",
        (
            Array("spots", ("count", 4), instanced=False),
            Array("colours", ("count", 2), instanced=False),
            Array("beside", (room,), Kind.INT, short=True),
            Array("sums", (5,), intent=Intent.OUT),
        ),
        (count,),
        b.block(),
    )
    arrays = tuple({a.name: a for a in (*listing.arrays, *adding.arrays)}.values())
    scalars = (count, reach, Scalar("entries", Kind.INT))
    program = Program("lists", arrays, scalars, (Launch(listing, ("count",)), Launch(adding, ("count",))))
    size = 75  # some blocks of lanes, and one that is not full

    def made() -> Arrays:
        rng = np.random.default_rng(6)
        drawn = {"spots": rng.uniform(0, 1, (size, 4)), "colours": rng.uniform(0, 1, (size, 2))}
        beside = rng.integers(0, size, (room, size)).astype(np.int32)
        return drawn | {"near": np.zeros(size * room, np.int32), "beside": beside, "sums": np.zeros((5, size))}

    def expected(given: Arrays) -> Arrays:
        away = given["spots"][None, :, 0] - given["spots"][:, None, 0]
        near = np.repeat(np.arange(size), room).reshape(size, room)
        for i, row in enumerate((away > 0) & (away < 0.1)):
            near[i, : row.sum()] = np.flatnonzero(row)
        seen = np.concatenate([given["spots"][:, [2, 0, 1]], given["colours"]], axis=1)
        return {"near": near.reshape(-1), "sums": seen[given["beside"]].sum(axis=0).T}

    return Miniature(program, made, {"count": size, "reach": 0.1, "entries": size * room}, expected, operations=room)


def layer() -> Miniature:
    """y = tanh(W x + b) over samples, its vjp with respect to x, and the gradient of W and b summed over samples."""
    inputs, outputs = Scalar("inputs", Kind.INT), Scalar("outputs", Kind.INT)
    b = Builder()
    with b.loop("cleared", 0, inputs.node) as i:
        b.store("x_bar", i, value=real(0.0))
    with b.loop("o", 0, outputs.node) as o:
        z = b.register("z", b.load("bias", "b", o))
        with b.loop("i", 0, inputs.node) as i:
            b.assign(z, z + b.load("weight", "W", o, i) * b.load("x_i", "x", i))
        y = b.let("y_o", apply("tanh", z))
        b.store("y", o, value=y)
        b.comment("adjoint of z, since tanh' = 1 - tanh^2")
        z_bar = b.let("z_bar", b.load("y_bar_o", "y_bar", o) * (1.0 - y * y))
        b.accumulate("b_bar", o, value=z_bar)
        with b.loop("k", 0, inputs.node) as k:
            b.accumulate("W_bar", o, k, value=z_bar * b.load("x_k", "x", k))
            b.store("x_bar", k, value=b.load("before", "x_bar", k) + b.load("back", "W", o, k) * z_bar)
    arrays = (
        Array("W", ("outputs", "inputs"), instanced=False),
        Array("b", ("outputs",), instanced=False),
        Array("x", ("inputs",)),
        Array("y_bar", ("outputs",)),
        Array("y", ("outputs",), intent=Intent.OUT),
        Array("x_bar", ("inputs",), intent=Intent.OUT),
        Array("W_bar", ("outputs", "inputs"), intent=Intent.SUM, instanced=False),
        Array("b_bar", ("outputs",), intent=Intent.SUM, instanced=False),
    )
    kernel = Kernel("layer", "sample", arrays, (inputs, outputs), b.block())
    program = Program("layer", arrays, (inputs, outputs, Scalar("samples", Kind.INT)), (Launch(kernel, ("samples",)),))

    def made() -> Arrays:
        rng = np.random.default_rng(4)
        shapes = {"W": (3, 4), "b": (3,), "x": (4, 9), "y_bar": (3, 9)}
        zeros = {"y": (3, 9), "x_bar": (4, 9), "W_bar": (3, 4), "b_bar": (3,)}
        drawn = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        return drawn | {name: np.zeros(shape) for name, shape in zeros.items()}

    def expected(given: Arrays) -> Arrays:
        y = np.tanh(given["W"] @ given["x"] + given["b"][:, None])
        z_bar = given["y_bar"] * (1 - y**2)
        gradient = {"W_bar": z_bar @ given["x"].T, "b_bar": z_bar.sum(axis=1)}
        return {"y": y, "x_bar": given["W"].T @ z_bar} | gradient

    return Miniature(program, made, {"inputs": 4, "outputs": 3, "samples": 9}, expected, operations=40)


def spectral() -> Miniature:
    """i psi_t = (k^2/2 + V) psi by Strang splitting: phases in position, transform, phases in wave number, back."""
    psi = Array("psi", (), intent=Intent.INOUT, components=2)
    h = Scalar("h")

    def rotation(name: str, energy: str, fraction: float) -> Kernel:
        b = Builder()
        re, im = b.load("re", "psi", 0), b.load("im", "psi", 1)
        angle = b.let("angle", b.load("e", energy) * h.node * fraction)
        cosine, sine = b.let("cosine", apply("cos", angle)), b.let("sine", apply("sin", angle))
        b.store("psi", 0, value=re * cosine + im * sine)
        b.store("psi", 1, value=im * cosine - re * sine)
        return Kernel(name, "site", (psi, Array(energy, ())), (h,), b.block())

    half = rotation("potential_phase", "potential", 0.5)
    full = rotation("kinetic_phase", "kinetic", 1.0)
    there, back = Transform("psi", "psi", "sites"), Transform("psi", "psi", "sites", inverse=True)
    step = (Launch(half, ("sites",)), there, Launch(full, ("sites",)), back, Launch(half, ("sites",)))
    program = Program(
        "spectral",
        (psi, Array("potential", ()), Array("kinetic", ())),
        (h, Scalar("sites", Kind.INT), Scalar("steps", Kind.INT)),
        (Repeat("steps", step),),
    )
    x = np.linspace(-4, 4, 16, endpoint=False)
    kinetic = (2 * np.pi * np.fft.fftfreq(16, d=0.5)) ** 2 / 2

    def made() -> Arrays:
        wave = np.exp(-((x - 1) ** 2) + 1j * x)
        return {"psi": wave.view(np.float64), "potential": x**2 / 2, "kinetic": kinetic.copy()}

    def expected(given: Arrays) -> Arrays:
        wave = given["psi"].view(np.complex128)
        for _ in range(5):
            wave = np.exp(-0.05j * given["potential"]) * wave
            wave = np.fft.ifft(np.exp(-0.1j * given["kinetic"]) * np.fft.fft(wave))
            wave = np.exp(-0.05j * given["potential"]) * wave
        return {"psi": wave.view(np.float64)}

    return Miniature(program, made, {"h": 0.1, "sites": 16, "steps": 5}, expected, operations=5 * 32)


MINIATURES = {f.__name__: f for f in (ensemble, wave, pairs, lists, layer, spectral)}
