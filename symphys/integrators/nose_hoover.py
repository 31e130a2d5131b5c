"""Half a step of a Nose-Hoover chain, written with + and * so that it runs on numbers and on nodes alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Chain:
    """A chain of thermostats: their positions and velocities, and the factor that all particles' velocities take."""

    positions: tuple[Any, ...]
    velocities: tuple[Any, ...]
    scale: Any


def chain_half_step(
    kinetic: Any,
    freedom: Any,
    temperature: Any,
    masses: Sequence[Any],
    positions: Sequence[Any],
    velocities: Sequence[Any],
    duration: Any,
    exp: Callable[[Any], Any],
) -> Chain:
    """The flow of the chain for half of `duration`, at standing places.

    kinetic: sum m v^2, twice the kinetic energy; freedom: the number of degrees of freedom f; temperature: k_B T as an
    energy; masses: Q_1 = f k_B T tau^2, Q_k = k_B T tau^2.  Time reversible; with a symplectic step between two halves
    it keeps E + sum Q_k v_k^2 / 2 + f k_B T x_1 + k_B T sum_{k > 1} x_k to second order.  Martyna, Klein, Tuckerman, J.
    Chem. Phys. 97 (1992) 2635; Martyna, Tuckerman, Tobias, Klein, Molecular Physics 87 (1996) 1117, section 4.
    """
    v, x, last = list(velocities), list(positions), len(masses) - 1

    def push(k: int) -> None:
        """v_k for half of the duration, under the drag of its successor."""
        if k < last:
            v[k] = v[k] * exp(v[k + 1] * (duration * -0.125))
        drive = kinetic - freedom * temperature if k == 0 else masses[k - 1] * v[k - 1] * v[k - 1] - temperature
        v[k] = v[k] + drive / masses[k] * (duration * 0.25)
        if k < last:
            v[k] = v[k] * exp(v[k + 1] * (duration * -0.125))

    for k in reversed(range(last + 1)):
        push(k)
    scale = exp(v[0] * (duration * -0.5))
    kinetic = kinetic * scale * scale
    x = [place + (duration * 0.5) * rate for place, rate in zip(x, v, strict=True)]
    for k in range(last + 1):
        push(k)
    return Chain(tuple(x), tuple(v), scale)
