"""Input signals: what tables say against the signal itself, and forced oscillators against their exact motion."""

import math
import warnings

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import symphys as ph
from symphys.simulate.piecewise import ACCURACY, Pieces, fit
from symphys.simulate.signals import read_signal

q = ph.coordinates("q")
u = ph.input_signal("u")
k = ph.parameters("k", positive=True)
v = ph.dot(q)
FORCED = ph.Lagrangian(v**2 / 2 - k * q**2 / 2, forces={q: u})
FORCING, OWN = 1.5, 2.0  # angular frequencies


def value(pieces: Pieces, t: np.ndarray) -> np.ndarray:
    """What kernels compute: the piece of a time, and its polynomial."""
    place = (t - pieces.begin) / pieces.width
    piece = np.clip(place.astype(int), 0, len(pieces.coefficients) - 1)
    return sum(pieces.coefficients[piece, j] * (place - piece) ** j for j in range(6))


def exact(t: np.ndarray) -> np.ndarray:
    """q'' + OWN^2 q = cos(FORCING t) from rest."""
    return (np.cos(FORCING * t) - np.cos(OWN * t)) / (OWN**2 - FORCING**2)


@given(
    st.floats(0.1, 30.0), st.floats(-3.0, 3.0), st.floats(-50.0, 50.0), st.floats(0.5, 20.0), st.floats(-5.0, 5.0)
)  # fmt: skip
def test_tables_agree_with_smooth_signals(
    rate: float, phase: float, begin: float, length: float, offset: float
) -> None:
    """Between the places where the fit was judged the error is at most a few times what was allowed there: 10 x 1e-12.

    Rounding of the time adds |t| rate eps < 80 x 30 x 2e-16 = 5e-13 relative to an amplitude of 1.
    """
    source = read_signal("u", lambda t: offset + np.sin(rate * t + phase), (begin, begin + length))
    pieces = fit(source, begin, begin + length, ACCURACY["float64"])
    t = np.linspace(begin, begin + length, 1237)
    assert np.abs(value(pieces, t) - source.curve(t)).max() <= 1e-11 * (abs(offset) + 1.0) + 4e-12


@given(st.floats(0.2, 10.0))
def test_derivatives_of_tables_lose_a_few_digits(rate: float) -> None:
    """A piece spans rate x width < 0.25 at 1e-12, and degree 5 amplifies by at most 50 / width a derivative."""
    pieces = fit(read_signal("u", lambda t: np.sin(rate * t), (0.0, 10.0)), 0.0, 10.0, ACCURACY["float64"])
    t = np.linspace(0.0, 10.0, 997)
    amplification = 50.0 / pieces.width
    slope, bend = pieces.differentiated(), pieces.differentiated().differentiated()
    assert np.abs(value(slope, t) - rate * np.cos(rate * t)).max() <= 1e-12 * amplification
    assert np.abs(value(bend, t) + rate**2 * np.sin(rate * t)).max() <= 1e-12 * amplification**2


def test_a_constant_is_exact_and_short() -> None:
    pieces = fit(read_signal("u", 0.1, (0.0, 3.0)), 0.0, 3.0, ACCURACY["float64"])
    assert len(pieces.coefficients) <= 8
    assert (value(pieces, np.linspace(0.0, 3.0, 50)) == 0.1).all()


def test_float32_needs_fewer_pieces() -> None:
    lengths = [len(fit(read_signal("u", np.sin, (0.0, 30.0)), 0.0, 30.0, ACCURACY[t]).coefficients) for t in ACCURACY]
    assert lengths[1] < lengths[0]


def test_a_jump_warns_and_is_resolved_to_a_piece() -> None:
    source = read_signal("u", lambda t: np.where(t < 1.0 / 3.0, 0.0, 1.0), (0.0, 1.0))
    with pytest.warns(UserWarning, match=r"input signal u .* near t = 0\.3333.* jumps"):
        pieces = fit(source, 0.0, 1.0, ACCURACY["float64"])
    assert pieces.width == 2.0**-18
    t = np.array([1.0 / 3.0 - 2 * pieces.width, 1.0 / 3.0 + 2 * pieces.width])
    assert value(pieces, t) == pytest.approx([0.0, 1.0], abs=1e-12)


TIMES = np.linspace(0.0, 12.0, 121)
FORMS = {
    "a function of arrays": lambda t: np.cos(FORCING * t),
    "a function of one time": lambda t: math.cos(FORCING * t) if t > -1e9 else 0.0,
    "an expression": sympy.cos(FORCING * ph.t),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("method", "settings", "tolerance"),
    [
        ("dop853", {"rtol": 1e-11}, 1e-9),  # 12 units of time at a local error of 1e-11 a step, some 30 steps
        ("yoshida8", {"dt": 0.02}, 1e-10),  # (OWN dt)^8 = 6.6e-12 times the constants of the method, below 10
        ("gauss6", {"dt": 0.02}, 1e-9),
    ],
)
def test_a_forced_oscillator_moves_as_it_must(form: str, method: str, settings: dict, tolerance: float) -> None:
    start = {q: 0.0, v: 0.0}
    run = FORCED.compile(method=method).run(
        start, {k: OWN**2, u: FORMS[form]}, t_span=(0.0, 12.0), t_eval=TIMES, **settings
    )
    assert run.ok
    assert np.abs(run[q] - exact(TIMES)).max() < tolerance


