"""Parameter arrays: one name, many symbols, values under the array itself."""

import pickle

import numpy as np
import pytest
import sympy

import symphys as ph
from symphys.language import array_of

x, y = ph.coordinates("x y")
vx, vy = ph.dot(x), ph.dot(y)
K = ph.parameter_array("K", (2, 2), symmetric=True)
m = ph.parameter_array("m", 2, positive=True)
COUPLED = ph.Lagrangian(
    m[0] * vx**2 / 2
    + m[1] * vy**2 / 2
    - sum(K[i, j] * a * b / 2 for i, a in enumerate((x, y)) for j, b in enumerate((x, y)))
)
AT = {x: 1.0, y: 0.5, vx: 0.0, vy: 0.0}
VALUES = {m: [1.0, 2.0], K: [[3.0, 1.0], [1.0, 5.0]]}


def test_symmetric_arrays_share_their_symbols() -> None:
    assert K[0, 1] is K[1, 0]
    assert K.symbols == (K[0, 0], K[0, 1], K[1, 1])
    assert K.matrix == sympy.Matrix(2, 2, [K[0, 0], K[0, 1], K[0, 1], K[1, 1]])
    assert (np.asarray(m) == [m[0], m[1]]).all()
    assert m[0].is_positive
    assert len(m) == 2
    assert list(m) == [m[0], m[1]]


def test_values_are_given_under_the_array() -> None:
    found = COUPLED.evaluate([ph.ddot(x), ph.ddot(y)], AT, VALUES)
    assert found == pytest.approx([-3.5, -1.75], rel=1e-15)
    run = COUPLED.compile().run({x: 1.0, y: 0.0, vx: 0.0, vy: 0.0}, VALUES, (0, 1), rtol=1e-10)
    assert run.drift["energy"] < 1e-8
    stiffer = {**VALUES, K: np.array([VALUES[K], 2 * np.array(VALUES[K])])}  # an ensemble of two
    assert COUPLED.compile().run({x: 1.0, y: 0.0, vx: 0.0, vy: 0.0}, stiffer, (0, 1), dt=0.1).shape == (2,)


def test_wrong_values_are_refused() -> None:
    with pytest.raises(ph.InputError, match=r"parameter array K have the shape \(2,\); it needs \(2, 2\)"):
        COUPLED.evaluate(ph.ddot(x), AT, {**VALUES, K: [1.0, 2.0]})
    with pytest.raises(ph.InputError, match="values of K are not symmetric"):
        COUPLED.evaluate(ph.ddot(x), AT, {**VALUES, K: [[1.0, 2.0], [3.0, 4.0]]})
    with pytest.raises(ph.InputError, match=r"'B' of shape \(2, 3\) cannot be symmetric"):
        ph.parameter_array("B", (2, 3), symmetric=True)
    with pytest.raises(ph.InputError, match="'B' has the shape 0"):
        ph.parameter_array("B", 0)


def test_elements_know_their_array() -> None:

    assert array_of(K[1, 0]) == K
    assert array_of(m[0]) == m
    other = ph.parameters("K_0_1")
    assert array_of(other) is other
    assert pickle.loads(pickle.dumps(K[0, 1])) == K[0, 1]
    assert ph.parameter_array("m", 3, positive=True)[0] != m[0]
    assert {*COUPLED.parameters} == {*K.symbols, *m.symbols}
