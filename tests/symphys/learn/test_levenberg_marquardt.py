"""Steps bend with the residuals: their second derivative is exact, and curved valleys take fewer steps."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.linalg import cho_factor

import symphys as ph
from symphys.learn.fit import _Ask
from symphys.learn.levenberg_marquardt import _bend, _look, levenberg_marquardt
from symphys.learn.objective import Regularised, accumulate
from symphys.learn.options import read_options
from symphys.learn.samples import SampleObjective
from symphys.learn.system import CoordinateSystem
from symphys.learn.unknowns import read_unknowns
from symphys.learn.watch import Watch
from symphys.simulate.compiled import kernels_for, lower

START = np.array([-1.0, 1.0])
STEEP = 1000.0


@dataclass(frozen=True)
class Valley:
    """Rosenbrock's function, steeper: r = (1000 (y - x^2), 1 - x), in two tiles."""

    def rows(self, u):
        x, y = u
        yield np.array([STEEP * (y - x * x)]), np.array([[-2 * STEEP * x, STEEP]])
        yield np.array([1 - x]), np.array([[-1.0, 0.0]])

    def normal(self, u):
        return accumulate(self.rows(u), 2)

    def loss(self, u):
        return self.normal(u).loss


@dataclass(frozen=True)
class Bent(Valley):
    """The same, with residuals to be had by themselves."""

    bends = True

    def residual_tiles(self, u):
        yield from (r for r, _ in self.rows(u))


def test_the_bend_is_the_second_derivative_of_the_residuals() -> None:
    """r is quadratic: the quotient is exact, and rounding is that of the solution, 1e-16 times a condition of 1e7."""
    step, damping = np.array([0.3, -0.2]), 0.7
    here = _look(Bent(), START)
    damped = here.normal.matrix + damping * np.eye(2)
    found = _bend(Bent(), here, START, step, cho_factor(damped, lower=True))
    rows = np.concatenate([rows for _, rows in Valley().rows(START)])
    assert found == pytest.approx(-np.linalg.solve(damped, rows.T @ [-2 * STEEP * 0.3**2, 0.0]), rel=1e-8)
    assert _bend(Valley(), _look(Valley(), START), START, step, None) is None


def test_curved_valleys_take_fewer_steps() -> None:
    counts = []
    for kind in (Valley, Bent):
        watch = Watch(500)
        assert levenberg_marquardt(kind(), START, watch).ok
        assert watch.best == pytest.approx([1.0, 1.0], abs=1e-12)
        counts.append(next(i for i, loss in enumerate(watch.losses) if loss < 1e-12))
    assert counts[1] < 0.75 * counts[0]


def test_a_potential_is_learnt_better_with_as_many_steps() -> None:
    """A tenth of the loss at most after eighty steps."""
    q = ph.coordinates("q")
    v, a = ph.dot(q), ph.ddot(q)
    V = ph.network("V", inputs=1, hidden=(16, 16))
    angle = np.random.default_rng(0).uniform(-3, 3, 400)
    system, data = ph.Lagrangian(v**2 / 2 - V(q)), {q: angle, v: 0.0, a: -4 * np.sin(angle)}
    bent = system.fit(data, steps=80)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SampleObjective, "bends", property(lambda self: False))
        straight = system.fit(data, steps=80)
    assert bent.loss < straight.loss / 10


def test_residuals_are_those_of_the_rows_tile_by_tile() -> None:
    """Of samples, of runs, and with a regularisation."""
    q, p = ph.canonical("q p")
    H = ph.network("H", inputs=2, hidden=(4,))
    system = ph.Hamiltonian(H(q, p), {q: p})
    rng = np.random.default_rng(1)
    samples = {q: rng.normal(size=600), p: rng.normal(size=600), ph.dot(q): 1.0, ph.dot(p): rng.normal(size=600)}
    motion = ph.Trajectories([0.0, 0.1, 0.3], {q: rng.normal(size=(5, 3))}, start={p: rng.normal(size=5)})
    unknowns = read_unknowns((), (H,), None, {}, {}, {})
    ask = _Ask(
        CoordinateSystem(lower(system.dynamics), kernels_for("cpu", "float64")), unknowns, {}, read_options(dt=0.1)
    )
    u = unknowns.free(unknowns.guess)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("samples", "observations"):
            patch.setattr(f"symphys.learn.{module}.TILE", 250)
        for data in (samples, motion):
            objective = Regularised(ask.objective(data), 0.1, np.zeros(len(u)))
            tiles = [r for r, _ in objective.rows(u)]
            assert len(tiles) > 2
            for mine, theirs in zip(objective.residual_tiles(u), tiles, strict=True):
                assert mine == pytest.approx(theirs, rel=1e-12, abs=1e-14)
