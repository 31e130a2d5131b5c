"""Options of fits: one list for every system, seen in signatures, and misspelt names are told."""

import inspect
from dataclasses import fields

import numpy as np
import pytest

import symphys as ph
from symphys.learn.keywords import FitKeywords, LossKeywords, MotionKeywords, read_options
from symphys.learn.options import FitOptions


def test_the_options_that_are_typed_are_those_that_are_read():
    assert sorted(LossKeywords.__annotations__) == sorted(f.name for f in fields(FitOptions))


@pytest.mark.parametrize(
    ("system", "keywords"),
    [
        (ph.Lagrangian, LossKeywords),
        (ph.LagrangianDensity, LossKeywords),
        (ph.ParticleLagrangian, MotionKeywords),
        (ph.Relation, FitKeywords),
    ],
    ids=lambda each: each.__name__,
)
def test_signatures_show_every_option_with_its_default(system, keywords):
    shown = inspect.signature(system.fit).parameters
    assert set(keywords.__annotations__) <= set(shown)
    assert shown["learning_rate"].default == FitOptions().learning_rate
    assert shown["optimizer"].annotation == "str"
    assert all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in shown.values())


def test_none_is_the_default():
    assert read_options({"guess": None, "steps": None, "seed": 3}) == FitOptions(seed=3)


def test_a_misspelt_option_is_named_with_the_nearest():
    q, k = ph.coordinates("q"), ph.parameters("k")
    system = ph.Lagrangian(ph.dot(q) ** 2 / 2 - k * q**2 / 2)
    data = {q: np.ones(3), ph.ddot(q): -np.ones(3)}
    with pytest.raises(ph.InputError, match="fit takes no option 'optimiser'; did you mean 'optimizer'"):
        system.fit(data, optimiser="adam")
    with pytest.raises(ph.InputError, match="fit takes no option 'xyzzy'; there are data, unknowns, parameters"):
        system.fit(data, xyzzy=1)
    assert system.fit(data).parameters[k] == pytest.approx(1.0)
