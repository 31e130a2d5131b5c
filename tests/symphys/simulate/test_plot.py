"""Pictures: what is drawn are the numbers of the result, with names on the axes, and nothing global is touched."""

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import sympy

import symphys as ph

theta1, theta2 = ph.coordinates("theta1 theta2")
g, l = ph.parameters("g l", positive=True)
w1, w2 = ph.dot(theta1), ph.dot(theta2)
PENDULUMS = ph.Lagrangian(
    (w1**2 + w2**2) * l**2 / 2 + g * l * (sympy.cos(theta1) + sympy.cos(theta2)) - (theta1 - theta2) ** 2 / 8
)
GIVEN = {g: 9.81, l: 1.0}


def swing(**more: object) -> ph.Result:
    start = {theta1: 1.0, theta2: 0.0, w1: 0.0, w2: 0.0, **more}
    return PENDULUMS.compile(backend="reference", method="verlet").run(
        start, GIVEN, t_span=(0.0, 4.0), dt=0.05, events=ph.Event(theta1, direction=1)
    )


@pytest.fixture(scope="module")
def one() -> ph.Result:
    return swing()


@pytest.fixture(scope="module")
def many() -> ph.Result:
    return swing(**{"theta2(t)": np.linspace(-1.0, 1.0, 40)})


def frame(animation: object, number: int) -> object:
    """The figure of one frame; matplotlib warns when an animation goes of which nothing was asked."""
    animation._draw_was_started = True
    animation._func(number)
    return animation._fig


def drawn(figure: object) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=40)
    return file.getvalue()


def test_a_row_for_each_coordinate_and_one_for_the_drift(one: ph.Result) -> None:
    figure = one.plot()
    names = [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes]
    assert names == [
        ("$t$", r"$\theta_{1}$"),
        ("$t$", r"$\dot{\theta}_{1}$"),
        (r"$\theta_{1}$", r"$\dot{\theta}_{1}$"),
        ("$t$", r"$\theta_{2}$"),
        ("$t$", r"$\dot{\theta}_{2}$"),
        (r"$\theta_{2}$", r"$\dot{\theta}_{2}$"),
        ("$t$", "$|Q(t) - Q(0)|$"),
    ]
    assert drawn(figure).startswith(b"\x89PNG")


def test_lines_are_the_numbers_of_the_result(one: ph.Result) -> None:
    course, _, portrait = one.plot(theta1).axes[:3]
    assert np.array_equal(course.lines[0].get_data(), [one.t, one[theta1]])
    assert np.array_equal(portrait.lines[0].get_data(), [one[theta1], one[w1]])
    events = one.events[0]
    assert np.array_equal(course.lines[1].get_data(), [events.times, events[theta1]])


def test_the_drift_is_that_of_the_energy(one: ph.Result) -> None:
    """On the saved steps, which here are all steps, the largest change divided by the scale is the drift."""
    axes = one.plot().axes[-1]
    assert axes.get_yscale() == "log"
    assert axes.get_legend().get_texts()[0].get_text().startswith("energy (drift ")
    kinetic = (one[w1] ** 2 + one[w2] ** 2) / 2
    potential = -9.81 * (np.cos(one[theta1]) + np.cos(one[theta2])) + (one[theta1] - one[theta2]) ** 2 / 8
    energy = kinetic + potential
    assert axes.lines[0].get_ydata() == pytest.approx(np.abs(energy - energy[0]), abs=1e-12)


def test_large_ensembles_are_shown_by_quantiles(many: ph.Result) -> None:
    figure = many.plot(theta2)
    course, portrait, drift = figure.axes[0], figure.axes[2], figure.axes[-1]
    assert course.lines[0].get_ydata() == pytest.approx(np.median(many[theta2], axis=0), rel=1e-14)
    assert len(course.collections) == 2  # the bands
    lines = [line for line in portrait.lines if line.get_linestyle() == "-"]
    assert len(lines) == 32
    assert np.array_equal(drift.lines[0].get_ydata(), np.sort(many.drift["energy"]))
    assert drawn(figure).startswith(b"\x89PNG")


def test_small_ensembles_are_shown_as_a_fan(many: ph.Result) -> None:
    course = many.plot(theta2, fan=40).axes[0]
    assert len(course.lines) == 40
    assert not course.collections


def test_trajectories_with_times_of_their_own() -> None:
    run = PENDULUMS.compile(method="dop853").run(
        {theta1: [0.1, 1.0], theta2: 0.0, w1: 0.0, w2: 0.0}, GIVEN, t_span=(0.0, 2.0), rtol=1e-6
    )
    course = run.plot().axes[0]
    assert np.array_equal(course.lines[1].get_data(), [run.t[1], run[theta1][1]], equal_nan=True)


