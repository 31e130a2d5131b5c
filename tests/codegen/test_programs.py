"""Programs on every backend; on the CPU, tiles and threads change no bit."""

from __future__ import annotations

import numpy as np
import pytest

import codegen.backends.cpu_native as cpu_native
from codegen.backends import get_backend
from codegen.backends.cpu_program import CpuProgram
from codegen.builder import Builder
from codegen.compile import compile_program
from codegen.interpret_program import run_program
from codegen.ir import Kind, variable
from codegen.primitives import apply
from codegen.program import Array, Intent, Kernel, Launch, Program, Repeat, Scalar, Transform
from codegen.schedule import Tiling, skews, tiling
from codegen.spec_program import check_program
from tests.codegen.conftest import BACKENDS
from tests.codegen.miniatures import MINIATURES
from tests.gpu import ON_SHIM

ROW, PLANE = variable("row", Kind.INT), variable("plane", Kind.INT)


def lattice(dimensions: int, reach: int, wraps: bool) -> Program:
    """A wave whose force depends on the step: kicks reach along all axes, drifts do not; in three dimensions the second
    axis is periodic."""
    outer = ("plane", "row")[2 - (dimensions - 1) :]
    where = (PLANE, ROW)[2 - (dimensions - 1) :]
    first = where[0]
    sizes = tuple(f"{name}s" for name in outer)
    h, k = Scalar("h"), Scalar("k", Kind.INT)
    shape = tuple(Scalar(size, Kind.INT) for size in sizes)
    u, v = Array("u", sizes), Array("v", sizes, intent=Intent.INOUT)
    lists = (Array("neighbours", ("mapped",), Kind.INT, instanced=False),)
    lists += (Array("around", ("circle",), Kind.INT, instanced=False),) if dimensions > 2 else ()
    b = Builder()
    force = -2.0 * dimensions * reach * b.load("here", "u", *where)
    for distance in range(1, reach + 1):
        for sign in (-1, 1):
            at = b.load("at", "neighbours", first + (reach + sign * distance), kind=Kind.INT)
            force = force + b.load("beyond", "u", at, *where[1:]) + b.load("beside", "u", *where, shift=sign * distance)
            if dimensions > 2:
                at = b.load("at", "around", ROW + (reach + sign * distance), kind=Kind.INT)
                force = force + b.load("above", "u", PLANE, at)
    force = force + apply("sin", apply("to_real", k.node) * h.node)
    b.store("v", *where, value=b.load("v0", "v", *where) + h.node * force)
    places = tuple(Scalar(str(each.shape[0]), Kind.INT) for each in lists)
    kick = Kernel("kick", "site", (u, v, *lists), (h, k, *shape, *places), b.block(), outer)
    b = Builder()
    b.store("u", *where, value=b.load("u0", "u", *where) + h.node * b.load("v0", "v", *where))
    moved = (Array("u", sizes, intent=Intent.INOUT), Array("v", sizes))
    drift = Kernel("drift", "site", moved, (h, *shape), b.block(), outer)
    b = Builder()
    cell = variable("cell", Kind.INT)
    source, target = (b.load(f"{name}_cell", name, cell, kind=Kind.INT) for name in ("source", "target"))
    b.store("u", *where, target, value=b.load("kept", "u", *where, source))
    cells = tuple(Array(name, ("cells",), Kind.INT, instanced=False) for name in ("source", "target"))
    whole = Array("u", (*sizes, "width"), intent=Intent.INOUT, instanced=False)
    scalars = (*shape, Scalar("width", Kind.INT), Scalar("cells", Kind.INT))
    halo = Kernel("halo", "cell", (whole, *cells), scalars, b.block(), outer)
    body = (
        Launch(kick, (*sizes, "sites"), reach=reach),
        Launch(drift, (*sizes, "sites")),
        Launch(halo, (*sizes, "cells")),
    )
    names = (*sizes, "sites", *(p.name for p in places), "width", "cells", "steps", "k")
    return Program(
        "lattice",
        (u, Array("v", sizes), *lists, *cells),
        (h, *(Scalar(name, Kind.INT) for name in names)),
        (Repeat("steps", body, "k", 2),),
        wraps,
    )


def inputs(
    dimensions: int, reach: int, wraps: bool, rows: int, steps: int, others: int = 7, sites: int = 40
) -> tuple[dict[str, np.ndarray], dict]:
    """A random state on `rows` x (`others` x) `sites`, with halos filled periodically along the lanes."""
    rng = np.random.default_rng(5)
    width = sites + 24 + 2 * reach
    shape = (rows, others)[: dimensions - 1]
    u = rng.normal(size=(*shape, width))
    cells = np.arange(2 * reach)
    target = np.where(cells < reach, cells, sites + cells)
    source = np.where(cells < reach, sites + cells, cells)
    u[..., target] = u[..., source]
    at = np.arange(-reach, rows + reach)
    neighbours = at % rows if wraps else np.clip(at, 0, rows - 1)
    around = np.arange(-reach, others + reach) % others
    tables = {"neighbours": neighbours, "around": around, "source": source, "target": target}
    arrays = {"u": u, "v": np.zeros_like(u), **tables}
    numbers = dict(zip(("rows",) if dimensions == 2 else ("planes", "rows"), shape, strict=True))
    lengths = {"mapped": len(at), "circle": len(around), "width": width, "cells": 2 * reach}
    return arrays, {"h": 0.02, **numbers, "sites": sites, **lengths, "steps": steps, "k": 3}


