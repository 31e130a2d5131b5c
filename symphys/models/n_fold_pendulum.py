"""The n-fold pendulum: a planar chain of n equal masses on n equal rods, angles from the vertical; SI units."""

from functools import partial

from sympy import Add, cos, sin

from symphys.language import coordinates, dot, parameters
from symphys.models.model import Model, Setting
from symphys.systems import Lagrangian


def build(n: int) -> Setting:
    """L = m l^2 sum_ij c_ij w_i w_j cos(theta_i - theta_j) / 2 + m g l sum_i c_ii cos theta_i, c_ij = n - max(i, j)."""
    theta = coordinates(f"theta1:{n + 1}")
    angles = theta if n > 1 else (theta,)
    rates = [dot(angle) for angle in angles]
    m, l, g = parameters("m l g", positive=True)
    # mass k moves with all rods up to its own, so rods i and j move n - max(i, j) masses together
    kinetic = Add(
        *((n - max(i, j)) * rates[i] * rates[j] * cos(angles[i] - angles[j]) for i in range(n) for j in range(n))
    )
    potential = -Add(*((n - i) * cos(angle) for i, angle in enumerate(angles)))
    return Setting(
        Lagrangian(m * l**2 * kinetic / 2 - m * g * l * potential),
        {m: 1.0, l: 1.0, g: 9.81},
        {**dict.fromkeys(angles, 1.0), **dict.fromkeys(rates, 0.0)},
        positions=tuple((l * Add(*map(sin, angles[:i])), -l * Add(*map(cos, angles[:i]))) for i in range(n + 1)),
        joined=True,
    )


def planar_chain(n: int, name: str) -> Model:
    """A chain of n pendulums."""
    return Model(
        name=name,
        title=f"planar chain of {n} pendulums",
        source="Braun, Arch. Appl. Mech. 72 (2003) 899, doi:10.1007/s00419-002-0265-3",
        build=partial(build, n),
        t_span=(0.0, 10.0),
        dt=0.005,
    )


MODEL = planar_chain(4, "n_fold_pendulum")
