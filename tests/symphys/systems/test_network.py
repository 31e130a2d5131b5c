"""Networks as users hold them, and in Lagrangians, Hamiltonians and vector fields that run."""

import pickle

import numpy as np
import pytest
import sympy

import symphys as ph
from tests.gpu import ALL

q = ph.coordinates("q")
v = ph.dot(q)
N = ph.network("N", inputs=2, hidden=(6, 6), activation="softplus")


def by_hand(network, weights, points):
    """The layers, one after the other (softplus)."""
    *hidden, (matrix, bias) = network.layers(weights)
    for w, b in hidden:
        points = np.log1p(np.exp(points @ w.T + b))
    return points @ matrix.T + bias


def test_values_slopes_and_curvatures_at_points():
    weights, points = N.initialise(seed=0), np.random.default_rng(0).normal(size=(7, 2))
    assert weights.shape == (N.count,) == (3 * 6 + 7 * 6 + 7,)
    value, slope, curvature = (N.evaluate(weights, points, order=k) for k in range(3))
    assert (value.shape, slope.shape, curvature.shape) == ((7,), (7, 2), (7, 2, 2))
    np.testing.assert_allclose(value, by_hand(N, weights, points)[:, 0], rtol=0, atol=1e-14)
    h = 1e-5  # central differences: truncation h^2, rounding 1e-16 / h
    for i, step in enumerate(h * np.eye(2)):
        ahead, behind = (N.evaluate(weights, points + s * step, order=k) for s, k in ((1, 0), (-1, 0)))
        np.testing.assert_allclose(slope[:, i], (ahead - behind) / 2 / h, rtol=0, atol=1e-9)
        ahead, behind = (N.evaluate(weights, points + s * step, order=1) for s in (1, -1))
        np.testing.assert_allclose(curvature[:, i], (ahead - behind) / 2 / h, rtol=0, atol=1e-9)


def test_one_input_takes_a_row_of_points_and_outputs_have_an_axis():
    U = ph.network("U", 1, hidden=(3,))
    assert U.evaluate(U.initialise(), np.zeros(4), order=1).shape == (4, 1)
    f = ph.network("f", 2, outputs=3, hidden=(3,))
    assert f.evaluate(f.initialise(), np.zeros((4, 2)), order=1).shape == (4, 3, 2)


def test_features_are_waves_that_are_not_learnt():
    F = ph.network("F", 1, hidden=(4,), activation="softplus", features=[[1.0], [2.0]])
    weights, x = F.initialise(seed=1), np.array([0.1, 0.7])
    waves = np.stack([np.cos(2 * np.pi * x), np.cos(4 * np.pi * x), np.sin(2 * np.pi * x), np.sin(4 * np.pi * x)], 1)
    np.testing.assert_allclose(F.evaluate(weights, x), by_hand(F, weights, waves)[:, 0], rtol=0, atol=1e-14)
    assert F.count == 4 * 4 + 4 + 4 + 1


def test_the_network_stays_one_symbol_in_the_equations():
    system = ph.Lagrangian(v**2 / 2 + N(q, v))
    assert len(str(system.equations[0])) < 300
    assert system.dynamics.networks == (N,)


