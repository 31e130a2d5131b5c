"""How far rounding alone can move the results of a kernel: the tolerance with which two ways of computing are
compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

import numpy as np

from codegen import interpret
from codegen.ir import Kind, Node
from codegen.primitives import PRIMITIVES
from codegen.program import Accumulate

NOISE = 4.0  # random errors per operation, in those that its row allows
RUNS = 4
MARGIN = 8.0


def tolerance(run: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """For each element, `MARGIN` times the spread of results when every operation errs by a few units in the last
    place.

    This is the conditioning of the computation as it was written, in the manner of stochastic arithmetic (Vignes,
    Math. Comput. Simul. 35, 1993): a pass that reorders a sum or shares a reciprocal makes errors of this size at
    these places. Sines and cosines err by that many units of 1, since a sum of angles may be expanded; totals err with
    every addition to them, since instances may be added up in any order.
    """
    plain = run()
    spread = {name: np.zeros_like(a, dtype=float) for name, a in plain.items()}
    exact, reach = interpret._evaluate_one, interpret._reach
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)

        def noisy(n: Node, done: dict[bytes, Any], *rest: Any, rng: np.random.Generator = rng) -> Any:
            value = exact(n, done, *rest)
            if n.op in ("constant", "variable") or n.kind is not Kind.REAL or not PRIMITIVES[n.op].ulp:
                return value
            scale = 1.0 if n.op in ("sin", "cos") else np.abs(value)
            error = (
                rng.choice([-1.0, 1.0], np.shape(value)) * NOISE * max(PRIMITIVES[n.op].ulp, 1.0) * np.finfo(float).eps
            )
            return np.asarray(value + scale * error, dtype=np.asarray(value).dtype)

        def jolted(statement: Any, values: Any, mask: Any, at: Any, rng: np.random.Generator = rng) -> None:
            reach(statement, values, mask, at)
            if isinstance(statement, Accumulate) and at.declared[statement.array].kind is Kind.REAL:
                total = at.arrays[statement.array]
                total *= 1.0 + rng.choice([-1.0, 1.0], total.shape) * NOISE * np.finfo(float).eps

        with patch.object(interpret, "_evaluate_one", noisy), patch.object(interpret, "_reach", jolted):
            for name, moved in run().items():
                spread[name] = np.maximum(spread[name], np.abs(moved - plain[name]))
    return {name: MARGIN * s + 16 * np.finfo(float).eps * np.abs(plain[name]) for name, s in spread.items()}


def assert_equal_up_to_rounding(
    actual: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], allowed: Mapping[str, np.ndarray]
) -> None:
    """Every element within its own tolerance; NaN only where NaN is expected."""
    assert actual.keys() == expected.keys()
    for name, value in actual.items():
        np.testing.assert_array_equal(np.isnan(value), np.isnan(expected[name]), err_msg=name)
        off = np.abs(value - expected[name]) - allowed[name]
        assert not np.any(off > 0), f"{name} is off by {off.max():.3g} more than rounding explains"
