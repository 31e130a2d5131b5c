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
from .program import Kernel, Launch, Load, Program, Repeat, Size, Step, Transform, program_steps, statements

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

    Instanced arrays are [shape..., (lanes + 2 halo) components], with the halo of `program_halo`, which the program
    fills. Raises CompilerBug for a transform in a program with a halo.
    """
    halo = program_halo(program)
    present = dict(scalars)

    def run(steps: tuple[Step, ...]) -> None:
        for step in steps:
            match step:
                case Launch(kernel, extents, rename):
                    names = dict(rename)
                    given = {a.name: arrays[names.get(a.name, a.name)] for a in kernel.arrays}
                    wanted = {s.name: present[names.get(s.name, s.name)] for s in kernel.scalars}
                    launch(kernel, given, wanted, tuple(size_of(e, present) for e in extents), halo)
                case Transform(source, output, extent, inverse, kinds, scaled):
                    if halo:
                        raise CompilerBug(f"program {program.name!r} transforms {source!r}, whose rows have a halo")
                    before, after = (complex_view(arrays[n], size_of(extent, present)) for n in (source, output))
                    after[...] = transform(before, inverse, kinds, scaled)
                case Repeat(count, body, counter, stride):
                    for _ in range(size_of(count, present)):
                        run(body)
                        if counter is not None:
                            present[counter] += stride

    run(program.body)


def program_halo(program: Program) -> int:
    """The cells on either side of every lane axis of a program: the largest shift with which any kernel loads."""
    kernels = [step.kernel for step in program_steps(program.body) if isinstance(step, Launch)]
    shifts = (abs(s.shift) for k in kernels for s in statements(k.body) if isinstance(s, Load))
    return max(shifts, default=0)


def size_of(size: Size, scalars: Scalars) -> int:
    """A number, or that of an integer scalar."""
    return int(scalars[size]) if isinstance(size, str) else size


def complex_view(array: NDArray[Any], extent: int) -> NDArray[Any]:
    """Neighbouring real and imaginary parts [..., >= 2 extent] as complex numbers [..., extent], without a copy."""
    return array.view(np.complex64 if array.dtype == np.float32 else np.complex128)[..., :extent]


def transform(given: NDArray[Any], inverse: bool, kinds: tuple[str, ...], scaled: bool = True) -> NDArray[Any]:
    """What `Transform` means, in double precision: one axis after the other."""
    values = given.astype(np.complex128)
    for axis, kind in enumerate(kinds):
        values = _along(values, axis, kind, inverse)
    return values if scaled or not inverse else values * scale_of(values.shape, kinds)


def scale_of(shape: tuple[int, ...], kinds: tuple[str, ...]) -> float:
    """What an inverse transform divides by."""
    each = {"fourier": lambda n: n, "sine": lambda n: 2 * (n + 1), "cosine": lambda n: 2 * (n - 1)}
    return float(np.prod([each[kind](n) for n, kind in zip(shape, kinds, strict=True)]))


def _along(values: NDArray[Any], axis: int, kind: str, inverse: bool) -> NDArray[Any]:
    if kind == "fourier":
        return np.asarray(np.fft.ifft(values, axis=axis) if inverse else np.fft.fft(values, axis=axis))
    n = values.shape[axis]
    i = np.arange(n)
    if kind == "sine":
        matrix, norm = 2.0 * np.sin(np.pi * np.outer(i + 1, i + 1) / (n + 1)), 2 * (n + 1)
    else:  # DCT-I: the ends count once
        weights = np.where((i == 0) | (i == n - 1), 1.0, 2.0)
        matrix, norm = np.cos(np.pi * np.outer(i, i) / (n - 1)) * weights, 2 * (n - 1)
    transformed = np.moveaxis(np.tensordot(matrix, values, (1, axis)), 0, axis)
    return np.asarray(transformed / norm if inverse else transformed)
