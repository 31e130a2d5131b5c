"""Every registered method has the order that it states: exactly, in powers of the step, and as a measured slope."""

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

from symphys.integrators import METHODS, ExplicitTableau, External, Gauss, Splitting, Taylor
from symphys.integrators.gauss import gauss_update, stage_rates, stage_states
from symphys.integrators.splitting import splitting_step
from symphys.integrators.tableau import explicit_step
from symphys.integrators.taylor import order_from_tolerance, taylor_step
from tests.symphys.integrators.series import exact, one_step, rounding, velocity_of

ONE_STEP = [method for method in METHODS.values() if isinstance(method, ExplicitTableau | Splitting | Gauss)]
EXTERNAL = [method for method in METHODS.values() if isinstance(method, External)]
EVERY = [pytest.param(method, id=method.name) for method in ONE_STEP]


@pytest.mark.parametrize("method", EVERY)
def test_the_error_of_a_step_begins_with_the_power_after_the_order(method):
    """Tolerance: thirty times what a change of each coefficient by one unit in the last place does to the step."""
    velocity, order = velocity_of(method), method.order
    solution, new = exact(velocity), one_step(method, type(method), velocity)
    error = np.abs(new - solution)
    allowed = rounding(lambda shake: one_step(shake(method), type(method), velocity) - new, np.abs(solution))
    assert (error[:, : order + 1] <= allowed[:, : order + 1]).all()
    assert (error[:, order + 1] > 10 * allowed[:, order + 1]).any(), "the stated order is too low"


def oscillator(quadratic):
    """H = p^2/2 + p^4/16 + q^2/2 + q^4/4 - t q / 10, without the quartic kinetic term where `quadratic`."""

    def kick(t, q):
        return (-1.0 * q[0] + -1.0 * (q[0] * q[0] * q[0]) + 0.1 * t,)

    def drift(t, p):
        return (p[0] if quadratic else p[0] + 0.25 * (p[0] * p[0] * p[0]),)

    return kick, drift


CHECKPOINTS = 4
DURATION = 4
START = (mpmath.mpf(3) / 10, mpmath.mpf(1) / 2)


@pytest.fixture(scope="module")
def reference():
    """The exact states at the checkpoints, by mpmath's Taylor integrator."""
    states = {}
    with mpmath.workdps(25):
        for quadratic in (False, True):
            kick, drift = oscillator(quadratic)
            solution = mpmath.odefun(
                lambda t, x, kick=kick, drift=drift: [*drift(t, x[1:]), *kick(t, x[:1])], 0, list(START), tol=1e-22
            )
            states[quadratic] = [solution(mpmath.mpf(DURATION) * (k + 1) / CHECKPOINTS) for k in range(CHECKPOINTS)]
    return states


def precise_gauss(stages):
    """Gauss's coefficients to 30 digits; the registered ones are these, rounded (see test_gauss)."""
    legendre = mpmath.taylor(lambda x: mpmath.legendre(stages, 2 * x - 1), 0, stages)
    nodes = sorted(mpmath.re(root) for root in mpmath.polyroots(legendre[::-1], maxsteps=200, extraprec=200))
    powers = mpmath.matrix(stages, stages)
    for k in range(stages):
        for j in range(stages):
            powers[k, j] = nodes[j] ** k
    inverse = powers**-1

    def weights(x):
        return tuple(mpmath.fsum(inverse[j, k] * x ** (k + 1) / (k + 1) for k in range(stages)) for j in range(stages))

    return tuple(weights(node) for node in nodes), weights(mpmath.mpf(1)), tuple(nodes)


