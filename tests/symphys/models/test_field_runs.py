"""Every ready field theory runs on its grid, keeps its laws, and tends to its known solution as the grid gets finer."""

import numpy as np
import pytest

from symphys import Grid, models

NAMES = models.field_names()
SOLVED = [name for name in NAMES if models.field(name).exact is not None]


def stiffness(model):
    """By which power of the spacing explicit steps are bounded: the highest derivative by space over that by time."""
    dynamics = model.system.dynamics
    jets = [dynamics.jets.jet(symbol) for symbol in dynamics.jets.present(dynamics.rates)]
    order = max(sum(jet.index[1:]) for jet in jets) - sum(dynamics.unknowns[0].index)
    return order / min(unknown.order for unknown in dynamics.unknowns)


def run(name, finer=1, until=None):
    model = models.field(name)
    setting = model.setting
    domain = {x: (start, stop, _points(count, finer, setting)) for x, (start, stop, count) in setting.domain.items()}
    grid = Grid(domain, boundary=setting.boundary)
    points = dict(zip(grid.coordinates, grid.mesh, strict=True))
    steps = round((until or model.t_span[1]) / model.dt * finer ** stiffness(model))
    end = until or model.t_span[1]
    result = model.system.compile(grid=grid).run(
        setting.initial(points), model.parameters, t_span=(0.0, end), dt=end / steps, save_every=steps
    )
    return model, points, result


def _points(count, finer, setting):
    return count * finer if setting.boundary == "periodic" else (count - 1) * finer + 1


@pytest.mark.parametrize("name", SOLVED)
def test_runs_tend_to_the_known_solution(name):
    """Differences have order 2 at least, and steps too, so halving divides the error by 4; asked for is 3."""
    errors = []
    for finer in (1, 2):
        model, points, result = run(name, finer, until=min(3.0, models.field(name).t_span[1]))
        exact = model.exact(result.t[-1], points, model.parameters)
        errors.append(
            max(np.abs(result[label][-1] - exact[label]).max() / np.abs(exact[label]).max() for label in exact)
        )
    assert errors[1] < errors[0] / 3
    assert errors[1] < 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_runs_keep_energy(name):
    """A picture shows a thousandth, so energy is to be kept ten times better at the default step."""
    _, _, result = run(name)
    assert float(result.drift["energy"]) < 1e-4
