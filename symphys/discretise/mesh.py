"""Smooth particle-mesh Ewald, as data: mesh and splines for the waves of `symphys.discretise.ewald`, and their errors.

Waves exp(i k . r) are interpolated from the points of a mesh by cardinal B-splines of an even order p, so that all of
their sums are two Fourier transforms:

    sum_i q_i exp(i k . r_i) ~ F[Q](m), Q(l) = sum_i q_i prod_a M_p(u_ia - l_a),    U = c / 2 sum_m g_m |F[Q](m)|^2,

u = n (r B^-1), k = 2 pi m B^-1, g_m = w_k / prod_a |sum_j M_p(j + 1) exp(2 pi i m_a j / n_a)|^2. Forces are the slopes
of this U. Source: Essmann, Perera, Berkowitz, Darden, Lee, Pedersen, J. Chem. Phys. 103 (1995) 8577.

Errors follow Hockney and Eastwood, Computer Simulation Using Particles (1981), section 8, for forces that are slopes
(Deserno, Holm, J. Chem. Phys. 109 (1998) 7678; Ballenegger, Cerda, Holm, J. Chem. Theory Comput. 8 (2012) 936). A wave
m along an axis drags along those that look like it on the mesh, m + l n, as (m / (m + l n))^p = s_l; of three axes the
product. With sums over all l, what they do to a charge by way of others adds up at random, to the density times

    1 / (2 pi)^3 integral of g^2 (sum s_l^2 k_l^2) (sum s_l^2) - 2 g sum w_l s_l^2 k_l^2 + sum w_l^2 k_l^2

over the waves that the mesh tells apart; g = w_0 / (sum s_l)^2, w = 4 pi exp(-k^2 / 4 a^2) / k^2. What they do by way
of the charge itself is a wave of the length of a cell along each axis, with the amplitude |n b| 1 / (2 pi)^3 integral
of g sum s_l s_(l + 1).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symphys.discretise.ewald import ORDERS, Ewald
from symphys.discretise.splines import spline_factors

Floats = NDArray[np.float64]
ALIASES = (-2, -1, 0, 1, 2)
CROWD = 8.0  # charges in the cube of the cutoff that goes with the accuracy: of that density errors are compared
ROWS_OF = 8  # the points of the last axis are a multiple of it, so that they fill registers
POINTS = 20  # by which errors are integrated along each axis
BEYOND = 10.0  # waves shorter than this many splittings have no part in errors


@dataclass(frozen=True)
class Mesh:
    """counts: points along each edge of the box. order: of the splines."""

    counts: tuple[int, int, int]
    order: int

    @property
    def points(self) -> int:
        """All of them."""
        return math.prod(self.counts)

    def __str__(self) -> str:
        return f"a mesh of {' x '.join(map(str, self.counts))} points with splines of order {self.order}"


# What an evaluation costs, in nanoseconds of one core where this was measured (`python -m benchmarks long_range`): a
# charge and a wave; a charge by the cube of the order, and besides; a point of the mesh, and by the logarithm of their
# number. Only ratios matter.
WAVE, SPREAD, CHARGE, POINT, TRANSFORM = 1.0, 1.85, 100.0, 2.0, 0.6


def cost_of_mesh(mesh: Mesh, charges: int) -> float:
    """What one evaluation by a mesh costs."""
    each = POINT + TRANSFORM * math.log2(mesh.points)
    return charges * (SPREAD * mesh.order**3 + CHARGE) + mesh.points * each


def cost_of_waves(waves: int, charges: int) -> float:
    """What one evaluation wave by wave costs."""
    return WAVE * waves * charges


def charges_from(mesh: Mesh, waves: int) -> float:
    """How many charges there have to be for a mesh to cost less than waves; infinity where it never does."""
    gain = cost_of_waves(waves, 1) - (cost_of_mesh(mesh, 1) - cost_of_mesh(mesh, 0))
    return cost_of_mesh(mesh, 0) / gain if gain > 0.0 else math.inf


def mesh_of(matrix: Floats, ewald: Ewald, cutoff: float) -> Mesh:
    """The cheapest mesh in a box with edges in rows whose forces err no more than what the cutoff leaves out.

    Counts and order are taken as they are where `ewald` gives them; of the order, then, the least that will do, or else
    the one that errs least.
    """
    a, allowed = ewald.split(cutoff), allowed_error(ewald, cutoff)
    orders = ORDERS if ewald.order is None else (ewald.order,)
    density = CROWD * (a / ewald.decay) ** 3
    if ewald.counts is not None:
        found = [Mesh(ewald.counts, p) for p in orders if p <= min(ewald.counts)]
        errors = [mesh_error(matrix, mesh, a, density) for mesh in found]
        return next((m for m, e in zip(found, errors, strict=True) if e <= allowed), found[int(np.argmin(errors))])
    edges = np.linalg.norm(matrix, axis=1)
    charges = density * abs(float(np.linalg.det(matrix)))
    meshes = []
    for p in orders:
        low, high = 0.05 / a, 8.0 / a  # spacings
        while high / low > 1.01:
            spacing = math.sqrt(low * high)
            error = _error_of(edges / spacing, matrix, p, a, density)
            low, high = (spacing, high) if error <= allowed else (low, spacing)
        counts = [max(_fast(math.ceil(edge / low), ROWS_OF if k == 2 else 1), p) for k, edge in enumerate(edges)]
        counts = [_fast(n, ROWS_OF if k == 2 else 1) for k, n in enumerate(counts)]
        meshes.append(Mesh((counts[0], counts[1], counts[2]), p))
    return min(meshes, key=lambda mesh: cost_of_mesh(mesh, max(1, round(charges))))


def allowed_error(ewald: Ewald, cutoff: float) -> float:
    """What a cutoff by the accuracy leaves out of the force, root mean square, for charges 1.

    Kolafa and Perram's 2 exp(-a^2 r^2) sqrt(density / r), of a density `CROWD`.
    """
    reach = ewald.decay / ewald.split(cutoff)
    return 2.0 * ewald.accuracy * math.sqrt(CROWD) / reach**2


def mesh_error(matrix: Floats, mesh: Mesh, splitting: float, density: float) -> float:
    """The error of a force, root mean square, for charges 1 of a density."""
    return _error_of(np.array(mesh.counts, dtype=np.float64), matrix, mesh.order, splitting, density)


def _error_of(counts: Floats, matrix: Floats, order: int, a: float, density: float) -> float:
    """The same for counts that need not be whole, by an integral over the waves that a mesh tells apart, f n B^-1."""
    turns = 2.0 * math.pi * np.linalg.inv(matrix).T * counts[:, None]  # rows: from a wave to those that look like it
    metric = turns @ turns.T
    half = np.minimum(0.5, BEYOND * a / (2.0 * math.pi) * np.linalg.norm(matrix, axis=1) / counts)
    axes = [_Axis.of(h, order, k) for k, h in enumerate(half)]
    f, total, square, first, second, same = (tuple(getattr(axis, name) for axis in axes) for name in _Axis.__slots__)
    element = 2.0 * float(np.prod(2.0 * half / POINTS)) * abs(float(np.linalg.det(turns))) / (2.0 * math.pi) ** 3
    pairs = list(itertools.product(range(3), repeat=2))

    def transform(*alias: int) -> tuple[Floats, Floats]:
        """k^2 of a wave like these, and 4 pi exp(-k^2 / 4 a^2) / k^2."""
        moved = [f[k] + alias[k] for k in range(3)]
        k2 = np.asarray(sum(moved[i] * moved[j] * metric[i, j] for i, j in pairs))
        return k2, 4.0 * math.pi * np.exp(-k2 / (4.0 * a * a)) / k2

    weight = transform(0, 0, 0)[1] / (total[0] * total[1] * total[2]) ** 2
    slopes = sum(
        metric[i, j] * (second[i] if i == j else first[i] * first[j]) * math.prod(square[c] for c in {0, 1, 2} - {i, j})
        for i, j in pairs
    )
    error = weight**2 * slopes * square[0] * square[1] * square[2]
    for alias in ((0, 0, 0), *(tuple(sign * (k == axis) for k in range(3)) for axis in range(3) for sign in (-1, 1))):
        share = math.prod(_share(f[k], alias[k], order) for k in range(3))
        k2, exact = transform(*alias)
        error = error + (exact - 2.0 * weight * share**2) * exact * k2
    found = density * float(error.sum()) * element
    for axis in range(3):
        rest = math.prod(square[k] for k in range(3) if k != axis)
        found += metric[axis, axis] * (float((weight * same[axis] * rest).sum()) * element) ** 2 / 2.0
    return math.sqrt(max(found, 0.0))


@dataclass(frozen=True, slots=True)
class _Axis:
    """Waves along an axis, f [POINTS] of the points of the mesh, and sums over those that look like them on it.

    Of the shares s_l = (f / (f + l))^p that a wave has in what it drags along: total sum s, square sum s^2, first and
    second sum s^2 (f + l)^(1, 2), same sum s_l s_(l + 1).
    """

    f: Floats
    total: Floats
    square: Floats
    first: Floats
    second: Floats
    same: Floats

    @classmethod
    def of(cls, half: float, order: int, axis: int) -> _Axis:
        """Of waves up to `half`; of one of the axes the positive ones are enough."""
        f = (np.arange(POINTS, dtype=np.float64) + 0.5) * (2.0 * half / POINTS) - half
        f = (f[POINTS // 2 :] if axis == 0 else f).reshape(_axis(axis))
        shares = [_share(f, alias, order) for alias in ALIASES]
        weighted = [s * s * (f + alias) for s, alias in zip(shares, ALIASES, strict=True)]
        return cls(
            f,
            _sum(shares),
            _sum(s * s for s in shares),
            _sum(weighted),
            _sum(w * (f + alias) for w, alias in zip(weighted, ALIASES, strict=True)),
            _sum(a * b for a, b in itertools.pairwise(shares)),
        )


def _share(f: Floats, alias: int, order: int) -> Floats:
    """s_l, of a wave f."""
    share: Floats = (f / (f + alias)) ** order
    return share


def _sum(terms: Iterable[Floats]) -> Floats:
    return functools.reduce(np.add, terms)


def _fast(least: int, multiple: int) -> int:
    """The next number of points whose only factors are 2, 3, 5 and 7, and a multiple."""
    n = -(-least // multiple) * multiple
    while True:
        rest = n
        for factor in (2, 3, 5, 7):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return n
        n += multiple


def influence(matrix: Floats, mesh: Mesh, splitting: float) -> Floats:
    """[n1, n2, n3, 2]: g_m, and g_m times what -3 V dU/dV of a wave is by its energy (`Waves.bend`).

    Both are even in m, so that a real mesh stays real. Where the axes are oblique, the outermost waves of an even
    number of points stand for two of different length, and are the mean of both.
    """
    reciprocal = 2.0 * math.pi * np.linalg.inv(matrix).T
    volume = abs(float(np.linalg.det(matrix)))
    waves = [np.fft.fftfreq(n, 1.0 / n) for n in mesh.counts]
    square = sum(
        waves[i].reshape(_axis(i)) * waves[j].reshape(_axis(j)) * float(reciprocal[i] @ reciprocal[j])
        for i in range(3)
        for j in range(3)
    )
    assert isinstance(square, np.ndarray)
    losses = [spline_factors(n, mesh.order).reshape(_axis(k)) for k, n in enumerate(mesh.counts)]
    four = 4.0 * splitting**2
    safe = np.where(square > 0.0, square, 1.0)
    weight = 4.0 * math.pi * np.exp(-square / four) / (volume * safe) / (losses[0] * losses[1] * losses[2])
    bend = 1.0 - 2.0 * square / four
    weight[0, 0, 0], bend[0, 0, 0] = -4.0 * math.pi / (volume * four), 3.0
    both = np.stack([weight, weight * bend], axis=-1)
    mirrored = both[np.ix_(*((-np.arange(n)) % n for n in mesh.counts))]
    return np.asarray(0.5 * (both + mirrored))


def _axis(k: int) -> tuple[int, ...]:
    return tuple(-1 if k == axis else 1 for axis in range(3))
