"""Legendre transforms: there and back, against Euler-Lagrange, and for Lagrangians that are not quadratic."""

import pytest
import sympy
from hypothesis import given, settings

from symphys.errors import DegenerateLagrangianError, LegendreTransformError
from symphys.language import coordinates
from symphys.mechanics.action import read_action
from symphys.mechanics.differentiate import gradient
from symphys.mechanics.graph import substitute
from symphys.mechanics.legendre import legendre_transform
from symphys.mechanics.probe import vanishes
from symphys.verify.strategies import lagrangian_expressions

Q = coordinates("q1 q2")
P = sympy.symbols("p1 p2", real=True)
v, w, p, pw, x = sympy.symbols("v w p pw x", real=True)
m, c, k = sympy.symbols("m c k", positive=True)


@settings(max_examples=15)
@given(lagrangian_expressions(coordinates=Q, explicit_time=True))
def test_the_transform_twice_is_the_identity(lagrangian):
    action = read_action(lagrangian, Q, 0, None)
    hamiltonian, _ = legendre_transform(action.lagrangian, action.jet(1), P)
    back, _ = legendre_transform(hamiltonian, P, action.jet(1))
    assert vanishes((back - action.lagrangian,))


@settings(max_examples=15)
@given(lagrangian_expressions(coordinates=Q, explicit_time=True))
def test_hamiltons_equations_equal_euler_lagrange(lagrangian):
    """At p = dL/dv: dH/dp = v, dH/dq = -dL/dq and dH/dt = -dL/dt."""
    action = read_action(lagrangian, Q, 0, None)
    hamiltonian, _ = legendre_transform(action.lagrangian, action.jet(1), P)
    outer = (*action.jet(0), action.space.time)
    momenta = gradient(action.lagrangian, action.jet(1))
    on_shell = substitute(gradient(hamiltonian, (*P, *outer)), dict(zip(P, momenta, strict=True)))
    expected = (*action.jet(1), *(-slope for slope in gradient(action.lagrangian, outer)))
    assert vanishes(a - b for a, b in zip(on_shell, expected, strict=True))


@pytest.mark.parametrize(
    ("lagrangian", "velocities", "hamiltonian"),
    [
        (m * v**2 / 2 - k * x**2, (v,), p**2 / (2 * m) + k * x**2),
        (-m * c**2 * sympy.sqrt(1 - v**2 / c**2), (v,), c * sympy.sqrt(m**2 * c**2 + p**2)),
        (
            -m * c**2 * sympy.sqrt(1 - (v**2 + w**2) / c**2) + x * v - k * x**2,
            (v, w),
            c * sympy.sqrt(m**2 * c**2 + (p - x) ** 2 + pw**2) + k * x**2,
        ),
        (m * v**4 / 4, (v,), 3 * sympy.Abs(p) ** sympy.Rational(4, 3) / (4 * m ** sympy.Rational(1, 3))),
        (sympy.cosh(v), (v,), p * sympy.asinh(p) - sympy.sqrt(1 + p**2)),
        (m * v**2 / 2 + w**4 / 4, (v, w), p**2 / (2 * m) + 3 * sympy.Abs(pw) ** sympy.Rational(4, 3) / 4),
    ],
)
def test_known_transforms(lagrangian, velocities, hamiltonian):
    found, _ = legendre_transform(lagrangian, velocities, (p, pw)[: len(velocities)])
    assert vanishes((found - hamiltonian,))


def test_a_singular_hessian_is_refused():
    with pytest.raises(DegenerateLagrangianError):
        legendre_transform((v + w) ** 2 / 2, (v, w), (p, pw))


@pytest.mark.parametrize("lagrangian", [sympy.cos(v) + v**2, v**3 / 3 - v, v**4 - v**2])
def test_momenta_without_a_unique_closed_inverse_are_refused(lagrangian):
    """p = v^2 - 1 has two branches, p = 2 v - sin v no closed inverse, p = 4 v^3 - 2 v up to three real roots."""
    with pytest.raises(LegendreTransformError, match="one real branch"):
        legendre_transform(lagrangian, (v,), (p,))
