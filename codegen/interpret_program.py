"""What a program means: its launches and transforms one after the other, on NumPy arrays.

As `interpret` defines kernels, this defines the host side. The way in which a launch runs can be exchanged, so that the
same program runs on any backend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import CompilerBug
from .interpret import run_kernel
from .program import Kernel, Launch, Load, Program, Repeat, Size, Transform, program_steps, statements

Arrays = Mapping[str, NDArray[Any]]
Scalars = Mapping[str, float | int]
# (kernel, its arrays, the scalars, extents, halo): run the kernel in place, sums starting from zero
Launcher = Callable[[Kernel, Arrays, Scalars, tuple[int, ...], int], None]


def interpret_launch(kernel: Kernel, arrays: Arrays, scalars: Scalars, extents: tuple[int, ...], halo: int) -> None:
    """A launch by the interpreter, in the precision of the arrays."""
    reals = [arrays[a.name].dtype.type for a in kernel.arrays if arrays[a.name].dtype.kind == "f"]
    run_kernel(kernel, arrays, scalars, extents, dtype=reals[0] if reals else np.float64, halo=halo)


def run_program(program: Program, arrays: Arrays, scalars: Scalars, launch: Launcher = interpret_launch) -> None:
    """Run a program in place.

    Instanced arrays are [shape..., lanes + 2 halo], with the halo of `program_halo`; it is the program's to fill.
    Raises CompilerBug for a transform in a program with a halo.
    """
    halo = program_halo(program)

    def run(steps: tuple[Launch | Transform | Repeat, ...]) -> None:
        for step in steps:
            match step:
                case Launch(kernel, extents, rename):
                    names = dict(rename)
                    given = {a.name: arrays[names.get(a.name, a.name)] for a in kernel.arrays}
                    wanted = {s.name: scalars[s.name] for s in kernel.scalars}
                    launch(kernel, given, wanted, tuple(_size(e, scalars) for e in extents), halo)
                case Transform(source, output, inverse):
                    if halo:
                        raise CompilerBug(f"program {program.name!r} transforms {source!r}, whose rows have a halo")
                    _transform(arrays[source], arrays[output], inverse)
                case Repeat(count, body):
                    for _ in range(_size(count, scalars)):
                        run(body)

    run(program.body)


def program_halo(program: Program) -> int:
    """The cells on either side of every lane axis of a program: the largest shift with which any kernel loads."""
    kernels = [step.kernel for step in program_steps(program.body) if isinstance(step, Launch)]
    shifts = (abs(s.shift) for k in kernels for s in statements(k.body) if isinstance(s, Load))
    return max(shifts, default=0)


def _size(size: Size, scalars: Scalars) -> int:
    return int(scalars[size]) if isinstance(size, str) else size


def _transform(source: NDArray[Any], output: NDArray[Any], inverse: bool) -> None:
    transform = np.fft.ifft if inverse else np.fft.fft
    result = transform(source[0] + 1j * source[1])
    output[0], output[1] = result.real, result.imag
