"""Implicit methods on systems that no splitting takes: non-separable, relativistic, first-order."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from sympy import Matrix, Rational, cos, sqrt

import symphys as ph

a, b, x, y = ph.coordinates("a b x y")
va, vb, vx, vy = (ph.dot(s) for s in (a, b, x, y))
k, c = ph.parameters("k c", positive=True)
DOUBLE = ph.Lagrangian(va**2 + vb**2 / 2 + va * vb * cos(a - b) + 2 * cos(a) + cos(b))
RELATIVISTIC = ph.Lagrangian(-(c**2) * sqrt(1 - (vx**2 + vy**2) / c**2) - k * (x**2 + 2 * y**2) / 2)


@pytest.mark.parametrize("method", ["implicit_midpoint", "gauss4", "gauss6"])
def test_the_energy_of_a_non_separable_system_is_bounded(method: str) -> None:
    """A symplectic method keeps a shadow energy: the error of the second half is that of the first, not twice it."""
    run = DOUBLE.compile(method=method).run({a: 0.6, b: 0.2, va: 0.0, vb: 0.0}, {}, (0.0, 400.0), dt=0.1)
    e = va**2 + vb**2 / 2 + va * vb * cos(a - b) - 2 * cos(a) - cos(b)
    energies = DOUBLE.evaluate(e, {s: run[s] for s in (a, b, va, vb)}, {})
    error = np.abs(energies - energies[0])
    half = len(error) // 2
    assert error[half:].max() < 1.3 * error[:half].max()
    explicit = DOUBLE.compile(method="rk4").run({a: 0.6, b: 0.2, va: 0.0, vb: 0.0}, {}, (0.0, 400.0), dt=0.1)
    if method != "implicit_midpoint":
        assert run.drift["energy"] < 0.2 * explicit.drift["energy"]


def test_the_map_in_q_and_p_is_symplectic() -> None:
    """Phi^T J Phi = J by central differences: 1e-5 steps leave (1e-5)^2 and eps / 1e-5."""
    p = DOUBLE.hamiltonian.momenta
    momenta = [2 * va + vb * cos(a - b), vb + va * cos(a - b)]
    mass = Matrix([[2, cos(a - b)], [cos(a - b), 1]])
    del p
    step = 1e-5
    base = np.array([0.7, -0.4, 0.9, 0.3])
    shifts = np.concatenate([base + step * np.eye(4), base - step * np.eye(4)])
    masses = np.array([np.array(mass.subs({a: q[0], b: q[1]}), dtype=float) for q in shifts])
    speeds = np.linalg.solve(masses, shifts[:, 2:, None])[..., 0]
    start = {a: shifts[:, 0], b: shifts[:, 1], va: speeds[:, 0], vb: speeds[:, 1]}
    run = DOUBLE.compile(method="gauss4").run(start, {}, (0.0, 2.0), dt=0.25, t_eval=[2.0])
    final = {s: run[s][:, 0] for s in (a, b, va, vb)}
    ends = np.stack([final[a], final[b], *(DOUBLE.evaluate(e, final, {}) for e in momenta)], axis=1)
    phi = ((ends[:4] - ends[4:]) / (2 * step)).T
    j = np.block([[np.zeros((2, 2)), np.eye(2)], [-np.eye(2), np.zeros((2, 2))]])
    assert np.abs(phi.T @ j @ phi - j).max() < 1e-8


def by_hand(t, s):
    """p' = -k grad V, v = p / sqrt(1 + p^2 / c^2), with k = 1.5 and c = 1."""
    gamma = np.sqrt(1 + s[2] ** 2 + s[3] ** 2)
    return [s[2] / gamma, s[3] / gamma, -1.5 * s[0], -3.0 * s[1]]


