"""Symmetries of densities: found by themselves, checked where given, refused where false."""

import pytest
import sympy
from sympy import I, conjugate

from symphys import (
    FieldSymmetry,
    InputError,
    LagrangianDensity,
    NotASymmetryError,
    complex_field,
    external,
    parameters,
    scalar_field,
    spacetime,
)

t, x, y = spacetime("t x y")
m, g, hbar, c = parameters("m g hbar c", positive=True)


def names(theory):
    return [current.name for current in theory.conserved]


def wave(*fields, mass=0):
    return sum((f.diff(t) ** 2 / c**2 - f.diff(x) ** 2 - f.diff(y) ** 2) / 2 for f in fields) - mass


def schroedinger(psi):
    bar = conjugate(psi)
    kinetic = bar.diff(x) * psi.diff(x) + bar.diff(y) * psi.diff(y)
    return I * hbar / 2 * (bar * psi.diff(t) - psi * bar.diff(t)) - hbar**2 / (2 * m) * kinetic


def test_a_relativistic_triplet_has_poincare_and_rotations_among_its_components():
    fields = scalar_field("f1:4", (t, x, y))
    theory = LagrangianDensity(wave(*fields, mass=g * sum(f**2 for f in fields) ** 2))
    assert names(theory) == [
        "energy", "momentum x", "momentum y", "rotation f1 f2", "rotation f1 f3", "rotation f2 f3",
        "angular momentum z", "Lorentz boost x", "Lorentz boost y",
    ]  # fmt: skip
    assert all(theory.is_conserved_on_shell((each.density, *each.flux)) for each in theory.conserved)


def test_a_condensate_has_galilean_boosts_with_the_mass_found():
    psi = complex_field("psi", (t, x, y))
    theory = LagrangianDensity(schroedinger(psi) - g * (conjugate(psi) * psi) ** 2)
    found = {each.name: each for each in theory.conserved}
    boost = found["Galilean boost x"].symmetry
    assert sympy.simplify(boost.changes[psi] / boost.coordinates[x] - I * m * x * psi / (hbar * t)) == 0
    assert "dilation" in found  # the cubic equation in two dimensions scales
    assert found["charge"].density == hbar * conjugate(psi) * psi
    assert all(theory.is_conserved_on_shell((each.density, *each.flux)) for each in theory.conserved)


def test_two_condensates_have_a_charge_together_and_one_each():
    psi = complex_field("psi1:3", (t, x, y))
    a, b = (conjugate(each) * each for each in psi)
    apart = LagrangianDensity(schroedinger(psi[0]) + schroedinger(psi[1]) - g * a * b - m * a**2)
    assert {"charge", "charge psi1", "charge psi2"} <= set(names(apart))
    coupled = LagrangianDensity(apart.expression - g * (conjugate(psi[0]) * psi[1] + conjugate(psi[1]) * psi[0]))
    assert "charge" in names(coupled)
    assert "charge psi1" not in names(coupled)


def test_second_harmonics_turn_twice_as_fast():
    a, b = complex_field("a b", (t, x, y))
    mixing = conjugate(b) * a**2 + b * conjugate(a) ** 2
    theory = LagrangianDensity(schroedinger(a) + schroedinger(b) - g * mixing)
    with pytest.raises(NotASymmetryError, match=r"not invariant under these phases.*need charges="):
        theory.gauge_current(1)
    turning = theory.gauge_current(1, charges={a: 1, b: 2})
    assert turning.density == sympy.expand(hbar * (conjugate(a) * a + 2 * conjugate(b) * b))
    assert any(law.name.startswith("charge of a -> ") for law in theory.dynamics.laws)


def test_what_depends_on_a_coordinate_has_no_momentum_along_it():
    u, V = scalar_field("u", (t, x, y)), external("V", (x,))
    assert names(LagrangianDensity(wave(u) - V * u**2)) == ["energy", "momentum y", "Lorentz boost y"]
    driven = LagrangianDensity(wave(u), sources={u: V})
    with pytest.raises(NotASymmetryError, match="Dissipation and sources change the charge at the rate V"):
        driven.noether(FieldSymmetry({u: 1}))


def test_boundary_terms_are_found_or_checked():
    u = scalar_field("u", (t, x, y))
    theory = LagrangianDensity(wave(u))
    lifted = theory.noether(FieldSymmetry({u: t}))
    assert lifted.density == t * u.diff(t) / c**2 - u / c**2
    assert theory.noether(FieldSymmetry({u: t}, boundary=(u / c**2, 0, 0))).density == lifted.density
    with pytest.raises(NotASymmetryError, match=r"no symmetry with this boundary term.*besides"):
        theory.noether(FieldSymmetry({u: t}, boundary=(u, 0, 0)))
    with pytest.raises(NotASymmetryError, match=r"changes the density by .*not the divergence of any boundary term"):
        LagrangianDensity(wave(u, mass=g * u**4)).noether(FieldSymmetry({u: 1}))


def test_false_symmetries_are_refused_by_name():
    u, w = scalar_field("u w", (t, x, y))
    theory = LagrangianDensity(wave(u))
    with pytest.raises(InputError, match=r"w\(t, x, y\) does not vary here"):
        theory.noether(FieldSymmetry({w: 1}))
    with pytest.raises(InputError, match="changes neither coordinates nor fields"):
        theory.noether(FieldSymmetry({u: 0}))
    with pytest.raises(InputError, match="x is no field"):
        FieldSymmetry({x: 1})
    with pytest.raises(InputError, match="phases of complex fields, but none varies"):
        theory.gauge_current(1)
