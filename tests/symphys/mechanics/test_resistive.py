"""Port-Hamiltonian friction x' = (J - R) grad H + u with any positive semidefinite R."""

import numpy as np
import pytest
import sympy

import symphys as ph
from symphys.errors import InputError, LegendreTransformError

q, Q, p, P = ph.canonical("q Q p P")
m, k, c, d = ph.parameters("m k c d", positive=True)
PAIRS = {q: p, Q: P}
H = p**2 / (2 * m) + P**2 / m + k * q**2 / 2 + k * (q - Q) ** 2 / 2


def lost(system):
    """dH/dt without inputs."""
    rates = {x: equation.rhs for x, equation in system.equations.items()}
    return sympy.expand(sum(H.diff(x) * rate for x, rate in rates.items()))


def test_pairs_and_matrices_say_the_same():
    by_pairs = ph.Hamiltonian(H, PAIRS, dissipation={p: c, P: 2 * c, (p, P): -c})
    R = sympy.zeros(4)
    R[2, 2], R[3, 3], R[2, 3], R[3, 2] = c, 2 * c, -c, -c
    by_matrix = ph.Hamiltonian(H, PAIRS, dissipation=R)
    for x in (q, Q, p, P):
        assert sympy.simplify(by_pairs.equations[x].rhs - by_matrix.equations[x].rhs) == 0
    v, V = p / m, 2 * P / m
    assert sympy.expand(lost(by_pairs) + c * v**2 + 2 * c * V**2 - 2 * c * v * V) == 0


def test_friction_may_couple_everything():
    """On positions too, and depending on the state: R = a a^T d takes d (a . grad H)^2."""
    a = sympy.Matrix([q, 1, sympy.Rational(1, 2), Q])
    system = ph.Hamiltonian(H, PAIRS, dissipation=d * a * a.T)
    slopes = sympy.Matrix([H.diff(x) for x in (q, Q, p, P)])
    assert sympy.expand(lost(system) + d * (a.T * slopes)[0] ** 2) == 0
    run = system.compile().run({q: 1.0, Q: 0.3, p: 0.2, P: 0.1}, {m: 1.0, k: 1.0, d: 0.1}, (0, 5), rtol=1e-10)
    assert run.drift["energy balance"] < 1e-8
    assert (np.diff(run.ledger.dissipated) > -1e-12).all()
    with pytest.raises(LegendreTransformError, match=r"acts on q\(t\) itself"):
        _ = system.lagrangian


def test_coupled_friction_survives_the_transforms():
    x, y = ph.coordinates("x y")
    vx, vy = ph.dot(x), ph.dot(y)
    friction = c * vx**2 / 2 + d * (vx - vy) ** 2 / 2
    system = ph.Lagrangian(m * (vx**2 + vy**2) / 2 - k * (x**2 + x * y + y**2) / 2, dissipation=friction)
    back = system.hamiltonian.lagrangian
    for q_, a in system.accelerations.items():
        assert sympy.simplify(back.accelerations[q_] - a) == 0
    assert "blanes_moan4" in system.hamiltonian.compile().explain()


@pytest.mark.parametrize(
    ("dissipation", "message"),
    [
        ({p: c, P: c, (p, P): 2 * c}, "not positive semidefinite.*least eigenvalue was -0.3333 of the largest"),
        ({(p, P): c}, "not positive semidefinite"),
        ({(p, P): c, (P, p): c}, "given twice"),
        ({(p, m): c}, "dissipation was given for m"),
        (sympy.eye(2), r"matrix of shape \(2, 2\), not 4 x 4"),
        (sympy.Matrix(4, 4, lambda i, j: i - j), "not symmetric"),
        ([c], "must be a mapping"),
    ],
)
def test_what_is_no_friction_is_refused(dissipation, message):
    with pytest.raises(InputError, match=message):
        ph.Hamiltonian(H, PAIRS, dissipation=dissipation)
