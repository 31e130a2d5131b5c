"""Blocks that make products of wide networks together: what they compute, what memory they take, what they refuse."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

from codegen.backends import shim
from codegen.backends.cuda import CudaBackend
from codegen.backends.cuda_source import cuda_source, prepared
from codegen.backends.nvrtc import check_cuda
from codegen.backends.shim import ShimBackend
from codegen.builder import Builder, Names
from codegen.compile import compile_kernel
from codegen.emit.cuda_blocks import emit_kernel
from codegen.emit.cuda_spread import spread
from codegen.emit.cuda_team import BESIDE, ROOM, ROW, WARP_TILES, overlapping, team_of
from codegen.interpret import run_kernel
from codegen.ir import Kind, integer, real, variable
from codegen.networks import Dense
from codegen.optimise.pipeline import optimise_kernel
from codegen.primitives import apply
from codegen.program import Array, For, Intent, Kernel, Local, Scalar, statements
from tests.codegen.backends.stand_in import StandIn
from tests.codegen.networks.kernels import drawn, orders, pulling

INSTANCES = 37
NETWORKS = {
    "deep": Dense("N", 2, (20, 33, 17), 1, "tanh"),
    "two outputs": Dense("N", 3, (64, 64), 2, "silu"),
    "many inputs": Dense("N", 9, (24, 24), 1, "tanh"),  # vectors in groups
    "very wide": Dense("N", 2, (130, 70), 1, "softplus"),
}
slow = pytest.mark.slow
CASES = [
    ("deep", "rows", "float64", ROOM),
    ("deep", "sum", "float32", ROOM),
    ("deep", "sum", "float32", 20_000),  # vectors in global memory
    pytest.param("two outputs", "sum", "float32", 150_000, marks=slow),  # pieces of them laid side by side
    pytest.param("two outputs", "sum", "float32", ROOM, marks=slow),
    pytest.param("many inputs", "sum", "float64", ROOM, marks=slow),
    pytest.param("very wide", "sum", "float64", 60_000, marks=slow),
]
CURVATURE = [(0, (1, 1))]  # of two inputs
needs_compiler = pytest.mark.skipif(not any(map(shutil.which, shim.COMPILERS)), reason="needs a C++ compiler")


def everything(network: Dense) -> list[tuple[int, tuple[int, ...]]]:
    return [(c, o) for c in range(network.outputs) for k in range(3) for o in orders(network.inputs, k)]


def inputs(network: Dense, mode: str, dtype: str) -> dict[str, np.ndarray]:
    weights, points = drawn(network, seed=1, count=INSTANCES)
    seeds = np.random.default_rng(2).normal(size=(len(everything(network)), INSTANCES))
    slope = (network.count, INSTANCES) if mode == "rows" else (network.count,)
    given = {"points": points.T, "seeds": seeds, network.array.name: weights}
    found = {"bars": np.zeros((network.inputs, INSTANCES)), "slope": np.zeros(slope)}
    return {name: np.ascontiguousarray(a).astype(dtype) for name, a in (given | found).items()}


def assert_pulled(found: dict[str, np.ndarray], given: dict[str, np.ndarray], kernel: Kernel, dtype: str) -> None:
    """Sums of some hundred products, several layers deep: 64 units of the largest."""
    wanted = {name: a.astype(np.float64) for name, a in given.items()}
    run_kernel(kernel, wanted, {}, (INSTANCES,))
    for name in ("bars", "slope"):
        assert np.abs(found[name] - wanted[name]).max() <= 64 * np.finfo(dtype).eps * np.abs(wanted[name]).max()


@needs_compiler
@pytest.mark.parametrize(("name", "mode", "dtype", "room"), CASES)
def test_blocks_give_what_the_interpreter_gives(name: str, mode: str, dtype: str, room: int) -> None:
    network = NETWORKS[name]
    kernel = pulling(network, everything(network), mode)
    run = compile_kernel(kernel, ShimBackend(room=room), dtype)
    assert run.kernel.shares
    given = inputs(network, mode, dtype)
    found = {array: a.copy() for array, a in given.items()}
    run(found, {}, (INSTANCES,))
    assert_pulled(found, given, kernel, dtype)


@needs_compiler
def test_a_part_of_the_instances_is_summed() -> None:
    network = NETWORKS["deep"]
    kernel = pulling(network, everything(network), "sum")
    run = compile_kernel(kernel, ShimBackend())
    parts = [inputs(network, "sum", "float64") for _ in range(2)]
    run(parts[0], {}, (INSTANCES,), first=0, last=20)
    run(parts[1], {}, (INSTANCES,), first=20)
    joined = {name: parts[0][name] + parts[1][name] for name in ("bars", "slope")}
    assert_pulled(joined, inputs(network, "sum", "float64"), kernel, "float64")


@needs_compiler
def test_the_device_is_asked_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a stand-in for CuPy: blocks, their shared memory, and global memory where that is too small."""
    cupy = StandIn()
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    cupy.attributes["MaxSharedMemoryPerBlockOptin"] = 20_000
    network = NETWORKS["deep"]
    kernel = pulling(network, everything(network), "sum")
    given = inputs(network, "sum", "float64")
    found = {array: a.copy() for array, a in given.items()}
    compile_kernel(kernel, CudaBackend())(found, {}, (INSTANCES,))
    assert_pulled(found, given, kernel, "float64")
    assert cupy.launches == [((2, 1, 1), (256, 1, 1))]


