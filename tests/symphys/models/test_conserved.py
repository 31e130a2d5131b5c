"""The laws of every ready-made system, as the books have them, by name."""

import pytest
import sympy

from symphys import models
from symphys.mechanics.jets import to_jet
from symphys.mechanics.probe import Probe

TURNS = [f"angular momentum {axis}" for axis in "xyz"]
BOOKS = {
    "pendulum": ["energy"],
    "double_pendulum": ["energy"],
    "n_fold_pendulum": ["energy"],
    "spherical_pendulum": ["energy", "momentum phi"],
    "foucault": ["energy", "angular momentum z"],
    "kepler": ["energy", "angular momentum z"],
    "outer_solar_system": [
        "energy",
        *(f"momentum {axis}" for axis in "xyz"),
        *TURNS,
        *(f"Galilean boost {axis}" for axis in "xyz"),
    ],
    "henon_heiles": ["energy"],
    "rotating_hoop": ["energy"],
    "heavy_top": ["energy", "momentum phi", "momentum psi"],
    "charged_particle": [
        "energy",
        *(f"momentum {axis}" for axis in "xyz"),
        "angular momentum z",
        "Galilean boost z",
    ],
    "guiding_centre": ["energy", "angular momentum x y"],
    "toda": ["energy", "momentum of all", "Galilean boost of all"],
    "spring_chain": ["energy"],
}
# Constants that belong to no affine point symmetry.
HIDDEN = {"Lenz x", "Lenz y", "trace of L^3", "trace of L^4"}


@pytest.mark.parametrize("name", models.names())
def test_laws_are_those_of_the_book(name):
    assert [law.name for law in models.get(name).system.conserved] == BOOKS.get(name, ["energy"])


@pytest.mark.parametrize("name", models.names())
def test_known_constants_are_combinations_of_what_is_found(name):
    """A constant I of the model is sum c_k C_k with the same c_k at random points, the parameters held.

    Tolerance: 50 digits, less what solving for the c_k at other random points loses.
    """
    system, invariants = models.get(name).system, models.get(name).invariants
    wanted = {key: value for key, value in invariants.items() if key not in HIDDEN}
    if not wanted:
        return
    dynamics = system.dynamics
    laws = [law.jet for law in dynamics.conserved]
    count = len(laws)
    probes = [Probe(0).moved((*dynamics.state, dynamics.time), seed) for seed in range(1, count + 4)]
    rows = [probe(laws) for probe in probes]
    context = probes[0].context
    for expression in wanted.values():
        jet = to_jet(sympy.sympify(expression), dynamics.space)
        values = [probe((jet,))[0] for probe in probes]
        weights = context.lu_solve(context.matrix(rows[:count]), context.matrix(values[:count]))
        for row, value in zip(rows[count:], values[count:], strict=True):
            assert abs(sum(c * w for c, w in zip(row, weights, strict=True)) - value) < 1e-25 * (1 + abs(value))
