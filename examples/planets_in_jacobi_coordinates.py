"""Ten million days of the outer planets, in steps of a year.

Physics.  In Jacobi coordinates, each planet's place relative to the centre of mass of all bodies inside its orbit, the
Hamiltonian of a planetary system is a sum of Kepler problems and a rest a thousand times smaller.  Wisdom and Holman
(1991) let the first move on exact conics and the second kick.  A symplectic method of this kind errs by the rest alone,
and its energy error does not grow.

Scaling.  Astronomical units, days and solar masses; data of Hairer, Lubich and Wanner, section I.2.4.

Run time.  Five to ten seconds, most of them for deriving and compiling.

    python examples/planets_in_jacobi_coordinates.py [picture.png]
"""

import sys
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
from sympy import Add, sqrt

import symphys as ph
from symphys.models.outer_solar_system import BODIES, GRAVITY

SMALL = {"days": 2e5}  # what the tests run


def main(picture: str = "planets.png", days: float = 1e7) -> None:
    # --- write: places of all bodies relative to the Sun, in Jacobi coordinates --------------------------------------
    names = [body.name for body in BODIES[1:]]
    masses = [body.mass for body in BODIES]
    places = [ph.coordinates(f"x_{name} y_{name} z_{name}") for name in names]
    momenta = [ph.coordinates(f"p_x_{name} p_y_{name} p_z_{name}") for name in names]
    inside = np.cumsum(masses)  # the mass of a body and all those before it
    reduced = [float(m * inner / (m + inner)) for m, inner in zip(masses[1:], inside, strict=False)]
    bodies, centre = [(0, 0, 0)], (0, 0, 0)
    for place, mass, whole in zip(places, masses[1:], inside[1:], strict=True):
        bodies.append(tuple(c + q for c, q in zip(centre, place, strict=True)))
        centre = tuple(c + float(mass / whole) * q for c, q in zip(centre, place, strict=True))

    kinetic = Add(*(c**2 / (2 * mu) for p, mu in zip(momenta, reduced, strict=True) for c in p))
    sun = Add(*(-GRAVITY * masses[0] * m / length(q) for m, q in zip(masses[1:], places, strict=True)))
    all_pairs = Add(
        *(
            -GRAVITY * masses[i] * masses[j] / length([a - b for a, b in zip(bodies[i], bodies[j], strict=True)])
            for i, j in combinations(range(len(bodies)), 2)
        )
    )
    ellipses, rest = kinetic + sun, all_pairs - sun
    pairs = {
        q: p for place, momentum in zip(places, momenta, strict=True) for q, p in zip(place, momentum, strict=True)
    }
    planets = ph.Hamiltonian(ellipses + rest, pairs)

    # --- run ----------------------------------------------------------------------------------------------------------
    simulator = planets.compile("aba1064", split=(ellipses, rest))
    print(simulator.explain())
    start = dict(zip(pairs, jacobi(np.array([b.position for b in BODIES])).ravel(), strict=True))
    speeds = jacobi(np.array([b.velocity for b in BODIES])) * np.array(reduced)[:, None]
    start |= dict(zip(pairs.values(), speeds.ravel(), strict=True))
    step = 400.0
    run = simulator.run(start, {}, (0.0, days), dt=step, save_every=max(1, round(days / step / 20_000)))
    print(f"{days:g} days in steps of {step:g}: the energy drifts by {run.drift['energy']:.1e}")
    assert run.drift["energy"] < 1e-11

    # --- look: the eccentricities swing against each other in 70 000 years, of which this is a part
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, q, p, mass, mu in zip(names[:2], places, momenta, masses[1:], reduced, strict=False):
        place, speed = (np.array([run[c] for c in each]) for each in (q, p))
        axes.plot(run.t / 365.25, eccentricity(place, speed / mu, GRAVITY * masses[0] * mass / mu), label=name)
    axes.set(xlabel="years", ylabel="eccentricity", title="Jupiter and Saturn")
    axes.legend()
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def length(vector):
    """|q| in symbols."""
    return sqrt(Add(*(c**2 for c in vector)))


def jacobi(vectors: np.ndarray) -> np.ndarray:
    """Places or velocities of all bodies [6, 3], each but the first relative to the centre of mass of those before."""
    masses = np.array([body.mass for body in BODIES])[:, None]
    centres = np.cumsum(masses * vectors, axis=0) / np.cumsum(masses, axis=0)
    return vectors[1:] - centres[:-1]


def eccentricity(place: np.ndarray, velocity: np.ndarray, mu: float) -> np.ndarray:
    """The length of the Laplace-Runge-Lenz vector, from [3, times] each."""
    spin = np.cross(place, velocity, axis=0)
    return np.linalg.norm(np.cross(velocity, spin, axis=0) / mu - place / np.linalg.norm(place, axis=0), axis=0)


if __name__ == "__main__":
    main(*sys.argv[1:2])
