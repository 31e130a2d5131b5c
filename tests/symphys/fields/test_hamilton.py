"""Hamilton's field equations of textbook densities, of second and of first order in time."""

import pytest
import sympy
from sympy import I, conjugate, sqrt

from symphys import LagrangianDensity, LegendreTransformError, complex_field, parameters, scalar_field, spacetime

t, x = spacetime("t x")
u = scalar_field("u", (t, x))
psi = complex_field("psi", (t, x))
bar = conjugate(psi)
hbar, m, g = parameters("hbar m g", positive=True)


def zero(expression):
    return sympy.expand(expression) == 0


def test_schroedinger_in_the_form_i_hbar_psi_t():
    theory = LagrangianDensity(
        I * hbar / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - hbar**2 / (2 * m) * bar.diff(x) * psi.diff(x)
    )
    form = theory.hamilton
    assert form.momenta == {}
    assert form.equations[psi].lhs == I * hbar * psi.diff(t)
    assert form.equations[psi].rhs == -(hbar**2) * psi.diff(x, 2) / (2 * m)
    assert theory.momenta[psi] == I * hbar * bar / 2
    assert theory.momenta[bar] == -I * hbar * psi / 2


def test_a_complex_relativistic_field_has_a_momentum_that_is_conjugate_to_it():
    theory = LagrangianDensity(bar.diff(t) * psi.diff(t) - bar.diff(x) * psi.diff(x) - m**2 * bar * psi)
    form = theory.hamilton
    pi = form.momenta[psi]
    assert zero(form.density - (conjugate(pi) * pi + bar.diff(x) * psi.diff(x) + m**2 * bar * psi))
    assert form.equations[psi].rhs == conjugate(pi)
    assert zero(form.equations[pi].rhs - bar.diff(x, 2) + m**2 * bar)


def test_friction_acts_on_the_momentum():
    form = LagrangianDensity(u.diff(t) ** 2 / 2 - u.diff(x) ** 2 / 2, dissipation=g * u.diff(t) ** 2 / 2).hamilton
    pi = form.momenta[u]
    assert zero(form.equations[pi].rhs - (u.diff(x, 2) - g * pi))


def test_higher_derivatives_by_space_and_mixed_ones():
    beam = LagrangianDensity(u.diff(t) ** 2 / 2 - u.diff(x, 2) ** 2 / 2)
    assert zero(beam.hamilton.equations[beam.hamilton.momenta[u]].rhs + u.diff(x, 4))
    rotary = LagrangianDensity(u.diff(t) ** 2 / 2 + g * u.diff(t, x) ** 2 / 2 - u.diff(x, 2) ** 2 / 2)
    assert zero(rotary.momenta[u] - (u.diff(t) - g * u.diff(t, x, x)))
    assert rotary.is_conserved_on_shell(rotary.stress_energy[:, 0])
    with pytest.raises(LegendreTransformError, match=r"momentum of u\(t, x\).*not linear in the rates"):
        _ = rotary.hamilton


def test_momenta_that_are_not_linear_are_refused():
    with pytest.raises(LegendreTransformError, match="not linear in the rates"):
        _ = LagrangianDensity(-sqrt(1 - u.diff(t) ** 2 + u.diff(x) ** 2)).hamilton
