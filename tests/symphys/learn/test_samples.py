"""Fits on samples: planted parameters are found again, by the optimiser that suits; data are read with care."""

import numpy as np
import pytest
from sympy import cos, sin, sqrt

import symphys as ph
from symphys.language import predicted

q = ph.coordinates("q")
v, a = ph.dot(q), ph.ddot(q)
m, k, c = ph.parameters("m k c", positive=True)
PENDULUM = ph.Lagrangian(m * v**2 / 2 + k * cos(q), dissipation=c * v**2 / 2)
RNG = np.random.default_rng(7)
ANGLE, RATE = RNG.uniform(-3, 3, 300), RNG.uniform(-4, 4, 300)
TRUE = -3.5 * np.sin(ANGLE) - 0.2 * RATE  # m = 2, k = 7, c = 0.4
DATA = {q: ANGLE, v: RATE, a: TRUE}
NOISE = np.random.default_rng(8).normal(0, 0.1, 300)


def test_what_is_linear_is_solved_at_once() -> None:
    fit = PENDULUM.fit(DATA, parameters={m: 2.0})
    assert fit.method == "least squares"
    assert fit.parameters == pytest.approx({k: 7.0, c: 0.4}, rel=1e-13)
    assert fit.ok
    assert fit.undetermined == ()
    assert fit.history["loss"].shape == (1,)


