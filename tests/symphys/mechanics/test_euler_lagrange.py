"""The Euler operator has the properties that define it, for random Lagrangians.

Each identity is decided by its values at random points in 50 digits (`vanishes`), so no tolerance enters, except where
a path integral is taken by quadrature.
"""

import numpy as np
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.physics.mechanics import LagrangesMethod

from symphys.language import coordinates, t
from symphys.mechanics.action import read_action
from symphys.mechanics.derive_lagrangian import derive_lagrangian_dynamics
from symphys.mechanics.differentiate import directional
from symphys.mechanics.euler_lagrange import euler_operator, newton_form, ostrogradsky_momenta
from symphys.mechanics.jets import jet_space, to_jet
from symphys.mechanics.probe import vanishes
from symphys.mechanics.solve import solve_linear
from symphys.verify.strategies import lagrangian_expressions, point_transformations, rationals, smooth_functions

Q = coordinates("q1 q2")
S = coordinates("s1 s2")
SPACE = jet_space(Q, depth=6)
timed = lagrangian_expressions(coordinates=Q, explicit_time=True)


def operator(expression, functions=Q, space=SPACE, order=1):
    return euler_operator(to_jet(expression, space), functions, space, order)


@settings(max_examples=12)
@given(timed, timed, rationals(), rationals())
def test_it_is_linear(first, second, a, b):
    together = operator(a * first + b * second)
    apart = zip(operator(first), operator(second), strict=True)
    assert vanishes(e - a * f - b * g for e, (f, g) in zip(together, apart, strict=True))


@given(smooth_functions((*Q, t)))
def test_it_annihilates_total_derivatives(function):
    assert vanishes(operator(function.diff(t)))


@given(smooth_functions((*Q, *(q.diff(t) for q in Q)), terms=2))
def test_it_annihilates_total_derivatives_of_functions_of_velocities(function):
    assert vanishes(operator(function.diff(t), order=2))


@settings(max_examples=15)
@given(timed, point_transformations(Q, S))
def test_it_is_covariant_under_point_transformations(lagrangian, mapping):
    """E_s(L') = (dq/ds)^T E_q(L), with L'(s, s', t) = L(q(s), (dq/ds) s', t)."""
    space = jet_space((*Q, *S))
    jets = {to_jet(q, space): to_jet(new, space) for q, new in mapping.items()}
    for order in (1, 2):
        jets |= {space.symbol(q, order): to_jet(new.diff(t, order), space) for q, new in mapping.items()}
    # written in s before the variation, and after it
    replaced = to_jet(lagrangian, space).xreplace(jets)
    before = euler_operator(replaced, S, space, 1)
    after = [e.xreplace(jets) for e in euler_operator(to_jet(lagrangian, space), Q, space, 1)]
    slopes = [[to_jet(mapping[q].diff(s), space) for s in S] for q in Q]
    assert vanishes(b - sum(slopes[i][j] * after[i] for i in range(len(Q))) for j, b in enumerate(before))


@settings(max_examples=12)
@given(timed)
def test_it_equals_sympys_own_derivation(lagrangian):
    """SymPy's LagrangesMethod differentiates functions of time; this package works in jet space."""
    theirs = LagrangesMethod(lagrangian, list(Q)).form_lagranges_equations()
    assert vanishes(a - to_jet(b, SPACE) for a, b in zip(operator(lagrangian), theirs, strict=True))


@given(timed)
def test_mass_matrix_and_forcing_are_the_same_equations(lagrangian):
    """M a - F is the Euler operator, and F = gradient - (dp/dt without accelerations)."""
    action = read_action(lagrangian, Q, 0, None)
    form = newton_form(action)
    accelerations = action.jet(2)
    sides = [
        sum(m * a for m, a in zip(row, accelerations, strict=True)) - f
        for row, f in zip(form.mass_matrix, form.forcing, strict=True)
    ]
    whole = euler_operator(action.lagrangian, Q, action.space, 1)
    assert vanishes(a - b for a, b in zip(sides, whole, strict=True))
    rates = directional(form.momenta, action.space.total_derivative)
    assert vanishes(rate - g - side for rate, g, side in zip(rates, form.gradient, sides, strict=True))


@given(lagrangian_expressions())
def test_the_energy_is_constant_on_shell(lagrangian):
    dynamics = derive_lagrangian_dynamics(read_action(lagrangian, None, 0, None))
    energy = next(law for law in dynamics.conserved if law.name == "energy")
    accelerations = solve_linear(dynamics.mass_matrix, dynamics.forcing, "accelerations")
    flow = dict(zip(dynamics.coordinates, dynamics.velocities, strict=True))
    flow |= dict(zip(dynamics.velocities, accelerations, strict=True))
    assert vanishes(directional((energy.jet,), flow))
    assert sum(energy.terms) == energy.jet


@given(smooth_functions((*Q, *(q.diff(t) for q in Q), *(q.diff(t, 2) for q in Q)), terms=2))
def test_ostrogradskys_momenta_conserve_the_energy_off_shell_too(function):
    """dh/dt = E . q' - dL/dt|explicit for h = sum P_k q^(k) - L, on any path; here without explicit time."""
    jet = to_jet(function, SPACE)
    momenta = ostrogradsky_momenta(jet, Q, SPACE, 2)
    energy = sum(p * SPACE.symbol(q, k) for k in (1, 2) for p, q in zip(momenta[k], Q, strict=True)) - jet
    (rate,) = directional((energy,), SPACE.total_derivative)
    work = sum(-p * SPACE.symbol(q, 1) for p, q in zip(momenta[0], Q, strict=True))
    assert vanishes((rate - work,))


@settings(max_examples=15)
@given(lagrangian_expressions(coordinates=Q, explicit_time=True), st.integers(0, 10**6))
def test_the_variation_of_the_action_along_a_random_path_is_the_euler_operator(lagrangian, seed):
    """d/de int L(q + e h) dt = int E(L) h dt up to sign, for h that vanishes at both ends.

    Both sides are integrals of smooth functions over one unit of time by Gauss's rule with 60 nodes, exact to rounding
    for paths and functions that vary on the scale of 1; rounding of 60 terms allows 1e-10 relative to their sizes.
    """
    generator = np.random.default_rng(seed)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    times, weights = (nodes + 1) / 2, weights / 2
    space = SPACE
    path = [sum(c * t**k for k, c in enumerate(generator.uniform(-1, 1, 4))) for _ in Q]
    bump = [t * (1 - t) * sum(c * t**k for k, c in enumerate(generator.uniform(-1, 1, 3))) for _ in Q]
    along = [space.time, *(space.symbol(q, k) for k in (0, 1, 2) for q in Q)]
    values = [times] + [
        np.broadcast_to(sympy.lambdify(t, curve.diff(t, k))(times), times.shape) for k in (0, 1, 2) for curve in path
    ]
    shifts = [[np.broadcast_to(sympy.lambdify(t, h.diff(t, k))(times), times.shape) for h in bump] for k in (0, 1)]
    jet = to_jet(lagrangian, space)
    first = sum(
        sympy.lambdify(along, jet.diff(space.symbol(q, k)))(*values) * shifts[k][i]
        for k in (0, 1)
        for i, q in enumerate(Q)
    )
    second = sum(
        sympy.lambdify(along, -e)(*values) * shifts[0][i] for i, e in enumerate(euler_operator(jet, Q, space, 1))
    )
    scale = 1 + np.abs(first).max() + np.abs(second).max()
    assert abs((weights * (first - second)).sum()) < 1e-10 * scale