@pytest.mark.parametrize("even", [True, False])
def test_samples_are_joined_by_splines(even: bool) -> None:
    """Spacing h = 0.03: degree 5 errs by (1.5 h)^6 / 720 = 1e-11, degree 3 by (1.5 x 0.045)^4 / 384 = 5e-8."""
    at = np.linspace(0.0, 12.0, 401)
    if not even:
        at[1:-1] += np.random.default_rng(1).uniform(-0.007, 0.007, 399)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = FORCED.compile(method="dop853").run(
            {q: 0.0, v: 0.0}, {k: OWN**2, u: (at, np.cos(FORCING * at))}, t_span=(0.0, 12.0), rtol=1e-11, t_eval=TIMES
        )
    assert np.abs(run[q] - exact(TIMES)).max() < (1e-8 if even else 1e-6)


@pytest.mark.everywhere
def test_derivatives_of_signals_drive_a_moving_support() -> None:
    """A mass on a spring seen from a support at u(t): x'' = -k x - u''; with u = cos, -u'' = FORCING^2 cos."""
    x = ph.coordinates("x")
    system = ph.Lagrangian((ph.dot(x) + ph.dot(u)) ** 2 / 2 - k * x**2 / 2)
    given = {k: OWN**2, u: lambda t: np.cos(FORCING * t)}
    run = system.compile(method="dop853").run(
        {x: 0.0, ph.dot(x): 0.0}, given, t_span=(0.0, 12.0), rtol=1e-10, t_eval=TIMES
    )
    # u'' of the table is good to 1e-12 (50 / width)^2 = 1e-12 x 50^2 / 0.1^2 = 2.5e-7
    assert np.abs(run[x] - FORCING**2 * exact(TIMES)).max() < 1e-6


def test_an_ensemble_shares_its_signal() -> None:
    a = ph.parameters("a")
    system = ph.Lagrangian(v**2 / 2 - k * q**2 / 2, forces={q: a * u})
    sizes = np.array([1.0, -2.0, 0.5])
    run = system.compile(method="dop853").run(
        {q: 0.0, v: 0.0}, {k: OWN**2, a: sizes, u: np.cos}, t_span=(0.0, 5.0), rtol=1e-10, t_eval=[5.0]
    )
    expected = sizes * (np.cos(5.0) - np.cos(OWN * 5.0)) / (OWN**2 - 1.0)
    assert run[q][:, 0] == pytest.approx(expected, abs=1e-8)


def test_backwards_in_time() -> None:
    end = {q: exact(np.array(3.0)), v: (-FORCING * np.sin(4.5) + OWN * np.sin(6.0)) / (OWN**2 - FORCING**2)}
    run = FORCED.compile(method="dop853").run(
        end, {k: OWN**2, u: FORMS["an expression"]}, t_span=(3.0, 0.0), rtol=1e-11, t_eval=[0.0]
    )
    assert abs(run[q][0]) < 1e-9
    assert abs(run[v][0]) < 1e-9


def test_a_signal_may_be_undefined_outside_the_span() -> None:
    """Substeps of yoshida8 look beyond the ends, where the signal goes on along its tangent.

    It bends by FORCING^2 there, so that the first and the last force err by at most (2 dt FORCING)^2 / 2 = 5e-4, and
    the velocity by 5e-4 dt each.
    """
    given = {k: OWN**2, u: lambda t: math.cos(FORCING * t) if 0.0 <= t <= 1.0 else math.nan}
    run = FORCED.compile(method="yoshida8").run({q: 0.0, v: 0.0}, given, t_span=(0.0, 1.0), dt=0.01)
    assert run.ok
    assert np.abs(run[q] - exact(run.t)).max() < 1e-5


def run_with(signal: object) -> None:
    FORCED.compile(method="dop853").run({q: 0.0, v: 0.0}, {k: 1.0, u: signal}, t_span=(0.0, 2.0), rtol=1e-6)


@pytest.mark.parametrize(
    ("signal", "complaint"),
    [
        (np.ones(3), r"input signal u is an array of shape \(3,\).*multiply it by a parameter"),
        (lambda t: np.inf, "input signal u is not finite: it is inf at t = 0"),
        (lambda t: math.sqrt(1.0 - t), "input signal u fails between t = 0 and 2: ValueError"),
        (lambda t: 1j * t, "input signal.* is complex"),
        ((np.linspace(0, 1, 9), np.zeros(9)), r"u is sampled from t = 0.0 to 1.0.*cover the t_span from 0.0 to 2.0"),
        ((np.linspace(0, 2, 9), np.zeros(8)), r"u has times of shape \(9,\) and values of shape \(8,\)"),
        ((np.array([0.0, 1.0, 1.0, 2.0]), np.zeros(4)), "times of the input signal u must rise"),
        (sympy.Symbol("z") * ph.t, "input signal u = t\\*z holds z"),
        ("sin", "input signal u is 'sin', which is no real number"),
    ],
)
def test_bad_signals_are_refused(signal: object, complaint: str) -> None:
    with np.errstate(all="ignore"), pytest.raises(ph.InputError, match=complaint):
        run_with(signal)


def test_a_missing_signal_is_named() -> None:
    with pytest.raises(ph.InputError, match="input signal missing for u; given: k"):
        FORCED.compile(method="dop853").run({q: 0.0, v: 0.0}, {k: 1.0}, t_span=(0.0, 1.0), rtol=1e-6)
