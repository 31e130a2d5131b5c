"""The Toda lattice: a ring of particles with exponential springs, integrable; dimensionless."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sympy import Add, exp, zeros

from symphys.language import canonical
from symphys.models.model import Model, Setting
from symphys.systems import Hamiltonian


def build(n: int) -> Setting:
    """H = sum_i p_i^2 / 2 + exp(q_i - q_{i+1}) on a ring of n >= 3; the traces of the powers of L are constant."""
    phase = canonical(" ".join(f"q{i} p{i}" for i in range(1, n + 1)))
    q, p = phase[::2], phase[1::2]
    roots = [exp((q[i] - q[(i + 1) % n]) / 2) for i in range(n)]
    lax = lax_matrix(p, roots)
    power, traces = lax * lax, {}
    for k in range(3, n + 1):
        power = power * lax
        traces[f"trace of L^{k}"] = power.trace()
    # tr L is half the total momentum, and tr L^2 half the energy
    return Setting(
        Hamiltonian(Add(*(each**2 / 2 for each in p), *(root**2 for root in roots)), dict(zip(q, p, strict=True))),
        {},
        {
            **{each: 0.5 * (-1) ** i for i, each in enumerate(q)},
            **{each: float(i == 0) for i, each in enumerate(p)},
        },
        invariants={"momentum": Add(*p), **traces},
    )


def lax_matrix(p: Sequence[Any], roots: Sequence[Any]) -> Any:
    """[n, n], L with p_i / 2 on the diagonal and exp((q_i - q_{i+1}) / 2) / 2 beside it and in the corners.

    p, roots: [n] momenta and exp((q_i - q_{i+1}) / 2), expressions or numbers.  The eigenvalues of L are n constants of
    the motion.  Flaschka, Phys. Rev. B 9 (1974) 1924.
    """
    n = len(p)
    lax = zeros(n, n)
    for i in range(n):
        lax[i, i] = p[i] / 2
        lax[i, (i + 1) % n] = lax[(i + 1) % n, i] = roots[i] / 2
    return lax


MODEL = Model(
    name="toda",
    title="Toda lattice: a ring of four with as many constants",
    source="Toda, J. Phys. Soc. Jpn. 22 (1967) 431; Flaschka, Phys. Rev. B 9 (1974) 1924, doi:10.1103/PhysRevB.9.1924",
    build=partial(build, 4),
    t_span=(0.0, 50.0),
    dt=0.02,
)
