"""The backends that tests take by a parameter: the host shim wherever the CPU is, a GPU by `pytest -m gpu`."""

from __future__ import annotations

import shutil

import pytest

from codegen.backends.shim import COMPILERS

ON_GPU = pytest.param("cuda", marks=pytest.mark.gpu)
COMPILED = pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="needs a C++ compiler")
ON_SHIM = pytest.param("cuda-shim", marks=COMPILED)
OTHERS = ("reference", ON_SHIM, ON_GPU)  # beside the CPU
ALL = ("cpu", *OTHERS)
