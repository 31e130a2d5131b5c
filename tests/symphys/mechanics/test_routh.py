"""Cyclic coordinates are eliminated, and what is left moves as before."""

import pytest
import sympy
from sympy import cos, sin

import symphys as ph
from symphys.mechanics.jets import to_jet
from symphys.mechanics.probe import vanishes

r, theta, phi, psi = ph.coordinates("r theta phi psi")
m, k, c, I1, I3, g, l = ph.parameters("m k c I1 I3 g l", positive=True)
dot = ph.dot
CENTRAL = m * (dot(r) ** 2 + r**2 * dot(theta) ** 2) / 2 + k / r
TOP = I1 * (dot(theta) ** 2 + dot(phi) ** 2 * sin(theta) ** 2) / 2 + I3 * (dot(psi) + dot(phi) * cos(theta)) ** 2 / 2
TOP -= m * g * l * cos(theta)


def test_a_central_force_is_left_with_its_effective_potential():
    """Goldstein, section 8.3: R = m r'^2 / 2 - l^2 / (2 m r^2) - V."""
    reduced = ph.Lagrangian(CENTRAL).routhian()
    spin = ph.parameters("p_theta")
    assert reduced.coordinates == (r,)
    assert sympy.simplify(reduced.expression - (m * dot(r) ** 2 / 2 - spin**2 / (2 * m * r**2) + k / r)) == 0
    assert [law.name for law in reduced.conserved] == ["energy"]


@pytest.mark.parametrize("lagrangian", [CENTRAL, TOP], ids=["central", "top"])
def test_the_reduced_motion_is_the_motion(lagrangian):
    """q'' of what is left, with the parameters p_<coordinate> replaced by the momenta, equals q'' before."""
    whole = ph.Lagrangian(lagrangian)
    reduced = whole.routhian()
    momenta = {ph.parameters(f"p_{q.func.__name__}"): whole.momenta[q] for q in whole.cyclic}
    for rate, value in reduced.accelerations.items():
        assert vanishes((to_jet(value.subs(momenta) - whole.accelerations[rate], whole.action.space),))


def test_one_of_several_may_be_chosen():
    reduced = ph.Lagrangian(TOP).routhian([psi])
    assert reduced.coordinates == (phi, theta)
    assert {str(s) for s in reduced.parameters} >= {"p_psi"}
    assert [law.name for law in reduced.conserved] == ["energy", "momentum phi"]


def test_friction_and_forces_on_the_rest_stay():
    whole = ph.Lagrangian(CENTRAL, dissipation=c * dot(r) ** 2 / 2, forces={r: sin(ph.t)})
    reduced = whole.routhian()
    momenta = {ph.parameters("p_theta"): whole.momenta[theta]}
    (rate,) = reduced.accelerations
    difference = reduced.accelerations[rate].subs(momenta) - whole.accelerations[rate]
    assert vanishes((to_jet(difference, whole.action.space),))
    coupled = ph.Lagrangian(CENTRAL, forces={r: -c * dot(r) * dot(theta) ** 2})
    difference = coupled.routhian().accelerations[rate].subs(momenta) - coupled.accelerations[rate]
    assert vanishes((to_jet(difference, coupled.action.space),))


@pytest.mark.parametrize(
    ("system", "chosen", "message"),
    [
        (ph.Lagrangian(m * dot(r) ** 2 / 2 - k * r**2), None, "nothing to eliminate"),
        (ph.Lagrangian(CENTRAL), [r], r"r\(t\) is not cyclic"),
        (ph.Lagrangian(CENTRAL), [phi], "no coordinate"),
        (ph.Lagrangian(m * dot(r) ** 2 / 2), None, "nothing would be left"),
        (ph.Lagrangian(CENTRAL, dissipation=c * dot(theta) ** 2), [theta], "not cyclic"),
    ],
)
def test_what_cannot_be_eliminated_is_refused(system, chosen, message):
    with pytest.raises(ph.InputError, match=message):
        system.routhian(chosen)


def test_names_that_are_taken_are_avoided():
    taken = ph.parameters("p_theta", positive=True)
    reduced = ph.Lagrangian(CENTRAL + taken / r**2).routhian()
    assert {str(s) for s in reduced.parameters} == {"k", "m", "p_theta", "p_theta_"}
