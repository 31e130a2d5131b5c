"""From LLVM assembly to machine code, and from machine code to functions that can be called, by llvmlite alone.

What is emitted needs no type inference, so that Numba has no part in it; a process that finds machine code in the cache
imports neither Numba nor reads assembly.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import llvmlite.binding as binding

Launch = Callable[[int, int, int], None]
# void kernel(first, last, table); ctypes lets other Python threads run meanwhile
_SIGNATURE = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint64)
_EMPTY = ""  # the assembly of a module that an engine can begin with


@dataclass(frozen=True)
class Native:
    """A function in memory: how it is called, where it begins, and the engine that holds its memory."""

    launch: Launch
    address: int
    engine: Any = field(repr=False)


def host() -> tuple[str, ...]:
    """What machine code depends on besides the assembly: processor, its features, and how it was made."""
    return (binding.get_process_triple(), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())


@lru_cache(maxsize=1)
def _initialise() -> None:
    """Make LLVM ready for this processor."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    binding.initialize_native_asmparser()


def _target() -> Any:
    """A target machine for this processor, in the code model that lets code lie anywhere in memory."""
    _initialise()
    triple, cpu, features = host()
    target = binding.Target.from_triple(triple)
    relocation = "static" if target.name.startswith("x86") else "default"
    return target.create_target_machine(
        cpu=cpu, features=features, opt=3, reloc=relocation, codemodel="jitdefault", jit=True
    )


def compile_assembly(assembly: str, pair: bool) -> bytes:
    """The object code of a module of assembly, optimised for this processor.

    pair: search scalar code for like operations on different numbers (the components of a vector, the pairs of bodies),
    which then share instructions: an outer Solar System steps 1.2 times faster with it.
    """
    machine = _target()
    module = binding.parse_assembly(assembly)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    tuning = binding.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization = True
    tuning.slp_vectorization = pair
    passes = binding.create_pass_builder(machine, tuning)
    passes.getModulePassManager().run(module, passes)
    code: bytes = machine.emit_object(module)
    return code


@lru_cache(maxsize=512)
def load_code(code: bytes, symbol: str) -> Native:
    """A function of object code; the same one for the same code."""
    machine = _target()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(_EMPTY), machine)
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(symbol)
    return Native(_SIGNATURE(address), address, engine)