@pytest.mark.parametrize("backend", ALL)
def test_accelerations_follow_from_the_curvature_of_the_network(backend):
    system = ph.Lagrangian(v**2 / 2 + N(q, v))
    weights, points = N.initialise(seed=2), np.random.default_rng(1).normal(size=(5, 2))
    slope, curvature = (N.evaluate(weights, points, order=k) for k in (1, 2))
    expected = (slope[:, 0] - curvature[:, 0, 1] * points[:, 1]) / (1 + curvature[:, 1, 1])
    found = system.evaluate(ph.ddot(q), {q: points[:, 0], v: points[:, 1]}, {N: weights}, backend=backend)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_accelerations_of_two_coordinates():
    """(1 + N_vv) a = N_q - N_vq v, whose right side is one derivative along v (rounding of a solution of two)."""
    x, y = ph.coordinates("x y")
    vx, vy = ph.dot(x), ph.dot(y)
    both = ph.network("N", 4, hidden=(5, 5))
    system = ph.Lagrangian((vx**2 + vy**2) / 2 + both(x, y, vx, vy))
    weights, points = 3 * both.initialise(seed=2), np.random.default_rng(1).normal(size=(6, 4))
    slope, curvature = (both.evaluate(weights, points, order=k) for k in (1, 2))
    force = slope[:, :2] - np.einsum("nij,nj->ni", curvature[:, 2:, :2], points[:, 2:])
    expected = np.linalg.solve(np.eye(2) + curvature[:, 2:, 2:], force[..., None])[..., 0]
    state = dict(zip((x, y, vx, vy), points.T, strict=True))
    found = system.evaluate([ph.ddot(x), ph.ddot(y)], state, {both: weights})
    np.testing.assert_allclose(found.T, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


def test_a_lagrangian_with_a_network_keeps_its_energy():
    """Gauss-Legendre of order 4 keeps the energy to h^4; the tolerance 1e-9 of an adaptive run to some of it a step."""
    weights = N.initialise(seed=0)
    simulator = ph.Lagrangian(v**2 / 2 - q**2 / 2 + N(q, v)).compile()
    assert simulator.run({q: 1.0, v: 0.0}, {N: weights}, t_span=(0, 10), rtol=1e-9).drift["energy"] < 1e-7
    drift = [simulator.run({q: 1.0, v: 0.0}, {N: weights}, t_span=(0, 10), dt=dt).drift["energy"] for dt in (0.1, 0.05)]
    assert 11 < drift[0] / drift[1] < 22


def test_hamiltonian_and_vector_field_of_the_same_network_agree():
    Q, p = ph.canonical("Q p")
    H = ph.network("H", inputs=2, hidden=(5, 5))
    weights = H.initialise(seed=3)
    energy = p**2 / 2 + Q**2 / 2 + H(Q, p)
    field = ph.VectorField({Q: energy.diff(p), p: -energy.diff(Q)})
    runs = [
        s.compile(method="rk4").run({Q: [1.0, 0.5], p: 0.0}, {H: weights}, t_span=(0, 1), dt=0.1)
        for s in (ph.Hamiltonian(energy, {Q: p}), field)
    ]
    np.testing.assert_allclose(runs[0][Q], runs[1][Q], rtol=0, atol=1e-14)


def test_symmetries_that_hold_whatever_the_network():
    """Rotations, cyclic coordinates and time translation hold by the form of the arguments alone."""
    x, y = ph.coordinates("x y")
    V = ph.network("V", 1, hidden=(4,))
    kinetic = (ph.dot(x) ** 2 + ph.dot(y) ** 2) / 2
    names = {law.name for law in ph.Lagrangian(kinetic - V(sympy.sqrt(x**2 + y**2))).conserved}
    assert {"energy", "angular momentum z"} <= names
    cyclic = ph.Lagrangian(kinetic - V(x))
    assert cyclic.cyclic == (y,)
    assert "momentum y" in {law.name for law in cyclic.conserved}
    moving = ph.Lagrangian(kinetic - V(x - ph.t))
    assert "energy" not in {law.name for law in moving.conserved}


def test_positive_forms():
    a, b = sympy.symbols("a b", real=True)
    M = ph.positive_matrix((a, b, -a), floor=0.1)
    for values in np.random.default_rng(0).normal(0, 3, (20, 2)):
        assert np.linalg.eigvalsh(np.array(M.subs({a: values[0], b: values[1]}), float)).min() >= 0.1 - 1e-12
    assert float(ph.positive(a).subs(a, -50)) > 0
    with pytest.raises(ph.InputError, match=r"4 entries fill no lower triangle"):
        ph.positive_matrix((a, a, b, b))
    with pytest.raises(ph.InputError, match=r"floor -1 .* negative"):
        ph.positive_matrix((a,), floor=-1)


def test_a_mass_matrix_of_a_network_is_positive_by_form():
    x, y = ph.coordinates("x y")
    f = ph.network("f", 2, outputs=3, hidden=(4,))
    rates = sympy.Matrix([ph.dot(x), ph.dot(y)])
    system = ph.Lagrangian((rates.T * ph.positive_matrix(f(x, y), floor=0.5) * rates)[0] / 2 - x**2 - y**2)
    run = system.compile().run({x: 1.0, y: 0.5, ph.dot(x): 0.0, ph.dot(y): 0.1}, {f: f.initialise()}, (0, 3), rtol=1e-9)
    assert run.drift["energy"] < 1e-7


def test_weights_by_name_and_weights_that_do_not_fit():
    system = ph.Lagrangian(v**2 / 2 - q**2 / 2 + N(q, v))
    simulator = system.compile(method="rk4")
    start, weights = {q: 1.0, v: 0.0}, N.initialise()
    assert simulator.run(start, {"N": weights}, (0, 0.2), dt=0.1)[q].shape == (3,)
    with pytest.raises(ph.InputError, match=r"network N has no weights; give its 67 numbers, \{N: N.initialise"):
        simulator.run(start, {}, (0, 1), dt=0.1)
    with pytest.raises(ph.InputError, match=r"shape \(66,\); it has 67 weights"):
        simulator.run(start, {N: weights[1:]}, (0, 1), dt=0.1)
    with pytest.raises(ph.InputError, match="weights of the network N is not finite"):
        simulator.run(start, {N: weights * np.nan}, (0, 1), dt=0.1)
    other = ph.network("U", 1)
    with pytest.raises(ph.InputError, match="network U, which is not in the system; it has N"):
        simulator.run(start, {N: weights, other: other.initialise()}, (0, 1), dt=0.1)


def test_two_networks_of_one_name_are_refused():
    other = ph.network("N", inputs=1)
    with pytest.raises(ph.InputError, match="Two different networks in the Lagrangian are both called N"):
        ph.Lagrangian(v**2 / 2 + N(q, v) + other(q))


def test_what_network_refuses():
    with pytest.raises(ph.InputError, match=r"'relu' is linear piece by piece: its second derivative vanishes.*tanh"):
        ph.network("N", 1, activation="relu")
    with pytest.raises(ph.InputError, match="no activation 'tahn'; choose one of tanh"):
        ph.network("N", 1, activation="tahn")
    with pytest.raises(ph.InputError, match="hidden = 5; give a number of neurons for each layer"):
        ph.network("N", 1, hidden=5)
    with pytest.raises(ph.InputError, match=r"input_scale has the shape \(2,\); give 1 numbers"):
        ph.network("N", 1, input_scale=(1.0, 2.0))
    with pytest.raises(ph.InputError, match="inputs 0 to 1, and no input 2"):
        ph.network("N", 2, even=(2,))
    with pytest.raises(ph.InputError, match=r"features has the shape \(1, 3\)"):
        ph.network("N", 2, features=np.ones((1, 3)))
    with pytest.raises(ph.InputError, match=r"points of the network N have the shape \(3,\); give \[n, 2\]"):
        N.evaluate(N.initialise(), np.zeros(3))
    with pytest.raises(ph.InputError, match="order = 3; networks are evaluated to order 0, 1 or 2"):
        N.evaluate(N.initialise(), np.zeros((3, 2)), order=3)


def test_networks_are_keys_and_pickle_after_use():
    N.evaluate(N.initialise(), np.zeros((1, 2)))
    again = pickle.loads(pickle.dumps(N))
    assert again == N
    assert {N: 1}[again] == 1
    assert N(q, v) == again(q, v)


def test_weights_go_to_files_and_come_back(tmp_path):
    pytest.importorskip("safetensors")
    weights = N.initialise(seed=5)
    N.save(tmp_path / "n.safetensors", weights)
    np.testing.assert_array_equal(N.load(tmp_path / "n.safetensors"), weights)
    with pytest.raises(ph.InputError, match=r"holds the weights of Network.*make the network as it was"):
        ph.network("N", 2, hidden=(3,)).load(tmp_path / "n.safetensors")
