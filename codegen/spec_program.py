"""What is legal in a program: launches that name what is there and fits; its kernels are checked by `spec`."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import CompilerBug
from .ir import Kind
from .program import TRANSFORMS, Array, Intent, Kernel, Launch, Program, Repeat, Size, Transform, program_steps
from .spec import check_kernel


def check_program(program: Program) -> None:
    """Every kernel of a program, and that what each launch names is there and fits.

    Raises CompilerBug: arrays, scalars and sizes known to the program, kinds and ranks equal on both sides, no array
    given twice to a kernel that writes it, transforms on two real rows, one kernel per name.
    """
    arrays = {a.name: a for a in program.arrays}
    scalars = {s.name: s.kind for s in program.scalars}
    place = f"program {program.name!r}"
    if len({*arrays, *scalars}) != len(program.arrays) + len(program.scalars):
        raise CompilerBug(f"{place}: two of its arrays and scalars bear one name")
    kernels: dict[str, Kernel] = {}
    for step in program_steps(program.body):
        match step:
            case Launch(kernel):
                if step.reach and not kernel.outer:
                    raise CompilerBug(f"{place}: kernel {kernel.name!r} has no outer axis along which to reach")
                known = kernels.setdefault(kernel.name, kernel)
                if known is not kernel and known != kernel:
                    raise CompilerBug(f"{place}: two different kernels are called {kernel.name!r}")
                _check_launch(f"{place}, launch of {kernel.name!r}", step, arrays, scalars)
            case Transform(source, output, extent, _, kinds, _):
                _check_size(f"{place}, transform of {source!r}", extent, scalars)
                _check_transform(f"{place}, transform of {source!r}", arrays.get(source), arrays.get(output), kinds)
            case Repeat(count, _, counter, _):
                _check_size(f"{place}, repetition", count, scalars)
                if counter is not None:
                    _check_size(f"{place}, counter of a repetition", counter, scalars)
    for kernel in kernels.values():
        check_kernel(kernel)


def _check_size(place: str, size: Size, scalars: Mapping[str, Kind]) -> None:
    if isinstance(size, str) and scalars.get(size) is not Kind.INT:
        raise CompilerBug(f"{place}: the size {size!r} is no integer scalar of the program")
    if isinstance(size, int) and size < 0:
        raise CompilerBug(f"{place}: the size {size} is negative")


def _check_launch(place: str, launch: Launch, arrays: Mapping[str, Array], scalars: Mapping[str, Kind]) -> None:
    kernel, rename = launch.kernel, dict(launch.rename)
    if len(launch.extents) != len(kernel.outer) + 1:
        raise CompilerBug(f"{place}: {len(launch.extents)} extents for {len(kernel.outer)} outer axes and the lanes")
    for size in launch.extents:
        _check_size(place, size, scalars)
    for scalar in kernel.scalars:
        name = rename.get(scalar.name, scalar.name)
        if scalars.get(name) is not scalar.kind:
            raise CompilerBug(f"{place}: the program has no {scalar.kind} scalar {name!r}")
    if unknown := set(rename) - {a.name for a in kernel.arrays} - {s.name for s in kernel.scalars}:
        raise CompilerBug(f"{place}: {', '.join(sorted(unknown))} renamed, but no array or scalar of the kernel")
    given: dict[str, Array] = {}
    for array in kernel.arrays:
        name = rename.get(array.name, array.name)
        there = arrays.get(name)
        if there is None:
            raise CompilerBug(f"{place}: the program has no array {name!r}")
        if there.components != array.components:
            here, outside = f"{array.components} numbers an element", f"{there.components}"
            raise CompilerBug(f"{place}: array {array.name!r} has {here}, the program's {name!r} {outside}")
        if there.kind is not array.kind or _memory_rank(there) != _memory_rank(array):
            here, outside = f"{array.kind} of rank {_memory_rank(array)}", f"{there.kind} of rank {_memory_rank(there)}"
            raise CompilerBug(f"{place}: array {array.name!r} is {here}, the program's {name!r} is {outside}")
        other = given.setdefault(name, array)
        if other is not array and not (other.intent is Intent.IN and array.intent is Intent.IN):
            raise CompilerBug(f"{place}: {name!r} is given as {other.name!r} and {array.name!r}, and one is written")


def _memory_rank(array: Array) -> int:
    return len(array.shape) + array.instanced


def _check_transform(place: str, source: Array | None, output: Array | None, kinds: tuple[str, ...]) -> None:
    if unknown := set(kinds) - set(TRANSFORMS):
        raise CompilerBug(f"{place}: {', '.join(sorted(unknown))} is none of {', '.join(TRANSFORMS)}")
    for array in (source, output):
        if array is None:
            raise CompilerBug(f"{place}: the program has no such array")
        if array.kind is not Kind.REAL or array.components != 2 or _memory_rank(array) != len(kinds):
            raise CompilerBug(f"{place}: array {array.name!r} does not hold complex numbers over {len(kinds)} axes")
