"""Density matrices in motion: against closed forms, matrix exponentials, SciPy; with every backend; fitted."""

import numpy as np
import pytest
import sympy
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import symphys as ph
from symphys.quantum import VonNeumann, annihilation, commutator, pauli, pure_state, spin, tensor
from tests.gpu import OTHERS

sx, sy, sz = pauli()
omega, delta, gamma = ph.parameters("omega delta gamma", positive=True)
UP = np.diag([1.0, 0.0]).astype(complex)


def random_state(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a = rng.normal(0, 1, (n, n)) + 1j * rng.normal(0, 1, (n, n))
    rho = a @ a.conj().T
    return rho / np.trace(rho).real


@pytest.mark.parametrize("s", [sympy.Rational(1, 2), 1, 1.5])
def test_spins_have_their_algebra(s) -> None:
    x, y, z = spin(s)
    for a, b, c in ((x, y, z), (y, z, x), (z, x, y)):
        assert sympy.simplify(commutator(a, b) - sympy.I * c) == sympy.zeros(x.rows, x.rows)
    total = sympy.nsimplify(s) * (sympy.nsimplify(s) + 1)
    assert sympy.simplify(x**2 + y**2 + z**2) == total * sympy.eye(x.rows)


def test_operators_of_oscillators_and_compounds() -> None:
    a = annihilation(4)
    assert (a.T * a).diagonal() == sympy.Matrix([[0, 1, 2, 3]])
    assert tensor(sx, sz)[:2, 2:] == sz
    assert spin(sympy.Rational(1, 2)) == tuple(each / 2 for each in (sx, sy, sz))


def test_the_equation_is_one_of_matrices_and_holds_on_shell() -> None:
    system = VonNeumann(omega * sx / 2 + delta * sz / 2, [(gamma, (sx - sympy.I * sy) / 2)])
    assert isinstance(system.equations, sympy.Eq)
    rates = {ph.dot(x): rate for x, rate in system.master.rates.items()}
    left = system.equations.lhs.applyfunc(lambda e: e.xreplace(rates))
    assert sympy.simplify(left - system.equations.rhs) == sympy.zeros(2, 2)


def test_ehrenfest_turns_a_spin() -> None:
    system = VonNeumann(omega * sz / 2)
    x, y = system.expectation(sx), system.expectation(sy)
    assert sympy.simplify(system.ehrenfest(sx).rhs + omega * y) == 0
    assert sympy.simplify(system.ehrenfest(sy).rhs - omega * x) == 0


def test_rabi_oscillations_off_resonance_in_an_ensemble() -> None:
    """P_down = omega^2 / W^2 sin^2(W t / 2), W^2 = omega^2 + delta^2: Cohen-Tannoudji, Diu, Laloe, chapter IV, C-3."""
    system = VonNeumann(omega * sx / 2 + delta * sz / 2)
    assert [law.name for law in system.conserved] == ["trace", "purity", "energy"]
    w, d = np.array([0.5, 1.0, 2.0]), 1.5
    run = system.compile().run(UP, {omega: w, delta: d}, t_span=(0, 5), rtol=1e-11, t_eval=np.linspace(0, 5, 21))
    assert run.rho.shape == (3, 21, 2, 2)
    flop = np.sqrt(w**2 + d**2)[:, None]
    expected = (w[:, None] / flop) ** 2 * np.sin(flop * run.t / 2) ** 2
    np.testing.assert_allclose(run.rho[..., 1, 1].real, expected, atol=1e-9)
    for law in ("trace", "purity", "energy"):
        assert run.drift[law].max() < 1e-9


def test_any_matrix_moves_as_its_exponential_says() -> None:
    rng = np.random.default_rng(0)
    h = rng.normal(0, 1, (4, 4)) + 1j * rng.normal(0, 1, (4, 4))
    h = (h + h.conj().T) / 2
    rho = random_state(4, 1)
    run = VonNeumann(h, hbar=0.5).compile().run(rho, t_span=(0, 2), rtol=1e-11, t_eval=[0.0, 2.0])
    turn = expm(-1j * h * 2 / 0.5)
    np.testing.assert_allclose(run.rho[-1], turn @ rho @ turn.conj().T, atol=1e-9)
    np.testing.assert_allclose(run.rho[0], rho, atol=1e-15)
    entropy = ph.quantum.von_neumann_entropy(run.rho)
    assert abs(entropy[1] - entropy[0]) < 1e-8


@pytest.mark.everywhere
def test_decay_and_dephasing() -> None:
    """Emission: rho_00 falls by exp(-g t), rho_01 by exp(-g t / 2); dephasing by sz / 2 adds exp(-k t / 2)."""
    kappa = ph.parameters("kappa", positive=True)
    lower = (sx - sympy.I * sy) / 2
    system = VonNeumann(0 * sz, [(gamma, lower), (kappa, sz / 2)])
    assert [law.name for law in system.conserved] == ["trace"]
    start = pure_state([0.8, 0.6])
    g, k = 0.7, 0.3
    run = system.compile().run(start, {gamma: g, kappa: k}, t_span=(0, 3), rtol=1e-11, t_eval=np.linspace(0, 3, 7))
    np.testing.assert_allclose(run.rho[:, 0, 0], 0.64 * np.exp(-g * run.t), atol=1e-9)
    np.testing.assert_allclose(run.rho[:, 0, 1], 0.48 * np.exp(-(g + k) * run.t / 2), atol=1e-9)
    assert run.drift["trace"] < 1e-12
    ground = np.broadcast_to(np.diag([0.01, 0.99]), run.rho.shape)
    apart = ph.quantum.trace_distance(run.rho, ground)
    assert (np.diff(apart) < 0).all()  # such maps contract


def test_a_drive_in_time_and_an_input() -> None:
    drive = ph.input_signal("e")
    system = VonNeumann(sz / 2 + drive * sx + sympy.cos(2 * ph.t) * sy)
    assert [law.name for law in system.conserved] == ["trace", "purity"]
    run = system.compile().run(UP, {drive: lambda t: 0.3 * np.sin(t)}, t_span=(0, 4), rtol=1e-10, t_eval=[0.0, 4.0])
    x, y, z = (np.array(each, dtype=complex) for each in (sx, sy, sz))

    def rate(t: float, flat: np.ndarray) -> np.ndarray:
        rho = flat.reshape(2, 2)
        h = z / 2 + 0.3 * np.sin(t) * x + np.cos(2 * t) * y
        return (-1j * (h @ rho - rho @ h)).ravel()

    expected = solve_ivp(rate, (0, 4), UP.ravel(), rtol=1e-11, atol=1e-12).y[:, -1].reshape(2, 2)
    np.testing.assert_allclose(run.rho[-1], expected, atol=2e-8)


@pytest.mark.parametrize("backend", OTHERS)
def test_backends_agree(backend: str) -> None:
    """Forty stages of steps of size 0.1, each with some ten roundings of numbers below one."""
    system = VonNeumann(omega * sx / 2, [(gamma, sz)])
    runs = [
        system.compile("rk4", backend=name).run(UP, {omega: 1.0, gamma: 0.1}, t_span=(0, 1), dt=0.1)
        for name in ("cpu", backend)
    ]
    np.testing.assert_allclose(runs[0].rho, runs[1].rho, atol=40 * 10 * 2.3e-16)


def test_a_frequency_and_a_rate_are_found_from_what_was_seen() -> None:
    system = VonNeumann(omega * sx / 2, [(gamma, sz)])
    times = np.linspace(0, 6, 40)
    truth = {omega: 1.3, gamma: 0.11}
    seen = system.compile().run(UP, truth, t_span=(0, 6), rtol=1e-11, t_eval=times).expectation(sz)
    data = ph.Trajectories(times, {system.expectation(sz): seen}, start=system.state(UP))
    fit = system.fit(data, guess={omega: 1.0, gamma: 0.3})
    for symbol, value in truth.items():
        assert fit.parameters[symbol] == pytest.approx(value, rel=1e-6)


def test_results_are_saved(tmp_path) -> None:
    run = VonNeumann(omega * sx / 2).compile().run(UP, {omega: 1.0}, t_span=(0, 1), rtol=1e-9)
    run.save(tmp_path / "run.npz")
    back = type(run).load(tmp_path / "run.npz")
    np.testing.assert_array_equal(back.rho, run.rho)


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ph.InputError, match=r"not Hermitian: entry \(0, 1\) is omega, and entry \(1, 0\) is 0"):
        VonNeumann([[0, omega], [0, 0]])
    with pytest.raises(ph.InputError, match=r"the Hamiltonian is 1 x 2; give a square matrix"):
        VonNeumann([[0, 1]])
    with pytest.raises(ph.InputError, match=r"a jump operator is 1 x 1, the Hamiltonian 2 x 2"):
        VonNeumann(sx, [(gamma, [[1]])])
    with pytest.raises(ph.InputError, match=r"the rate -1 of a jump must not be negative"):
        VonNeumann(sx, [(-1, sz)])
    with pytest.raises(ph.InputError, match=r"a jump is \(rate, operator\)"):
        VonNeumann(sx, [sz])
    simulator = VonNeumann(sx).compile()
    with pytest.raises(ph.InputError, match=r"the initial density matrix has the trace 2, not 1"):
        simulator.run(np.eye(2), t_span=(0, 1))
    with pytest.raises(ph.InputError, match=r"the initial density matrix has the eigenvalue -0\.5"):
        simulator.run(np.diag([1.5, -0.5]), t_span=(0, 1))
    with pytest.raises(ph.InputError, match=r"is not Hermitian: entries differ from their conjugates by up to 1"):
        simulator.run([[0.5, 1], [0, 0.5]], t_span=(0, 1))
    with pytest.raises(ph.InputError, match=r"has the shape \(3, 3\); this system has 2 states"):
        simulator.run(np.eye(3) / 3, t_span=(0, 1))
    with pytest.raises(ph.InputError, match=r"the observable is 1 x 1"):
        VonNeumann(sx).expectation([[1]])
    with pytest.raises(ph.InputError, match=r"the spin is 0\.3; give 0, 1/2"):
        spin(0.3)
