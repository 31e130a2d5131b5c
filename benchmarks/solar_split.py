"""The outer Solar System as users would split it: Kepler problems and a small rest, in two sets of coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from benchmarks.problems import SOLAR_GRAVITY, SOLAR_MASSES, solar_start

G, M = SOLAR_GRAVITY, [float(m) for m in SOLAR_MASSES]
PLANETS = len(M) - 1

Path = tuple[np.ndarray, np.ndarray]  # positions and velocities [samples, body, 3]


class Split:
    """A Hamiltonian in some coordinates of the planets, its parts, and the way there and back."""

    def __init__(self) -> None:
        import sympy

        import symphys as ph

        names = [f"{axis}{body}" for body in range(1, PLANETS + 1) for axis in "xyz"]
        self.q = list(ph.coordinates(" ".join(names)))
        self.p = list(ph.coordinates(" ".join(f"p_{name}" for name in names)))
        self.places = [self.q[3 * i : 3 * i + 3] for i in range(PLANETS)]
        self.momenta = [self.p[3 * i : 3 * i + 3] for i in range(PLANETS)]
        self.sympy = sympy
        self.parts = self.split()
        self.system = ph.Hamiltonian(sympy.Add(*self.parts), dict(zip(self.q, self.p, strict=True)))

    def split(self) -> tuple[Any, ...]:
        """The parts, the large one first."""
        raise NotImplementedError

    def to(self, positions: np.ndarray, velocities: np.ndarray) -> Path:
        """Coordinates and momenta [planet, 3] of positions and velocities [body, 3]."""
        raise NotImplementedError

    def back(self, q: np.ndarray, p: np.ndarray) -> Path:
        """Positions and velocities [samples, body, 3] about the centre of mass."""
        raise NotImplementedError

    def length(self, vector: list[Any]) -> Any:
        return self.sympy.sqrt(self.sympy.Add(*(c**2 for c in vector)))

    def kepler(self, masses: list[float]) -> Any:
        """sum p^2 / (2 mass) - G m_sun m / |q|."""
        terms = zip(self.places, self.momenta, masses, M[1:], strict=True)
        return self.sympy.Add(
            *(self.sympy.Add(*(c**2 for c in p)) / (2 * mu) - G * M[0] * m / self.length(q) for q, p, mu, m in terms)
        )

    def attraction(self, bodies: list[Any], masses: list[float]) -> Any:
        """-sum G m_i m_j / |r_i - r_j|."""
        return self.sympy.Add(
            *(
                -G * masses[i] * masses[j] / self.length([a - b for a, b in zip(bodies[i], bodies[j], strict=True)])
                for i, j in combinations(range(len(bodies)), 2)
            )
        )

    def start(self) -> dict[Any, float]:
        """The initial state by symbol."""
        q, p = self.to(*solar_start())
        return dict(zip([*self.q, *self.p], [*q.ravel(), *p.ravel()], strict=True))

    def path(self, result: Mapping[Any, np.ndarray]) -> Path:
        """Positions and velocities of a result."""
        q, p = (np.stack([result[s] for s in each], -1).reshape(-1, PLANETS, 3) for each in (self.q, self.p))
        return self.back(q, p)


class Heliocentric(Split):
    """Positions relative to the Sun, momenta about the centre of mass (Duncan, Levison, Lee, Astronomical Journal 116
    (1998) 2067): Kepler problems, the Sun's kinetic energy, and the attraction of the planets."""

    def split(self) -> tuple[Any, ...]:
        sun = self.sympy.Add(*(self.sympy.Add(*(p[k] for p in self.momenta)) ** 2 for k in range(3))) / (2 * M[0])
        return self.kepler(M[1:]), sun, self.attraction(self.places, M[1:])

    def to(self, positions: np.ndarray, velocities: np.ndarray) -> Path:
        return (positions - positions[0])[1:], SOLAR_MASSES[1:, None] * velocities[1:]

    def back(self, q: np.ndarray, p: np.ndarray) -> Path:
        places = np.concatenate([np.zeros_like(q[:, :1]), q], axis=1)
        centre = (SOLAR_MASSES[:, None] * places).sum(1, keepdims=True) / SOLAR_MASSES.sum()
        sun = -p.sum(1, keepdims=True) / M[0]
        return places - centre, np.concatenate([sun, p / SOLAR_MASSES[1:, None]], axis=1)


class Jacobi(Split):
    """Each planet relative to the centre of mass of all before it (Wisdom, Holman, Astronomical Journal 102 (1991)
    1528): Kepler problems, and all attractions less those of the Kepler problems."""

    inside = np.cumsum(SOLAR_MASSES)

    @property
    def reduced(self) -> list[float]:
        return [float(m * inner / (m + inner)) for m, inner in zip(SOLAR_MASSES[1:], self.inside, strict=False)]

    def split(self) -> tuple[Any, ...]:
        bodies, centre = [[0, 0, 0]], [0, 0, 0]
        for place, share in zip(self.places, SOLAR_MASSES[1:] / self.inside[1:], strict=True):
            bodies.append([c + q for c, q in zip(centre, place, strict=True)])
            centre = [c + float(share) * q for c, q in zip(centre, place, strict=True)]
        sun = self.sympy.Add(*(G * M[0] * m / self.length(q) for q, m in zip(self.places, M[1:], strict=True)))
        return self.kepler(self.reduced), self.attraction(bodies, M) + sun

    def _relative(self, vectors: np.ndarray) -> np.ndarray:
        centres = np.cumsum(SOLAR_MASSES[:, None] * vectors, axis=0) / self.inside[:, None]
        return vectors[1:] - centres[:-1]

    def to(self, positions: np.ndarray, velocities: np.ndarray) -> Path:
        return self._relative(positions), self._relative(velocities) * np.array(self.reduced)[:, None]

    def _absolute(self, relative: np.ndarray) -> np.ndarray:
        bodies, centre = [np.zeros_like(relative[:, 0])], np.zeros_like(relative[:, 0])
        for i, share in enumerate(SOLAR_MASSES[1:] / self.inside[1:]):
            bodies.append(centre + relative[:, i])
            centre = centre + share * relative[:, i]
        return np.stack(bodies, 1) - centre[:, None]

    def back(self, q: np.ndarray, p: np.ndarray) -> Path:
        return self._absolute(q), self._absolute(p / np.array(self.reduced)[:, None])
