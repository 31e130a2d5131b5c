"""Variational equations and Lyapunov exponents: against closed forms, differences, and published values."""

import numpy as np
import pytest
from sympy import cos, tanh

import symphys as ph
from symphys.errors import InputError, MethodError, UnsupportedError
from tests.gpu import OTHERS

x, y, z, q = ph.coordinates("x y z q")
v = ph.dot(q)
m, k, c, g, w = ph.parameters("m k c g w", positive=True)
LORENZ = ph.VectorField({x: 10 * (y - x), y: x * (28 - z) - y, z: x * y - z * 8 / 3})
PENDULUM = ph.Lagrangian(m * v**2 / 2 + m * g * cos(q), forces={q: k * cos(w * ph.t)})
VALUES = {m: 1.3, g: 2.0, k: 0.3, w: 1.1}
METHODS = {
    "dop853": {"rtol": 1e-11},
    "taylor": {"rtol": 1e-11},
    "rk4": {"dt": 0.01},
    "blanes_moan4": {"dt": 0.02},
    "gauss6": {"dt": 0.05},
}


@pytest.fixture(scope="module")
def henon_heiles():
    return ph.models.get("henon_heiles")


@pytest.mark.parametrize("method", METHODS)
def test_vectors_are_the_derivative_by_the_initial_state(method):
    """Central differences of runs by 1e-5 err by 1e-10 times third derivatives, and by rounding of 1e-11."""
    system = ph.Lagrangian(m * v**2 / 2 + m * g * cos(q)) if method == "taylor" else PENDULUM
    values = {m: 1.3, g: 2.0} if method == "taylor" else VALUES
    simulator, options = system.compile(method), METHODS[method]
    found = simulator.variations({q: 1.0, v: 0.4}, values, (0, 3), t_eval=[0.0, 3.0], **options)
    e = 1e-5
    near = simulator.run(
        {q: 1.0 + e * np.array([1, -1, 0, 0]), v: 0.4 + e * np.array([0, 0, 1, -1])}, values, (0, 3), t_eval=[3.0],
        **options,
    )  # fmt: skip
    ends = np.stack([near[q][:, 0], near[v][:, 0]])
    np.testing.assert_array_equal(found.vectors[0], np.eye(2))
    np.testing.assert_allclose(found.vectors[1], (ends[:, 0::2] - ends[:, 1::2]) / (2 * e), atol=2e-8)
    alone = simulator.run({q: 1.0, v: 0.4}, values, (0, 3), t_eval=[3.0], **options)
    assert found.result[q][1] == pytest.approx(alone[q][0], abs=1e-8)
    assert list(found.result.states) == [q, v]


def test_the_derivative_of_a_splitting_is_symplectic_to_rounding(henon_heiles):
    """300 steps of 13 substages, each a shear of condition 1."""
    simulator = henon_heiles.system.compile("blanes_moan4")
    found = simulator.variations(henon_heiles.initial, henon_heiles.parameters, (0, 30), dt=0.1)
    J = np.block([[np.zeros((2, 2)), np.eye(2)], [-np.eye(2), np.zeros((2, 2))]])
    last = found.vectors[-1]
    np.testing.assert_allclose(last.T @ J @ last, J, atol=1e-13 * np.abs(last).max() ** 2)


