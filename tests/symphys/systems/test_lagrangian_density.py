"""How field theories are shown, and that what is shown is what was derived."""

import pickle

from sympy import I, conjugate, exp

from symphys import LagrangianDensity, complex_field, convolution, external, parameters, spacetime

t, x = spacetime("t x")
psi = complex_field("psi", (t, x))
V = external("V", (x,))
hbar, m = parameters("hbar m", positive=True)
bar = conjugate(psi)
FREE = I * hbar / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - hbar**2 / (2 * m) * bar.diff(x) * psi.diff(x)


def test_text_leaves_out_what_fields_depend_on():
    theory = LagrangianDensity(FREE - V * bar * psi)
    assert str(theory).endswith("V*psi - hbar**2*psi_xx/(2*m) - I*hbar*psi_t = 0")
    assert repr(theory).startswith("LagrangianDensity(-V*psi*conjugate(psi) - ")
    assert "psi*conjugate(psi_t)" in repr(theory)


def test_latex_has_bars_and_subscripts_and_integrals():
    pair = convolution(lambda dx: exp(-(dx**2)), bar * psi, over=(x,))
    latex = LagrangianDensity(FREE - bar * psi * pair / 2)._repr_latex_()
    assert r"\psi_{xx}" in latex
    assert r"\int" in latex
    assert r"x - x'" in latex
    current = LagrangianDensity(FREE).gauge_current(1)
    assert r"\text{charge:}" in current._repr_latex_()
    assert str(current).startswith("charge: density hbar*psi(t, x)*conjugate(psi(t, x)), flux (")


def test_a_theory_survives_pickling_with_what_it_has_derived():
    theory = LagrangianDensity(FREE - V * bar * psi)
    names = [law.name for law in theory.dynamics.laws]
    back = pickle.loads(pickle.dumps(theory))
    assert back == theory
    assert back.equations == theory.equations
    assert [law.name for law in back.dynamics.laws] == names
