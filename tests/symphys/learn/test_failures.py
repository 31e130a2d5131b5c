"""What cannot be fitted is refused by name; what fails on its way keeps what it found, and says so."""

import re

import numpy as np
import pytest
from sympy import cos

import symphys as ph
from symphys.language import predicted

q, r = ph.coordinates("q r")
v, a = ph.dot(q), ph.ddot(q)
m, k = ph.parameters("m k", positive=True)
PENDULUM = ph.Lagrangian(m * v**2 / 2 + k * cos(q))
ANGLE = np.linspace(-2, 2, 50)
DATA = {q: ANGLE, v: 0.0, a: -3.5 * np.sin(ANGLE)}
TIMES = np.linspace(0, 1, 11)
MOTION = ph.Trajectories(TIMES, {q: np.cos(TIMES)}, start={v: 0.0})
KNOWN = {m: 2.0}


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ({q: ANGLE, v: 0.0}, {}, "the data measure nothing .* add q_ddot,"),
        (
            {q: ANGLE, a: ANGLE, r: ANGLE},
            {},
            "the data hold r, which this system does not have; it has q, q_dot",
        ),
        ({v: 0.0, a: ANGLE}, {}, "data missing for q; given: q_dot, q_ddot"),
        ({**DATA, a: ANGLE[:7]}, {}, r"the arrays do not fit each other, .* q_ddot: \(7,\)"),
        ({**DATA, a: np.full(50, np.nan)}, {}, "no sample is complete"),
        ({**DATA, a: np.full(50, np.inf)}, {}, "the data of q_ddot hold inf; write NaN for what is missing"),
        ([1, 2], {}, r"the data are of type list; give \{symbol: values\} or symphys.Trajectories"),
        (DATA, {"unknowns": [m]}, "m is both unknown and given; remove one"),
        (DATA, {"unknowns": []}, "k is neither unknown nor given"),
        (DATA, {"parameters": {m: 2.0, k: 7.0}}, "there is nothing to fit"),
        (DATA, {"parameters": {ph.parameters("z"): 1.0}}, "z is no parameter of this system; it has k, m"),
        (DATA, {"guess": {m: 1.0}}, "a guess is given for m, which is not unknown"),
        (DATA, {"guess": {k: -1.0}}, "k was declared positive, and its value is -1.0"),
        (DATA, {"bounds": {k: (3.0, 2.0)}}, "the bounds of k leave nothing between 3.0 and 2.0"),
        (DATA, {"optimizer": "newton"}, "optimizer 'newton' is unknown; choose one of auto, least_squares"),
        (DATA, {"schedule": "linear"}, "schedule 'linear' is unknown"),
        (DATA, {"dtype": "float16"}, "dtype 'float16' is unknown"),
        (DATA, {"batch": 5}, "batch = 5 is for optimizer='adam'"),
        (DATA, {"validation": 1.5}, "validation = 1.5 leaves 75 of 50 samples"),
        (DATA, {"patience": 5}, "patience counts steps without a lower validation loss; give validation"),
        (DATA, {"weights": {q: 1.0}}, r"q\(t\) has weights but no residual of its own"),
        (DATA, {"weights": {a: -1.0}}, "the weights of .* are negative"),
        (
            DATA,
            {"loss": predicted(a) ** 2},
            r"the data hold Derivative\(q\(t\), \(t, 2\)\), which the loss does not use",
        ),
        ({q: ANGLE, v: 0.0}, {"loss": [a - predicted(a)]}, "uses q_ddot, which is not among the data"),
        (DATA, {"loss": abs(predicted(a) - a), "optimizer": "levenberg_marquardt"}, "the loss is no sum of squares"),
        (DATA, {"optimizer": "least_squares", "parameters": {}}, "the residuals are not linear in the unknowns"),
        (DATA, {"checkpoint": "fit.pickle"}, "give a path that ends in .npz"),
        (DATA, {"start": 3}, "start is of type int"),
        (MOTION, {"weights": {q: 1.0}}, "weights belong to the trajectories"),
        (MOTION, {"validation": 0.5}, "leaves 0 of 1 runs"),
    ],
)
def test_what_does_not_fit_is_named(data, options: dict, message: str) -> None:
    with pytest.raises(ph.InputError, match=message):
        PENDULUM.fit(data, **{"parameters": KNOWN, **options})


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((TIMES, {}), {}, "the trajectories hold no observations"),
        (({q: TIMES}, TIMES), {}, "times and observations are swapped; write Trajectories"),
        ((TIMES, TIMES), {}, "no mapping was given; write Trajectories"),
        (
            (TIMES, {q: TIMES[:3]}),
            {},
            r"observations of q\(t\) have the shape \(1, 3\), and there are 1 runs of 11 times",
        ),
        ((TIMES[::-1], {q: TIMES}), {}, "the times of run 0 do not increase"),
        (([0.0, np.nan], {q: [1.0, 2.0]}), {}, "run 0 has 1 finite times"),
        ((TIMES, {q: np.full(11, np.nan)}), {}, "hold no finite observation"),
        ((TIMES, {q: TIMES}), {"start": {v: [1.0, 2.0]}}, r"start of .* has the shape \(2,\); give a number or \[1\]"),
        ((TIMES, {q: TIMES}), {"start": {v: np.nan}}, "the start of .* is not finite; leave it out"),
        ((TIMES, {q: TIMES}), {"weights": {v: 1.0}}, "has weights but no observations"),
        ((TIMES, {q: TIMES}), {"weights": {q: -1.0}}, r"the weights of q\(t\) are negative"),
    ],
)
def test_trajectories_are_checked(arguments: tuple, options: dict, message: str) -> None:
    with pytest.raises(ph.InputError, match=message):
        ph.Trajectories(*arguments, **options)