def test_given_vectors_and_ensembles():
    vectors = np.array([[1.0], [2.0]])
    starts = {q: np.array([[0.1, 1.0, 2.0]]), v: np.array([[0.0], [0.3]])}
    simulator = PENDULUM.compile("rk4")
    found = simulator.variations(starts, VALUES, (0, 1), dt=0.05, vectors=vectors, t_eval=[0.0, 1.0])
    assert found.vectors.shape == (2, 3, 2, 2, 1)
    whole = simulator.variations({q: 2.0, v: 0.3}, VALUES, (0, 1), dt=0.05, t_eval=[0.0, 1.0])
    np.testing.assert_allclose(found.vectors[1, 2], whole.vectors @ vectors, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("options", [{"rtol": 1e-8}, {"dt": 0.002}])
def test_lorenz(options):
    """0.9056, 0, -14.5723 (Viswanath 1998; Sprott 2003); the sum is the divergence, -41 / 3, whatever the time.

    Fluctuations of the first over 200 units are 0.01 an orbit, 0.0025 for the mean of sixteen; 4 sigma.
    """
    many = {x: np.linspace(1.0, 2.0, 16), y: 1.0, z: 20.0}
    found = LORENZ.compile().lyapunov(many, {}, (0, 200), transient=20.0, samples=10, **options)
    np.testing.assert_allclose(found.exponents.mean(axis=0), [0.9056, 0.0, -14.5723], atol=0.01)
    np.testing.assert_allclose(found.sum, -41 / 3, rtol=2e-6)
    np.testing.assert_allclose(found.dimension.mean(), 2.0621, atol=1e-3)
    assert found.history.shape == (16, 10, 3)
    assert found.t[-1] == pytest.approx(200.0)
    assert found.result[x].shape == (16, 12)


@pytest.mark.parametrize("method", ["yoshida4", "gauss4"])
def test_exponents_of_a_symplectic_map_come_in_pairs(henon_heiles, method):
    """The logarithm of the determinant is zero to rounding; pairs differ as 1 / t, by the frame at the ends."""
    simulator = henon_heiles.system.compile(method)
    found = simulator.lyapunov(henon_heiles.initial, henon_heiles.parameters, (0, 200), dt=0.1, samples=4)
    assert abs(found.sum) < 1e-13
    np.testing.assert_allclose(found.exponents, -found.exponents[::-1], atol=2.0 / 200)
    assert found.largest == found.exponents[0]


@pytest.mark.parametrize("options", [{"dt": 0.05}, {"rtol": 1e-9}])
def test_a_linear_system_has_the_real_parts_of_its_eigenvalues(options):
    """Overdamped: the roots of m s^2 + c s + k; what remains of the start decays as exp(-1.4 t) before t = 20."""
    damped = ph.Lagrangian(m * v**2 / 2 - k * q**2 / 2, dissipation=c * v**2 / 2)
    found = damped.compile().lyapunov({q: 1.0, v: 0.0}, {m: 1.0, k: 0.5, c: 2.0}, (0, 40), transient=20.0, **options)
    np.testing.assert_allclose(found.exponents, np.sort(np.roots([1.0, 2.0, 0.5]))[::-1], atol=1e-6)


def test_the_largest_alone_is_that_of_the_spectrum():
    """The first vector does not see the others; steps of equal length see none of them either."""
    start = {x: 1.0, y: 1.0, z: 20.0}
    simulator = LORENZ.compile()
    one = simulator.lyapunov(start, {}, (0, 5), dt=0.005, count=1, samples=3)
    all_three = simulator.lyapunov(start, {}, (0, 5), dt=0.005, samples=3)
    np.testing.assert_allclose(one.history[:, 0], all_three.history[:, 0], rtol=1e-6)
    assert one.exponents.shape == (1,)


@pytest.mark.parametrize("backend", OTHERS)
def test_backends_agree(backend):
    """Two units of time: rounding grows by exp(2 * 0.9) on the way."""
    runs = [
        LORENZ.compile("rk4", backend=each).lyapunov({x: 1.0, y: 1.0, z: 20.0}, {}, (0, 2), dt=0.01, samples=2)
        for each in ("cpu", backend)
    ]
    np.testing.assert_allclose(runs[0].history, runs[1].history, rtol=1e-9)


def test_networks_have_tangents_too():
    net = ph.network("V", inputs=1, hidden=(4,))
    system = ph.Lagrangian(m * v**2 / 2 - net(q) - q**2)
    values = {m: 1.0, net: net.initialise(seed=3)}
    simulator = system.compile("rk4")
    found = simulator.variations({q: 0.5, v: 0.1}, values, (0, 1), dt=0.02, t_eval=[1.0])
    near = simulator.run({q: 0.5 + 1e-5 * np.array([1, -1]), v: 0.1}, values, (0, 1), dt=0.02, t_eval=[1.0])
    assert found.vectors[0, 0, 0] == pytest.approx((near[q][0, 0] - near[q][1, 0]) / 2e-5, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: s.lyapunov({x: 1, y: 1, z: 1}, {}, (0, 1), count=4), InputError, "count = 4 exponents .* 3 comp"),
        (lambda s: s.lyapunov({x: 1, y: 1, z: 1}, {}, (0, 1), transient=2.0), InputError, "transient of 2 leaves"),
        (lambda s: s.lyapunov({x: 1, y: 1, z: 1}, {}, (0, 1), dt=0.6), InputError, "leaves 2 steps"),
        (
            lambda s: s.variations({x: 1, y: 1, z: 1}, {}, (0, 1), vectors=[1, 2]),
            InputError,
            r"shape \(2,\); give 3 row",
        ),
    ],
)
def test_wrong_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call(LORENZ.compile())


def test_what_has_no_tangents_is_refused():
    with pytest.raises(MethodError, match="runs in SciPy, which follows no tangent"):
        LORENZ.compile("radau").lyapunov({x: 1, y: 1, z: 1}, {}, (0, 1))
    rod = ph.Lagrangian(ph.dot(x) ** 2 + ph.dot(y) ** 2 + tanh(y), constraints=[x**2 + y**2 - 1])
    with pytest.raises(UnsupportedError, match="tangent vectors of systems with constraints"):
        rod.compile().lyapunov({x: 1, y: 0, ph.dot(x): 0, ph.dot(y): 1}, {}, (0, 1))
