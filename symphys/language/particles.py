"""Particles of one kind of space: the handles a and b of sums over them, and the sums themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import sympy

from symphys.errors import InputError
from symphys.language.names import read_names
from symphys.language.particle_sums import LABELS, BondList, SumOver
from symphys.language.particle_symbols import (
    attribute,
    component,
    cosine,
    displacement,
    distance,
    rate_squared,
)

ATTRIBUTES = ("mass",)


@dataclass(frozen=True)
class Particles:
    """Any number of particles in `dim` dimensions, r_1, ..., r_n; how many is said when a run starts.

    species: names of kinds of particles, by which sums can be restricted; () where all are alike.
    attributes: names of what each particle has a number of, such as the mass: `atoms.mass` is the key under which a run
    is given [n] values, `atoms.mass(a)` the number of one particle inside a sum.
    The particles themselves are the key of their positions, `symphys.dot(atoms)` that of their velocities.
    """

    name: str
    dim: int
    species: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ATTRIBUTES

    def __getattr__(self, name: str) -> Attribute:
        """An attribute by its name."""
        if name.startswith("__") or name not in self.__dict__.get("attributes", ()):
            known = ", ".join(self.__dict__.get("attributes", ()))
            raise AttributeError(
                f"the particles {self.__dict__.get('name')} have no attribute {name!r}; they have {known}. Name it in "
                "particles(..., attributes=...)."
            )
        return Attribute(self, name)

    def rate(self, order: int) -> ParticleRate:
        """The key of the velocities (order 1) or the accelerations (order 2)."""
        return ParticleRate(self, order)

    def sum(self, term: Callable[[Particle], Any], *, species: str | None = None) -> Any:
        """sum_i f(i) over all particles, or those of one species."""
        return SumOver(self, "sum", self._species((species,)))(_body(term, self._handles(1)))

    def pairs(
        self, term: Callable[[Particle, Particle], Any], *, between: tuple[str, str] | None = None, along: Any = None
    ) -> Any:
        """sum_{i<j} f(i, j): every unordered pair once.

        between: of one species with another (or the same), with a of the first and b of the second.
        along: a list [m, 2] of pairs of indices, or a graph with `edges`; then a and b are the ends of each bond.
        Raises `InputError` where f is not symmetric and nothing says which of two particles is a.
        """
        body = _body(term, self._handles(2))
        bonds = None if along is None else bond_list(along, 2)
        over = SumOver(self, "pairs", self._species(between or (None, None)), bonds)
        if bonds is None and len(set(over.species)) == 1 and sympy.expand(body - over.exchanged(body)) != 0:
            raise InputError(
                f"the pair term {body} changes when its particles are exchanged, and nothing says which is which; "
                "write a symmetric one, or give between=(species, species) or along=bonds"
            )
        return over(body)

    def triples(self, term: Callable[[Particle, Particle, Particle], Any], *, along: Any) -> Any:
        """sum f(i, j, k) over a list [m, 3] of indices; `b.angle(a, c)` is the angle at b."""
        return SumOver(self, "triples", (None,) * 3, bond_list(along, 3))(_body(term, self._handles(3)))

    def quadruples(self, term: Callable[[Particle, Particle, Particle, Particle], Any], *, along: Any) -> Any:
        """sum f(i, j, k, l) over a list [m, 4] of indices; `a.signed_volume(b, c, d)` tells left from right."""
        return SumOver(self, "quadruples", (None,) * 4, bond_list(along, 4))(_body(term, self._handles(4)))

    def environment(
        self,
        seer: Particle | str,
        *,
        weight: Callable[..., Any],
        of: str | tuple[str | None, ...] | list[str | None] | None = None,
        rank: int = 0,
    ) -> Any:
        """What particle i sees of the others: sums of a weight over them, to stand in any function of one particle.

        With one kind of neighbour, sum_{j != i} w(r_ij). With two, of=(first, second), the sum over pairs of different
        neighbours, sum_{j != k} w(r_ij, r_ik, cos theta_jik), a polynomial in the cosine whose coefficients are sums of
        products f(r_ij) g(r_ik): Behler, Parrinello, Phys. Rev. Lett. 98 (2007) 146401, and their like. It is computed
        from sums over single neighbours, so that it costs no more than these.

        seer: the particle a of a sum, or a species, for losses of agents. of: the species that is seen, None for all.
        rank: 1 for the vector [dim] sum_j w(r_ij) (r_j - r_i) / r_ij, of which products make invariants that tell left
        from right.
        Raises `InputError` for an unknown species, more kinds of neighbours than two, a weight of other arguments, and
        other ranks than 0 and 1.
        """
        if isinstance(seer, str):
            self._species((seer,))
            seer = Particle(self, LABELS[0])
        if seer.particles != self or seer.label != LABELS[0]:
            raise InputError(
                f"the environment of {seer} was asked for; it is that of a particle a in {self.name}.sum(lambda a: ...)"
            )
        if isinstance(of, tuple | list) and len(of) != 2:
            raise InputError(f"of = {of!r} names {len(of)} kinds of neighbours; give one, or a pair (first, second)")
        if rank not in (0, 1) or (rank and isinstance(of, tuple | list)):
            raise InputError(
                f"an environment of rank {rank!r} was asked for; there are numbers (0) and, of one kind of neighbour, "
                "vectors (1)"
            )
        j, k = (Particle(self, label) for label in LABELS[1:3])
        i, r = seer, seer.distance(j)
        if isinstance(of, tuple | list):
            over = SumOver(self, "angles", self._species(of))
            return over(_weighed(weight, r, i.distance(k), cosine(i.label, j.label, k.label)))
        over = SumOver(self, "environment", self._species((of,)))
        body = _weighed(weight, r)
        return over(body) if rank == 0 else sympy.ImmutableMatrix([over(body * d / r) for d in j.displacement(i)])

    def _handles(self, count: int) -> tuple[Particle, ...]:
        return tuple(Particle(self, label) for label in LABELS[:count])

    def _species(self, names: Iterable[str | None]) -> tuple[str | None, ...]:
        names = tuple(names)
        for name in names:
            if name is not None and name not in self.species:
                known = ", ".join(self.species) or "none"
                raise InputError(f"{self.name} has no species {name!r}; it has {known}")
        return names

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class ParticleRate:
    """The key of velocities or accelerations of particles."""

    particles: Particles
    order: int

    def rate(self, order: int) -> ParticleRate:
        """Differentiated further."""
        return ParticleRate(self.particles, self.order + order)

    def __str__(self) -> str:
        return (
            f"{self.particles.name}_{'d' * self.order}ot" if self.order < 3 else f"{self.particles.name}_d{self.order}"
        )


@dataclass(frozen=True)
class Attribute:
    """A number of each particle: the key of its values [n], and called on a particle its number there."""

    particles: Particles
    name: str

    def __call__(self, particle: Particle) -> Any:
        """The number of one particle inside a sum."""
        return attribute(self.name, particle.label)

    def __str__(self) -> str:
        return f"{self.particles.name}.{self.name}"


@dataclass(frozen=True)
class Particle:
    """One particle inside a sum."""

    particles: Particles
    label: str

    @property
    def position(self) -> Any:
        """[dim], the components of r, never folded into a box: what is to repeat with it must be written so."""
        return self._vector(0)

    @property
    def velocity(self) -> Any:
        """[dim], the components of r'."""
        return self._vector(1)

    @property
    def speed_squared(self) -> Any:
        """|r'|^2."""
        return rate_squared(self.label)

    def distance(self, other: Particle) -> Any:
        """|r_a - r_b|, of the nearest images in a periodic box."""
        self._same(other)
        return distance(self.label, other.label)

    def displacement(self, other: Particle) -> Any:
        """[dim], r_a - r_b, of the nearest images in a periodic box."""
        self._same(other)
        return sympy.ImmutableMatrix(
            [displacement(self.label, other.label, axis) for axis in range(self.particles.dim)]
        )

    def angle(self, first: Particle, second: Particle) -> Any:
        """The angle at this particle between the directions to two others, from 0 to pi."""
        legs = [each.displacement(self) for each in (first, second)]
        lengths = self.distance(first) * self.distance(second)
        return sympy.acos(legs[0].dot(legs[1]) / lengths)

    def signed_volume(self, first: Particle, second: Particle, third: Particle) -> Any:
        """(r_1 - r) . ((r_2 - r) x (r_3 - r)), whose sign tells a molecule from its mirror image."""
        if self.particles.dim != 3:
            raise InputError(
                f"a signed volume exists in three dimensions; {self.particles.name} lives in {self.particles.dim}"
            )
        legs = [each.displacement(self) for each in (first, second, third)]
        return legs[0].dot(legs[1].cross(legs[2]))

    def _vector(self, order: int) -> Any:
        return sympy.ImmutableMatrix([component(self.label, order, axis) for axis in range(self.particles.dim)])

    def _same(self, other: Particle) -> None:
        if self.particles != other.particles:
            raise InputError(f"{self} and {other} are particles of two families; a distance is taken within one")
        if self.label == other.label:
            raise InputError(f"the distance of {self} from itself was asked for; take two particles")

    def __str__(self) -> str:
        return f"{self.particles.name}_{self.label}"