@pytest.mark.parametrize(
    ("optimizer", "method", "options", "accuracy"),
    [
        ("levenberg-marquardt", "Levenberg-Marquardt", {}, 1e-12),
        ("l-bfgs", "L-BFGS", {}, 1e-9),
        ("adam", "Adam", {"learning_rate": 0.05, "steps": 400}, 1e-4),
        ("adam_lbfgs", "Adam, then L-BFGS", {"learning_rate": 0.05, "steps": 50}, 1e-9),
        ("adam", "Adam", {"learning_rate": 0.05, "steps": 600, "batch": 32}, 1e-3),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_optimiser_finds_what_was_planted(
    optimizer: str, method: str, options: dict, accuracy: float, dtype: str
) -> None:
    fit = PENDULUM.fit(DATA, parameters={m: 2.0}, optimizer=optimizer, dtype=dtype, **options)
    assert fit.method == method
    # in single precision residuals of size 10 carry errors of 1e-6, of which hundreds are averaged
    assert fit.parameters == pytest.approx({k: 7.0, c: 0.4}, rel=max(accuracy, 2e-5 if dtype == "float32" else 0.0))


def test_gradients_have_taylor_slopes() -> None:
    """|F(u + e d) - F(u)| falls as e, and as e^2 once the gradient's part is taken away (Devito's test)."""
    from symphys.learn.fit import _Ask
    from symphys.learn.options import read_options
    from symphys.learn.system import CoordinateSystem
    from symphys.learn.unknowns import read_unknowns
    from symphys.simulate.compiled import kernels_for, lower

    lowered = lower(PENDULUM.dynamics)
    unknowns = read_unknowns(lowered.dynamics.parameters, (), None, {}, {m: 1.5, k: 3.0}, {})
    system = CoordinateSystem(lowered, kernels_for("cpu", "float64"))
    objective = _Ask(system, unknowns, {}, read_options()).objective(DATA)
    u, d = unknowns.free(unknowns.guess), np.array([0.3, -0.7, 0.5])
    loss, slope = objective.gradient(u)
    assert loss == pytest.approx(objective.loss(u), rel=1e-14)
    normal = objective.normal(u)
    assert normal.loss == pytest.approx(loss, rel=1e-13)
    assert 2 * normal.slope == pytest.approx(slope, rel=1e-11)
    steps = 2.0 ** -np.arange(4, 10)
    rest = [abs(objective.loss(u + e * d) - loss - e * slope @ d) for e in steps]
    assert np.polyfit(np.log(steps), np.log(rest), 1)[0] == pytest.approx(2.0, abs=0.1)


def test_noise_and_missing_values() -> None:
    """Deviations of the parameters are of the size of their uncertainties; NaN leaves a value or a sample out."""
    noisy = {q: ANGLE.copy(), v: RATE, a: TRUE + NOISE}
    fit = PENDULUM.fit(noisy, parameters={m: 2.0})
    for s, planted in ((k, 7.0), (c, 0.4)):
        assert 0 < fit.uncertainties[s] < 0.05
        assert abs(fit.parameters[s] - planted) < 4 * fit.uncertainties[s]
    assert fit.loss == pytest.approx(0.01, rel=0.3)
    broken = {q: ANGLE.copy(), v: RATE.copy(), a: TRUE.copy()}
    broken[a][:50], broken[v][50:60], broken[q][60] = np.nan, np.nan, np.nan
    assert PENDULUM.fit(broken, parameters={m: 2.0}).parameters == pytest.approx({k: 7.0, c: 0.4}, rel=1e-12)
    spoilt = {**DATA, a: np.where(np.arange(300) < 30, 1e3, TRUE)}
    weighed = PENDULUM.fit(spoilt, parameters={m: 2.0}, weights={a: np.where(np.arange(300) < 30, 0.0, 2.0)})
    assert weighed.parameters == pytest.approx({k: 7.0, c: 0.4}, rel=1e-12)


def test_what_the_data_leave_open_is_said() -> None:
    fit = PENDULUM.fit(DATA)
    assert fit.method == "Levenberg-Marquardt"
    assert fit.parameters[k] / fit.parameters[m] == pytest.approx(3.5, rel=1e-12)
    (direction,) = fit.undetermined
    assert direction == pytest.approx({k: 1.0, m: 2 / 7, c: 0.4 / 7}, rel=1e-6)
    assert fit.uncertainties[m] == np.inf
    assert "do not determine c, k, m one by one" in str(fit.status)


def test_bounds_are_kept() -> None:
    driving = {q: ANGLE, v: RATE, a: -3.5 * np.sin(ANGLE) + 0.2 * RATE}  # friction of the wrong sign
    fit = PENDULUM.fit(driving, parameters={m: 2.0})
    assert 0 <= fit.parameters[c] < 1e-5
    assert "push c to the bound" in str(fit.status)
    held = PENDULUM.fit(DATA, parameters={m: 2.0}, optimizer="lbfgs", bounds={k: (1.0, 5.0)})
    assert 4.9 < held.parameters[k] <= 5.0


def test_arrays_and_regularisation() -> None:
    x, y = ph.coordinates("x y")
    K = ph.parameter_array("K", (2, 2), symmetric=True)
    both = (x, y)
    bound = ph.Lagrangian(
        (ph.dot(x) ** 2 + ph.dot(y) ** 2 - sum(K[i, j] * p * r for i, p in enumerate(both) for j, r in enumerate(both)))
        / 2
    )
    true = np.array([[3.0, 1.0], [1.0, 5.0]])
    at = RNG.normal(size=(2, 50))
    data = dict(zip((x, y, ph.ddot(x), ph.ddot(y)), (*at, *(-true @ at)), strict=True))
    fit = bound.fit(data)
    assert fit.parameters[K] == pytest.approx(true, rel=1e-12)
    assert fit.uncertainties[K].shape == (2, 2)
    # ridge: for one unknown with mean slope s^2 the estimate shrinks by s^2 / (s^2 + strength)
    one = ph.Lagrangian(v**2 / 2 - ph.parameters("k1") * q**2 / 2)
    k1 = one.parameters[0]
    ridge = one.fit({q: at[0], a: -2.0 * at[0]}, guess={k1: 1.0}, regularisation=0.5)
    s = np.mean(at[0] ** 2)
    assert ridge.parameters[k1] == pytest.approx((2.0 * s + 0.5) / (s + 0.5), rel=1e-12)


def test_a_loss_of_ones_own() -> None:
    """The equation itself, not divided by the mass, is linear in everything but its scale."""
    fit = PENDULUM.fit(DATA, parameters={m: 2.0}, loss=[m * a + k * sin(q) + c * v])
    assert fit.method == "least squares"
    assert fit.parameters == pytest.approx({k: 7.0, c: 0.4}, rel=1e-12)
    squares = PENDULUM.fit(DATA, parameters={m: 2.0}, loss=3 * (predicted(a) - a) ** 2)
    assert squares.method == "least squares"
    spoilt = {**DATA, a: np.where(np.arange(300) < 30, 50.0, TRUE)}
    robust = PENDULUM.fit(spoilt, parameters={m: 2.0}, loss=sqrt(1e-4 + (predicted(a) - a) ** 2))
    assert robust.method == "Adam, then L-BFGS"
    assert robust.parameters == pytest.approx({k: 7.0, c: 0.4}, rel=1e-2)
    speed = ph.symbol("speed")
    assert PENDULUM.fit(
        {q: ANGLE, v: RATE, speed: 1.5 * RATE}, unknowns=[c], parameters={m: 1.0, k: 1.0}, loss=[speed - c * v]
    ).parameters[c] == pytest.approx(1.5, rel=1e-12)


def test_hamiltonians_and_vector_fields_with_inputs() -> None:
    x, p = ph.canonical("x p")
    u = ph.input_signal("u")
    port = ph.Hamiltonian(p**2 / (2 * m) + k * x**2 / 2, {x: p}, dissipation={p: c}, inputs={p: u})
    at = RNG.normal(size=(3, 40))
    rates = {ph.dot(x): at[1] / 2.0, ph.dot(p): -7.0 * at[0] - 0.4 * at[1] / 2.0 + at[2]}
    fit = port.fit({x: at[0], p: at[1], u: at[2], **rates})
    assert fit.parameters == pytest.approx({m: 2.0, k: 7.0, c: 0.4}, rel=1e-9)
    field = ph.VectorField({x: k * p + ph.t, p: -c * x})
    fit = field.fit({x: at[0], p: at[1], ph.t: 1.0, ph.dot(x): 3 * at[1] + 1, ph.dot(p): -0.5 * at[0]})
    assert fit.method == "least squares"
    assert fit.parameters == pytest.approx({k: 3.0, c: 0.5}, rel=1e-12)


def test_other_data_judge_a_fit() -> None:
    fit = PENDULUM.fit({q: ANGLE, v: RATE, a: TRUE + NOISE}, parameters={m: 2.0})
    assert fit.relative_error(DATA)[a] < 0.01
    assert fit.relative_error({q: ANGLE, v: RATE, a: TRUE / 2}, {m: 4.0})[a] < 0.01


def test_names_and_tables_stand_for_symbols() -> None:
    """As in a run, "k", "q" and "q_dot" are what they are called; columns of a table are names."""
    x = ph.coordinates("x")
    m, k = ph.parameters("m k", positive=True)
    spring = ph.Lagrangian(m * ph.dot(x) ** 2 / 2 - k * x**2 / 2)
    place = np.linspace(-1, 1, 9)
    named = {"x": place, "x_dot": 0 * place, "x_ddot": -3 * place}

    class Table:  # what a data frame is known by
        columns = tuple(named)

        def items(self):
            return named.items()

    for data in (named, Table()):
        fit = spring.fit(data, unknowns=["k"], parameters={"m": 2.0}, guess={"k": 1.0})
        assert abs(fit.parameters[k] - 6.0) < 1e-12
    wrong = {**named, "x_ddot": np.where(place > 0.9, 50.0, -3 * place)}
    fit = spring.fit(wrong, parameters={"m": 2.0}, guess={"k": 1.0}, weights={"x_ddot": place < 0.9})
    assert abs(fit.parameters[k] - 6.0) < 1e-12
    times = np.linspace(0, 2, 9)
    motion = ph.Trajectories(times, {"x": np.cos(1.5 * times)}, start={"x_dot": 0.0})
    assert abs(spring.fit(motion, parameters={"m": 2.0}, guess={"k": 4.0}).parameters[k] - 4.5) < 1e-6
    motion = ph.Trajectories(times, {"x": np.sin(1.5 * times)}, unknown_start=("x", "x_dot"))
    fit = spring.fit(motion, parameters={"m": 2.0}, guess={"k": 4.0})
    assert abs(fit.parameters[k] - 4.5) < 1e-6
    assert abs(fit.start[ph.dot(x)] - 1.5) < 1e-6