@pytest.mark.parametrize("backend", [b for b in BACKENDS if b != "interpreter"])
@pytest.mark.parametrize("name", [name for name in MINIATURES if name != "wave"])  # its halo knows no padding
def test_a_program_runs_as_the_interpreter_says(name: str, backend: str) -> None:
    miniature = MINIATURES[name]()
    compiled = compile_program(miniature.program, get_backend(backend))
    wanted = miniature.arrays()
    lanes, sites = get_backend(backend).lanes("float64"), {}
    given = {}
    for array in miniature.program.arrays:
        values = wanted[array.name]
        if array.instanced:  # padded to whole blocks of lanes
            sites[array.name] = values.shape[-1]
            missing = -values.shape[-1] % (lanes * array.components) + lanes * array.components
            values = np.pad(values, [*((0, 0) for _ in values.shape[:-1]), (0, missing)])
        given[array.name] = values.copy()
    run_program(miniature.program, wanted, miniature.scalars)
    compiled(given, miniature.scalars, threads=2)
    for array in miniature.program.arrays:
        found = given[array.name][..., : sites.get(array.name)] if array.instanced else given[array.name]
        scale = max(1.0, float(np.abs(wanted[array.name]).max()))
        # as many roundings in sequence as the miniature counts, each amplified at most tenfold
        allowed = 40 * miniature.operations * np.finfo(float).eps * scale
        np.testing.assert_allclose(found, wanted[array.name], rtol=0, atol=allowed, err_msg=array.name)


@pytest.mark.parametrize("backend", ["cpu", ON_SHIM])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("kinds", [("fourier",), ("fourier", "fourier"), ("sine", "cosine"), ("cosine", "fourier")])
def test_transforms_are_what_the_interpreter_says(kinds: tuple[str, ...], scaled: bool, backend: str) -> None:
    """There and back; sums of sixty terms of order one, times N where the inverse is not scaled."""
    shape = (6,)[: len(kinds) - 1]
    array = Array("z", shape, intent=Intent.INOUT, components=2)
    steps = (Transform("z", "z", 10, False, kinds), Transform("z", "z", 10, True, kinds, scaled))
    rng = np.random.default_rng(3)
    start = rng.normal(size=(*shape, 64))
    for body in (steps[:1], steps):
        program = Program("there and back", (array,), (), body)
        wanted, found = start.copy(), start.copy()
        run_program(program, {"z": wanted}, {})
        compile_program(program, get_backend(backend))({"z": found}, {}, threads=2)
        scale = np.abs(wanted[..., :20]).max()
        np.testing.assert_allclose(found[..., :20], wanted[..., :20], rtol=0, atol=60 * 8 * 2.0**-52 * scale)
    if scaled:
        np.testing.assert_allclose(found[..., :20], start[..., :20], atol=60 * 8 * 2.0**-52)


