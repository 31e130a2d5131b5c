"""A cluster of stars after Plummer, in Henon's units: G = 1, mass 1, energy -1/4."""

import numpy as np
from sympy import sqrt

from symphys.language import parameters, particles
from symphys.models.particles.particle_model import ParticleModel, ParticleSetting
from symphys.systems import ParticleLagrangian

STARS, SOFTENING = 512, 0.05


def build() -> ParticleSetting:
    """V = -G m m' / sqrt(r^2 + eps^2); a sphere in equilibrium, 2 K + W = 0 but for its softening and its noise."""
    stars = particles("x", dim=3)
    G, eps = parameters("G eps", positive=True)
    kinetic = stars.sum(lambda a: stars.mass(a) * a.speed_squared / 2)
    pairs = stars.pairs(lambda a, b: G * stars.mass(a) * stars.mass(b) / sqrt(a.distance(b) ** 2 + eps**2))
    places, velocities = plummer(STARS, seed=0)
    return ParticleSetting(
        ParticleLagrangian(kinetic + pairs),
        {stars.mass: np.full(STARS, 1 / STARS), G: 1.0, eps: SOFTENING},
        {stars: places, stars.rate(1): velocities},
    )


def plummer(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and velocities [count, 3] of density (1 + r^2 / a^2)^(-5/2), a = 3 pi / 16, at rest in the mean.

    Aarseth, Henon, Wielen, Astronomy and Astrophysics 37 (1974) 183, appendix.
    """
    rng = np.random.default_rng(seed)
    scale = 3 * np.pi / 16
    radius = 1 / np.sqrt(rng.uniform(0, 0.999, count) ** (-2 / 3) - 1)
    share = np.empty(count)  # of the escape velocity, by rejection from q^2 (1 - q^2)^(7/2)
    missing = np.arange(count)
    while len(missing):
        q, height = rng.uniform(0, 1, len(missing)), rng.uniform(0, 0.1, len(missing))
        good = height < q**2 * (1 - q**2) ** 3.5
        share[missing[good]] = q[good]
        missing = missing[~good]
    speed = share * np.sqrt(2.0) * (1 + radius**2) ** -0.25
    ways = rng.normal(size=(2, count, 3))
    ways /= np.linalg.norm(ways, axis=-1, keepdims=True)
    places, velocities = scale * radius[:, None] * ways[0], speed[:, None] * ways[1] / np.sqrt(scale)
    return places - places.mean(axis=0), velocities - velocities.mean(axis=0)


MODEL = ParticleModel(
    name="star-cluster",
    title="Plummer's cluster of stars, softened gravity",
    source="Plummer, Monthly Notices 71 (1911) 460; Binney, Tremaine, Galactic Dynamics, 2nd ed., section 2.2",
    build=build,
    t_span=(0.0, 1.0),
    dt=0.005,
)
