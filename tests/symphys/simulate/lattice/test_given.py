"""What starts and drives a run of fields: arrays, numbers, functions of space or formulas, by symbol or by name."""

import numpy as np
import pytest
import sympy
from sympy import I, conjugate, cos, exp

import symphys as ph

t, x, y = ph.spacetime("t x y")
phi = ph.scalar_field("phi", (t, x, y))
V = ph.external("V", (t, x))
m = ph.parameters("m", positive=True)
rate = phi.diff(t)
waves = ph.LagrangianDensity((rate**2 - phi.diff(x) ** 2 - phi.diff(y) ** 2) / 2 - (m + V) * phi**2 / 2)
grid = ph.Grid({x: (0, 2 * np.pi, 8), y: (0, 2 * np.pi, 6)})
simulator = waves.compile(grid)
X, Y = grid.mesh
START = {phi: np.cos(X) * np.sin(Y), rate: 0.5 * np.ones((8, 6))}
GIVEN = {m: 2.0, V: lambda time, place: np.cos(place - time)}


def last(start, parameters):
    return simulator.run(start, parameters, (0, 0.2), dt=0.05, save_every=4)[phi][-1]


@pytest.mark.parametrize(
    ("start", "parameters"),
    [
        ({phi: cos(x) * sympy.sin(y), rate: sympy.Rational(1, 2)}, GIVEN),
        ({phi: lambda a, b: np.cos(a) * np.sin(b), rate: lambda a, b: 0.5 + 0 * a}, GIVEN),
        ({"phi": START[phi], "phi_t": 0.5}, {"m": 2.0, "V": GIVEN[V]}),
        (START, {m: 2.0, V: cos(x - t)}),
    ],
    ids=["formulas", "functions", "names", "an external formula"],
)
def test_every_way_of_giving_the_same_gives_the_same(start, parameters) -> None:
    assert np.abs(last(start, parameters) - last(START, GIVEN)).max() < 1e-14


def test_complex_fields_take_complex_formulas() -> None:
    psi = ph.complex_field("psi", (t, x))
    turning = I / 2 * (conjugate(psi) * psi.diff(t) - psi * conjugate(psi).diff(t))
    free = ph.LagrangianDensity(turning - conjugate(psi).diff(x) * psi.diff(x) / 2)
    line = ph.Grid({x: (-8, 8, 64)})
    run = free.compile(line).run({psi: exp(-(x**2) / 2 + I * x)}, {}, (0, 0.1), dt=0.05)
    assert np.abs(run[psi][0] - np.exp(-(line.points[x] ** 2) / 2 + 1j * line.points[x])).max() < 1e-15


@pytest.mark.parametrize(
    ("start", "parameters", "message"),
    [
        (
            {phi: m * cos(x), rate: 0},
            GIVEN,
            r"the formula m\*cos\(x\) given for phi holds m; it may hold x, y",
        ),
        (START, {m: 2.0, V: cos(y)}, r"the formula cos\(y\) given for V holds y; it may hold t, x and numbers"),
        ({phi: sympy.Function("f")(x), rate: 0}, GIVEN, r"given for phi holds f\(x\); it may hold x, y and numbers"),
        ([0, 0], GIVEN, "the initial values are of type list; give a mapping"),
        (START, [2.0], "the parameters are of type list; give a mapping"),
        ({phi: START[phi]}, GIVEN, "no initial values for phi_t; the state is phi, phi_t"),
        ({phi: lambda a: a, rate: 0}, GIVEN, "the function given for phi must take 2 arguments"),
        ({**START, "chi": 0}, GIVEN, "chi does not belong to the state of this theory; that is phi, phi_t"),
    ],
)
def test_what_is_refused(start, parameters, message: str) -> None:
    with pytest.raises(ph.InputError, match=message):
        simulator.run(start, parameters, (0, 0.2), dt=0.05)


def test_an_error_in_a_users_function_is_told_as_it_is() -> None:
    def start(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.zeros(3) + np.zeros(2)

    with pytest.raises(ValueError, match="could not be broadcast") as caught:
        simulator.run({phi: start, rate: 0}, GIVEN, (0, 0.2), dt=0.05)
    assert not isinstance(caught.value, ph.SymphysError)


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(np.float64).max, reason="no wider numbers here")
def test_numbers_beyond_double_precision_are_refused() -> None:
    huge = np.full((8, 6), np.longdouble(10) ** 400)
    with pytest.raises(ph.SymphysError, match=r"initial values of phi are beyond double precision.*below 1\.8e308"):
        last({phi: huge, rate: 0.0}, GIVEN)
