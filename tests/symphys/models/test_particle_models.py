"""Ready-made systems of particles keep what they should, and are what their docstrings say."""

import numpy as np
import pytest

import symphys as ph
from symphys import models


@pytest.mark.parametrize("name", models.PARTICLE_MODELS)
def test_a_model_runs_and_keeps_its_laws(name: str) -> None:
    """Energies to a thousandth with the step that the model names, momenta to rounding of some thousand terms."""
    model = models.particles(name)
    setting = model.setting
    start, end = model.t_span[0], model.t_span[0] + 50 * model.dt
    run = model.system.compile(**setting.options).run(
        setting.initial, setting.parameters, t_span=(start, end), dt=model.dt, save_every=10
    )
    assert run.ok
    assert run.drift["energy"] < 1e-3
    assert run.drift["momentum"] < 1e-13


def test_the_cluster_is_in_equilibrium() -> None:
    """2 K + W = 0 within the noise of 512 stars, a few per cent, and energy -1/4."""
    setting = models.particles("star-cluster").setting
    run = setting.system.compile().run(setting.initial, setting.parameters, t_span=(0, 0.01), dt=0.01)
    assert 2 * run.totals["kinetic"][0] == pytest.approx(-run.virial[0], rel=0.15)
    assert run.energy[0] == pytest.approx(-0.25, abs=0.04)


def test_the_fluid_melts_to_half_its_temperature() -> None:
    """Half of the kinetic energy goes into the springs of the lattice that is left."""
    model = models.particles("lennard-jones")
    run = model.system.compile(**model.setting.options).run(
        model.setting.initial, model.setting.parameters, t_span=(0, 0.8), dt=model.dt, save_every=100
    )
    assert run.temperature[0] == pytest.approx(1.44, rel=0.1)
    assert run.temperature[-1] == pytest.approx(0.75, rel=0.15)


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ph.InputError, match="no system of particles 'lennard'; did you mean lennard-jones"):
        models.particles("lennard")


def test_places_are_those_of_the_box() -> None:
    setting = models.particles("lennard-jones").setting
    places = next(iter(setting.initial.values()))
    assert len(places) / np.prod(setting.options["box"]) == pytest.approx(0.8442)
