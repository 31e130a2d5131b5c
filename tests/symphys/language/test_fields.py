"""The language of fields: what is real, what commutes with what, and what SymPy may do with it."""

import pickle
import subprocess
import sys

import pytest
import sympy
from sympy import conjugate, exp, latex, simplify

from symphys import (
    InputError,
    complex_field,
    convolution,
    coordinates,
    curl,
    dalembertian,
    divergence,
    external,
    gradient,
    laplacian,
    parameters,
    scalar_field,
    spacetime,
    vector_field,
)
from symphys.language import t as time_of_mechanics

t, x, y, z = spacetime("t x y z")
u = scalar_field("u", (t, x, y, z))
psi = complex_field("psi", (t, x, y, z))
A = vector_field("A", (t, x, y, z))
V = external("V", (x, y))
g = parameters("g", positive=True)


def test_what_is_real_and_what_is_not():
    assert conjugate(u) == u
    assert conjugate(V) == V
    assert conjugate(psi) != psi
    assert all(each.is_real for each in (t, x, u, V, *A))


def test_conjugation_commutes_with_derivatives():
    assert conjugate(psi).diff(t) == conjugate(psi.diff(t))
    assert conjugate(psi).diff(x, y) == conjugate(psi.diff(y, x))


def test_names_give_one_field_or_several():
    assert [each.func.__name__ for each in complex_field("psi1:3", (t, x))] == ["psi1", "psi2"]
    assert len(A) == 4
    assert A[1:] == tuple(A[k] for k in (1, 2, 3))


def test_differential_operators():
    assert gradient(u) == (u.diff(x), u.diff(y), u.diff(z))
    assert laplacian(psi) == psi.diff(x, 2) + psi.diff(y, 2) + psi.diff(z, 2)
    assert divergence(A[1:]) == A[1].diff(x) + A[2].diff(y) + A[3].diff(z)
    assert divergence(curl(A[1:])) == 0
    assert all(component == 0 for component in curl(gradient(u)))
    assert dalembertian(u, speed=g) == u.diff(t, 2) / g**2 - laplacian(u)
    flat = scalar_field("f", (t, x, y))
    assert curl((0, flat)) == flat.diff(x)


def test_a_convolution_commutes_with_derivatives_and_takes_constants_out():
    w = convolution(lambda r: exp(-(r**2) / g), conjugate(psi) * psi, over=(x, y))
    assert w.diff(x) == convolution(lambda r: exp(-(r**2) / g), (conjugate(psi) * psi).diff(x), over=(x, y))
    assert convolution(lambda r: exp(-(r**2) / g), 3 * g * u**2, over=(x, y)) == 3 * g * convolution(
        lambda r: exp(-(r**2) / g), u**2, over=(x, y)
    )
    assert conjugate(w) == w
    assert convolution(lambda r: r, 0, over=(x,)) == 0
    kernel = external("W", (x, y))
    assert convolution(kernel, u).kernel.expr.func == kernel.func


def test_a_parameter_called_like_a_displacement_stays_itself():
    dx = parameters("dx")
    w = convolution(lambda d: exp(-(d**2) / dx), u, over=(x,))
    assert w.free_symbols == {t, x, y, z, dx}
    assert w.subs(dx, 2).kernel(3) == exp(-sympy.Rational(9, 2))


def written():
    pair = convolution(lambda dx, dy: g * exp(-(dx**2)) / (1 + dy**2), conjugate(psi) * psi, over=(x, y))
    return [u, psi.diff(x), conjugate(psi).diff(t, y), V.diff(x), A[2], pair, pair.diff(x), u * pair + V]


def test_everything_survives_simplification_and_has_latex():
    for each in written():
        assert simplify(each - each.copy()) == 0
        assert latex(each)
    pair = written()[5]
    assert simplify(2 * pair / pair) == 2
    assert r"\iint" in latex(pair)


def test_everything_survives_pickling_into_another_process(tmp_path):
    path = tmp_path / "written.pickle"
    path.write_bytes(pickle.dumps(written()))
    code = f"import pickle; print(sum(map(hash, pickle.load(open({str(path)!r}, 'rb')))) is not None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
    assert pickle.loads(path.read_bytes()) == written()


REFUSED = [
    (lambda: spacetime("t"), "names one; what depends on time alone is made by coordinates"),
    (lambda: scalar_field("x", (t, x)), "'x' is a coordinate here"),
    (lambda: scalar_field("u", (time_of_mechanics, x)), "is the time of systems with finitely many coordinates"),
    (lambda: complex_field("psi", (t, sympy.Symbol("x"))), "x is no coordinate of spacetime"),
    (lambda: external("V", (x, x)), "distinct coordinates"),
    (lambda: vector_field("A B", (t, x)), "One name at a time for vector fields"),
    (lambda: laplacian(coordinates("q")), "holds no field, so its coordinates of space are unknown"),
    (lambda: divergence(A), "one component for each coordinate of space, x, y, z, but there are 4"),
    (lambda: convolution(lambda a, b: a, u, over=(x, y, z)), "takes 2 arguments, but there are 3 displacements"),
    (lambda: convolution(lambda d: d * x, u, over=(x,)), "depends on x itself"),
    (lambda: convolution(3, u, over=(x,)), "3 is of type int"),
    (lambda: convolution(lambda d: "a", u, over=(x,)), "returned 'a', of type str"),
    (lambda: convolution(lambda d: d, u), "Name the coordinates that a convolution integrates over"),
    (lambda: convolution(V, u, over=(x,)), "but the convolution is over"),
]


@pytest.mark.parametrize(("write", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_meant_is_refused(write, message):
    with pytest.raises(InputError, match=message):
        write()
