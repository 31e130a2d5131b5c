"""What a notebook or a terminal shows of the objects that users hold: a line or a few, in the user's own symbols."""

import numpy as np
import pytest

import symphys as ph

x, y = ph.coordinates("x y")
m, k = ph.parameters("m k", positive=True)
springs = ph.Lagrangian(m * (ph.dot(x) ** 2 + ph.dot(y) ** 2) / 2 - k * (x**2 + y**2 + (x - y) ** 2) / 2)


def test_a_law_is_shown_as_an_equation() -> None:
    law = ph.Lagrangian(m * ph.dot(x) ** 2 / 2).conserved[1]
    assert repr(law) == "momentum x = m*x'"
    assert r"\text{momentum x} = m \dot{x}" in law._repr_latex_()


def test_simulators_say_of_what_they_are_and_how_they_step() -> None:
    assert repr(springs.compile()).startswith("Simulator of x, y, x_dot, y_dot\n  The system is separable")
    t, z = ph.spacetime("t z")
    phi = ph.scalar_field("phi", (t, z))
    waves = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(z) ** 2 / 2)
    shown = repr(waves.compile(ph.Grid({z: (0, 1, 8)})))
    assert shown.startswith("FieldSimulator of phi, phi_t\n")
    assert "grid: 8 (z: periodic)" in shown
    stars = ph.particles("s", dim=3)
    free = ph.Lagrangian(stars.sum(lambda a: stars.mass(a) * a.speed_squared / 2))
    assert repr(free.compile()).startswith("ParticleSimulator of s\n")


def test_grids_and_modes_in_a_line() -> None:
    _, u, v = ph.spacetime("t u v")
    grid = ph.Grid({u: (0, 1, 8), v: (-2, 2, 5)}, boundary={u: "periodic", v: "dirichlet"})
    assert repr(grid) == "Grid(u: 8 points in [0, 1), periodic; v: 5 points in [-2, 2], dirichlet)"
    modes = springs.normal_modes({x: 0, y: 0}, {m: 1.0, k: 1.0})
    assert repr(modes) == "NormalModes of x, y: frequencies [1.       1.732051]"


def test_precision_may_be_a_type_of_numpy() -> None:
    assert springs.compile(dtype=np.float32).kernels.dtype == "float32"
    with pytest.raises(ph.InputError, match="dtype 'half' is unknown; choose 'float64' or 'float32'"):
        springs.compile(dtype="half")


def test_a_symmetry_in_a_mapping_is_told_how_to_be_written() -> None:
    with pytest.raises(ph.InputError, match=r"symmetry is of type dict; give symphys\.Symmetry\(\{q: change of q\}\)"):
        springs.noether({x: 1})
