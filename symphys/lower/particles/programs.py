"""Programs from launches: with the arrays and scalars that these name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from codegen import Array, Kind, Launch, Program, Repeat, Scalar


def program_of(name: str, body: tuple[Launch | Repeat, ...]) -> Program:
    """A program with the arrays and scalars that its steps name."""
    arrays: dict[str, Array] = {}
    scalars: dict[str, Scalar] = {}

    def visit(steps: Iterable[Launch | Repeat]) -> None:
        for step in steps:
            if isinstance(step, Repeat):
                for size in (step.count, step.counter):
                    if isinstance(size, str):
                        scalars.setdefault(size, Scalar(size, Kind.INT))
                visit(s for s in step.body if isinstance(s, Launch | Repeat))
                continue
            names = dict(step.rename)
            for extent in step.extents:
                if isinstance(extent, str):
                    scalars.setdefault(extent, Scalar(extent, Kind.INT))
            for array in step.kernel.arrays:
                there = names.get(array.name, array.name)
                arrays[there] = replace(array, name=there)
            for scalar in step.kernel.scalars:
                there = names.get(scalar.name, scalar.name)
                scalars[there] = replace(scalar, name=there)

    visit(body)
    return Program(name, tuple(arrays.values()), tuple(scalars.values()), body)
