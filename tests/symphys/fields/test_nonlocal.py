"""Densities with convolutions: their functional derivatives against the variation of a sum over a ring."""

import numpy as np
import pytest
import sympy
from sympy import conjugate, cos, sin

from symphys import (
    FieldSymmetry,
    InputError,
    LagrangianDensity,
    NotASymmetryError,
    complex_field,
    convolution,
    external,
    scalar_field,
    spacetime,
)
from symphys.fields import Nonlocal, read_density
from symphys.fields.calculus import euler_operators

t, x = spacetime("t x")
u = scalar_field("u", (t, x))
psi = complex_field("psi", (t, x))
n = conjugate(psi) * psi
SITES = 32
LINE = 2 * np.pi * np.arange(SITES) / SITES


def even(d):
    return 1 + cos(d) + cos(2 * d) / 2


def uneven(d):
    return cos(d) + sin(2 * d)


DENSITIES = {
    "even": n * convolution(even, n, over=(x,)),
    "uneven": u * convolution(uneven, u**2 + n, over=(x,)),
    "derivative inside": u.diff(x)
    * convolution(uneven, psi.diff(x) * conjugate(psi) + psi * conjugate(psi).diff(x), over=(x,)),
    "derivative of it": u * convolution(uneven, u * n, over=(x,)).diff(x),
    "square of it": convolution(even, u**2, over=(x,)) ** 2 + n,
    "nested": u * convolution(even, u * convolution(uneven, n, over=(x,)), over=(x,)),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_the_functional_derivative_is_the_variation_of_the_sum(name):
    """d/d eps of S[u + eps eta] at a fixed time, by the five-point formula, which is exact for quartic polynomials in
    eps.

    Fields and kernels are few waves, so that sums over 32 sites are exact; left are about 200 roundings of the terms.
    """
    density = read_density(DENSITIES[name] + u * n)
    jets = density.jets
    rng = np.random.default_rng(3)
    start = {u: waves(rng), psi: waves(rng) + 1j * waves(rng)}
    change = {u: waves(rng), psi: waves(rng) - 2j * waves(rng)}

    def total(shift):
        return values(density.lagrangian, {f: start[f] + shift * change[f] for f in start}, jets).real.mean()

    step = 0.1
    slope = (8 * (total(step) - total(-step)) - (total(2 * step) - total(-2 * step))) / (12 * step)
    by_u, by_psi = euler_operators(density.lagrangian, [(u, False), (psi, False)], jets)
    products = values(by_u, start, jets) * change[u] + 2 * (values(by_psi, start, jets) * change[psi])
    size = max(np.abs(products).max(), abs(total(2 * step)) / step)
    assert slope == pytest.approx(products.real.mean(), abs=200 * 2.0**-52 * size)


def test_the_two_halves_of_an_even_kernel_combine():
    pair = convolution(even, n, over=(x,))
    side = LagrangianDensity(-n * pair / 2).equations[psi].lhs
    assert side == psi * pair
    mirrored = LagrangianDensity(-u * convolution(uneven, u, over=(x,)) / 2).equations[u].lhs
    assert len(mirrored.atoms(type(pair))) == 2


def test_an_external_kernel_is_known_by_the_name_that_the_user_gave_it():
    W = external("W", (x,))
    theory = LagrangianDensity(sympy.I * conjugate(psi) * psi.diff(t) - n * convolution(W, n) / 2)
    assert theory.given == (W,)
    terms = {record.term for record in theory.dynamics.convolutions}
    assert {term.external for term in terms} == {W}
    assert all(isinstance(term, Nonlocal) for term in terms)
    assert {str(term.kernel.expr) for term in terms} == {"W(dx)", "W(-dx)"} or len(terms) == 1


def test_currents_of_phases_are_local_and_those_of_motions_are_not():
    theory = LagrangianDensity(
        sympy.I * (conjugate(psi) * psi.diff(t) - psi * conjugate(psi).diff(t)) / 2
        - conjugate(psi).diff(x) * psi.diff(x)
        - n * convolution(even, n, over=(x,))
    )
    (current,) = theory.conserved
    assert current.jet == theory.gauge_current(1).jet
    assert hash(theory) == hash(LagrangianDensity(theory.expression))
    assert theory.is_conserved_on_shell((current.density, *current.flux))
    with pytest.raises(InputError, match="has no local current for a symmetry that moves coordinates"):
        theory.noether(FieldSymmetry({}, {x: 1}))
    with pytest.raises(NotASymmetryError):
        LagrangianDensity(theory.expression + u**2 * convolution(even, psi + conjugate(psi), over=(x,))).gauge_current(
            1
        )


def waves(rng):
    k, phases, sizes = np.arange(3), rng.uniform(0, 6, 3), rng.normal(size=3) / 3
    return (sizes * np.cos(LINE[:, None] * k + phases)).sum(axis=1)


def values(expression, fields, jets):
    symbols = jets.present((expression,))
    known = [value_of(jets.jet(symbol), fields, jets) for symbol in symbols]
    found = sympy.lambdify(symbols, expression, "numpy")(*known)
    return np.broadcast_to(np.asarray(found, complex), LINE.shape)


def value_of(jet, fields, jets):
    if isinstance(jet.function, Nonlocal):
        kernel = sympy.lambdify(jet.function.kernel.variables, jet.function.kernel.expr, "numpy")
        distances = LINE[:, None] - LINE[None, :]
        matrix = np.broadcast_to(kernel(distances), distances.shape) * (2 * np.pi / SITES)
        found = matrix @ values(jet.function.argument, fields, jets)
    else:
        found = fields[jet.function]
    k = np.fft.fftfreq(SITES, 1 / SITES)
    found = np.fft.ifft(np.fft.fft(found) * (1j * k) ** jet.index[1])
    return found.conj() if jet.conjugated else found
