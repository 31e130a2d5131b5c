"""The one list of backends that run what the tests of the compiler run, and where they keep what they compile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from codegen.backends import CompiledKernel, get_backend
from codegen.cache import KernelCache
from codegen.errors import BackendUnavailableError
from codegen.interpret_program import Arrays, Scalars, interpret_launch, run_program
from codegen.program import Intent, Kernel, Program
from tests.gpu import ALL

INTERPRETER = "interpreter"
BACKENDS = (INTERPRETER, *ALL)

RunProgram = Callable[[Program, dict[str, np.ndarray], dict[str, float | int]], None]


class _Launcher:
    """Launches on a backend of the registry: each kernel compiled once, lanes padded as the backend wants them."""

    def __init__(self, name: str) -> None:
        self.backend = get_backend(name)
        self.compiled: dict[tuple[Kernel, int], CompiledKernel] = {}

    def __call__(self, kernel: Kernel, arrays: Arrays, scalars: Scalars, extents: tuple[int, ...], halo: int) -> None:
        if (kernel, halo) not in self.compiled:
            self.compiled[kernel, halo] = self.backend.compile(kernel, "float64", halo)
        lanes = self.backend.lanes("float64")
        padded = {}
        for array in kernel.arrays:
            given = arrays[array.name]
            missing = -extents[-1] % lanes * array.components
            widths = [(0, 0)] * (given.ndim - 1) + [(0, missing)] if array.instanced else 0
            padded[array.name] = np.zeros_like(given) if array.intent is Intent.SUM else np.pad(given, widths)
        self.compiled[kernel, halo](padded, scalars, extents)
        for array in kernel.arrays:
            if array.intent is not Intent.IN:
                written = padded[array.name]
                size = arrays[array.name].shape[-1] if array.instanced else None
                arrays[array.name][...] = written[..., :size] if array.instanced else written


@pytest.fixture(params=BACKENDS)
def run_backend(request: pytest.FixtureRequest) -> RunProgram:
    """A function that runs a program in place (arrays by name, scalars by name) on one backend after the other."""
    if request.param == INTERPRETER:
        return partial(run_program, launch=interpret_launch)
    try:
        return partial(run_program, launch=_Launcher(request.param))
    except BackendUnavailableError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> KernelCache:
    return KernelCache(tmp_path_factory.mktemp("kernels"))
