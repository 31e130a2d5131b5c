"""How far lists reach beyond the cutoff: as far as makes steps and new lists together cost least.

The number of pairs that a step looks at grows as (1 + s)^dim with the skin s, in units of the cutoff; lists last a
number of steps that grows as s. The choice follows from the motion alone, not from a clock, so that a run repeats
itself to the last bit.
"""

from __future__ import annotations

REBUILD = 25.0  # what new lists cost, in forces of the pairs within the cutoff: measured on a Lennard-Jones fluid
LEAST, MOST, RATIO = 0.08, 0.4, 1.1  # skins among which one is chosen, in units of the cutoff


def best_skin(cutoff: float, dim: int, pace: float) -> float:
    """The skin that costs least, for lists that last `pace` steps for each unit of length that they reach beyond."""
    tried, s = [], LEAST
    while s <= MOST:
        tried.append(((1.0 + s) ** dim + REBUILD / max(1.0, pace * cutoff * s), s))
        s *= RATIO
    return cutoff * min(tried)[1]
