"""What holds for any density: the Euler operator, its currents, and the action that it varies."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import I, conjugate

from symphys import LagrangianDensity, complex_field, scalar_field, spacetime
from symphys.fields import read_density
from symphys.fields.calculus import euler_operators, total_derivative
from symphys.fields.currents import divergence
from symphys.fields.divergence import boundary_terms
from symphys.mechanics import engine
from symphys.mechanics.probe import vanishes
from symphys.verify.strategies import density_expressions, local_expressions, rationals

few = settings(max_examples=8, deadline=None)

t, x = spacetime("t x")
u, v = scalar_field("u v", (t, x))
psi = complex_field("psi", (t, x))
FIELDS = (u, v, psi)
ANCHOR = u * v * conjugate(psi) * psi  # so that every field occurs


def read(expression):
    return read_density(expression + ANCHOR)


def euler(expression):
    density = read(expression)
    return [
        density.jets.from_jet(each) for each in euler_operators(density.lagrangian, density.variables, density.jets)
    ]


@few
@given(local_expressions(FIELDS), local_expressions(FIELDS), rationals())
def test_the_euler_operator_is_linear(a, b, factor):
    anchored = euler(0)
    parts = zip(euler(a + factor * b), euler(a), euler(b), anchored, strict=True)
    assert vanishes(_plain(whole - one - factor * (two - rest)) for whole, one, two, rest in parts)


@few
@given(local_expressions(FIELDS, explicit=True), local_expressions(FIELDS))
def test_the_euler_operator_annihilates_total_divergences(a, b):
    for whole, bare in zip(euler(a.diff(t) + b.diff(x)), euler(0), strict=True):
        assert vanishes((_plain(whole - bare),))


@few
@given(local_expressions((u, psi), order=2))
def test_the_equation_of_the_conjugate_is_the_conjugate_of_the_equation(a):
    density = read_density(a + u * conjugate(psi) * psi)
    one, other = euler_operators(density.lagrangian, [(psi, False), (psi, True)], density.jets)
    assert vanishes((density.jets.conjugated(one) - other,))


@few
@given(local_expressions((u,), order=2), st.sampled_from(((1, 0), (2, 1), (0, 3))))
def test_the_euler_operator_is_covariant_under_point_transformations(a, bends):
    """With u = f(w), dS/dw = f'(w) dS/du."""
    slope, cubic = 1 + bends[0], bends[1]
    w = scalar_field("w", (t, x))
    f = slope * w + cubic * w**3 / 3
    moved = (a + u**2).subs(u, f).doit()
    (by_w,) = _euler_of(moved, w)
    (by_u,) = _euler_of(a + u**2, u)
    assert vanishes((_plain(by_w - by_u.subs(u, f).doit() * (slope + cubic * w**2)),))


@few
@given(local_expressions(FIELDS, functions=False), local_expressions(FIELDS, functions=False))
def test_boundary_terms_of_divergences_are_found(a, b):
    density = read(a.diff(t) + b.diff(x) - a * b)
    jets = density.jets
    parts = [total_derivative((read_into(f, density),), axis, jets)[0] for axis, f in enumerate((a, b))]
    whole = sympy.Add(*parts)
    assert vanishes((divergence(boundary_terms(whole, density), jets) - whole,))


@few
@given(density_expressions(u))
def test_energy_and_momentum_are_conserved_on_shell_and_rows_are_not(expression):
    theory = LagrangianDensity(expression)
    stress = theory.stress_energy
    assert theory.is_conserved_on_shell(stress[:, 0])
    assert theory.is_conserved_on_shell(stress[:, 1])
    assert not theory.is_conserved_on_shell((u.diff(t), u**2 + u.diff(x)))
    energy = theory.dynamics.laws[0]
    assert energy.name == "energy"
    assert vanishes((_plain(theory.density.jets.from_jet(sum(energy.terms)) - theory.hamiltonian_density),))


@few
@given(density_expressions(u))
def test_hamiltons_equations_equal_those_of_euler_and_lagrange(expression):
    theory = LagrangianDensity(expression)
    form = theory.hamilton
    pi, rate = form.momenta[u], theory.momenta[u]
    motion, force = form.equations[u], form.equations[pi]
    assert vanishes((_plain(motion.rhs.subs(pi, rate) - u.diff(t)),))
    second = force.rhs.subs(pi, rate).doit() - rate.diff(t)
    assert vanishes((_plain(second + theory.equations[u].lhs - theory.equations[u].rhs),))


