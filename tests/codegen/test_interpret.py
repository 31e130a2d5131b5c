"""The interpreter: lanes that run together are lanes that run alone, and each statement does what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from codegen.builder import Builder
from codegen.errors import CompilerBug
from codegen.interpret import evaluate, run_kernel
from codegen.ir import Kind, integer, real, variable
from codegen.primitives import apply
from codegen.program import Accumulate, Array, Block, For, Function, If, Intent, Kernel, Scalar, While
from tests.codegen.strategies import Case, input_values, random_kernels, random_nodes


def with_sizes_summed(block: Block) -> Block:
    """The block with the absolute values of what it accumulates."""
    out = []
    for s in block:
        if isinstance(s, Accumulate):
            s = replace(s, value=apply("abs", s.value))
        elif isinstance(s, For | While | If):
            s = replace(s, body=with_sizes_summed(s.body))
        out.append(s)
    return tuple(out)


@given(case=random_kernels())
def test_lanes_together_are_lanes_alone(case: Case) -> None:
    """Bit by bit; sums over lanes differ by their order alone, at most a rounding per term of the sum of sizes."""
    together = case.run()
    sizes = case.run(replace(case.kernel, body=with_sizes_summed(case.kernel.body)))
    total = np.zeros_like(together["total"])
    rows, lanes = case.extents
    for lane in range(lanes):
        arrays = {
            a.name: case.arrays()[a.name][..., lane : lane + 1 + 2 * case.halo]
            if a.instanced
            else case.arrays()[a.name]
            for a in case.kernel.arrays
        }
        run_kernel(case.kernel, arrays, case.scalars, (rows, 1), halo=case.halo, first=lane)
        here = lane + case.halo
        for name in ("out", "state"):
            np.testing.assert_array_equal(together[name][..., here], arrays[name][..., case.halo])
        total += arrays["total"]
    assert np.all(np.abs(total - together["total"]) <= 64 * np.finfo(float).eps * sizes["total"])


@given(case=random_kernels())
def test_the_halo_is_never_written(case: Case) -> None:
    before, after = case.arrays(), case.run()
    for name in ("out", "state"):
        lanes = before[name].shape[-1]
        for edge in (slice(0, case.halo), slice(lanes - case.halo, lanes)):
            np.testing.assert_array_equal(after[name][..., edge], before[name][..., edge])


@given(roots=random_nodes(), values=input_values())
def test_arrays_are_evaluated_element_by_element(roots, values) -> None:
    for value, root in zip(evaluate(roots, values), roots, strict=True):
        for lane in range(5):
            (alone,) = evaluate((root,), {name: v[lane : lane + 1] for name, v in values.items()})
            np.testing.assert_array_equal(np.broadcast_to(value, 5)[lane], np.broadcast_to(alone, 1)[0])


def launched(builder: Builder, lanes: int = 4, **scalars: int) -> np.ndarray:
    """What a kernel stores in `out`."""
    out = np.full((2, lanes), -1.0)
    declared = tuple(Scalar(name, Kind.INT) for name in scalars)
    kernel = Kernel("k", "lane", (Array("out", (2,), intent=Intent.OUT),), declared, builder.block())
    run_kernel(kernel, {"out": out}, scalars, (lanes,))
    return out


LANE = variable("lane", Kind.INT)


def test_each_lane_leaves_a_while_on_its_own() -> None:
    b = Builder()
    n, rounds = b.register("n", LANE), b.register("rounds", 0.0)
    with b.repeat_while(apply("lt", 0, n)):
        b.assign(n, n - 1)
        b.assign(rounds, rounds + 1.0)
    b.store("out", 0, value=rounds)
    np.testing.assert_array_equal(launched(b)[0], [0, 1, 2, 3])


def test_a_branch_leaves_other_lanes_untouched() -> None:
    b = Builder()
    x = b.register("x", 5.0)
    with b.where(apply("lt", LANE, 2)):
        b.assign(x, 7.0)
        b.store("out", 1, value=real(9.0))
    b.store("out", 0, value=x)
    out = launched(b)
    np.testing.assert_array_equal(out[0], [7, 7, 5, 5])
    np.testing.assert_array_equal(out[1], [9, 9, -1, -1])


def test_a_copy_keeps_the_value_that_a_register_had() -> None:
    b = Builder()
    x = b.register("x", 1.0)
    before = b.copy("before", x)
    b.assign(x, x + 1.0)
    b.store("out", 0, value=before)
    b.store("out", 1, value=x)
    np.testing.assert_array_equal(launched(b), np.array([[1.0] * 4, [2.0] * 4]))


@pytest.mark.parametrize(("start", "stop", "rounds"), [(0, 3, 3), (2, 5, 3), (3, 3, 0), (4, 1, 0)])
def test_a_loop_runs_from_start_to_before_stop(start: int, stop: int, rounds: int) -> None:
    b = Builder()
    total, count = b.register("total", 0), b.register("count", 0)
    with b.loop("i", variable("start", Kind.INT), variable("stop", Kind.INT)) as i:
        b.assign(total, total + i)
        b.assign(count, count + 1)
    b.store("out", 0, value=apply("to_real", total))
    b.store("out", 1, value=apply("to_real", count))
    out = launched(b, start=start, stop=stop)
    assert set(out[0]) == {float(sum(range(start, stop)))}
    assert set(out[1]) == {float(rounds)}


def test_private_memory_is_each_lanes_own() -> None:
    b = Builder()
    m = b.local("m", (4,))
    b.store(m, LANE, value=apply("to_real", LANE))
    b.store(m, apply("remainder", LANE + 1, 4), value=real(10.0))
    b.store("out", 0, value=b.load("mine", m, LANE))
    np.testing.assert_array_equal(launched(b)[0], [0, 1, 2, 3])


def test_private_memory_of_a_function_hides_nothing_of_its_caller() -> None:
    inner = Builder()
    m = inner.local("out", (2,))
    inner.store(m, 0, value=variable("p"))
    function = Function("f", (variable("p"),), inner.block(), (inner.load("back", m, 0),))
    inner_function = replace(function, body=inner.block())
    b = Builder()
    (result,) = b.call(inner_function, (real(3.0),))
    b.store("out", 0, value=result)
    assert set(launched(b)[0]) == {3.0}


def test_sums_start_from_zero_and_take_lanes_that_take_part() -> None:
    b = Builder()
    with b.where(apply("lt", 0, LANE)):
        b.accumulate("total", 0, value=apply("to_real", LANE))
        b.accumulate("whole", value=integer(1))
    arrays = (
        Array("total", (1,), intent=Intent.SUM, instanced=False),
        Array("whole", (), Kind.INT, Intent.SUM, instanced=False),
    )
    given_arrays = {"total": np.array([100.0]), "whole": np.array(100)}
    run_kernel(Kernel("k", "lane", arrays, (), b.block(), ("row",)), given_arrays, {}, (3, 4))
    assert given_arrays["total"][0] == 3 * (1 + 2 + 3)
    assert given_arrays["whole"] == 9


def test_single_precision_stays_single() -> None:
    (value,) = evaluate((apply("sin", variable("x") * 0.1),), {"x": np.float32(0.3)}, np.float32)
    assert value.dtype == np.float32
    assert value == np.sin(np.float32(0.3) * np.float32(0.1))


def test_an_unknown_statement_is_refused() -> None:
    with pytest.raises(CompilerBug, match=r"the interpreter has no meaning for str"):
        run_kernel(Kernel("k", "lane", (), (), ("what",)), {}, {}, (1,))  # type: ignore[arg-type]