@pytest.mark.parametrize(
    ("method", "settings"),
    [("gauss4", {"dt": 0.01}), ("gauss8", {"dt": 0.1}), ("dop853", {"rtol": 1e-11}), ("auto", {"rtol": 1e-11})],
)
def test_a_relativistic_oscillator_against_hamiltons_equations(method: str, settings: dict[str, float]) -> None:
    """A Lagrangian that is not quadratic in the velocities, at 0.9 c, against SciPy in (q, p) at 1e-12."""
    start = {x: 1.0, y: -0.5, vx: 0.0, vy: 0.6}
    p_y = 0.6 / np.sqrt(1 - 0.36)
    times = np.linspace(0.0, 10.0, 21)
    run = RELATIVISTIC.compile(method=method).run(start, {c: 1.0, k: 1.5}, (0.0, 10.0), t_eval=times, **settings)
    exact = solve_ivp(
        by_hand, (0.0, 10.0), [1.0, -0.5, 0.0, p_y], method="DOP853", rtol=1e-12, atol=1e-13, t_eval=times
    )
    assert run.ok
    bound = 1e-6 if method == "gauss4" else 1e-8  # t (w dt)^4 / 4320 and (w dt)^8 with w dt = 0.17; 1e3 rtol
    assert np.abs(run[x] - exact.y[0]).max() < bound
    assert np.abs(run[y] - exact.y[1]).max() < bound
    assert run.drift["energy"] < 1e-7
    assert np.abs(run[vx] ** 2 + run[vy] ** 2).max() < 1.0


def test_first_order_lagrangians_are_stepped_in_their_phase_space() -> None:
    """L = (x y' - y x') / 2 - (x^2 + y^2) / 2 + x^4 / 8 is a Hamiltonian system of one degree of freedom."""
    plane = ph.Lagrangian((x * vy - y * vx) / 2 - (x**2 + y**2) / 2 + x**4 / 8)
    for method, settings in (("auto", {"dt": 0.02}), ("gauss6", {"dt": 0.05}), ("auto", {"rtol": 1e-11})):
        run = plane.compile(method=method).run({x: 0.8, y: 0.0}, {}, (0.0, 20.0), **settings)
        h = (run[x] ** 2 + run[y] ** 2) / 2 - run[x] ** 4 / 8
        assert np.abs(h - h[0]).max() < 1e-6
        exact = solve_ivp(
            lambda t, s: [-s[1], s[0] - s[0] ** 3 / 2], (0.0, 20.0), [0.8, 0.0], method="DOP853", rtol=1e-12,
            atol=1e-13, t_eval=np.abs(run.t),
        )  # fmt: skip
        sign = np.sign(run[y][1] / exact.y[1][1])  # which way round is the convention of the symplectic form
        assert np.abs(run[x] - exact.y[0]).max() < 1e-5
        assert np.abs(sign * run[y] - exact.y[1]).max() < 1e-5


def test_hamiltonians_that_do_not_split() -> None:
    """H = (1 + q^2) p^2 / 2 + q^2 / 2: gauss4 keeps H to order 4, and splittings say why they cannot."""
    q, p = ph.canonical("q p")
    system = ph.Hamiltonian((1 + q**2) * p**2 / 2 + q**2 / 2, {q: p})
    assert "gauss4" in system.compile().explain()
    run = system.compile().run({q: 1.0, p: 0.5}, {}, (0.0, 50.0), dt=0.02)
    assert run.drift["energy"] < 1e-7
    exact = solve_ivp(
        lambda t, s: [(1 + s[0] ** 2) * s[1], -s[0] * s[1] ** 2 - s[0]], (0.0, 50.0), [1.0, 0.5], method="DOP853",
        rtol=1e-12, atol=1e-13, t_eval=run.t,
    )  # fmt: skip
    assert np.abs(run[q] - exact.y[0]).max() < 1e-4  # phase error t dt^4
    with pytest.raises(ph.MethodError, match=r"separable.*rates of the coordinates depend on the coordinates"):
        system.compile(method="verlet")