@pytest.mark.parametrize("wraps", [True, False])
@pytest.mark.parametrize(("dimensions", "reach"), [(2, 1), (2, 3), (3, 2)])
def test_tiles_and_threads_change_no_bit(
    dimensions: int, reach: int, wraps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = lattice(dimensions, reach, wraps)
    check_program(program)
    compiled = compile_program(program, get_backend("cpu"))
    results = []
    chunks = [(Tiling(2, 1, width), threads) for width in (2, 3, 6, 7) for threads in (1, 2)] if dimensions > 2 else []
    for tiles, threads in ((None, 1), (None, 2), (Tiling(3, 1), 1), (Tiling(2, 5), 2), (Tiling(4, 2), 2), *chunks):
        monkeypatch.setattr(cpu_native, "tiling", lambda *_, tiles=tiles: tiles)
        monkeypatch.setattr(cpu_native, "SMALL", 0)
        arrays, scalars = inputs(dimensions, reach, wraps, rows=2 * (2 * 4 * 2 * reach), steps=11)
        compiled(arrays, scalars, threads)
        results.append(np.stack([arrays["u"], arrays["v"]])[..., reach : reach + 40])
    assert np.isfinite(results[0]).all()
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    arrays, scalars = inputs(dimensions, reach, wraps, rows=2 * (2 * 4 * 2 * reach), steps=11)
    run_program(program, arrays, scalars)
    expected = np.stack([arrays["u"], arrays["v"]])[..., reach : reach + 40]
    # 11 steps of 6 reach + 4 operations at most, on numbers of order ten
    np.testing.assert_allclose(results[0], expected, rtol=0, atol=11 * (6 * reach + 4) * 10 * 2.0**-52 * 4)


@pytest.mark.parametrize("wraps", [True, False])
def test_one_piece_may_hold_several_repetitions_and_a_sum_at_its_end(
    wraps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Launches before and after, a repetition that is not done at all, and another that is summed up in passing."""
    plain = lattice(2, 2, wraps)
    (repeat,) = plain.body
    assert isinstance(repeat, Repeat)
    b = Builder()
    u = b.load("here", "u", ROW)
    right = b.load("right", "u", ROW, shift=1)
    b.accumulate("total", value=u * u + u * right)
    sums = Array("total", (), intent=Intent.SUM, instanced=False)
    arrays = (Array("u", ("rows",)), sums)
    measure = Kernel("measure", "site", arrays, (Scalar("rows", Kind.INT),), b.block(), ("row",))
    kick, drift, halo = repeat.body
    body = (*repeat.body, Repeat("never", repeat.body), repeat, Repeat("twice", (halo, kick, drift), "k"), halo)
    program = Program(
        "pieces",
        (*plain.arrays, sums),
        (*plain.scalars, Scalar("never", Kind.INT), Scalar("twice", Kind.INT)),
        (*body, Launch(measure, ("rows", "sites"), reach=1)),
        wraps,
    )
    check_program(program)
    compiled = compile_program(program, get_backend("cpu"))
    states, totals, rows = [], [], 64
    for tiles, threads in ((None, 1), (None, 2), (Tiling(3, 1), 1), (Tiling(2, 5), 2), (Tiling(1, 2), 2)):
        monkeypatch.setattr(cpu_native, "tiling", lambda *_, tiles=tiles: tiles)
        monkeypatch.setattr(cpu_native, "SMALL", 0)
        compiled = compile_program(program, get_backend("cpu"))
        given, scalars = inputs(2, 2, wraps, rows=rows, steps=7)
        given["total"] = np.ones(())
        compiled(given, scalars | {"never": 0, "twice": 2}, threads)
        states.append(np.stack([given["u"], given["v"]])[..., 2:42])
        totals.append(float(given["total"]))
    for state in states[1:]:
        np.testing.assert_array_equal(state, states[0])
    given, scalars = inputs(2, 2, wraps, rows=rows, steps=7)
    given["total"] = np.ones(())
    run_program(program, given, scalars | {"never": 0, "twice": 2})
    # as above; what is summed up is known to the rounding of its terms
    np.testing.assert_allclose(states[0], np.stack([given["u"], given["v"]])[..., 2:42], atol=11 * 16 * 10 * 2.0**-50)
    np.testing.assert_allclose(totals, float(given["total"]), rtol=1e-11)


def test_operations_lag_by_what_they_share() -> None:
    """In place a step spreads over twice its reach; between two sets of arrays once."""
    kick, drift, halo = {"u": (False, 2), "v": (True, 0)}, {"u": (True, 0), "v": (False, 0)}, {"u": (True, 0)}
    assert skews((kick, drift, halo)) == (2, 2, 0)
    there = {"u": (False, 3), "v": (True, 0), "w": (True, 0)}
    back = {"w": (False, 3), "v": (True, 0), "u": (True, 0)}
    assert skews((there, {"w": (True, 0)}, back, {"u": (True, 0)})) == (3, 0, 3, 0)
    assert skews(({"u": (True, 0)}, {"v": (True, 0)}, {"u": (False, 1)})) == (1, 0, 1)


def test_a_tile_fits_the_cache_and_the_borders() -> None:
    assert tiling(4, 16 * 1024, 512, False) == Tiling(12, 12)
    assert tiling(4, 16 * 1024, 40, False) is None  # all of it fits
    assert tiling(8, 2**20, 64, False) is None  # not one row fits
    assert tiling(8, 2**20, 15, False, 256) is None  # no two steps between the borders
    assert tiling(8, 2**20, 64, False, 256) == Tiling(4, 1, 6)  # six columns of 32 rows fit
    assert tiling(2, 2**20, 64, True, 8) == Tiling(8, 1, 1)
    assert tiling(2, 2**17, 64, False, 256) == Tiling(8, 1, 96)
    few = tiling(8, 16 * 1024, 66, False)
    assert few is not None
    assert few.steps * 8 * 2 <= 66


@pytest.mark.cpu(reason="pieces of native programs that threads share")
def test_threads_that_meet_in_a_program_keep_the_same_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one puts them together another begins and is done: what is kept by the ids of pieces stays that of both."""
    compiled = compile_program(lattice(2, 1, wraps=False), get_backend("cpu"))
    assert isinstance(compiled, CpuProgram)
    body, segment, first = compiled.program.body, CpuProgram._segment, []

    def meanwhile(program: CpuProgram, step: object) -> object:
        monkeypatch.setattr(CpuProgram, "_segment", segment)
        first.append(program.pieces(body))
        return segment(program, step)

    monkeypatch.setattr(CpuProgram, "_segment", meanwhile)
    assert compiled.pieces(body) is first[0]
