"""Equations with kinks: Taylor series are refused for them, and never chosen."""

import pytest
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
