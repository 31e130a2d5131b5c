"""What cannot be read as a density is refused, by name and with the remedy."""

import pytest
import sympy
from sympy import Abs, Function, I, conjugate, exp, im, re

from symphys import (
    InputError,
    LagrangianDensity,
    UnsupportedError,
    complex_field,
    convolution,
    coordinates,
    external,
    parameters,
    scalar_field,
    spacetime,
)

t, x, y = spacetime("t x y")
u, v = scalar_field("u v", (t, x))
psi = complex_field("psi", (t, x))
g = parameters("g")

REFUSED = [
    (lambda: LagrangianDensity(g), "holds no field"),
    (lambda: LagrangianDensity("u"), "'u' is of type str"),
    (lambda: LagrangianDensity(sympy.Matrix([u])), "a matrix of shape"),
    (lambda: LagrangianDensity(u / 0), "not finite"),
    (lambda: LagrangianDensity(u * scalar_field("w", (t, x, y))), "depend on the same coordinates"),
    (lambda: LagrangianDensity(u * external("V", (y,))), "depends on y, which is no coordinate of u"),
    (lambda: LagrangianDensity(u * Function("f")(t, x)), "is undeclared; make it by scalar_field"),
    (lambda: LagrangianDensity(u * coordinates("q")), "what is given in time is made by external"),
    (lambda: LagrangianDensity(u, fields=[v, v]), "must be named once each"),
    (lambda: LagrangianDensity(u, fields=[g]), "g is no field that can vary"),
    (lambda: LagrangianDensity(u**2, sources={v: 1}), r"v\(t, x\) does not vary here, so it has no source"),
    (lambda: LagrangianDensity(u * sympy.Symbol("x")), "is not the coordinate, although it has its name"),
    (lambda: LagrangianDensity(u * sympy.Symbol("a", imaginary=True)), "parameters must be real"),
    (lambda: LagrangianDensity(u * sympy.Symbol("u")), "Two different things in the density are both called u"),
    (lambda: LagrangianDensity(I * u**2), "must be real .up to a divergence., but its imaginary part is"),
    (lambda: LagrangianDensity(u**2, dissipation=I * u.diff(t)), "dissipation must be real"),
    (lambda: LagrangianDensity(u * convolution(lambda d: exp(-(d**2)), u, over=(t,))), "t is the time"),
    (lambda: LagrangianDensity(u**2).is_conserved_on_shell((u,)), "one component for each of t, x, but 1 were"),
    (lambda: LagrangianDensity(u**2).is_conserved_on_shell((v, u)), r"v\(t, x\) is no field of this density"),
]  # fmt: skip


@pytest.mark.parametrize(("write", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_read_is_refused(write, message):
    with pytest.raises(InputError, match=message):
        write()


def test_moduli_and_parts_are_written_with_conjugates():
    density = Abs(psi) ** 4 + re(psi) ** 2 + im(psi.diff(x)) ** 2
    bar = conjugate(psi)
    plain = (psi * bar) ** 2 + (psi + bar) ** 2 / 4 - (psi.diff(x) - bar.diff(x)) ** 2 / 4
    assert LagrangianDensity(density).equations[psi] == LagrangianDensity(plain).equations[psi]
    assert LagrangianDensity(Abs(psi)).equations[psi].lhs != 0


def test_what_has_no_rate_of_its_own_is_not_followed():
    with pytest.raises(UnsupportedError, match="stand under derivatives by space"):
        _ = LagrangianDensity(u.diff(t, x) ** 2 / 2 + u.diff(t) ** 2 / 2 - u**2).dynamics
    with pytest.raises(UnsupportedError, match=r"of order 4; fields with at most second"):
        _ = LagrangianDensity(u.diff(t, 2) ** 2).dynamics
    with pytest.raises(UnsupportedError, match="conjugate of"):
        LagrangianDensity(conjugate(sympy.sqrt(psi)) + sympy.sqrt(psi))


def test_names_that_would_collide_are_kept_apart():
    ux = scalar_field("u_x", (t, x))
    theory = LagrangianDensity(u.diff(x) ** 2 / 2 + ux**2 / 2 + u * ux)
    assert sympy.expand(theory.equations[u].lhs - (u.diff(x, 2) - ux)) == 0
    assert sympy.expand(theory.equations[ux].lhs - (-ux - u)) == 0


def test_theories_add_up():
    one = LagrangianDensity(u.diff(t) ** 2 / 2, dissipation=u.diff(t) ** 2, sources={u: g})
    other = LagrangianDensity(v.diff(t) ** 2 / 2 - u * v, sources={u: 1, v: u})
    both = one + other
    assert both.fields == (u, v)
    assert both.sources == {u: g + 1, v: u}
    assert both.dissipation == u.diff(t) ** 2
    assert both.equations[u].rhs == g + 1 - 2 * u.diff(t)
    with pytest.raises(TypeError):
        _ = one + 1
