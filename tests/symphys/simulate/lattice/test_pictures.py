"""Pictures of fields: what is drawn are the numbers of the result, with names on the axes."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from sympy import I, conjugate

import symphys as ph
from symphys.simulate.lattice.pictures import phase_colours

t, x, y, z = ph.spacetime("t x y z")
phi = ph.scalar_field("phi", (t, x))
psi = ph.complex_field("psi", (t, x, y))
eta = ph.complex_field("eta", (t, x))
chi = ph.scalar_field("chi", (t, x, y, z))
LINE = ph.Grid({x: (0.0, 1.0, 16)})
PLANE = ph.Grid({x: (-3.0, 3.0, 24), y: (-3.0, 3.0, 20)})
WAVE = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x) ** 2 / 2)
SPACE = ph.LagrangianDensity((chi.diff(t) ** 2 - sum(chi.diff(a) ** 2 for a in (x, y, z))) / 2)


def free(field: object, *axes: object) -> ph.LagrangianDensity:
    bar = conjugate(field)
    slopes = sum(bar.diff(a) * field.diff(a) for a in axes)
    return ph.LagrangianDensity(I / 2 * (bar * field.diff(t) - field * bar.diff(t)) - slopes / 2)


def drawn(figure: object) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=40)
    return file.getvalue()


def frame(animation: object, number: int) -> object:
    """The figure of one frame; matplotlib warns when an animation goes of which nothing was asked."""
    animation._draw_was_started = True
    animation._func(number)
    return animation._fig


@pytest.fixture(scope="module")
def wave() -> ph.FieldResult:
    start = {phi: np.sin(2 * np.pi * LINE.points[x]), phi.diff(t): 0.0}
    return WAVE.compile(LINE, backend="reference").run(start, t_span=(0.0, 0.5), dt=0.02, save_every=5)


@pytest.fixture(scope="module")
def packet() -> ph.FieldResult:
    a, b = PLANE.mesh
    start = {psi: np.exp(-(a**2) - b**2 + 2j * a)}
    return free(psi, x, y).compile(PLANE, backend="reference").run(start, t_span=(0.0, 0.2), dt=0.05)


def test_a_real_field_over_space_and_time(wave: ph.FieldResult) -> None:
    figure = wave.plot()
    names = [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes if axes.get_xlabel()]
    assert names == [("$x$", "$t$"), ("$x$", r"$\phi$"), ("$t$", "$|Q(t) - Q(0)|$"), ("$t$", "$Q(t)$")]
    assert np.array_equal(figure.axes[0].collections[0].get_array(), wave[phi])
    low, high = figure.axes[0].collections[0].get_clim()
    assert low == -high  # both signs: white is zero
    profiles = next(axes for axes in figure.axes if axes.get_ylabel() == r"$\phi$").lines
    assert np.array_equal(profiles[0].get_xydata(), np.stack([LINE.points[x], wave[phi][0]], axis=1))
    assert np.array_equal(profiles[-1].get_ydata(), wave[phi][-1])
    totals = figure.axes[-1].lines
    assert np.array_equal(totals[0].get_ydata(), wave.totals["energy"])
    assert drawn(figure).startswith(b"\x89PNG")
    assert [axes.get_ylabel() for axes in wave.plot(phi.diff(t)).axes if "phi" in axes.get_ylabel()] == [r"$\phi_{t}$"]


def test_a_complex_field_is_density_and_phase() -> None:
    start = {eta: np.exp(2j * np.pi * LINE.points[x])}
    run = free(eta, x).compile(LINE, backend="reference").run(start, t_span=(0.0, 0.1), dt=0.05)
    figure = run.plot("eta")
    density, phase = figure.axes[0], next(axes for axes in figure.axes if "phase" in axes.get_title())
    np.testing.assert_allclose(density.collections[0].get_array(), np.abs(run[eta]) ** 2)
    assert density.get_title() == r"$|\eta|^2$"
    hues = phase.collections[0].get_array().reshape(-1, 3)
    np.testing.assert_allclose(hues, phase_colours(run[eta], 1.0).reshape(-1, 3), atol=1e-6)


def test_hues_turn_with_the_phase() -> None:
    made = phase_colours(np.array([1.0, np.exp(2j * np.pi / 3), np.exp(-2j * np.pi / 3), 0.0]), 1.0)
    assert np.argmax(made[:3], axis=1).tolist() == [0, 1, 2]  # red, green, blue
    assert not made[3].any()


def test_planes_have_arrows_for_the_current(packet: ph.FieldResult) -> None:
    figure = packet.plot()
    first = figure.axes[0]
    assert first.get_title() == "$|\\psi|^2$, $t$ = 0"
    picture, quiver = first.collections
    np.testing.assert_allclose(picture.get_array(), np.abs(packet[psi][0]).T ** 2)
    current = packet.current(row=0)
    assert list(current) == [x, y]
    # exp(2 i x) moves at the speed 2: j = 2 n along x, 0 along y; waves of 6 units over 24 points leave 1e-4 or less
    np.testing.assert_allclose(current[x], 2 * np.abs(packet[psi][0]) ** 2, atol=1e-3)
    np.testing.assert_allclose(current[y], 0.0, atol=1e-3)
    assert np.ma.array(quiver.U, mask=quiver.Umask).max() == pytest.approx(current[x].max(), rel=0.2)
    assert np.ma.array(np.abs(quiver.V), mask=quiver.Umask).max() < 1e-3
    assert [axes.get_title().split(",")[0] for axes in figure.axes if "phase" in axes.get_title()] == [
        r"phase of $\psi$"
    ] * 3
    assert drawn(figure).startswith(b"\x89PNG")


def test_files_know_no_currents(packet: ph.FieldResult, tmp_path: Path) -> None:
    packet.save(tmp_path / "run.npz")
    loaded = ph.FieldResult.load(tmp_path / "run.npz")
    with pytest.raises(ph.UnsupportedError, match="a result read from a file knows no currents"):
        loaded.current()
    assert len(loaded.plot().axes[0].collections) == 1  # the density, without arrows
    assert len(frame(loaded.animate(), 1).axes[0].collections) == 1
    with pytest.raises(ph.InputError, match="no law 'spin' with a current is known"):
        packet.current("spin")


def test_slices_of_a_volume() -> None:
    grid = ph.Grid({x: (-1.0, 1.0, 8), y: (-1.0, 1.0, 9), z: (-2.0, 2.0, 10)})
    start = {chi: np.random.default_rng(2).normal(size=grid.shape), chi.diff(t): 0.0}
    run = SPACE.compile(grid, backend="reference").run(start, t_span=(0.0, 0.04), dt=0.02)
    slices = run.plot(row=1).axes[:3]
    assert [(a.get_xlabel(), a.get_ylabel()) for a in slices] == [("$x$", "$y$"), ("$x$", "$z$"), ("$y$", "$z$")]
    assert np.array_equal(slices[1].collections[0].get_array(), run[chi][1][:, 4, :].T)
    picture = frame(run.animate(), 2).axes[0].collections[0]
    assert np.array_equal(picture.get_array(), run[chi][2][:, :, 5].T)


def test_animations_show_the_saved_times(wave: ph.FieldResult, packet: ph.FieldResult, tmp_path: Path) -> None:
    from PIL import Image

    figure = frame(wave.animate(), 3)
    assert np.array_equal(figure.axes[0].lines[0].get_ydata(), wave[phi][3])
    assert figure.get_suptitle() == f"$t$ = {wave.t[3]:.4g}"
    assert figure.axes[1].lines[-1].get_xdata()[0] == wave.t[3]  # the mark in the course of the drifts
    figure = frame(packet.animate(psi), 2)
    np.testing.assert_allclose(figure.axes[0].collections[0].get_array(), np.abs(packet[psi][2]).T ** 2)
    packet.animate(psi, frames=3, seconds=0.3).save(tmp_path / "run.gif", writer="pillow", dpi=40)
    with Image.open(tmp_path / "run.gif") as image:
        assert image.n_frames == 3


def test_one_run_of_an_ensemble_is_drawn() -> None:
    start = {phi: np.stack([k * np.sin(2 * np.pi * LINE.points[x]) for k in (1.0, 2.0)]), phi.diff(t): 0.0}
    run = WAVE.compile(LINE, backend="reference").run(start, t_span=(0.0, 0.1), dt=0.05)
    for member in (1, (1,)):
        figure = run.plot(member=member)
        assert np.array_equal(figure.axes[0].collections[0].get_array(), run[phi][1])
        assert figure.get_suptitle().endswith("run 1 of 2")
    with pytest.raises(ph.InputError, match=r"member = 2 is no run of this result, which has 2 of shape \(2,\)"):
        run.plot(member=2)


def test_what_cannot_be_shown_is_refused(wave: ph.FieldResult) -> None:
    with pytest.raises(ph.InputError, match="zeta is no part of this result; it has phi"):
        wave.plot("zeta")
    with pytest.raises(ph.InputError, match="row = 9 is none of the 6 saved times"):
        wave.plot(row=9)
    with pytest.raises(ph.InputError, match="frames = 1 must be at least 2"):
        wave.animate(frames=1)
    single = WAVE.compile(LINE, backend="reference").run(
        {phi: 1.0, phi.diff(t): 0.0}, t_span=(0.0, 0.1), dt=0.05, t_eval=[0.1]
    )
    assert single.plot().axes[0].get_ylabel() == r"$\phi$"  # a profile alone
    with pytest.raises(ph.InputError, match="a result with 1 times does not move"):
        single.animate()


def test_missing_matplotlib_names_its_extra(wave: ph.FieldResult, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("matplotlib", "matplotlib.figure", "matplotlib.animation", "matplotlib.mathtext"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ph.UnsupportedError, match=r"plotting needs matplotlib.*pip install 'symphys\[plot\]'"):
        wave.plot()
    with pytest.raises(ph.UnsupportedError, match=r"animating needs matplotlib.*pip install 'symphys\[plot\]'"):
        wave.animate()
