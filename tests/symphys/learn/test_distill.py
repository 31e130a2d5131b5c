"""What was learnt is read back: planted formulas are found again, gauges are left out, and what cannot be is named."""

import numpy as np
import pytest
import sympy
from sympy import cos, sin

import symphys as ph
from symphys.learn.sparse import choose_columns

s, z = ph.symbol("s"), ph.symbol("z")
q = ph.coordinates("q")
v, a = ph.dot(q), ph.ddot(q)
V = ph.network("V", inputs=1, hidden=(8,), activation="tanh")
SPRING = ph.Lagrangian(v**2 / 2 - V(q))
AT = np.random.default_rng(0).uniform(0.3, 2.6, 300)


@pytest.fixture(scope="module")
def learnt() -> ph.Fit:
    """V = (q - 1)^2 / 2 from accelerations, so that its constant is arbitrary."""
    return SPRING.fit({q: AT, v: 0.0, a: 1.0 - AT}, steps=80)


def coefficient(formula, function) -> float:
    return float(formula.expand().coeff(function)) if function != 1 else float(formula.subs(s, 0))


@pytest.mark.parametrize("options", [{}, {"order": 1}, {"gauge": [1]}, {"basis": None, "order": 1}])
def test_a_spring_is_read_back(learnt: ph.Fit, options: dict) -> None:
    """Coefficients err by no more than the network's slopes do: its relative error is the scale of the tolerance."""
    error = learnt.relative_error({q: AT, v: 0.0, a: 1.0 - AT})[a]
    options = {"basis": [1, s, s**2, s**4], **options}
    found = ph.distill(V, learnt.parameters[V], (s,), [(0.6, 2.2)], report=True, **options)
    assert set(found.terms) == ({1, s, s**2} if "gauge" not in options and "order" not in options else {s, s**2})
    assert coefficient(found.formula, s**2) == pytest.approx(0.5, abs=10 * error)
    assert coefficient(found.formula, s) == pytest.approx(-1.0, abs=20 * error)
    assert found.error < 10 * error
    assert min(found.tried, key=found.tried.get) >= len(found.terms)
    again = ph.Lagrangian(v**2 / 2 - found.formula.subs(s, q))
    assert again.evaluate(a, {q: AT, v: 0.0}) == pytest.approx(1.0 - AT, abs=50 * error)


def test_values_follow_the_scale_that_is_asked_for(learnt: ph.Fit) -> None:
    found = ph.distill(V, learnt.parameters, (s,), [(0.6, 2.2)], [s, s**2], gauge=[1], normalise={s**2: 3}, report=True)
    assert found.terms[s**2] == 3.0
    assert found.scale == pytest.approx(1 / 6, rel=1e-2)
    at = np.linspace(0.6, 2.2, 50)
    formula = sympy.lambdify(s, found.formula)(at) + found.gauge[1]
    difference = V.evaluate(learnt.parameters[V], at) / found.scale - formula
    assert np.sqrt(np.mean(difference**2)) < 3 * found.residual
    assert "left out: 1" in str(found)


def test_several_inputs_outputs_and_angles() -> None:
    """A network fitted to planted functions of an angle and a rate; each output is read on its own."""
    x, y = ph.coordinates("x y")
    f = ph.network("f", inputs=2, outputs=2, hidden=(12,), periodic={0: 2 * np.pi})
    field = ph.VectorField({x: f(x, y)[0], y: f(x, y)[1]})
    rng = np.random.default_rng(1)
    angle, rate = rng.uniform(-3, 3, 500), rng.uniform(-1, 1, 500)
    fit = field.fit({x: angle, y: rate, ph.dot(x): rate, ph.dot(y): -2 * np.sin(angle) - rate / 2}, steps=100)
    domain = [(-3, 3), (-1, 1)]
    first, second = ph.distill(f, fit.parameters[f], (x, y), domain, report=True)
    assert set(first.terms) == {y}
    assert set(second.terms) == {y, sin(x)}
    assert second.terms[sin(x)] == pytest.approx(-2.0, abs=0.02)
    assert ph.distill(f, fit.parameters[f], (x, y), domain)[1] == second.formula


def test_momenta_and_parts_of_a_lagrangian_are_terms_too(learnt: ph.Fit) -> None:
    """dL/dv of v^2 V(q) is 2 v V(q): an expression with its networks and parameters, in coordinates and rates."""
    k = ph.parameters("k")
    momentum = (k * v**2 * V(q)).diff(v)
    given = {**learnt.parameters, k: 0.5}
    found = ph.distill(momentum, given, (q, v), [(0.6, 2.2), (-1, 1)], [v, q * v, q**2 * v, v**3])
    constant = float(V.evaluate(learnt.parameters[V], [1.0])[0])
    assert found.coeff(v).subs(q, 0) == pytest.approx(constant + 0.5, abs=0.01)
    assert found.expand().coeff(q**2 * v) == pytest.approx(0.5, abs=0.01)