@needs_compiler
def test_as_many_blocks_as_are_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """37 instances, eight a block: five tiles, for the two blocks for which the multiprocessor has room."""
    cupy = StandIn(processors=1)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    network = NETWORKS["deep"]
    kernel = pulling(network, everything(network), "sum")
    run = compile_kernel(kernel, CudaBackend())
    team = team_of(run.kernel, "float64")
    assert team is not None
    cupy.attributes["MaxSharedMemoryPerMultiprocessor"] = 2 * (team.bytes + 1024)
    given = inputs(network, "sum", "float64")
    found = {array: a.copy() for array, a in given.items()}
    run(found, {}, (INSTANCES,))
    assert_pulled(found, given, kernel, "float64")
    assert cupy.launches == [((2, 1, 1), (team.threads, 1, 1))]


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_they_compile(dtype: str, architecture: str) -> None:
    pytest.importorskip("cuda.bindings.nvrtc", reason="needs cuda-bindings and the NVRTC library")
    network = Dense("N", 2, (64, 64), 1, "silu")
    source = cuda_source(pulling(network, CURVATURE, "sum"), dtype)
    assert "sym_product<64, 64, 64, false" in source
    assert "sym_outer<64, 64" in source
    assert ("mma.sync" in source) == (dtype == "float64")
    assert check_cuda(source, architecture)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("hidden", [(16, 16), (33, 20), (64, 64, 64)])
def test_tiles_of_warps_cover_products(hidden: tuple[int, ...], dtype: str) -> None:
    """However terms are shared out, whole tiles of warps make all rows and all instances of all vectors."""
    kernel = prepared(pulling(Dense("N", 2, hidden, 1, "tanh"), CURVATURE, "sum"), optimise_kernel, dtype)
    team = team_of(kernel, dtype)
    assert team is not None
    assert team.direct
    assert team.samples * team.width == ROW
    for vectors in range(1, 9):
        across = vectors * team.samples
        high, wide = WARP_TILES[team.split(max(hidden), across)]
        assert team.tall // 4 % high == across // 4 % wide == 0
    assert team.split(64, 16) >= team.split(64, 128)  # fewer sums, more threads for each


