"""Every ready field theory: its numbers are complete, its solution solves its equations, what is kept is kept."""

from math import factorial

import numpy as np
import pytest
import sympy

from symphys import models
from symphys.errors import InputError
from symphys.fields import Nonlocal
from symphys.fields.calculus import total_derivative
from symphys.fields.onshell import vanishes_on_shell
from symphys.fields.read import scalar, to_jet
from symphys.fields.variation import residuals

NAMES = models.field_names()
SOLVED = [name for name in NAMES if models.field(name).exact is not None]
REACH = 4  # neighbours on either side: differences of eighth order, less one for each derivative beyond the first
STEP = 0.05


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_are_complete(name):
    model = models.field(name)
    setting, dynamics = model.setting, model.system.dynamics
    assert model.name == name
    assert model.title
    assert model.source
    assert set(model.parameters) == set(model.system.parameters)
    assert tuple(setting.domain) == dynamics.axes
    labels = {unknown.label for unknown in dynamics.unknowns}
    rates = {unknown.velocity_label for unknown in dynamics.unknowns if unknown.order == 2}
    start = setting.initial(grid(setting))
    assert set(start) == labels | rates
    assert all(np.isfinite(values).all() for values in start.values())
    assert 0 < model.dt < model.t_span[1] - model.t_span[0]


@pytest.mark.parametrize("name", NAMES)
def test_energy_is_conserved_and_charge_where_there_are_phases(name):
    dynamics = models.field(name).system.dynamics
    names = [law.name for law in dynamics.laws]
    assert names[0] == "energy"
    assert ("charge" in names) == any(unknown.complex for unknown in dynamics.unknowns)


@pytest.mark.parametrize("name", ["maxwell", "scalar_electrodynamics"])
def test_constraints_hold_at_the_start_and_propagate(name):
    model = models.field(name)
    density = model.system.density
    assert model.system.constraints
    for equation in model.system.constraints.values():
        jet = to_jet(scalar(equation.lhs, "constraint"), density.jets)
        (rate,) = total_derivative((jet,), 0, density.jets)
        assert vanishes_on_shell(rate, density, residuals(density))
        values, size = evaluated(jet, model, 0.0)
        assert np.abs(values).max() <= 1e-8 * size


@pytest.mark.parametrize("name", SOLVED)
def test_the_known_solution_solves_the_derived_equations(name):
    """Derivatives of the solution by differences over nine points, each way.

    Tolerance: the d-th derivative by n = 9 points is off by some h^(9 - d) of the ninth derivative, which for these
    waves is below 10^3 times the field (wave numbers up to 3, steepness up to 1), and by rounding over h^d; with
    h = 1/20 the fourth derivative has 1e-6 from either.
    """
    model = models.field(name)
    dynamics, time = model.system.dynamics, 0.37
    for unknown, rate in zip(dynamics.unknowns, dynamics.rates, strict=True):
        index = (unknown.order, *unknown.index[1:])
        top = dynamics.jets.symbol(unknown.field, index)
        difference, size = evaluated(top - rate, model, time)
        assert np.abs(difference).max() <= 1e-5 * size


def test_an_unknown_name_is_answered_with_those_that_come_close():
    with pytest.raises(InputError, match=r"no field theory 'sine_gorden'; did you mean sine_gordon"):
        models.field("sine_gorden")


def grid(setting):
    lines = [np.linspace(start, stop, count, endpoint=False) for start, stop, count in setting.domain.values()]
    return dict(zip(setting.domain, np.meshgrid(*lines, indexing="ij"), strict=True))


def evaluated(expression, model, time):
    """The values of an expression in jet symbols along the model's start or solution, and the size of its terms."""
    terms = sympy.Add.make_args(sympy.expand(expression))
    values = sum_of(terms, model, time, grid(model.setting))
    return sum(values), max(np.abs(value).max() for value in values)


def sum_of(terms, model, time, points):
    jets = model.system.density.jets
    symbols = jets.present(terms)
    known = [value_of(jets.jet(symbol), model, time, points) for symbol in symbols]
    coordinates = list(points)
    numbers = list(model.parameters)
    function = sympy.lambdify([*symbols, *coordinates, *numbers], list(terms), "numpy")
    found = function(*known, *points.values(), *(model.parameters[p] for p in numbers))
    return [np.broadcast_to(np.asarray(each, complex), np.shape(points[coordinates[0]])) for each in found]


def value_of(jet, model, time, points):
    if isinstance(jet.function, Nonlocal):
        return convolved(jet.function, model, time, points)
    dynamics = model.system.dynamics
    unknown = next(each for each in dynamics.unknowns if each.field == jet.function)
    order = tuple(a - b for a, b in zip(jet.index, unknown.index, strict=True))
    label = unknown.label
    if model.exact is None:  # at the start rates are given, not to be differentiated
        label, order = (label, order) if order[0] == 0 else (unknown.velocity_label, (order[0] - 1, *order[1:]))
    values = 0.0
    for shift, weight in stencil(order):
        moved = {x: points[x] + STEP * s for x, s in zip(points, shift[1:], strict=True)}
        at = (
            model.exact(time + STEP * shift[0], moved, model.parameters)
            if model.exact
            else model.setting.initial(moved)
        )
        values = values + weight * at[label]
    values = values / STEP ** sum(order)
    return values.conj() if jet.conjugated else values


def convolved(term, model, time, points):
    (x,) = term.over
    line = points[x]
    argument = sum(sum_of([term.argument], model, time, points))
    kernel = sympy.lambdify([*term.kernel.variables, *model.parameters], term.kernel.expr, "numpy")
    distances = line[:, None] - line[None, :]
    return kernel(distances, *model.parameters.values()) @ argument * (line[1] - line[0])


def stencil(order):
    """(shift, weight) for the derivative of the given orders along each axis."""
    total = [((), 1.0)]
    for n in order:
        total = [((*shift, s), w * c) for shift, w in total for s, c in differences(n)]
    return total


def differences(n):
    """The weights of the n-th derivative over 2 REACH + 1 points: sum_s c_s s^m = n! where m = n, else 0."""
    if n == 0:
        return [(0, 1.0)]
    shifts = np.arange(-REACH, REACH + 1)
    right = np.zeros(len(shifts))
    right[n] = factorial(n)
    weights = np.linalg.solve(np.vander(shifts, increasing=True).T.astype(float), right)
    return list(zip(shifts, weights, strict=True))
