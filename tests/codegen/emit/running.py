"""Running one kernel in several ways, and comparing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from codegen.backends import get_backend
from codegen.backends.interface import CompiledKernel
from codegen.emit.python import emit_python, python_names
from codegen.ir import Kind
from codegen.program import Intent, Kernel
from tests.codegen.emit.kernels import Case
from tests.codegen.rounding import assert_equal_up_to_rounding, tolerance
from tests.codegen.strategies import Case as RandomCase


def load_python(kernel: Kernel, dtype: str, halo: int = 0, numba: bool = False) -> Any:
    """The function that the Python source of a kernel defines."""
    namespace: dict[str, Any] = {}
    exec(compile(emit_python(kernel, dtype, halo), "<kernel>", "exec"), namespace)
    names = python_names(kernel)
    if numba:
        from numba import njit

        for name in names:
            namespace[name] = njit(error_model="numpy")(namespace[name])
    return namespace[names[-1]]


def run_python(
    kernel: Kernel,
    arrays: dict[str, np.ndarray],
    scalars: dict[str, float],
    extents: tuple[int, ...],
    dtype: str,
    halo: int = 0,
    numba: bool = False,
    first: int = 0,
    last: int | None = None,
) -> None:
    """The emitted Python on arrays in place, scalars in the dtype as its documentation asks."""
    real = np.dtype(dtype).type
    numbers = [real(scalars[s.name]) if s.kind is Kind.REAL else int(scalars[s.name]) for s in kernel.scalars]
    function = load_python(kernel, dtype, halo, numba)
    with np.errstate(all="ignore"):
        end = extents[-1] if last is None else last
        function(first, end, *extents[:-1], *(arrays[a.name] for a in kernel.arrays), *numbers)


def reference(case: Case, dtype: str, **span: int) -> dict[str, np.ndarray]:
    """What the interpreter makes of a case."""
    arrays = case.arrays(dtype)
    run = get_backend("reference").compile(case.kernel, dtype, case.halo)
    run(arrays, case.scalars, case.extents, **span)
    return arrays


def compiled(run: CompiledKernel, case: Case, dtype: str, **span: int) -> dict[str, np.ndarray]:
    """What a compiled kernel makes of a case."""
    arrays = case.arrays(dtype)
    run(arrays, case.scalars, case.extents, **span)
    return arrays


def assert_random_kernel(case: RandomCase, dtype: str, run: Callable[[dict[str, np.ndarray]], None]) -> None:
    """`run` gives what the interpreter gives, up to what rounding can do to this computation in this precision."""
    arrays = {name: a.astype(dtype) if a.dtype.kind == "f" else a for name, a in case.arrays().items()}
    for array in case.kernel.arrays:
        if array.intent is Intent.SUM:
            arrays[array.name][...] = 0
    run(arrays)
    expected = case.run(dtype=np.dtype(dtype).type)
    coarser = float(np.finfo(dtype).eps / np.finfo("float64").eps)
    allowed = {name: coarser * moved for name, moved in tolerance(case.run).items()}
    assert_equal_up_to_rounding({name: arrays[name] for name in expected}, expected, allowed)


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], kernel: Kernel, ulps: float) -> None:
    """Arrays agree to `ulps` units in the last place of their largest element; integers and inputs exactly.

    A kernel of n operations, each right to half a unit and of numbers no larger than the largest result, is right to
    about n/2 units, and sums of n terms in another order differ by no more.
    """
    for array in kernel.arrays:
        a, b = found[array.name], expected[array.name]
        assert a.dtype == b.dtype
        if array.kind is Kind.INT or array.intent is Intent.IN:
            np.testing.assert_array_equal(a, b, err_msg=array.name)
        else:
            tolerance = ulps * float(np.spacing(np.abs(b).max()))
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance, err_msg=array.name)
