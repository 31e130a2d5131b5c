"""The source of trajectory kernels, for people to read and for compilers to check."""

from __future__ import annotations

from collections.abc import Sequence

from codegen import Kernel, cuda_source, emit_llvm, emit_python, lanes_for, optimise_kernel
from symphys.errors import InputError, MethodError
from symphys.integrators import External, Gauss
from symphys.lower import adaptive, fixed
from symphys.lower.merged import merged
from symphys.lower.steppers import stepper_for
from symphys.mechanics.dynamics import Dynamics
from symphys.mechanics.split import Part
from symphys.simulate.choose import Choice
from symphys.simulate.choose_split import choice_for
from symphys.simulate.compiled import Lowered, lower
from symphys.simulate.inputs import precision
from symphys.simulate.request import Tolerances
from symphys.simulate.run_adaptive import pacer_for

BACKENDS = ("cpu", "reference", "llvm", "cuda", "cuda-shim")
SHOWN_RTOL = 1e-9  # the tolerance whose order a Taylor kernel is shown for


def trajectory_kernel(lowered: Lowered, choice: Choice, dtype: str, adapt: bool) -> Kernel:
    """The kernel that advances trajectories: with fixed steps, or (`adapt`, or for want of another) to a tolerance."""
    flow = lowered.flow
    method = choice.adaptive if adapt or choice.fixed is None else choice.fixed
    if method is None or isinstance(method, External):
        raise MethodError("this method has no kernel of its own: choose one that symphys generates, such as 'dop853'")
    if method is choice.adaptive and (adapt or choice.fixed is None):
        pacer = pacer_for(lowered, method, Tolerances(SHOWN_RTOL, SHOWN_RTOL, 0.0, 0.0, 1), 2)
        return adaptive.advance_kernel(flow, pacer, adaptive.AdaptivePlan(sampled=True), dtype)
    canonical = lowered.canonical if isinstance(method, Gauss) and not flow.q else None
    stepper = stepper_for(flow, method, False, canonical, 2.0**-52 if dtype == "float64" else 2.0**-23)
    return fixed.advance_kernel(flow, merged(stepper), canonical, fixed.FixedPlan(), dtype)


def kernel_source(lowered: Lowered, choice: Choice, dtype: str, backend: str, adapt: bool = False) -> str:
    """The source for a backend: readable Python ("cpu", "reference"), LLVM assembly ("llvm") or CUDA ("cuda").

    It is that of runs without events, short enough for sums that are not compensated.
    """
    if backend not in BACKENDS:
        raise InputError(f"no source for backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    plain = trajectory_kernel(lowered, choice, dtype, adapt)
    if backend in ("cuda", "cuda-shim"):
        return cuda_source(plain, dtype)
    kernel = optimise_kernel(plain)
    if backend == "llvm":
        return emit_llvm(kernel, lanes_for(kernel, dtype), dtype)
    return emit_python(kernel, dtype)


def trajectory_source(
    dynamics: Dynamics, method: str, dtype: str, backend: str, adapt: bool = False, split: Sequence[Part] = ()
) -> str:
    """The source of the trajectory kernel of derived dynamics; see `kernel_source`."""
    dtype = precision(dtype)
    lowered = lower(dynamics, split)
    return kernel_source(lowered, choice_for(lowered, method), dtype, backend, adapt)
