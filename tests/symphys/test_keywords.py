"""Options: one list for every function that takes it, seen in signatures, and misspelt names are told."""

import inspect
from typing import Annotated, TypedDict, Unpack

import numpy as np
import pytest

import symphys as ph
from symphys.keywords import takes
from symphys.learn.options import FitOptions, LossOptions, MotionOptions, read_options
from symphys.simulate.density_matrix import DensitySimulator
from symphys.simulate.simulator import Simulator


class Cheeses(TypedDict, total=False):
    brie: Annotated[float, 2.0]
    gouda: Annotated[str | None, None]


class MoreCheeses(Cheeses, total=False):
    stilton: Annotated[int, 1]


@takes(MoreCheeses)
def buy(shop, *, cash=True, **options: Unpack[MoreCheeses]):
    return shop, cash, options


def test_what_is_left_out_or_none_is_the_default():
    assert buy("A") == ("A", True, {"brie": 2.0, "gouda": None, "stilton": 1})
    assert buy("A", cash=None, brie=None, stilton=3) == ("A", None, {"brie": 2.0, "gouda": None, "stilton": 3})


def test_signatures_are_written_out():
    assert str(inspect.signature(buy)) == (
        "(shop, *, cash=True, brie: 'float' = 2.0, gouda: 'str | None' = None, stilton: 'int' = 1)"
    )


@pytest.mark.parametrize(
    ("system", "listed"),
    [
        (ph.Lagrangian, LossOptions),
        (ph.LagrangianDensity, LossOptions),
        (ph.ParticleLagrangian, MotionOptions),
        (ph.Relation, FitOptions),
    ],
    ids=lambda each: each.__name__,
)
def test_fits_show_every_option_with_its_default(system, listed):
    shown = inspect.signature(system.fit).parameters
    assert set(listed.__annotations__) <= set(shown)
    assert shown["learning_rate"].default == read_options()["learning_rate"] == 1e-3
    assert shown["schedule"].annotation == "str | Callable[[float], float]"
    assert all(p.kind is not p.VAR_KEYWORD for p in shown.values())


def test_a_misspelt_option_is_named_with_the_nearest():
    q, k = ph.coordinates("q"), ph.parameters("k")
    system = ph.Lagrangian(ph.dot(q) ** 2 / 2 - k * q**2 / 2)
    data = {q: np.ones(3), ph.ddot(q): -np.ones(3)}
    with pytest.raises(ph.InputError, match="fit takes no option 'optimiser'; did you mean 'optimizer'"):
        system.fit(data, optimiser="adam")
    with pytest.raises(ph.InputError, match="fit takes no option 'xyzzy'; there are data, unknowns, parameters"):
        system.fit(data, xyzzy=1)
    assert system.fit(data).parameters[k] == pytest.approx(1.0)


def test_density_matrices_run_with_the_options_of_any_trajectory():
    run, other = (inspect.signature(each.run).parameters for each in (Simulator, DensitySimulator))
    assert list(run)[4:8] == ["dt", "rtol", "atol", "max_steps"]
    assert run.keys() == other.keys()
    assert all(run[name] == other[name] for name in list(run)[4:])


def test_particles_take_the_same_box_wherever_they_are_looked_at():
    shown = [inspect.signature(getattr(ph.ParticleLagrangian, name)).parameters for name in ("compile", "fit", "emit")]
    assert all(each[name] == shown[0][name] for each in shown for name in ("box", "cutoff", "smoothing"))
    atoms = ph.particles("r", 1)
    kinetic = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
    system = ph.Lagrangian(kinetic - atoms.pairs(lambda a, b: a.distance(b) ** 2))
    with pytest.raises(ph.InputError, match="compile takes no option 'cut_off'; did you mean 'cutoff'"):
        system.compile(cut_off=2.0)


def test_runs_name_a_misspelt_option_with_the_nearest():
    q = ph.coordinates("q")
    simulator = ph.Lagrangian(ph.dot(q) ** 2 / 2 - q**2 / 2).compile()
    start = {q: 1.0, ph.dot(q): 0.0}
    with pytest.raises(ph.InputError, match="run takes no option 'tol'; did you mean 'rtol'"):
        simulator.run(start, {}, (0, 1), tol=1e-6)
    with pytest.raises(ph.InputError, match="lyapunov takes no option 't_eval'"):  # it chooses the times itself
        simulator.lyapunov(start, {}, (0, 1), t_eval=[0.5])


def test_tolerances_of_what_takes_fixed_steps_are_told_what_to_take_instead():
    atoms, k = ph.particles("r", dim=1), ph.parameters("k")
    kinetic = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
    moving = ph.Lagrangian(kinetic - atoms.pairs(lambda a, b: k * a.distance(b) ** 2)).compile()
    told = r"run takes no option '{}'; steps have one length, dt, .*: take a smaller dt, compare with half of it"
    with pytest.raises(ph.InputError, match=told.format("rtol")):
        moving.run({}, {}, (0, 1), rtol=1e-9)
    time, x = ph.spacetime("t x")
    u = ph.scalar_field("u", (time, x))
    waves = ph.LagrangianDensity((u.diff(time) ** 2 - u.diff(x) ** 2) / 2).compile(ph.Grid({x: (0.0, 1.0, 16)}))
    with pytest.raises(ph.InputError, match=told.format("atol")):
        waves.run({}, {}, (0, 1), atol=1e-9)
