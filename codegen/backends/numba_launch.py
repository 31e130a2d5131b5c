"""How LLVM assembly becomes a Numba function: an intrinsic that links our module and calls its kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import llvmlite.binding as binding
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic


def kernel_intrinsic(symbol: str, assembly: str, scalar: bool) -> Any:
    """An intrinsic `kernel(first, last, table)` that calls `symbol` of the assembly file, read when it is compiled.

    Numba's disk cache stores the machine code of the function that uses it, so that a second process reads neither the
    assembly nor LLVM. The cache does not look at what an intrinsic emits: the content is in the name of the module.
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def kernel(typing_context: Any, first: Any, last: Any, table: Any) -> Any:  # noqa: ARG001 (Numba reads the names)
        signature = types.void(types.int64, types.int64, types.uint64)

        def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
            module = binding.parse_assembly(Path(assembly).read_text(encoding="utf-8"))
            if scalar:
                _pair_operations(module)
            context.active_code_library.add_llvm_module(module)
            pointer = ir.IntType(8).as_pointer()
            kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64), ir.IntType(64), pointer])
            function = ir.Function(builder.module, kind, symbol)
            builder.call(function, [arguments[0], arguments[1], builder.inttoptr(arguments[2], pointer)])
            return context.get_dummy_value()

        return signature, generate

    return kernel


def _pair_operations(module: Any) -> None:
    """Optimise a module of scalar code with LLVM's superword vectoriser, which Numba leaves out.

    Like operations on different numbers (the components of a vector, the pairs of bodies) share instructions then:
    an outer Solar System steps 1.2 times faster with it.
    """
    target = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=3
    )
    tuning = binding.create_pipeline_tuning_options(speed_level=3)
    tuning.slp_vectorization = True
    passes = binding.create_pass_builder(target, tuning)
    passes.getModulePassManager().run(module, passes)