def particles(
    name: str, dim: int, species: Iterable[str] | None = None, attributes: Iterable[str] = ATTRIBUTES
) -> Particles:
    """Any number of particles in `dim` dimensions.

    Raises `InputError` for a name that is none, a dimension below 1, and names that stand twice.
    """
    read = read_names(name, "particles")
    if len(read) > 1:
        raise InputError(f"particles() makes one family, but {name!r} holds {len(read)} names")
    if not isinstance(dim, int) or isinstance(dim, bool) or dim < 1:
        raise InputError(f"the particles {name} need a number of dimensions of at least 1, not {dim!r}")
    kinds, numbers = tuple(species or ()), tuple(attributes)
    if "mass" not in numbers:
        numbers = ("mass", *numbers)
    for what, names in (("species", kinds), ("attributes", numbers)):
        if len(set(names)) < len(names) or not all(isinstance(each, str) and each for each in names):
            raise InputError(f"the {what} of {name} are {names}; give different names")
    taken = {*dir(Particles), "name", "dim", "species", "attributes"} - {"mass"}
    for each in numbers:
        if each in taken or not each.isidentifier():
            raise InputError(f"an attribute of {name} cannot be called {each!r}; choose another name")
    return Particles(read[0], dim, kinds, numbers)


def bond_list(along: Any, ends: int) -> BondList:
    """[m, ends] indices from an array or a graph; InputError for what is neither, and for one particle twice."""
    given = list(along.edges) if hasattr(along, "edges") else along
    array = np.asarray(given)
    if array.ndim != 2 or array.shape[1] != ends or array.dtype.kind not in "iu" or array.size == 0:
        raise InputError(
            f"along is an array of shape {array.shape} of {array.dtype}; give indices [m, {ends}] of particles"
        )
    if array.min() < 0 or any(len(set(row)) < ends for row in array.tolist()):
        raise InputError(f"along holds a negative index or one particle twice in a row; give {ends} different indices")
    return BondList(tuple(map(tuple, array.tolist())))


def _body(term: Callable[..., Any], handles: tuple[Particle, ...]) -> Any:
    try:
        return sympy.sympify(term(*handles), strict=True)
    except sympy.SympifyError as error:
        raise InputError(f"the term of a sum over {handles[0].particles.name} is no expression: {error}") from None


def _weighed(weight: Callable[..., Any], *seen: Any) -> Any:
    """A weight of what is seen of neighbours; InputError for one of another number of arguments."""
    try:
        signature(weight).bind(*seen)
    except ValueError:  # what is not written in Python may have no signature
        pass
    except TypeError:
        raise InputError(
            f"the weight of an environment is called with {len(seen)} arguments here; write lambda r: ... for one kind "
            "of neighbour, and lambda r, s, c: ... with of=(first, second), (None, None) for all"
        ) from None
    return sympy.sympify(weight(*seen))