def global_error(method, steps, states, coefficients):
    """The root mean square over the checkpoints of the distance to the exact states, in 25 digits."""
    kick, drift = oscillator(getattr(method, "requires_quadratic_kinetic", False))
    h, x, total = mpmath.mpf(DURATION) / steps, START, mpmath.mpf(0)

    def rates(t, x):
        return (*drift(t, x[1:]), *kick(t, x[:1]))

    for i in range(steps):
        t = i * h
        if isinstance(method, Splitting):
            q, p = splitting_step(method, kick, drift, t, x[:1], x[1:], h)
            x = (*q, *p)
        elif isinstance(method, ExplicitTableau):
            x = explicit_step(method, rates, t, x, h)[1]
        else:
            inner = (x,) * method.stages
            change = 1.0
            while change > 1e-22:
                stages = stage_rates(coefficients, rates, t, h, inner)
                moved = stage_states(coefficients, x, h, stages)
                change = max(abs(a - b) for m, s in zip(moved, inner, strict=True) for a, b in zip(m, s, strict=True))
                inner = moved
            x = gauss_update(coefficients, x, h, stages)
        if (i + 1) % (steps // CHECKPOINTS) == 0:
            total += sum((a - b) ** 2 for a, b in zip(x, states[(i + 1) * CHECKPOINTS // steps - 1], strict=True))
    return mpmath.sqrt(total)


class PreciseGauss:
    def __init__(self, stages):
        self.a, self.b, self.c = precise_gauss(stages)
        self.stages = stages


@pytest.mark.parametrize("method", EVERY)
def test_the_measured_slope_is_the_order(method, reference):
    """d log(error) / d log(h) is the order to within 0.1.

    The arithmetic has 25 digits and the coefficients 16, so that only errors above 1e-14 are used; those of Gauss's
    methods, which would be below that at every useful step, are taken to 25 digits. As good methods have small leading
    terms, the next term of the error's expansion is fitted beside: h^2 for a symmetric method, h for the others.
    """
    symmetric = isinstance(method, Gauss) or getattr(method, "symmetric", False)
    states = reference[getattr(method, "requires_quadratic_kinetic", False)]
    with mpmath.workdps(25):
        coefficients = PreciseGauss(method.stages) if isinstance(method, Gauss) else method
        floor = 1e-20 if isinstance(method, Gauss) else 1e-14
        grid = (16, 20, 24) if isinstance(method, Gauss) else (8, 12, 16, 20, 24, 28, 32, 40, 48)
        steps, logs = [], []
        for count in grid if symmetric else (*grid[1:], 64, 80, 96, 128):
            error = global_error(method, count, states, coefficients)
            if error < floor:
                break
            steps.append(DURATION / count)
            logs.append(float(mpmath.log(error)))
    slope = fitted_slope(np.array(steps), np.array(logs), 2 if symmetric else 1)
    assert abs(slope - method.order) < 0.1


def fitted_slope(steps, logs, power):
    """p of error = C h^p |1 + K h^power|, fitted to the steps within a factor of the finest."""
    chosen = steps <= (2 if power == 2 else 3) * steps[-1]
    h, y = steps[chosen], logs[chosen]

    def misfit(unknowns):
        return unknowns[0] + unknowns[1] * np.log(h) + np.log(np.abs(1 + unknowns[2] * h**power)) - y

    plain = (y[-2] - y[-1]) / np.log(h[-2] / h[-1])
    start = [y[-1] - plain * np.log(h[-1]), plain, 0.0]
    return scipy.optimize.least_squares(misfit, start).x[1]


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9, 1e-12])
def test_the_local_error_of_the_taylor_method_falls_with_the_power_after_its_order(tolerance):
    """x' = x^2 from 1 has x_k = 1 and the radius of convergence 1: the neglected terms sum to h^(p+1) / (1 - h)."""
    method = METHODS["taylor"]
    assert isinstance(method, Taylor)
    order = order_from_tolerance(method, tolerance)
    coefficients = [(mpmath.mpf(1),)] * (order + 1)
    with mpmath.workdps(60):
        steps = [mpmath.mpf(1) / 64, mpmath.mpf(1) / 128]
        errors = [abs(taylor_step(coefficients, h)[0] - 1 / (1 - h)) for h in steps]
        slope = mpmath.log(errors[0] / errors[1], 2)
    assert abs(slope - (order + 1)) < 0.1


@pytest.mark.parametrize("method", [pytest.param(method, id=method.name) for method in EXTERNAL])
def test_external_methods_follow_their_tolerance_on_a_stiff_problem(method):
    """Van der Pol with mu = 1000 over one relaxation: the error stays within 1000 times the tolerance."""
    assert hasattr(scipy.integrate, method.scipy_name)

    def rates(t, x):
        return [x[1], 1000 * (1 - x[0] ** 2) * x[1] - x[0]]

    def jacobian(t, x):
        return [[0.0, 1.0], [-2000 * x[0] * x[1] - 1, 1000 * (1 - x[0] ** 2)]]

    def solve(name, rtol):
        run = scipy.integrate.solve_ivp(
            rates, (0, 500), [2.0, 0.0], method=name, rtol=rtol, atol=rtol * 1e-3, jac=jacobian
        )
        assert run.success
        return run.y[0, -1]

    best = solve("Radau", 1e-11)
    for rtol in (1e-4, 1e-7):
        assert abs(solve(method.scipy_name, rtol) - best) < 1000 * rtol