def test_narrow_networks_and_one_thread_an_instance_stay() -> None:
    narrow = Dense("N", 2, (8, 8), 1, "tanh")
    kernel = pulling(narrow, CURVATURE, "sum")
    assert not prepared(kernel, optimise_kernel, "float64").shares
    wide = pulling(NETWORKS["deep"], CURVATURE, "sum")
    assert prepared(wide, optimise_kernel, "float64").shares
    assert not prepared(wide, optimise_kernel, "float64", together=False).shares


def test_vectors_that_are_needed_together_do_not_share_memory() -> None:
    network = NETWORKS["deep"]
    kernel = prepared(pulling(network, CURVATURE, "sum"), optimise_kernel, "float64")
    team = team_of(kernel, "float64")
    assert team is not None
    assert team.bytes <= ROOM
    sizes = {s.array.name: int(s.array.shape[0]) for s in statements(kernel.body) if isinstance(s, Local)}
    assert team.rows < sum(sizes[name] for name in team.places)  # some lie on each other
    last = kernel.body[-1]
    together = {s.array for s in statements((last,)) if hasattr(s, "array")} & set(team.places)
    over = overlapping(team, kernel)
    assert all(over[a] & together == {a} for a in together)


def test_sums_of_outer_products_stay_with_the_block_where_there_is_room() -> None:
    """Without, every block adds to the same few places of the device's memory for all instances that it takes."""
    narrow = prepared(pulling(Dense("N", 2, (16, 16), 1, "tanh"), CURVATURE, "sum"), optimise_kernel, "float64")
    team = team_of(narrow, "float64")
    assert team is not None
    assert team.kept == (("slope", 337),)
    assert team.resident * team.bytes <= ROOM
    assert "sym_hand_over<337>(slope, slope_here)" in emit_kernel(narrow, "float64")
    less = team_of(narrow, "float64", team.resident * (team.bytes + BESIDE) - 1)
    assert less is not None
    assert less.kept == () or less.resident < team.resident


def loop(write: str) -> For:
    """A loop over a vector `y`, with a register `total` outside it."""
    b = Builder(Names(("y", "z", "total", "i")))
    total = variable("total")
    with b.loop("i", 0, 30) as i:
        y = b.load("value", "y", i + 4)
        if write == "own place":
            b.store("y", i + 4, value=2.0 * y)
        elif write == "pairs":
            b.store("z", 2 * i, value=y)
            b.store("z", 2 * i + 1, value=y)
        elif write == "two rows of one array":
            b.store("z", 2 * i, value=y)
            b.store("z", i + 60, value=y)
        elif write == "two rows that meet":
            b.store("z", 2 * i, value=y)
            b.store("z", i + 59 - 1, value=y)
        elif write == "next place":
            b.store("y", i + 5, value=y)
        elif write == "one place":
            b.store("z", integer(0), value=y)
        elif write == "sum":
            b.assign(total, total + y * y)
        elif write == "product":
            b.assign(total, total * y)
        elif write == "what the sum was":
            b.assign(total, total + y)
            b.store("z", i, value=total)
        elif write == "rows":
            with b.loop("j", 0, 5) as j:
                b.store("z", 5 * i + j, value=y + b.load("z_was", "z", 5 * i + j))
        elif write == "rows that meet":
            with b.loop("j", 0, 6) as j:
                b.store("z", 5 * i + j, value=y)
    (found,) = b.block()
    assert isinstance(found, For)
    return found


@pytest.mark.parametrize("write", ["own place", "pairs", "two rows of one array", "sum", "rows"])
def test_turns_that_need_nothing_of_each_other_are_shared_out(write: str) -> None:
    found = spread(loop(write))
    assert found is not None
    assert found.sums == ((variable("total"),) if write == "sum" else ())


@pytest.mark.parametrize(
    "write", ["next place", "one place", "product", "what the sum was", "rows that meet", "two rows that meet"]
)
def test_turns_that_meet_are_not(write: str) -> None:
    assert spread(loop(write)) is None


