"""Equations with kinks: Taylor series are refused for them, and never chosen."""

import pytest
import sympy
from sympy import Abs, Piecewise

import symphys as ph

x = ph.coordinates("x")
v = ph.dot(x)
STIFFER_ONE_WAY = ph.Lagrangian(v**2 / 2 - Piecewise((x**2 / 2, x < 0), (2 * x**2, True)))


@pytest.mark.parametrize("system", [STIFFER_ONE_WAY, ph.Lagrangian(v**2 / 2 - Abs(x))], ids=["piecewise", "abs"])
def test_a_series_is_refused_where_there_are_kinks(system: ph.Lagrangian) -> None:
    with pytest.raises(ph.MethodError, match=r"kinks or jumps.*dop853"):
        system.compile(method="taylor")


def test_the_automatic_method_keeps_the_energy_across_a_kink() -> None:
    """A tolerance of 1e-9 a step over some hundred steps leaves errors far below 1e-6."""
    run = STIFFER_ONE_WAY.compile().run({x: 1.0, v: 0.0}, t_span=(0, 20), rtol=1e-9)
    assert run.ok
    assert float(run.drift["energy"]) < 1e-6


@pytest.mark.parametrize("backend", ["cpu", "cuda-shim"])
def test_a_seam_of_two_expressions_is_passed_without_loss(backend: str) -> None:
    """V = J_0(x) is written by parts that meet at |x| = 8, and its force by parts that do: the energy is kept, and two
    methods agree to their tolerance of 1e-11 times what a fall over three crests stretches, less than a hundred."""
    falling = ph.Lagrangian(v**2 / 2 - sympy.besselj(0, x))
    runs = [
        falling.compile(method, backend=backend).run({x: 0.5, v: 0.0}, {}, (0, 20), rtol=1e-11, t_eval=[0, 20])
        for method in ("taylor", "dop853")
    ]
    assert all(run.drift["energy"] < 1e-10 for run in runs)
    assert runs[0][x][-1] > 20
    assert runs[0][x][-1] == pytest.approx(runs[1][x][-1], rel=1e-9)
