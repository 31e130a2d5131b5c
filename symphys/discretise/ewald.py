"""Ewald's sum of c q_i q_j / r over all images in a periodic box, as data: how it is split, and its waves.

1 / r = erfc(a r) / r + erf(a r) / r. The first is cut off, the second is a sum over waves k = 2 pi n B^-1:

    U = sum_{i<j} c q_i q_j erfc(a r_ij) / r_ij + c / 2 sum_k w_k |sum_i q_i exp(i k . r_i)|^2
        - c a / sqrt(pi) sum_i q_i^2,

w_k = 4 pi exp(-k^2 / 4 a^2) / (V k^2), and w_0 = -pi / (V a^2), which is the work of a uniform background where the
charges do not cancel. What surrounds the box is a conductor. Sources: Ewald, Annalen der Physik 369 (1921) 253; de
Leeuw, Perram, Smith, Proc. R. Soc. A 373 (1980) 27; Kolafa, Perram, Molecular Simulation 9 (1992) 351.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
ORDERS = (4, 6, 8, 10, 12, 14, 16)  # of the splines of a mesh


@dataclass(frozen=True)
class Ewald:
    """How a sum over all images is taken: the terms left out are about `accuracy` of those kept.

    splitting: a, an inverse length; by default such that exp(-a^2 r^2) is as small as that at the cutoff. With another
    the cutoff has to be long enough, as waves alone follow it. background: whether charges that do not cancel are
    neutralised by a uniform density; else they are refused.

    mesh: False sums wave by wave, which costs charges times waves; True sums all of them through a mesh
    (`symphys.discretise.mesh`), which costs n log n; "auto" takes what is estimated to cost less. Mesh and splines
    follow from the accuracy, unless they are given: three counts of points, along each edge, and an even order.

    Raises `InputError` for an accuracy that is not between 0 and 1, a splitting that is not positive, what is no
    number, an unknown mesh, counts that are not three, no whole numbers or smaller than the order, and orders that are
    no whole numbers, odd or not from 4 to 16.
    """

    accuracy: float = 1e-6
    splitting: float | None = None
    background: bool = False
    mesh: bool | str | tuple[int, int, int] = "auto"
    order: int | None = None

    def __post_init__(self) -> None:
        for name in ("accuracy", "splitting"):
            value = getattr(self, name)
            if (not isinstance(value, Real) or isinstance(value, bool)) and not (name == "splitting" and value is None):
                raise InputError(f"the {name} of an Ewald sum is {value!r}; give a number")
        if not 0.0 < self.accuracy < 1.0:
            raise InputError(f"the accuracy of an Ewald sum is {self.accuracy}; give a number between 0 and 1, as 1e-6")
        if self.splitting is not None and not 0.0 < self.splitting < math.inf:
            raise InputError(f"the splitting of an Ewald sum is {self.splitting}; give a positive inverse length")
        if self.order is not None and not (_whole(self.order) and self.order in ORDERS):
            raise InputError(
                f"the order of the splines of a mesh is {self.order!r}; give an even number from {ORDERS[0]} to "
                f"{ORDERS[-1]}, or None"
            )
        if isinstance(self.mesh, bool) or (isinstance(self.mesh, str) and self.mesh == "auto"):
            return
        counts = self.mesh.tolist() if isinstance(self.mesh, np.ndarray) else self.mesh
        if not isinstance(counts, tuple | list) or len(counts) != 3 or not all(map(_whole, counts)):
            raise InputError(
                f"the mesh of an Ewald sum is {self.mesh!r}; give 'auto', True, False, or three whole numbers of points"
            )
        if min(counts) < (least := self.order or ORDERS[0]):
            raise InputError(
                f"a mesh of {' x '.join(map(str, counts))} points is too small for splines of order {least}; give at "
                f"least {least} along each edge"
            )
        object.__setattr__(self, "mesh", tuple(int(n) for n in counts))  # what is given as an array has no ==

    @property
    def counts(self) -> tuple[int, int, int] | None:
        """The points of the mesh along each edge, where they are given."""
        if isinstance(self.mesh, bool | str):
            return None
        return self.mesh

    @property
    def decay(self) -> float:
        """s with exp(-s^2) = accuracy."""
        return math.sqrt(-math.log(self.accuracy))

    def split(self, cutoff: float) -> float:
        """a."""
        return self.decay / cutoff if self.splitting is None else self.splitting


def _whole(n: object) -> bool:
    return isinstance(n, Integral) and not isinstance(n, bool)


@dataclass(frozen=True)
class Waves:
    """Half of the waves with |k| <= 2 a s, in columns along the last edge of the reciprocal lattice.

    base [columns, 3]: the first wave of each; step [3]: from one to the next; depth [columns]: how many. weight, bend
    [columns, deepest]: w_k, doubled for -k, 0 where there is none; what -3 V dU/dV of a wave is, by its energy.
    """

    base: Floats
    step: Floats
    depth: Integers
    weight: Floats
    bend: Floats


def waves_of(matrix: Floats, ewald: Ewald, cutoff: float) -> Waves:
    """The waves of a box with edges in rows."""
    a = ewald.split(cutoff)
    reach = 2.0 * a * ewald.decay
    reciprocal = 2.0 * math.pi * np.linalg.inv(matrix).T  # rows: b_1, b_2, b_3
    volume = abs(float(np.linalg.det(matrix)))
    most = np.floor(reach * np.linalg.norm(matrix, axis=1) / (2.0 * math.pi)).astype(int)
    columns = [
        (n1, n2) for n1 in range(most[0] + 1) for n2 in range(-most[1], most[1] + 1) if n1 > 0 or n2 >= 0
    ]  # fmt: skip
    along = np.arange(-most[2], most[2] + 1)
    found = []
    for n1, n2 in columns:
        waves = n1 * reciprocal[0] + n2 * reciprocal[1] + along[:, None] * reciprocal[2]
        inside = (waves**2).sum(1) <= reach**2
        if n1 == n2 == 0:
            inside &= along >= 0
        if inside.any():
            found.append((waves[inside], n1 == n2 == 0))
    found.sort(key=lambda each: len(each[0]))
    depth = np.array([len(waves) for waves, _ in found])
    weight, bend = np.zeros((2, len(found), depth.max()))
    for c, (waves, holds_zero) in enumerate(found):
        square = (waves**2).sum(1)
        safe = np.where(square > 0.0, square, 1.0)
        weight[c, : len(waves)] = 8.0 * math.pi / (volume * safe) * np.exp(-square / (4.0 * a * a))
        bend[c, : len(waves)] = 1.0 - square / (2.0 * a * a)
        if holds_zero:
            weight[c, 0], bend[c, 0] = -math.pi / (volume * a * a), 3.0
    return Waves(np.array([waves[0] for waves, _ in found]), reciprocal[2], depth, weight, bend)