def test_vector_fields_take_implicit_methods_too() -> None:
    """Lotka and Volterra's populations: V = x - ln x + y - ln y is kept to the order of the method."""
    prey = ph.VectorField({x: x * (1 - y), y: y * (x - 1)})
    run = prey.compile(method="gauss6").run({x: 2.0, y: 1.0}, {}, (0.0, 50.0), dt=0.05)
    v = run[x] - np.log(run[x]) + run[y] - np.log(run[y])
    assert np.abs(v - v[0]).max() < 1e-8


@pytest.mark.everywhere
def test_friction_goes_into_the_canonical_form() -> None:
    """The damped oscillator through gauss4 in (q, p), against its closed solution."""
    damped = ph.Lagrangian(vx**2 / 2 - 2 * x**2, dissipation=Rational(1, 5) * vx**2 / 2)
    run = damped.compile(method="gauss4").run({x: 1.0, vx: 0.0}, {}, (0.0, 10.0), dt=0.01)
    w = np.sqrt(4.0 - 0.01)
    exact = np.exp(-0.1 * run.t) * (np.cos(w * run.t) + 0.1 / w * np.sin(w * run.t))
    assert np.abs(run[x] - exact).max() < 1e-8


def test_stages_that_do_not_converge_are_told() -> None:
    """The fixed point of the stages contracts only below dt of about 2 / w."""
    stiff = ph.Lagrangian(vx**2 / 2 - 1e4 * x**2 / 2 - x**4 * vx**2)
    run = stiff.compile(method="gauss4").run({x: 0.1, vx: 0.0}, {}, (0.0, 1.0), dt=0.1)
    assert not run.ok
    assert run.status.outcome.name in ("NOT_CONVERGED", "NOT_FINITE")
    assert "smaller" in str(run.status)
    assert np.isfinite(run[x]).all()


def test_units_of_coordinates_and_momenta_do_not_matter() -> None:
    """q and p times 2^40 and 2^-40: the stages are solved as well as in units of one.

    Both runs round alike but for where products are grouped: some units in the last place a step.
    """
    q, p = ph.canonical("q p")
    unit = ph.parameters("unit", positive=True)
    place, speed = q / unit, p * unit
    system = ph.Hamiltonian((1 + place**2) * speed**2 / 2 + place**4 / 4, {q: p}).compile("gauss6")
    ends = []
    for size in (1.0, 2.0**40, 2.0**-40):
        run = system.run({q: 0.8 * size, p: 0.3 / size}, {unit: size}, (0.0, 5.0), dt=0.125)
        assert run.ok
        ends.append((run[q][-1] / size, run[p][-1] * size))
    assert np.abs(np.array(ends) - ends[0]).max() < 40 * 64 * 2.0**-52


def test_compensated_sums_keep_the_digits_of_implicit_steps() -> None:
    """40 000 steps in float32 against float64: plain sums lose up to half a unit each, compensated ones none."""
    q, p = ph.canonical("q p")
    system = ph.Hamiltonian((1 + q**2 / 4) * p**2 / 2 + q**2 / 2, {q: p})
    start, span, dt = {q: 0.75, p: 0.25}, (0.0, 40_000 / 1024), 1 / 1024
    exact = system.compile("gauss4").run(start, {}, span, dt=dt, save_every=40_000)
    single = system.compile("gauss4", dtype="float32")
    error = {}
    for compensated in (True, False):
        run = single.run(start, {}, span, dt=dt, save_every=40_000, compensated=compensated)
        error[compensated] = max(abs(float(run[s][-1]) - exact[s][-1]) for s in (q, p))
    assert error[True] < error[False] / 5


def test_compensation_leaves_velocities_of_lagrangians_right() -> None:
    """Canonical steps remember lost digits before the stages, whose last is the first guess of the velocities."""
    run = {
        compensated: RELATIVISTIC.compile("gauss4").run(
            {x: 0.5, y: 0.2, vx: 0.3, vy: -0.4}, {k: 1.5, c: 1.0}, (0.0, 3.0), dt=0.05, compensated=compensated
        )
        for compensated in (True, False)
    }
    for s in (x, y, vx, vy):
        assert np.abs(run[True][s] - run[False][s]).max() < 60 * 16 * 2.0**-52
