"""NVIDIA's run-time compiler, which checks CUDA source and needs neither driver nor GPU for it."""

from __future__ import annotations

import re
from typing import Any

from codegen.errors import BackendUnavailableError, CompilerBug, InputError

OPTIONS = ("--std=c++17",)
# Numbers below 1.2e-38 count as zero, and quotients and roots are right to two units in the last place: either takes a
# few instructions, where one rounded to the last bit takes dozens and a branch past which loads are not hoisted.
SINGLE = ("--ftz=true", "--prec-div=false", "--prec-sqrt=false")


def check_cuda(source: str, architecture: str = "sm_90") -> bytes:
    """The machine code (cubin) of CUDA source for an architecture such as "sm_80" or "sm_90".

    Raises BackendUnavailableError where cuda-bindings or the NVRTC library is missing, InputError for an architecture
    that this NVRTC does not know, and CompilerBug, with NVRTC's log, where the source does not compile.
    """
    nvrtc = _nvrtc()
    known = [f"sm_{number}" for number in _result(nvrtc, nvrtc.nvrtcGetSupportedArchs())]
    if not re.fullmatch(r"sm_\d+[af]?", architecture) or architecture.rstrip("af") not in known:
        raise InputError(f"NVRTC does not compile for {architecture!r}; choose one of {', '.join(known)}")
    program = _result(nvrtc, nvrtc.nvrtcCreateProgram(source.encode(), b"kernel.cu", 0, None, None))
    try:
        options = [option.encode() for option in (*OPTIONS, f"--gpu-architecture={architecture}")]
        (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
        if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
            log = b" " * _result(nvrtc, nvrtc.nvrtcGetProgramLogSize(program))
            _result(nvrtc, nvrtc.nvrtcGetProgramLog(program, log))
            text = log.decode(errors="replace").strip("\x00 \n")
            raise CompilerBug(f"NVRTC does not compile the CUDA source for {architecture}:\n{text}")
        binary = b" " * _result(nvrtc, nvrtc.nvrtcGetCUBINSize(program))
        _result(nvrtc, nvrtc.nvrtcGetCUBIN(program, binary))
    finally:
        nvrtc.nvrtcDestroyProgram(program)
    return binary


def _nvrtc() -> Any:
    """The bindings, once they have found the library."""
    try:
        from cuda.bindings import nvrtc

        nvrtc.nvrtcVersion()
    except (ImportError, RuntimeError, OSError) as error:
        raise BackendUnavailableError(
            f"CUDA source cannot be checked: cuda-bindings or the NVRTC library is missing ({error}); "
            "install symphys[cuda]"
        ) from error
    return nvrtc


def _result(nvrtc: Any, answer: tuple[Any, ...]) -> Any:
    """What a call returns besides its status, which is checked."""
    status, *values = answer
    if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
        raise CompilerBug(f"NVRTC fails with {status}")
    if len(values) == 2:  # a count, and the list itself
        return values[1]
    return values[0] if values else None
