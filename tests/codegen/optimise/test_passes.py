"""What every pass keeps: values up to rounding, the rules of the spec, and its own work when run again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given

from codegen.interpret import evaluate
from codegen.ir import Node
from codegen.optimise.dead import remove_dead
from codegen.optimise.factor import factor, factor_graph
from codegen.optimise.fuse import fuse
from codegen.optimise.hoist import hoist
from codegen.optimise.inline import inline
from codegen.optimise.pipeline import PASSES, optimise_kernel
from codegen.optimise.share import share
from codegen.optimise.specialise import specialise
from codegen.optimise.trigonometry import expand_angles, expand_in_graph
from codegen.program import Function, Kernel
from codegen.spec import check_function, check_kernel
from tests.codegen.rounding import assert_equal_up_to_rounding, tolerance
from tests.codegen.strategies import Case, input_values, random_functions, random_kernels, random_nodes

KERNEL_PASSES: dict[str, Callable[[Kernel], Kernel]] = {
    **PASSES,
    "inline nothing": lambda kernel: inline(kernel, limit=0),
    "share shallow": lambda kernel: share(kernel, depth=2),
}
FUNCTION_PASSES = (remove_dead, fuse, expand_angles, factor, hoist, share)
EXACT = ("inline", "inline nothing", "remove dead", "remove what passes left")


@pytest.mark.parametrize("name", KERNEL_PASSES)
@given(case=random_kernels())
def test_a_pass_keeps_values_and_rules_and_is_idempotent(name: str, case: Case) -> None:
    """Passes that only move statements keep every bit; the others stay within `rounding.tolerance` of the kernel as
    written."""
    rewrite = KERNEL_PASSES[name]
    after = rewrite(case.kernel)
    check_kernel(after)
    assert rewrite(after) == after
    if name in EXACT:
        for array, expected in case.run().items():
            np.testing.assert_array_equal(case.run(after)[array], expected)
    else:
        assert_equal_up_to_rounding(case.run(after), case.run(), tolerance(case.run))


@given(case=random_kernels())
def test_the_pipeline_keeps_values(case: Case) -> None:
    assert_equal_up_to_rounding(case.run(optimise_kernel(case.kernel)), case.run(), tolerance(case.run))


@given(case=random_kernels())
def test_specialising_keeps_values(case: Case) -> None:
    special = specialise(case.kernel, case.scalars)
    check_kernel(special)
    assert not special.scalars
    assert_equal_up_to_rounding(case.run(special), case.run(), tolerance(case.run))


@pytest.mark.parametrize("rewrite", FUNCTION_PASSES, ids=lambda rewrite: rewrite.__name__)
@given(function=random_functions())
def test_a_pass_on_functions_keeps_rules(rewrite: Callable[[Function], Function], function: Function) -> None:
    after = rewrite(function)
    check_function(after)
    assert after.parameters == function.parameters
    assert rewrite(after) == after


@pytest.mark.parametrize("rule", [factor_graph, expand_in_graph], ids=lambda rule: rule.__name__)
@given(roots=random_nodes(size=30), values=input_values())
def test_a_rule_on_graphs_keeps_values(rule: Callable, roots: tuple[Node, ...], values: dict[str, np.ndarray]) -> None:
    def run(nodes: tuple[Node, ...] = roots) -> dict[str, np.ndarray]:
        return {str(i): np.broadcast_to(v, 5) for i, v in enumerate(evaluate(nodes, values))}

    rewritten, _ = rule(roots, ())
    assert rule(rewritten, ())[0] == rewritten
    assert_equal_up_to_rounding(run(rewritten), run(), tolerance(run))
