"""What is known of single models beyond what the registry's tests ask of all."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st

from symphys import models
from symphys.errors import InputError
from symphys.language import coordinates, dot, parameters
from symphys.models import n_fold_pendulum, outer_solar_system, toda
from symphys.models.kepler import kepler_motion
from symphys.models.pendulum import pendulum_motion


@given(st.floats(-9, 9), st.floats(-6, 6), st.floats(0.5, 3))
def test_the_pendulum_by_elliptic_functions_obeys_its_equation(angle, rate, w):
    """Energy stays, the rate is the angle's derivative, and the start is met, swinging and turning over.

    The separatrix, where the modulus is 1 and the period infinite, is left out: there the functions lose digits in
    proportion to 1 / |1 - k^2|.  Central differences over h are off by h^2 |theta'''| / 6 < h^2 w^2 |theta'|,
    and by rounding over h: 1e-16 times the angle times 1 / |1 - k^2| / h, below 1e-7 with room for ten times as much.
    """
    square = math.sin(angle / 2) ** 2 + (rate / (2 * w)) ** 2
    assume(abs(square - 1) > 1e-2)
    assume(square > 1e-6)
    h = 1e-4
    times = np.array([0.0, 1.0 - h, 1.0, 1.0 + h])
    angles, rates = pendulum_motion(times, angle, rate, w)
    assert angles[0] == pytest.approx(angle, abs=1e-9)
    assert rates[0] == pytest.approx(rate, abs=1e-9)
    energy = rates**2 / 2 - w**2 * np.cos(angles)
    assert np.ptp(energy) < 1e-9 * (1 + np.abs(energy).max())
    fastest = abs(rate) + 2 * w
    assert (angles[3] - angles[1]) / (2 * h) == pytest.approx(rates[2], abs=1e-7 + h**2 * w**2 * fastest)


def test_a_single_link_is_the_pendulum_and_two_are_the_double_pendulum():
    single = n_fold_pendulum.build(1).system.equations[0].lhs
    theta1 = coordinates("theta1")
    (plain,) = models.get("pendulum").system.equations
    assert sympy.simplify(single - plain.lhs.subs(coordinates("theta"), theta1)) == 0

    m, m1, m2, l, l1, l2 = parameters("m m1 m2 l l1 l2", positive=True)
    equal = {m1: m, m2: m, l1: l, l2: l}
    chain, double = n_fold_pendulum.build(2).system, models.get("double_pendulum").system
    for mine, theirs in zip(chain.equations, double.equations, strict=True):
        assert sympy.expand_trig(sympy.expand(mine.lhs - theirs.lhs.subs(equal))).equals(0)


def test_only_ellipses_follow_keplers_equation():
    with pytest.raises(InputError, match="semi-major axis is -"):
        kepler_motion(np.zeros(1), np.array([1.0, 0.0]), np.array([0.0, 1.5]), 1.0)


def test_the_eigenvalues_of_the_toda_lattice_stand_still():
    """Tolerance: eigenvalues of symmetric matrices move no more than the matrix (Weyl), 400 steps of 1e-11."""
    model = models.get("toda")
    result = model.system.compile("dop853").run(
        model.initial, model.parameters, t_span=model.t_span, rtol=1e-11, t_eval=np.linspace(*model.t_span, 5)
    )
    q = np.array([result[each] for each in model.system.coordinates])
    p = np.array([result[each] for each in model.system.momenta])
    roots = np.exp((q - np.roll(q, -1, axis=0)) / 2)
    spectra = [
        np.linalg.eigvalsh(np.array(toda.lax_matrix(list(a), list(b)), dtype=float))
        for a, b in zip(p.T, roots.T, strict=True)
    ]
    assert np.abs(np.array(spectra) - spectra[0]).max() < 400 * 1e-11 * (1 + np.abs(q).max())


def test_the_bead_rests_where_the_pitchfork_says():
    """Tolerance: the two forces, of size g, cancel to rounding."""
    model = models.get("rotating_hoop")
    theta = coordinates("theta")
    rate, W = dot(theta), next(each for each in model.parameters if each.name == "Omega")
    acceleration = next(iter(model.system.accelerations.values()))
    stability = sympy.diff(acceleration, theta)

    def at(angle, turning):
        state = {theta: angle, rate: 0.0}
        return model.system.evaluate([acceleration, stability], state, {**model.parameters, W: turning})

    above, below = 4.0, 2.0  # the threshold is sqrt(g / R) = 3.13
    force, slope = at(math.acos(9.81 / above**2), above)
    assert abs(force) < 1e-13
    assert slope < 0  # stable away from the bottom
    assert at(0.0, above)[1] > 0  # where the bottom is not
    assert at(0.0, below)[1] < 0


def test_jupiter_is_five_astronomical_units_away_and_the_centre_of_mass_at_rest():
    model = models.get("outer_solar_system")
    places = np.array(outer_solar_system.centred([body.position for body in outer_solar_system.BODIES]))
    masses = np.array([body.mass for body in outer_solar_system.BODIES])
    assert np.abs(masses @ places).max() < 1e-15 * np.abs(masses[:, None] * places).sum() * 10
    r = places[1] - places[0]
    v = np.array(outer_solar_system.BODIES[1].velocity)
    mu = outer_solar_system.GRAVITY * (masses[0] + masses[1])
    assert 1 / (2 / np.linalg.norm(r) - v @ v / mu) == pytest.approx(5.2, abs=0.05)
    assert len(model.initial) == 36


def test_a_star_below_one_sixth_cannot_leave_the_galaxy():
    model = models.get("henon_heiles")
    energy = next(law.expression for law in model.system.conserved if law.name == "energy")
    assert float(energy.subs(model.initial).subs(model.parameters)) < 1 / 6
