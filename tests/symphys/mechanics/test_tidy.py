"""What people read: the same expression, shorter."""

import sympy
from sympy import Matrix, cos, sin, sqrt

import symphys as ph
from symphys.mechanics.graph import written_operations
from symphys.mechanics.radicals import roots_combined

x, y = ph.coordinates("x y")
vx, vy = ph.dot(x), ph.dot(y)
m, c, q, B = ph.parameters("m c q B", positive=True)


def test_the_energy_and_the_hamiltonian_of_a_relativistic_charge_are_those_of_the_books() -> None:
    """Landau, Lifshitz, "The Classical Theory of Fields", eqs. 16.10 and 16.12."""
    free = -m * c**2 * sqrt(1 - (vx**2 + vy**2) / c**2)
    charge = ph.Lagrangian(free + q * B * (x * vy - y * vx) / 2)
    assert sympy.simplify(charge.energy - m * c**3 / sqrt(c**2 - vx**2 - vy**2)) == 0
    assert written_operations(charge.energy) < 15
    hamiltonian = charge.hamiltonian.expression
    p, r = charge.hamiltonian.pairs[x], charge.hamiltonian.pairs[y]
    wanted = c * sqrt(m**2 * c**2 + (p + q * B * y / 2) ** 2 + (r - q * B * x / 2) ** 2)
    assert sympy.expand(hamiltonian**2 - wanted**2) == 0
    assert len(hamiltonian.atoms(sympy.Pow)) < 12


def test_roots_of_different_things_stay_as_they_are() -> None:
    a, b = sympy.symbols("a b", real=True)
    for expression in (sqrt(a) + 1 / sqrt(b), sqrt(a), 1 / sqrt(1 + sqrt(a)) + a):
        assert roots_combined(expression) == expression


def test_roots_that_are_combined_keep_their_values() -> None:
    a, b = sympy.symbols("a b", real=True)
    k = sympy.Symbol("k", positive=True)
    root = sqrt(1 - a**2 / k**2)
    for expression in (
        root + 1 / root,
        a / root**3 + b / root,
        1 / (1 + root) + root,
        sqrt(a**2 / (a**2 + b**2) + 1) + sqrt(a**2 + b**2),
    ):
        point = {a: 0.3, b: -0.7, k: 1.9}
        assert abs((roots_combined(expression) - expression).subs(point)) < 1e-14


def test_sines_and_cosines_of_a_turning_hoop_are_taken_together() -> None:
    theta = ph.coordinates("theta")
    turned = B * ph.t + q * ph.t**2 / 2
    place = c * Matrix([sin(theta) * cos(turned), sin(theta) * sin(turned), -cos(theta)])
    hoop = ph.Lagrangian(m * place.diff(ph.t).dot(place.diff(ph.t)) / 2)
    assert hoop.momenta[theta] == c**2 * m * ph.dot(theta)
    assert not hoop.equations[0].has(cos(turned))
    assert not hoop.energy.has(cos(turned), cos(theta))


def test_common_factors_cancel_against_denominators() -> None:
    """A pendulum under a cart: X' = (p_X - p_phi cos(phi) / l) / (M + m sin^2 phi)."""
    X, phi = ph.coordinates("X phi")
    M, l = ph.parameters("M l", positive=True)
    place = Matrix([X + l * sin(phi), -l * cos(phi)])
    cart = ph.Lagrangian(M * ph.dot(X) ** 2 / 2 + m * place.diff(ph.t).dot(place.diff(ph.t)) / 2).hamiltonian
    p_X, p_phi = cart.pairs[X], cart.pairs[phi]
    rate = cart.equations[X].rhs
    assert sympy.simplify(rate - (p_X - p_phi * cos(phi) / l) / (M + m * sin(phi) ** 2)) == 0
    assert written_operations(rate) < 25


def test_roots_inside_other_functions_are_left_alone() -> None:
    """Yukawa's potential in coordinates: exp(-r / c) / r is no rational function of the root r."""
    r = sqrt(x**2 + y**2)
    yukawa = q * sympy.exp(-r / c) / r
    system = ph.Lagrangian(m * (vx**2 + vy**2) / 2 - yukawa)
    assert sympy.simplify(system.energy - m * (vx**2 + vy**2) / 2 - yukawa) == 0
    p_x, p_y = (system.hamiltonian.pairs[each] for each in (x, y))
    assert sympy.simplify(system.hamiltonian.equations[p_x].rhs + yukawa.diff(x)) == 0
    assert sympy.simplify(system.hamiltonian.equations[y].rhs - p_y / m) == 0
    N = ph.network("N", inputs=1)
    for expression in (
        x * N(r) / r + 1 / r,
        1 / (r * (1 + r)) + sin(r),
        sqrt(1 + sympy.exp(r)) + sqrt(1 + sympy.exp(r)) ** -1 + r,
    ):
        assert roots_combined(expression) == expression
