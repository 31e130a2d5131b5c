"""The passes of a kernel, by name and in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from codegen.lower.jets import gather_jets
from codegen.product import write_out_products
from codegen.program import Function, Kernel
from codegen.spec import check_kernel

from .dead import remove_dead
from .draw_out import draw_out
from .factor import factor
from .fuse import fuse
from .hoist import hoist
from .inline import inline
from .share import share
from .traverse import everywhere
from .trigonometry import expand_angles


def _also_functions(
    kernel_pass: Callable[[Kernel], Kernel], function_pass: Callable[[Function], Function]
) -> Callable[[Kernel], Kernel]:
    """A pass on a kernel and on every function that it calls."""

    def rewrite(kernel: Kernel) -> Kernel:
        return kernel_pass(replace(kernel, body=everywhere(function_pass, kernel.body)))

    return rewrite


PASSES: Mapping[str, Callable[[Kernel], Kernel]] = MappingProxyType(
    {
        "gather jets": gather_jets,
        "write out products": lambda kernel: kernel if kernel.shares else write_out_products(kernel),
        "inline": inline,  # first, so that everything else sees whole steps
        "remove dead": _also_functions(remove_dead, remove_dead),
        "fuse": _also_functions(fuse, fuse),
        "expand angles": _also_functions(expand_angles, expand_angles),
        "factor": _also_functions(factor, factor),
        "hoist": _also_functions(hoist, hoist),
        "draw out": _also_functions(draw_out, draw_out),  # what hoisting found not to change
        "share": _also_functions(share, share),  # last: what printers see
        "remove what passes left": _also_functions(remove_dead, remove_dead),
    }
)


def optimise_kernel(kernel: Kernel) -> Kernel:
    """The kernel after all passes; its results change by rounding alone.

    Raises CompilerBug if the kernel breaks a rule of the spec, before the passes or after them.
    """
    check_kernel(kernel)
    for rewrite in PASSES.values():
        kernel = rewrite(kernel)
    check_kernel(kernel)
    return kernel
