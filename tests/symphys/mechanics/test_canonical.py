"""Canonical transformations: what is one and what is not, generating functions of all kinds, Liouville's equation."""

import pytest
import sympy
from sympy import Function, cos, cot, exp, sin, sqrt

import symphys as ph
from symphys.mechanics.jets import to_jet
from symphys.mechanics.probe import vanishes

q, p, Q, P = ph.canonical("q p Q P")
q2, p2, Q2, P2 = ph.canonical("q2 p2 Q2 P2")
m, w, c, beta = ph.parameters("m omega c beta", positive=True)
OSCILLATOR = ph.Hamiltonian(p**2 / (2 * m) + m * w**2 * q**2 / 2, {q: p})


def same(a, b):
    return sympy.simplify(a - b) == 0


def test_the_oscillator_in_action_and_angle():
    """F1 = m w q^2 cot(Q) / 2 gives K = w P (Goldstein, section 9.3)."""
    transformation = ph.CanonicalTransformation.generated_by(m * w * q**2 * cot(Q) / 2, 1, {q: p}, {Q: P})
    moved = OSCILLATOR.transform(transformation)
    assert same(moved.expression, w * P)
    assert moved.equations[Q].rhs == w
    assert moved.pairs == {Q: P}


@pytest.mark.parametrize(
    ("function", "kind", "old"),
    [
        (q * Q, 1, {q: -P, p: Q}),
        (q * P, 2, {q: Q, p: P}),
        (p * Q, 3, {q: -Q, p: -P}),
        (p * P, 4, {q: -P, p: Q}),
        (q * P + c * ph.t * P, 2, {q: Q - c * ph.t, p: P}),
        (c * q * P, 2, {q: Q / c, p: c * P}),
    ],
)
def test_generating_functions_of_every_kind(function, kind, old):
    """The simplest of each kind (Goldstein, table 9.1)."""
    transformation = ph.CanonicalTransformation.generated_by(function, kind, {q: p}, {Q: P})
    assert all(same(dict(transformation.old)[x], value) for x, value in old.items())
    assert same(transformation.remainder, c * P if function.has(c * ph.t) else 0)


def test_a_moving_frame_by_map_and_by_generating_function():
    """Q = q - c t, P = p: K = H - c P, whether the map or F2 = (q - c t) P is given."""
    by_map = ph.CanonicalTransformation({q: Q + c * ph.t, p: P}, {Q: P}, {q: p})
    by_function = ph.CanonicalTransformation.generated_by((q - c * ph.t) * P, 2, {q: p}, {Q: P})
    assert same(by_map.remainder, -c * P)
    assert same(by_function.remainder, -c * P)
    moved = OSCILLATOR.transform(by_map)
    assert same(moved.equations[Q].rhs, P / m - c)


def test_the_exact_motion_takes_the_hamiltonian_away():
    turned = {
        q: Q * cos(w * ph.t) + P * sin(w * ph.t) / (m * w),
        p: P * cos(w * ph.t) - m * w * Q * sin(w * ph.t),
    }
    transformation = ph.CanonicalTransformation(turned, {Q: P}, {q: p})
    assert same(transformation.apply(OSCILLATOR.expression) + transformation.remainder, 0)


def test_two_degrees_of_freedom():
    s = sqrt(2)
    mixed = ph.CanonicalTransformation(
        {q: (Q + Q2) / s, q2: (Q - Q2) / s, p: (P + P2) / s, p2: (P - P2) / s}, {Q: P, Q2: P2}, {q: p, q2: p2}
    )
    coupled = ph.Hamiltonian((p**2 + p2**2) / 2 + (q**2 + q2**2) / 2 + c * (q - q2) ** 2, {q: p, q2: p2})
    moved = coupled.transform(mixed)
    assert same(moved.expression, (P**2 + P2**2) / 2 + Q**2 / 2 + (1 + 4 * c) * Q2**2 / 2)


def test_equations_keep_their_form():
    """x' computed in the new variables and carried back equals x' computed in the old ones."""
    bent = {q: sqrt(2 * P) * sin(Q), p: sqrt(2 * P) * cos(Q)}
    transformation = ph.CanonicalTransformation(bent, {Q: P}, {q: p})
    system = ph.Hamiltonian(p**2 / 2 + q**4 / 4, {q: p})
    moved = system.transform(transformation)
    space = moved.system.space
    rates = {x: moved.equations[x].rhs for x in (Q, P)}
    for x, value in bent.items():
        carried = sum(value.diff(X) * rate for X, rate in rates.items())
        direct = transformation.apply(system.equations[x].rhs)
        assert vanishes((to_jet(carried - direct, space),))


def test_what_is_not_canonical_is_refused_with_the_bracket():
    with pytest.raises(ph.InputError, match=r"bracket of q\(t\) and p\(t\) in the new variables is 2, and must be 1"):
        ph.CanonicalTransformation({q: 2 * Q, p: P}, {Q: P}, {q: p})
    with pytest.raises(ph.InputError, match=r"bracket of q\(t\) and q2\(t\)"):
        ph.CanonicalTransformation({q: Q + P2, p: P, q2: Q2, p2: P2}, {Q: P, Q2: P2}, {q: p, q2: p2})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ph.CanonicalTransformation.generated_by(q * P, 5, {q: p}, {Q: P}), "kind 1, 2, 3 or 4, not 5"),
        (lambda: ph.CanonicalTransformation.generated_by(q * P, 1, {q: p}, {Q: P}), r"F1\(q, Q, t\) does not hold P"),
        (lambda: ph.CanonicalTransformation.generated_by(q**2, 2, {q: p}, {Q: P}), "cannot be solved"),
        (lambda: ph.CanonicalTransformation({q: Q}, {Q: P}, {q: p}), "stands only in one"),
        (lambda: ph.CanonicalTransformation({q: Q, p: P}, {Q: P, Q2: P2}, {q: p}), "1 old pairs and 2 new ones"),
        (lambda: ph.CanonicalTransformation({q: q, p: p}, {q: p}, {q: p}), "different names"),
        (lambda: ph.CanonicalTransformation({q: Q, m: P}, {Q: P}, {q: m}), "no canonical variable"),
    ],
)
def test_wrong_input_is_named(make, message):
    with pytest.raises(ph.InputError, match=message):
        make()


def test_only_a_hamiltonian_of_the_same_pairs_is_transformed():
    transformation = ph.CanonicalTransformation({q: Q, p: P}, {Q: P}, {q: p})
    with pytest.raises(ph.InputError, match="not of those of this Hamiltonian"):
        ph.Hamiltonian(p2**2, {q2: p2}).transform(transformation)
    with pytest.raises(ph.UnsupportedError, match="Friction"):
        ph.Hamiltonian(p**2, {q: p}, dissipation={p: c}).transform(transformation)


def test_liouvilles_equation():
    """A canonical ensemble is stationary; with friction a density is compressed."""
    assert OSCILLATOR.liouville(exp(-beta * OSCILLATOR.expression)) == 0
    assert same(OSCILLATOR.liouville(q), -p / m)
    rho = Function("rho")(q, p)
    assert same(OSCILLATOR.liouville(rho), m * w**2 * q * rho.diff(p) - p / m * rho.diff(q))
    damped = ph.Hamiltonian(p**2 / 2 + q**2 / 2, {q: p}, dissipation={p: c})
    assert same(damped.liouville(1), c)
    assert same(damped.liouville(p), 2 * c * p + q)
