"""Programs from launches: with the arrays and scalars that these name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from codegen import Array, Kind, Launch, Program, Repeat, Scalar, Transform

Step = Launch | Transform | Repeat


def program_of(name: str, body: tuple[Step, ...], extra: Iterable[Scalar] = (), wraps: bool = False) -> Program:
    """A program with the arrays and scalars that its steps name, and `extra` ones; `wraps` as in `Program`."""
    arrays: dict[str, Array] = {}
    scalars: dict[str, Scalar] = {s.name: s for s in extra}

    def sizes(*values: int | str | None) -> None:
        for value in values:
            if isinstance(value, str):
                scalars.setdefault(value, Scalar(value, Kind.INT))

    def visit(steps: Iterable[Step]) -> None:
        for step in steps:
            if isinstance(step, Repeat):
                sizes(step.count, step.counter)
                visit(step.body)
            elif isinstance(step, Transform):
                sizes(step.extent)
            else:
                names = dict(step.rename)
                sizes(*step.extents)
                for array in step.kernel.arrays:
                    there = names.get(array.name, array.name)
                    if there not in arrays or array.instanced:  # rather as instances see it than as a whole
                        arrays[there] = replace(array, name=there)
                for scalar in step.kernel.scalars:
                    there = names.get(scalar.name, scalar.name)
                    scalars[there] = replace(scalar, name=there)

    visit(body)
    return Program(name, tuple(arrays.values()), tuple(scalars.values()), body, wraps)