@pytest.mark.filterwarnings("ignore:the formula")  # which a line through a parabola deserves
def test_weights_of_points_say_where_the_formula_holds(learnt: ph.Fit) -> None:
    """A straight line through a parabola has its slope at the mean of the points: 1 to the left, 1 to the right."""
    at = np.linspace(0.6, 2.2, 101)
    line = [
        ph.distill(V, learnt.parameters[V], (s,), points=at, basis=[s], gauge=[1], density=density).coeff(s)
        for density in (np.where(at < 1.0, 1.0, 0.0), sympy.exp(-200 * (s - 2) ** 2))
    ]
    assert line[0] == pytest.approx(0.8 - 1, abs=0.02)
    assert line[1] == pytest.approx(1.0, abs=0.02)


def test_few_columns_are_found_among_many() -> None:
    """Backward elimination among thirty random columns, one twice over, with noise of 1e-4 of the values."""
    rng = np.random.default_rng(4)
    columns = rng.normal(size=(300, 30))
    columns[:, 29] = columns[:, 3]
    values = columns[:, [3, 7, 11]] @ [1.0, -2.0, 0.5] + 1e-4 * rng.normal(size=300)
    taken, tried = choose_columns((columns[:200], values[:200]), (columns[200:], values[200:]), 0, 4.0, 0.0)
    assert taken.columns == (3, 7, 11)
    assert taken.coefficients == pytest.approx([1.0, -2.0, 0.5], abs=1e-4)
    assert [len(choice.columns) for choice in tried] == list(range(30))


def test_a_basis_that_lacks_something_is_told(learnt: ph.Fit) -> None:
    with pytest.warns(UserWarning, match=r"leaves \d+% of V unexplained: the basis lacks something"):
        ph.distill(V, learnt.parameters[V], (s,), [(0.6, 2.2)], [1, cos(40 * s)])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (((s, z), [(0, 1), (0, 1)]), {}, "V has 1 inputs, and 2 symbols are given"),
        (((), []), {}, r"inputs = \(\); give the symbols of the formula"),
        (((s + 1,), [(0, 1)]), {}, r"the input s \+ 1 is no symbol"),
        (((s,), [(1, 0)]), {}, "the domain of s leaves nothing between 1 and 0"),
        (((s,), [0, 1]), {}, r"the domain has the shape \(2,\); give \(lower, upper\) for each of 1 inputs"),
        (((s,),), {}, r"give either the domain, \(lower, upper\) for each input, or points"),
        (((s,),), {"points": np.zeros((4, 2))}, r"points have the shape \(4, 2\); give \[n, 1\]"),
        (((s,), [(0, 1)], [1, z]), {}, "the basis function z holds z, which is no input: the inputs are s"),
        (((s,), [(-1, 1)], [1, sympy.log(s)]), {}, r"the basis function log\(s\) is not finite at s = -"),
        (((s,), [(0, 1)], []), {}, "the basis is empty"),
        (((s,), [(0, 1)], [1]), {"gauge": [1]}, "the basis is empty; give at least one function that is no gauge"),
        (((s,), [(0, 1)], [s, s**2]), {"normalise": {s**3: 1}}, r"normalise asks for 1 times s\*\*3, but the formula"),
        (((s,), [(0, 1)]), {"gain": 0.5}, "gain = 0.5; give the factor above 1"),
        (((s,), [(0, 1)]), {"order": 3}, "order = 3; terms are compared by their values, 0, or their slopes, 1"),
        (((s,), [(0, 1)]), {"density": -1.0 * s}, "the density is negative, not finite or 0 everywhere"),
        (((s,), [(0, 1)]), {"density": [1.0]}, r"the density has the shape \(1,\)"),
        (((s,),), {"points": [0.1, 0.2, 0.3], "basis": [1, s, s**2]}, "3 functions and 3 values; give more points"),
    ],
)
def test_what_does_not_fit_is_named(arguments: tuple, options: dict, message: str) -> None:
    with pytest.raises(ph.InputError, match=message):
        ph.distill(V, V.initialise(), *arguments, **options)


def test_terms_and_weights_are_checked() -> None:
    domain = [(0.0, 1.0)]
    with pytest.raises(ph.InputError, match="holds no network; there is nothing to read back"):
        ph.distill(s**2, {}, (s,), domain)
    with pytest.raises(ph.InputError, match=r"give fit\.parameters"):
        ph.distill(V(s) * s, V.initialise(), (s,), domain)
    with pytest.raises(ph.InputError, match="the network V has no weights"):
        ph.distill(V(s) * s, {}, (s,), domain)
    with pytest.raises(ph.InputError, match=r"holds z, which is no input: the inputs are s"):
        ph.distill(V(s) * z, {V: V.initialise()}, (s,), domain)
    with pytest.raises(ph.InputError, match=r"weights of the network V are an array of shape \(2,\)"):
        ph.distill(V, [1.0, 2.0], (s,), domain)
