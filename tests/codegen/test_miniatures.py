"""The miniatures on every backend, against plain NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codegen.errors import CompilerBug
from codegen.interpret_program import program_halo, run_program
from codegen.optimise.pipeline import optimise_kernel
from codegen.program import Launch, Program, Repeat, Transform
from codegen.spec_program import check_program
from tests.codegen.conftest import RunProgram
from tests.codegen.miniatures import MINIATURES, Miniature


def optimised(program: Program) -> Program:
    """The program with every kernel through the pipeline."""

    def steps(body: tuple[Launch | Transform | Repeat, ...]) -> tuple[Launch | Transform | Repeat, ...]:
        out: list[Launch | Transform | Repeat] = []
        for step in body:
            match step:
                case Launch(kernel):
                    out.append(replace(step, kernel=optimise_kernel(kernel)))
                case Repeat(_, inner):
                    out.append(replace(step, body=steps(inner)))
                case Transform():
                    out.append(step)
        return tuple(out)

    return replace(program, body=steps(program.body))


def check(miniature: Miniature, run: RunProgram, program: Program) -> None:
    """Each of `operations` roundings in sequence may err by four units of the largest element of an array, and over
    so few steps the dynamics amplify an error at most tenfold (the pendulum by cosh(t sqrt(g)) at the very top; it
    starts below)."""
    arrays = miniature.arrays()
    expected = miniature.expected(miniature.arrays())
    run(program, arrays, miniature.scalars)
    for name, value in expected.items():
        allowed = 10 * 4 * miniature.operations * np.finfo(float).eps * np.abs(value).max()
        np.testing.assert_allclose(arrays[name], value, rtol=0, atol=allowed, err_msg=name)


@pytest.mark.parametrize("name", MINIATURES)
def test_a_miniature_is_what_numpy_makes_of_it(name: str, run_backend: RunProgram) -> None:
    miniature = MINIATURES[name]()
    check_program(miniature.program)
    check(miniature, run_backend, miniature.program)


@pytest.mark.parametrize("name", MINIATURES)
def test_a_miniature_survives_the_passes(name: str, run_backend: RunProgram) -> None:
    miniature = MINIATURES[name]()
    program = optimised(miniature.program)
    check_program(program)
    check(miniature, run_backend, program)


def test_the_halo_is_the_largest_shift() -> None:
    assert {name: program_halo(make().program) for name, make in MINIATURES.items()} == {
        "ensemble": 0, "wave": 1, "pairs": 0, "lists": 0, "layer": 0, "spectral": 0,
    }  # fmt: skip


def test_a_transform_does_not_go_with_a_halo() -> None:
    wave = MINIATURES["wave"]()
    program = replace(wave.program, body=(Transform("u", "u", 4), *wave.program.body))
    with pytest.raises(CompilerBug, match=r"program 'wave' transforms 'u', whose rows have a halo"):
        run_program(program, wave.arrays(), wave.scalars)
