"""Networks as terms of densities: derived like undetermined functions, run like known ones, on every backend."""

import numpy as np
import pytest
from sympy import Abs, Eq, I, Symbol, conjugate

import symphys as ph
from tests.gpu import OTHERS

t, x = ph.spacetime("t x")
phi = ph.scalar_field("phi", (t, x))
psi = ph.complex_field("psi", (t, x))
U = ph.network("U", inputs=1, hidden=(6,))
f = ph.network("f", inputs=1, hidden=(5,))
W = ph.network("W", inputs=1, hidden=(5,))
rate = I / 2 * (conjugate(psi) * psi.diff(t) - psi * conjugate(psi).diff(t))
WAVE = ph.LagrangianDensity((phi.diff(t) ** 2 - phi.diff(x) ** 2) / 2 - U(phi))
BEAM = ph.LagrangianDensity(rate - conjugate(psi).diff(x) * psi.diff(x) / 2 - W(x) * Abs(psi) ** 2 - f(Abs(psi) ** 2))


def test_equations_are_as_short_as_on_paper():
    slope = U(phi).diff(phi)
    assert WAVE.equations[phi] == Eq(phi.diff(t, 2) - phi.diff(x, 2) + slope, 0, evaluate=False)
    assert [law.name for law in WAVE.conserved] == ["energy", "momentum x", "Lorentz boost x"]
    assert [law.name for law in BEAM.conserved] == ["energy", "charge"]
    assert BEAM.dynamics.structure.kind == "schroedinger"
    assert BEAM.dynamics.networks == (W, f)


def test_an_independent_integration_of_the_same_force_agrees():
    """The field of one value everywhere is one particle in the potential U."""
    weights = U.initialise(seed=3)
    run = WAVE.compile(ph.Grid({x: (0, 1, 8)})).run(
        {phi: 0.8, phi.diff(t): 0.1}, {U: weights}, (0, 4), dt=1 / 64, save_every=256
    )
    q = ph.coordinates("q")
    particle = ph.Lagrangian(ph.dot(q) ** 2 / 2 - U(q)).compile()
    alone = particle.run({q: 0.8, ph.dot(q): 0.1}, {U: weights}, (0, 4), rtol=1e-12, t_eval=[0, 4])
    # blanes_moan4 errs by O(dt^4) = 6e-8 in units of the motion
    assert np.allclose(run[phi][-1], alone[q][-1], atol=1e-7)


@pytest.mark.parametrize("backend", OTHERS)
def test_backends_agree(backend):
    grid = ph.Grid({x: (-6, 6, 32)})
    weights = {f: f.initialise(seed=1), W: W.initialise(seed=2)}
    start = {psi: np.exp(-(grid.points[x] ** 2) / 2)}
    runs = [BEAM.compile(grid, backend=name).run(start, weights, (0, 0.05), dt=0.01)[psi] for name in ("cpu", backend)]
    assert np.abs(runs[0] - runs[1]).max() < 1e-14


def test_waves_and_differences_agree_and_energy_is_that_of_the_network():
    grid = ph.Grid({x: (-8, 8, 64)})
    weights = {f: f.initialise(seed=1), W: W.initialise(seed=2)}
    start = {psi: np.exp(-(grid.points[x] ** 2) / 2)}
    split = BEAM.compile(grid).run(start, weights, (0, 0.5), dt=1 / 256, save_every=128)
    stepped = BEAM.compile(grid, "rk4", order="spectral").run(start, weights, (0, 0.5), dt=1 / 256, save_every=128)
    assert np.abs(split[psi][-1] - stepped[psi][-1]).max() < 1e-5  # Strang's error, O(dt^2)
    assert stepped.drift["energy"] < 1e-8
    energy = BEAM.evaluate(BEAM.hamiltonian_density, {psi: split[psi]}, weights, grid)
    assert np.ptp(energy @ grid.weights) < 1e-5


def test_a_run_goes_on_with_the_weights_given_again():
    grid = ph.Grid({x: (0, 6, 16)})
    weights = {U: U.initialise(seed=0)}
    simulator = WAVE.compile(grid)
    start = {phi: np.sin(2 * np.pi * grid.points[x] / 6), phi.diff(t): 0.0}
    whole = simulator.run(start, weights, (0, 1), dt=0.125)
    half = simulator.run(start, weights, (0, 0.5), dt=0.125)
    assert np.array_equal(simulator.resume(half, 1, parameters=weights)[phi], whole[phi])
    with pytest.raises(ph.InputError, match="network U has no weights; give its 19 numbers"):
        simulator.resume(half, 1)


def test_what_networks_of_fields_refuse():
    grid = ph.Grid({x: (0, 6, 16)})
    with pytest.raises(ph.InputError, match=r"network f was given psi\(t, x\), which is complex; give it real"):
        ph.LagrangianDensity(rate - f(psi))
    with pytest.raises(ph.InputError, match="Two different things in the density are both called U"):
        ph.LagrangianDensity(WAVE.expression - Symbol("U") * phi)
    with pytest.raises(ph.InputError, match="weights of the network U are an array of shape"):
        WAVE.compile(grid).run({phi: 1.0, phi.diff(t): 0}, {U: np.ones(3)}, (0, 1), dt=0.1)
