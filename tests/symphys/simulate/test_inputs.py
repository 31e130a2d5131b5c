"""What a run refuses, and that it says what is wrong and what to do."""

import numpy as np
import pytest
import sympy

import symphys as ph

q = ph.coordinates("q")
v = ph.dot(q)
m, k = ph.parameters("m k", positive=True)
SPRING = ph.Lagrangian(m * v**2 / 2 - k * q**2 / 2)
SIMULATOR = SPRING.compile()
START, VALUES = {q: 1.0, v: 0.0}, {m: 1.0, k: 1.0}
Z = sympy.Symbol("z")

REFUSED = {
    "value missing": ((START, {m: 1.0}), {}, r"value missing for k; given: m\. Add \{k: \.\.\.\}"),
    "no values": ((START, None), {}, "value missing for k, m; given: nothing"),
    "initial value missing": (({v: 0.0}, VALUES), {}, r"initial value missing for q; given: q_dot\. Add \{q: "),
    "strange parameter": ((START, {**VALUES, Z: 1.0}), {}, "z is no parameter of this system; it has k, m"),
    "strange state": (({**START, Z: 1.0}, VALUES), {}, "z is no initial value of this system"),
    "shapes": (({q: np.zeros(3), v: np.zeros(4)}, VALUES), {}, r"do not fit each other, .* are q: \(3,\)"),
    "nan": (({q: np.nan, v: 0.0}, VALUES), {}, r"initial value of q\(t\) is not finite: it holds nan"),
    "infinite parameter": ((START, {m: [1.0, np.inf], k: 1.0}), {}, "parameter m is not finite: it holds inf"),
    "complex": (({q: 1.0 + 1.0j, v: 0.0}, VALUES), {}, r"q\(t\) is complex"),
    "text": (({q: "one", v: 0.0}, VALUES), {}, r"q\(t\) is 'one', which is no real number"),
    "symbolic": (({q: k, v: 0.0}, VALUES), {}, r"q\(t\) is k, which is no real number"),
    "no span": ((START, VALUES, None), {}, r"t_span is None; give two numbers \(start, end\)"),
    "empty span": ((START, VALUES, (1, 1)), {}, r"t_span = \(1\.0, 1\.0\) has no length"),
    "endless span": ((START, VALUES, (0, np.inf)), {}, "t_span = .* is not finite"),
    "three ends": ((START, VALUES, (0, 1, 2)), {}, r"t_span is \(0, 1, 2\)"),
    "not positive": ((START, {m: -1.0, k: 1.0}), {}, "m was declared positive, and its value is -1.0; give a positive"),
    "one not positive": ((START, {m: [1.0, 0.0], k: 1.0}), {}, r"m was declared positive, and its value is 0\.0"),
    "dt and rtol": ((START, VALUES), {"dt": 0.1, "rtol": 1e-6}, "dt = 0.1 fixes the step and rtol = 1e-06 adapts it"),
    "negative dt": ((START, VALUES), {"dt": -0.1}, "dt = -0.1 must be above 0; give a positive number"),
    "dt of an array": ((START, VALUES), {"dt": [0.1, 0.2]}, r"dt is one number .* not an array of shape \(2,\)"),
    "no rtol": ((START, VALUES), {"rtol": 0.0}, "rtol = 0 must be above 0"),
    "negative atol": ((START, VALUES), {"atol": -1e-9}, "atol = -1e-09 must not be below 0"),
    "max_step": ((START, VALUES), {"max_step": 0.0}, "max_step = 0 must be above 0"),
    "first_step": ((START, VALUES), {"first_step": np.nan}, "first_step is not finite"),
    "max_steps": ((START, VALUES), {"max_steps": 0}, "max_steps = 0; give a whole number of at least 1"),
    "save_every": ((START, VALUES), {"save_every": 2.5}, "save_every = 2.5; give a whole number"),
    "save_every text": ((START, VALUES), {"save_every": "often"}, "save_every is 'often', which is no real number"),
    "watch_every": ((START, VALUES), {"watch_every": -1}, "watch_every = -1; give a whole number of at least 0"),
    "initial values in a list": (([1.0, 0.0], VALUES), {}, "the initial values are of type list; give a mapping"),
    "parameters in a list": ((START, [1.0, 1.0]), {}, "the parameters are of type list; give a mapping"),
    "threads": ((START, VALUES), {"threads": 0}, "threads = 0; give a whole number of at least 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    arguments, options, message = REFUSED[case]
    span = arguments[2] if len(arguments) > 2 else (0.0, 1.0)
    with pytest.raises(ph.InputError, match=message):
        SIMULATOR.run(arguments[0], arguments[1], span, **options)


@pytest.mark.parametrize("kind", ["series", "labelled", "masked"])
@pytest.mark.parametrize(
    ("place", "bad", "message"),
    [
        ("state", np.nan, r"initial value of q\(t\) is not finite: it holds nan"),
        ("state", -np.inf, r"initial value of q\(t\) is not finite: it holds -inf"),
        ("parameter", np.nan, "parameter m is not finite: it holds nan"),
        ("parameter", -1.0, r"m was declared positive, and its value is -1\.0"),
    ],
)
def test_arrays_of_other_libraries_are_looked_at_as_arrays(kind: str, place: str, bad: float, message: str) -> None:
    """Their sums pass over NaN, and their indices are not numbers of places."""

    def made(values: list[float]) -> object:
        if kind == "masked":
            return np.ma.masked_invalid(values)
        if kind == "labelled":
            return pytest.importorskip("xarray").DataArray(values)
        return pytest.importorskip("pandas").Series(values, index=[5, 7])

    def run(values: object) -> ph.Result:
        changed = ({**START, q: values}, VALUES) if place == "state" else (START, {**VALUES, m: values})
        return SIMULATOR.run(*changed, (0.0, 1.0), rtol=1e-6, t_eval=[1.0])

    with pytest.raises(ph.InputError, match=message):
        run(made([1.0, bad]))
    np.testing.assert_array_equal(run(made([1.0, 2.0]))[q], run(np.array([1.0, 2.0]))[q])


def test_methods_and_steps_that_do_not_go_together() -> None:
    with pytest.raises(
        ph.MethodError,
        match=r"'verlet' \(symplectic splitting\) has a fixed step: give dt instead of rtol = 1e-06.*dop853",
    ):
        SPRING.compile(method="verlet").run(START, VALUES, (0, 1), rtol=1e-6)
    with pytest.raises(ph.MethodError, match=r"has a fixed step: give dt instead of a tolerance"):
        SPRING.compile(method="verlet").run(START, VALUES, (0, 1))
    with pytest.raises(ph.MethodError, match=r"'taylor' .* chooses its own steps; give rtol instead of dt = 0.1"):
        SPRING.compile(method="taylor").run(START, VALUES, (0, 1), dt=0.1)
    with pytest.raises(ph.MethodError, match=r"(?s)no method 'velvet'; did you mean 'verlet'.*yoshida4"):
        SPRING.compile(method="velvet")
    bead = ph.Lagrangian(v**2 * (1 + q**2) / 2)
    with pytest.raises(ph.MethodError, match=r"needs a separable system.*mass matrix depends on the coordinates"):
        bead.compile(method="verlet")
    drag = ph.Lagrangian(v**2 / 2 - k * q**2 / 2, dissipation=m * v**4 / 4)  # splittings solve linear friction
    with pytest.raises(ph.MethodError, match=r"separable.*forces depend on the velocities"):
        drag.compile(method="yoshida6")


def test_backends_and_precisions_that_do_not_exist() -> None:
    with pytest.raises(ph.InputError, match=r"no backend is called 'gpu'; choose one of reference, cpu, cuda"):
        SPRING.compile(backend="gpu")
    with pytest.raises(ph.InputError, match=r"dtype 'float16' is unknown; choose 'float64' or 'float32'"):
        SPRING.compile(dtype="float16")
    with pytest.raises(ph.InputError, match=r"dtype 'half' is unknown"):
        SPRING.emit(dtype="half")
    with pytest.raises(ph.InputError, match=r"no source for backend 'gpu'; choose one of cpu, reference, llvm, cuda"):
        SPRING.emit("gpu")
    with pytest.raises(ph.MethodError, match=r"no kernel of its own"):
        SPRING.emit(method="radau")


def test_values_may_be_given_in_many_ways() -> None:
    """By symbol or by name, as numbers, SymPy's numbers, arrays and lists."""
    plain = SIMULATOR.run(START, VALUES, (0.0, 1.0), dt=0.1)
    for start, values in (
        ({"q": 1.0, "q_dot": 0.0}, {"m": 1.0, "k": 1.0}),
        ({"q(t)": 1.0, "Derivative(q(t), t)": 0.0}, {"m": 1, "k": 1}),
        ({q: sympy.Rational(1), v: sympy.S.Zero}, {m: sympy.Integer(1), k: np.float32(1.0)}),
        ({q: np.array(1.0), v: False}, {m: True, k: np.int64(1)}),
    ):
        run = SIMULATOR.run(start, values, (0, sympy.Integer(1)), dt=sympy.Rational(1, 10))
        assert (run[q] == plain[q]).all()
    listed = SIMULATOR.run({q: [sympy.Rational(1, 2), 1], v: 0.0}, VALUES, (0.0, 1.0), dt=0.1)
    assert np.abs(listed[q][1] - plain[q]).max() < 1e-15


def test_assumptions_of_symbols_are_checked() -> None:
    n = ph.parameters("n", integer=True)
    s = ph.parameters("s", nonnegative=True)
    system = ph.Lagrangian(v**2 / 2 - n * q**2 / 2 - s * q**4).compile(method="rk4")
    assert system.run(START, {n: 2, s: 0.0}, (0, 1), dt=0.1).ok
    with pytest.raises(ph.InputError, match=r"n was declared integer, and its value is 1.5"):
        system.run(START, {n: 1.5, s: 0.0}, (0, 1), dt=0.1)
    with pytest.raises(ph.InputError, match=r"s was declared nonnegative, and its value is -1.0"):
        system.run(START, {n: 1, s: -1.0}, (0, 1), dt=0.1)