def steps(branch: bool) -> Kernel:
    """Products in a loop of unknown length, where instances may part ways."""
    b = Builder(Names(("matrix", "out", "sample", "count")))
    x, y = (b.local(name, (20,)) for name in "xy")
    with b.loop("k", 0, 20) as k:
        b.store(x, k, value=real(0.5))
    state = b.register("state", 0.0)

    def step() -> None:
        b.product(("matrix", integer(0)), (20, 20), (x,), integer(0), (y,), integer(0))
        with b.loop("i", 0, 20) as i:
            b.store(x, i, value=apply("tanh", b.load("made", y, i)))
        b.assign(state, state + b.load("first", x, integer(0)))

    with b.loop("turn", 0, variable("count", Kind.INT)):
        if branch:
            with b.where(apply("lt", state, 3.0)):
                step()
        else:
            step()
    b.store("out", value=state)
    arrays = (Array("matrix", (400,), instanced=False), Array("out", (), intent=Intent.OUT))
    return Kernel("steps", "sample", arrays, (Scalar("count", Kind.INT),), b.block())


@needs_compiler
def test_steps_go_together_while_nobody_leaves() -> None:
    """Five steps of twenty products of order one: 64 units."""
    rng = np.random.default_rng(4)
    arrays = {"matrix": rng.normal(0, 0.3, 400), "out": np.zeros(INSTANCES)}
    wanted = {name: a.copy() for name, a in arrays.items()}
    run = compile_kernel(steps(False), ShimBackend())
    assert run.kernel.shares
    run(arrays, {"count": 5}, (INSTANCES,))
    run_kernel(steps(False), wanted, {"count": 5}, (INSTANCES,))
    assert np.abs(arrays["out"] - wanted["out"]).max() <= 64 * np.finfo(float).eps * np.abs(wanted["out"]).max()


@needs_compiler
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_matrix_that_stays_is_the_one_that_is_asked_for(dtype: str) -> None:
    """Its first rows, all of it, all of it turned, another one: sums of at most twenty products, 64 units."""
    b = Builder(Names(("matrix", "out", "sample")))
    x, y = b.local("x", (20,)), b.local("y", (76,))
    with b.loop("k", 0, 20) as k:
        b.store(x, k, value=b.load("start", "given", k))
    for to, begin, rows, turned in ((0, 0, 16, False), (16, 0, 20, False), (36, 0, 20, True), (56, 400, 20, True)):
        b.product(("matrix", integer(begin)), (rows, 20), (x,), integer(0), (y,), integer(to), transposed=turned)
    with b.loop("i", 0, 76) as i:
        b.store("out", i, value=b.load("made", y, i))
    arrays = (
        Array("matrix", (800,), instanced=False),
        Array("given", (20,)),
        Array("out", (76,), intent=Intent.OUT),
    )
    kernel = Kernel("several", "sample", arrays, (), b.block())
    rng = np.random.default_rng(5)
    values = {"matrix": rng.normal(size=800), "given": rng.normal(size=(20, INSTANCES))}
    found = {name: a.astype(dtype) for name, a in values.items()} | {"out": np.zeros((76, INSTANCES), dtype)}
    wanted = {name: a.astype(np.float64) for name, a in found.items()}
    run = compile_kernel(kernel, ShimBackend(), dtype)
    assert run.kernel.shares
    run(found, {}, (INSTANCES,))
    run_kernel(kernel, wanted, {}, (INSTANCES,))
    assert np.abs(found["out"] - wanted["out"]).max() <= 64 * np.finfo(dtype).eps * np.abs(wanted["out"]).max()


def test_products_where_instances_part_ways_are_made_by_each() -> None:
    kernel = steps(True)
    assert team_of(optimise_kernel(replace(kernel, shares=True)), "float64") is None
    assert not prepared(kernel, optimise_kernel, "float64").shares
    assert "sym_product" not in cuda_source(kernel)
