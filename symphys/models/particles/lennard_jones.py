"""A Lennard-Jones fluid at its triple point, in units of epsilon, sigma and the mass of an atom."""

import numpy as np

from symphys.language import parameters, particles
from symphys.models.particles.particle_model import ParticleModel, ParticleSetting
from symphys.statistics import maxwell_boltzmann
from symphys.systems import ParticleLagrangian

CELLS, DENSITY, TEMPERATURE = 6, 0.8442, 1.44


def build() -> ParticleSetting:
    """V(r) = 4 epsilon ((sigma / r)^12 - (sigma / r)^6), cut off at 2.5 sigma; 864 atoms that leave their lattice."""
    atoms = particles("r", dim=3)
    epsilon, sigma = parameters("epsilon sigma", positive=True)
    kinetic = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
    pairs = atoms.pairs(lambda a, b: 4 * epsilon * ((sigma / a.distance(b)) ** 12 - (sigma / a.distance(b)) ** 6))
    edge = (4 / DENSITY) ** (1 / 3)
    corners = np.stack(np.meshgrid(*[np.arange(CELLS)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    face_centred = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    places = ((corners + face_centred) * edge).reshape(-1, 3)
    return ParticleSetting(
        ParticleLagrangian(kinetic - pairs),
        {atoms.mass: 1.0, epsilon: 1.0, sigma: 1.0},
        {atoms: places, atoms.rate(1): maxwell_boltzmann(TEMPERATURE, np.ones(len(places)))},
        {"box": [CELLS * edge] * 3, "cutoff": 2.5, "smoothing": "shift force"},
    )


MODEL = ParticleModel(
    name="lennard-jones",
    title="Lennard-Jones fluid: a lattice melts in a periodic box",
    source="Verlet, Physical Review 159 (1967) 98; Allen, Tildesley, Computer Simulation of Liquids, 2nd ed., ch. 1",
    build=build,
    t_span=(0.0, 2.0),
    dt=0.004,
)