def test_components_without_partners_are_drawn_against_the_next() -> None:
    x, y, z = ph.coordinates("x y z")
    lorenz = ph.VectorField({x: 10 * (y - x), y: x * (28 - z) - y, z: x * y - 8 * z / 3})
    run = lorenz.compile(backend="reference", method="rk4").run({x: 1.0, y: 1.0, z: 20.0}, t_span=(0.0, 1.0), dt=0.01)
    names = [(axes.get_xlabel(), axes.get_ylabel()) for axes in run.plot().axes]
    assert names == [("$t$", "$x$"), ("$x$", "$y$"), ("$t$", "$y$"), ("$y$", "$z$"), ("$t$", "$z$")]


def test_many_coordinates_are_cut_and_the_title_says_so() -> None:
    names = ph.coordinates("x1:15")
    system = ph.Lagrangian(sum(ph.dot(x) ** 2 - x**2 for x in names) / 2)
    start = {symbol: 1.0 for x in names for symbol in (x, ph.dot(x))}
    run = system.compile(backend="reference", method="verlet").run(start, t_span=(0.0, 0.2), dt=0.1)
    figure = run.plot()
    assert len(figure.axes) == 3 * 12 + 1
    assert figure.get_suptitle() == "verlet, 12 of 14 coordinates"
    assert len(run.plot(*names).axes) == 3 * 14 + 1


def test_a_run_that_failed_says_so() -> None:
    x = ph.coordinates("x")
    run = ph.VectorField({x: x**2}).compile(backend="reference", method="rk4").run({x: 1.0}, t_span=(0.0, 3.0), dt=0.01)
    assert "no longer finite" in run.plot().get_suptitle()


def test_unknown_symbols_are_refused(one: ph.Result) -> None:
    with pytest.raises(ph.InputError, match="theta3 is no part of this result; it has theta1"):
        one.plot("theta3")
    with pytest.raises(ph.InputError, match="fan = 0"):
        one.plot(fan=0)


def test_bodies_move_where_the_expressions_say(one: ph.Result) -> None:
    places = [
        (0, 0),
        (l * sympy.sin(theta1), -l * sympy.cos(theta1)),
        (1 + l * sympy.sin(theta2), -l * sympy.cos(theta2)),
    ]
    animation = one.animate(places, frames=9, joined=True)
    axes = frame(animation, 4).axes[0]  # the middle: t = 2
    at = np.argmin(np.abs(one.t - 2.0))
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert points[0].get_xydata()[0] == pytest.approx([0.0, 0.0])
    expected = [np.sin(one[theta1][at]), -np.cos(one[theta1][at])]
    assert points[1].get_xydata()[0] == pytest.approx(expected, abs=1e-12)
    assert axes.get_aspect() == 1.0
    rods = [line for line in axes.lines if line.get_color() == "0.4"]
    assert rods[0].get_xydata()[1] == pytest.approx(expected, abs=1e-12)


def test_animations_are_written_by_pillow(one: ph.Result, many: ph.Result, tmp_path: Path) -> None:
    from PIL import Image

    for name, run, places in (("bodies", one, [(theta1, theta2)]), ("planes", many, None)):
        run.animate(places, frames=4, seconds=0.8).save(tmp_path / f"{name}.gif", writer="pillow")
        with Image.open(tmp_path / f"{name}.gif") as image:
            assert image.n_frames == 4


def test_phase_planes_hold_every_trajectory(many: ph.Result) -> None:
    animation = many.animate(frames=3)
    axes = frame(animation, 2).axes
    assert [a.get_xlabel() for a in axes] == [r"$\theta_{1}$", r"$\theta_{2}$"]
    assert np.array_equal(axes[1].lines[0].get_xdata(), many[theta2][:, -1])


def test_animations_refuse_what_they_cannot_show(one: ph.Result) -> None:
    with pytest.raises(ph.InputError, match="frames = 1 must be at least 2"):
        one.animate(frames=1)
    with pytest.raises(ph.InputError, match=r"pairs \(x, y\)"):
        one.animate([(theta1, theta2, w1)])
    x = ph.coordinates("x")
    run = ph.VectorField({x: -x}).compile(backend="reference", method="rk4").run({x: 1.0}, t_span=(0.0, 1.0), dt=0.5)
    with pytest.raises(ph.InputError, match="no phase plane; give positions"):
        run.animate()


def test_pictures_leave_no_global_state(one: ph.Result) -> None:
    import matplotlib.pyplot as pyplot

    before = pyplot.get_fignums()
    one.plot()
    frame(one.animate(frames=2), 1)
    assert pyplot.get_fignums() == before


def test_missing_matplotlib_names_its_extra(one: ph.Result, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("matplotlib", "matplotlib.figure", "matplotlib.animation"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ph.UnsupportedError, match=r"plotting needs matplotlib.*pip install 'symphys\[plot\]'"):
        one.plot()
    with pytest.raises(ph.UnsupportedError, match=r"animating needs matplotlib.*pip install 'symphys\[plot\]'"):
        one.animate()
