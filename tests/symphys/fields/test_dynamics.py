"""What lowering gets: rates, laws and structure of textbook densities, in jet symbols."""

import sympy
from sympy import I, conjugate, exp

from symphys import LagrangianDensity, complex_field, convolution, external, parameters, scalar_field, spacetime

t, x = spacetime("t x")
u = scalar_field("u", (t, x))
psi = complex_field("psi", (t, x))
bar = conjugate(psi)
m, g = parameters("m g", positive=True)


def same(a, b):
    return sympy.expand(a - b) == 0


def user(dynamics, expression):
    return dynamics.jets.from_jet(expression)


def test_klein_gordon_is_wave_like_with_energy_and_momentum():
    dynamics = LagrangianDensity((u.diff(t) ** 2 - u.diff(x) ** 2 - m**2 * u**2) / 2).dynamics
    (rate,) = dynamics.rates
    assert same(user(dynamics, rate), u.diff(x, 2) - m**2 * u)
    assert dynamics.structure.kind == "wave"
    assert [law.name for law in dynamics.laws] == ["energy", "momentum x"]
    energy, momentum = dynamics.laws
    assert same(user(dynamics, sum(energy.terms)), (u.diff(t) ** 2 + u.diff(x) ** 2 + m**2 * u**2) / 2)
    assert same(user(dynamics, sum(momentum.terms)), -u.diff(t) * u.diff(x))
    assert same(user(dynamics, energy.flux[0]), -u.diff(t) * u.diff(x))


def test_friction_is_told_apart_from_the_rest():
    dynamics = LagrangianDensity((u.diff(t) ** 2 - u.diff(x) ** 2) / 2, dissipation=g * u.diff(t) ** 2 / 2).dynamics
    assert dynamics.structure.kind == "damped wave"
    assert dynamics.structure.friction == (g,)
    assert dynamics.laws == ()


def test_gross_pitaevskii_splits_into_a_linear_part_and_a_local_phase():
    V = external("V", (t, x))
    dynamics = LagrangianDensity(
        I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
        - bar.diff(x) * psi.diff(x) / (2 * m)
        - V * bar * psi
        - g / 2 * (bar * psi) ** 2
    ).dynamics
    structure = dynamics.structure
    assert structure.kind == "schroedinger"
    assert not structure.autonomous
    assert structure.linear == (({(0, 2): I / (2 * m)},),)
    assert same(user(dynamics, structure.local[0]), V + g * bar * psi)
    assert [law.name for law in dynamics.laws] == ["charge"]
    assert [user(dynamics, symbol) for symbol in dynamics.given] == [V]


def test_a_convolution_has_a_record_of_its_own():
    pair = convolution(lambda dx: g * exp(-(dx**2)), bar * psi, over=(x,))
    dynamics = LagrangianDensity(
        I / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - bar.diff(x) * psi.diff(x) / 2 - bar * psi * pair / 2
    ).dynamics
    (record,) = dynamics.convolutions
    assert user(dynamics, record.symbol) == pair
    assert user(dynamics, record.term.argument) == bar * psi
    assert dynamics.structure.local == (record.symbol,)
    assert {law.name: law.flux is None for law in dynamics.laws} == {
        "energy": True, "momentum x": True, "charge": False,
    }  # fmt: skip


def test_korteweg_de_vries_evolves_the_derivative_of_its_potential():
    density = u.diff(t) * u.diff(x) / 2 + u.diff(x) ** 3 - u.diff(x, 2) ** 2 / 2
    dynamics = LagrangianDensity(density).dynamics
    (unknown,), (rate,) = dynamics.unknowns, dynamics.rates
    assert unknown.label == u.diff(x)
    assert unknown.order == 1
    assert same(user(dynamics, rate), -6 * u.diff(x) * u.diff(x, 2) - u.diff(x, 4))


def test_a_gradient_flow_has_no_kinetic_term():
    dynamics = LagrangianDensity(-(u.diff(x) ** 2) / 2 - (u**2 - 1) ** 2 / 4, dissipation=u.diff(t) ** 2 / 2).dynamics
    (rate,) = dynamics.rates
    assert same(user(dynamics, rate), u.diff(x, 2) + u - u**3)
    assert dynamics.unknowns[0].order == 1
