"""Kernels of convolutions given when a run starts, as functions and as arrays, even and not."""

import numpy as np
import pytest
import sympy
from sympy import I, conjugate

from symphys import Grid, LagrangianDensity, complex_field, convolution, external, spacetime

t, x = spacetime("t x")
psi = complex_field("psi", (t, x))
bar = conjugate(psi)
W = external("W", (x,))
GRID = Grid({x: (-8, 8, 64)})
LINE = GRID.points[x]


def shape(d, exp):
    """A kernel that is not even, so that varying it asks for its mirror image as well."""
    return exp(-(d**2)) * (1 + d)


@pytest.mark.parametrize("given", [lambda d: shape(d, np.exp), shape(LINE, np.exp)], ids=["function", "array"])
def test_an_external_kernel_runs_as_one_in_closed_form(given):
    """To rounding: a hundred steps of a few hundred operations each."""
    free = I * bar * psi.diff(t) - bar.diff(x) * psi.diff(x) / 2
    start = {psi: np.exp(-((LINE - 1) ** 2)) + 0j}

    def end(kernel, values):
        pair = convolution(kernel, bar * psi, over=(x,))
        simulator = LagrangianDensity(free - bar * psi * pair / 2).compile(grid=GRID)
        return simulator.run(start, values, t_span=(0, 1), dt=0.01)[psi][-1]

    closed = end(lambda d: shape(d, sympy.exp), {})
    assert np.abs(end(W, {W: given}) - closed).max() < 100 * 300 * 2.0**-52