def test_starts_and_methods_are_checked() -> None:
    with pytest.raises(ph.InputError, match=r"r\(t\) has a start, but is no part of the state"):
        PENDULUM.fit(ph.Trajectories(TIMES, {q: TIMES}, start={r: 0.0}), parameters=KNOWN)
    with pytest.raises(ph.InputError, match=r"the start of .* is both given and unknown"):
        PENDULUM.fit(ph.Trajectories(TIMES, {q: TIMES}, start={v: 0.0}, unknown_start=[v]), parameters=KNOWN)
    with pytest.raises(ph.MethodError, match="method 'taylor' has no fixed step, and a fit takes fixed steps"):
        PENDULUM.fit(MOTION, parameters=KNOWN, method="taylor")
    with pytest.raises(ph.InputError, match=r"the value of m has the shape \(3,\); give a number or \[1\]"):
        PENDULUM.fit(MOTION, parameters={m: [1.0, 2.0, 3.0]})
    two = ph.Trajectories(TIMES, {q: np.array([TIMES, TIMES])})
    with pytest.raises(ph.InputError, match="runs whose start is unknown cannot validate"):
        PENDULUM.fit(two, parameters=KNOWN, validation=0.5)
    with pytest.raises(ph.InputError, match=r"the start of Derivative\(q\(t\), t\) is not known"):
        PENDULUM.fit(MOTION, parameters=KNOWN).relative_error(ph.Trajectories(TIMES, {q: TIMES}))
    n = ph.parameters("n", integer=True)
    with pytest.raises(ph.UnsupportedError, match="n is a whole number, which gradients cannot find"):
        ph.Lagrangian(v**2 / 2 - n * q**2).fit(DATA)


def test_a_guess_without_dynamics_is_refused() -> None:
    s = ph.parameters("s")
    singular = ph.Lagrangian(s * v**2 / 2 - q**2 / 2)
    with pytest.raises(ph.InputError, match=r"no finite number at the guess s = 0 \(a singular mass matrix"):
        singular.fit(DATA, guess={s: 0.0})
    escaping = ph.VectorField({q: k * q**2})
    with pytest.raises(ph.InputError, match=r"at the guess k = 1000 the motion leaves the finite world"):
        escaping.fit(ph.Trajectories(TIMES, {q: 1 / (1.5 - TIMES)}), guess={k: 1000.0})


def test_an_interrupt_keeps_the_best() -> None:
    calls = []

    def stop(share: float) -> None:
        calls.append(share)
        if len(calls) == 5:
            raise KeyboardInterrupt

    fit = PENDULUM.fit(DATA, parameters=KNOWN, optimizer="adam", steps=50, learning_rate=0.1, progress=stop)
    assert not fit.ok
    assert "interrupted; the best parameters so far are kept" in str(fit.status)
    assert fit.loss == pytest.approx(fit.history["loss"].min(), rel=1e-12)
    assert fit.history["loss"].shape == (5,)


def test_a_step_into_infinity_is_taken_back() -> None:
    """Adam with a step far too long overflows exp(u); it goes back with half the step until it holds."""
    blow = ph.VectorField({q: k * q**2})
    motion = ph.Trajectories(TIMES, {q: 1 / (1.5 - TIMES)})
    fit = blow.fit(motion, guess={k: 0.5}, optimizer="adam", learning_rate=500.0, steps=60, schedule="constant")
    assert np.isfinite(fit.loss)
    assert fit.loss <= fit.history["loss"][0]


def test_fits_are_saved_and_go_on(tmp_path) -> None:
    path = tmp_path / "fit.npz"
    first = PENDULUM.fit(DATA, parameters=KNOWN, optimizer="adam", steps=20, learning_rate=0.1, checkpoint=path)
    loaded = ph.Fit.load(path)
    assert loaded.parameters == {"k": pytest.approx(first.parameters[k], rel=1e-15)}
    assert loaded.method == "Adam"
    assert (loaded.history["loss"] == first.history["loss"]).all()
    assert str(loaded.status) == str(first.status)
    for start in (first, path, loaded):
        onward = PENDULUM.fit(DATA, parameters=KNOWN, optimizer="adam", steps=20, learning_rate=0.1, start=start)
        assert onward.history["loss"][0] == pytest.approx(first.loss, rel=1e-9)
        assert onward.loss <= first.loss
    with pytest.raises(ph.InputError, match="was loaded from a file and has no system"):
        loaded.relative_error(DATA)
    with pytest.raises(ph.InputError, match=re.escape("there is no file nowhere.npz")):
        ph.Fit.load("nowhere.npz")
    with pytest.raises(ph.InputError, match=r"give a path that ends in \.npz"):
        first.save(tmp_path / "fit.pkl")
    wrong = tmp_path / "wrong.npz"
    np.savez(wrong, x=1)
    with pytest.raises(ph.InputError, match="cannot be read as a fit of symphys"):
        ph.Fit.load(wrong)


def test_validation_stops_early_and_chooses() -> None:
    other = {q: ANGLE, v: 0.0, a: -3.0 * np.sin(ANGLE)}
    fit = PENDULUM.fit(
        DATA, parameters=KNOWN, optimizer="adam", steps=500, learning_rate=0.05, validation=other, patience=20
    )
    assert fit.parameters[k] == pytest.approx(6.0, abs=0.1)
    assert "stopped early" in str(fit.status)
    assert len(fit.history["validation"]) < 300


def test_a_fit_is_drawn_and_written() -> None:
    fit = PENDULUM.fit(DATA, parameters=KNOWN, optimizer="lbfgs")
    assert fit.plot().axes[0].get_yscale() == "log"
    assert repr(fit).startswith("Fit by L-BFGS: loss")
    assert "k = 7 +-" in repr(fit)
