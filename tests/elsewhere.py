"""Another backend in the place of "cpu": for tests (`pytest --backend NAME`), and for programs as they stand.

`python -m tests.elsewhere NAME program.py` runs a program with that backend in the place of "cpu".
"""

from __future__ import annotations

import argparse
import ctypes
import runpy
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from codegen import backends
from codegen.backends import shim
from tests.codegen.backends.stand_in import StandIn

STAND_IN = "stand-in"  # backend "cuda" on a stand-in for CuPy: the CUDA source, its launches and copies, without a GPU
OTHERS = ("cuda", STAND_IN, "cuda-shim", "reference")


def instead_of_cpu(name: str) -> Mapping[str, tuple[str, str]]:
    """The registry with another backend in the place of "cpu"."""
    return MappingProxyType({**backends.BACKENDS, "cpu": backends.BACKENDS[name]})


def take_the_place_of_cpu(name: str, folder: Path | None = None) -> None:
    """From now on, for the whole process; `folder` is where kernels that are compiled for the host are kept."""
    if name == STAND_IN:
        sys.modules["cupy"], name = StandIn(folder=folder), "cuda"  # type: ignore[assignment]
    if name == "cuda-shim":
        shim.load_library = kept_in(folder)
    backends.BACKENDS = instead_of_cpu(name)


def kept_in(folder: Path | None) -> Callable[..., ctypes.CDLL]:
    """Compiling for the host, with a folder that serves where none is given."""
    load = shim.load_library

    def loaded(source: str, own: Path | None = None) -> ctypes.CDLL:
        return load(source, own or folder)

    return loaded


def main() -> None:
    """Run a program as its own command would."""
    parser = argparse.ArgumentParser(prog="python -m tests.elsewhere", description=__doc__)
    parser.add_argument("backend", choices=OTHERS)
    parser.add_argument("program", type=Path)
    options = parser.parse_args()
    take_the_place_of_cpu(options.backend)
    sys.argv = [str(options.program)]
    sys.path[0] = str(options.program.resolve().parent)
    runpy.run_path(str(options.program), run_name="__main__")


if __name__ == "__main__":
    main()