@few
@given(local_expressions((u, psi), order=2, functions=False), st.integers(0, 2**16))
def test_the_derived_equation_is_the_variation_of_a_discretised_action(a, seed):
    """d/d eps of S[u + eps eta] over a torus of n x n sites, against the sum of (dS/du) eta.

    Fields are sums of waves up to wave number 2, so that 24 sites sum products of up to four of them exactly, and S is
    a cubic polynomial in eps, whose slope the five-point formula gives exactly at any step.  What is left is rounding:
    of each site some fifty operations, and FFTs whose derivatives multiply it by up to 2^2 12^2.
    """
    n, step = 24, 0.5
    rng = np.random.default_rng(seed)
    grid = 2 * math.pi * np.arange(n) / n
    where = np.meshgrid(grid, grid, indexing="ij")
    start = {u: _waves(rng, where), psi: _waves(rng, where) + 1j * _waves(rng, where)}
    change = {u: _waves(rng, where), psi: _waves(rng, where) * (1 - 2j)}
    density = read_density(a + u * conjugate(psi) * psi)
    jets = density.jets
    sizes = []

    def total(shift):
        values = _values(density.lagrangian, {f: start[f] + shift * change[f] for f in start}, jets).real
        sizes.append(np.abs(values).max())
        return values.mean()

    slope = (8 * (total(step) - total(-step)) - (total(2 * step) - total(-2 * step))) / (12 * step)
    by_u, by_psi = euler_operators(density.lagrangian, [(u, False), (psi, False)], jets)
    products = _values(by_u, start, jets) * change[u] + 2 * _values(by_psi, start, jets) * change[psi]
    size = max(*sizes, np.abs(products).max())
    assert slope == pytest.approx(products.real.mean(), abs=50 * 4 * 144 * 2.0**-52 * size)


@few
@given(local_expressions(FIELDS, order=2, terms=6))
def test_symengine_changes_nothing(a):
    fast = euler(a)
    known = engine._engine
    engine._engine = lambda: None
    try:
        slow = euler(a)
    finally:
        engine._engine = known
    assert vanishes(_plain(one - two) for one, two in zip(fast, slow, strict=True))


def test_a_density_may_be_complex_by_a_divergence():
    half = LagrangianDensity(I * conjugate(psi) * psi.diff(t) - conjugate(psi).diff(x) * psi.diff(x))
    whole = LagrangianDensity(
        I / 2 * (conjugate(psi) * psi.diff(t) - psi * conjugate(psi).diff(t)) - conjugate(psi).diff(x) * psi.diff(x)
    )
    assert half.equations[psi] == whole.equations[psi]


def read_into(expression, density):
    from symphys.fields.read import scalar, to_jet

    return to_jet(scalar(expression, "expression"), density.jets)


def _euler_of(expression, f):
    density = read_density(expression)
    (found,) = euler_operators(density.lagrangian, [(f, False)], density.jets)
    return (density.jets.from_jet(found),)


def _plain(expression):
    """Fields and their derivatives as symbols, so that random numbers decide."""
    derivatives = sorted(expression.atoms(sympy.Derivative), key=lambda each: -each.derivative_count)
    bars = {conjugate(each): sympy.Symbol(f"bar {each}") for each in (*derivatives, psi)}
    plain = expression.xreplace(bars).xreplace({each: sympy.Symbol(str(each)) for each in derivatives})
    return plain.xreplace({f: sympy.Symbol(str(f)) for f in plain.atoms(sympy.core.function.AppliedUndef)})


def _waves(rng, where):
    """A sum of five random waves."""
    total = 0.0
    for _ in range(5):
        k, q = rng.integers(-2, 3, 2)
        total = total + rng.normal() / 4 * np.cos(k * where[0] + q * where[1] + rng.uniform(0, 6))
    return total


def _values(expression, fields, jets):
    """The values of an expression in jet symbols, with derivatives taken by FFT, which is exact for a few waves."""
    symbols = jets.present((expression,))
    arrays = []
    for symbol in symbols:
        jet = jets.jet(symbol)
        spectrum = np.fft.fft2(fields[jet.function])
        k = np.fft.fftfreq(spectrum.shape[0], 1 / spectrum.shape[0])
        spectrum = spectrum * ((1j * k) ** jet.index[0])[:, None] * (1j * k) ** jet.index[1]
        values = np.fft.ifft2(spectrum)
        arrays.append(values.conj() if jet.conjugated else values)
    found = sympy.lambdify(symbols, expression, "numpy")(*arrays)
    return np.broadcast_to(np.asarray(found, complex), fields[u].shape)
