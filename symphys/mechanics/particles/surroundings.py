"""What particles see of each other, as sums over single neighbours: weights of the distance, times directions.

With n the direction from i to j, sum_{j != k} f(r_ij) g(r_ik) (n_ij . n_ik)^l is a sum over monomials of degree l,
multinomial(l, a) (sum_j f n^a) (sum_k g n^a), less what j = k would add. So angles between neighbours cost no more than
neighbours do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from math import factorial, prod
from typing import Any

import sympy

from symphys.errors import UnsupportedError
from symphys.language.networks import NetworkTerm
from symphys.language.particle_sums import LABELS, ParticleSum, sums_in
from symphys.language.particle_symbols import LocalSymbol, cosine, displacement, distance

I, J, K = LABELS[:3]
SQUARE = sympy.Symbol("r2", positive=True)  # q = r^2 of the pair at hand
CUTOFF = sympy.Symbol("r_c", positive=True)
ONSET = sympy.Symbol("r_s", positive=True)
SMOOTHINGS = ("shift", "shift force", "switch")


@dataclass(frozen=True)
class Environment:
    """rho(i) = sum_j w(r_ij) n_1^a_1 n_2^a_2 ... over the species `of`, n the direction from i to j.

    weight: w in `SQUARE`. factor: -2 dw/dq. powers: [dim], a.
    """

    of: str | None
    weight: Any
    factor: Any
    powers: tuple[int, ...]

    @property
    def degree(self) -> int:
        """How often the direction enters; seen from j, odd ones have the other sign."""
        return sum(self.powers)


@dataclass(frozen=True)
class Invariant:
    """I(i) = sum c rho_a(i) rho_b(i) ..., called `symbol` in what depends on it; terms: (c, (a, b, ...)).

    written: the sum that it is, as it was written.
    """

    symbol: Any
    written: ParticleSum
    terms: tuple[tuple[Any, tuple[int, ...]], ...]


@dataclass
class Surroundings:
    """Invariants and the environments of which they are made, each once, as they are met."""

    dim: int
    smoothing: str | None
    environments: list[Environment] = field(default_factory=list)
    invariants: list[Invariant] = field(default_factory=list)
    known: dict[Any, Any] = field(default_factory=dict)
    places: dict[Any, int] = field(default_factory=dict)

    def meet(self, bodies: Sequence[Any]) -> None:
        """Take up all that is seen in some energies; `known` are then the symbols of these sums."""
        for node in (node for body in bodies for node in sums_in(body)):
            if node in self.known:
                continue
            terms = self._pairs(node) if node.over.kind == "angles" else self._single(node)
            symbol = sympy.Symbol(f"seen_{len(self.known)}", real=True)
            self.known[node] = symbol
            self.invariants.append(Invariant(symbol, node, terms))

    def _single(self, node: ParticleSum) -> tuple[tuple[Any, tuple[int, ...]], ...]:
        """A sum over neighbours of a weight, or of a component of the direction times a weight."""
        r, (of,) = distance(I, J), node.over.species
        axes = {displacement(I, J, k): k for k in range(self.dim)}
        along = [s for s in axes if s in node.body.free_symbols]
        powers = [0] * self.dim
        weight = node.body
        if along:
            powers[axes[along[0]]] = 1
            weight = -node.body.coeff(along[0]) * r
        return ((sympy.S.One, (self._place(of, self._ended(weight, r), tuple(powers)),)),)

    def _pairs(self, node: ParticleSum) -> tuple[tuple[Any, tuple[int, ...]], ...]:
        """A sum over pairs of neighbours, by monomials of their directions."""
        r, s, c = distance(I, J), distance(I, K), cosine(I, J, K)
        first, second = node.over.species
        terms: dict[tuple[int, ...], Any] = {}
        met = None not in (first, second) and first != second

        def add(coefficient: Any, *places: int) -> None:
            key = tuple(sorted(places))
            terms[key] = terms.get(key, sympy.S.Zero) + coefficient

        for degree, coefficient in enumerate(_by_cosine(node.body, c)):
            for factor, f, g in separated(coefficient, r, s):
                one, two = self._ended(f, r), self._ended(g.xreplace({s: r}), r)
                for powers in monomials(self.dim, degree):
                    many = factorial(degree) // prod(map(factorial, powers))
                    add(factor * many, self._place(first, one, powers), self._place(second, two, powers))
                if not met:  # neighbours of one kind meet themselves, at an angle of zero
                    add(-factor, self._place(first or second, one * two, (0,) * self.dim))
        return tuple((coefficient, places) for places, coefficient in terms.items() if coefficient != 0)

    def _ended(self, weight: Any, r: Any) -> Any:
        """A weight in `SQUARE`, with its end at the cutoff."""
        ended = smoothed(weight, r, self.smoothing)
        if self.smoothing == "switch" and r not in weight.free_symbols:  # a neighbour counts alike until it is gone
            ended = weight * smoothed(r, r, "switch") / r
        return ended.xreplace({r: sympy.sqrt(SQUARE)})

    def _place(self, of: str | None, weight: Any, powers: tuple[int, ...]) -> int:
        """The number of an environment."""
        key = (of, weight, powers)
        if key not in self.places:
            self.places[key] = len(self.environments)
            self.environments.append(Environment(of, weight, -2 * by_square(weight), powers))
        return self.places[key]


def monomials(dim: int, degree: int) -> list[tuple[int, ...]]:
    """The exponents of all monomials of a degree."""
    return [powers for powers in product(range(degree + 1), repeat=dim) if sum(powers) == degree]


def smoothed(potential: Any, symbol: Any, smoothing: str | None, steps: Sequence[Any] = ()) -> Any:
    """V with an end at the cutoff r_c; written in components d of the displacement alone, V(d) is V(r n), n = d / r.

    "shift": V - V(r_c). "shift force": V - V(r_c) - (r - r_c) V'(r_c), without a jump of the force (Toxvaerd, Dyre, J.
    Chem. Phys. 134 (2011) 081102). "switch": V S, with S = 1 - 10 x^3 + 15 x^4 - 6 x^5 of x = (r - r_s) / (r_c - r_s),
    with two continuous derivatives.
    """
    moving = potential.free_symbols
    if smoothing is None or not moving & {symbol, *steps}:
        return potential
    if smoothing != "switch":
        reach = sympy.Dummy("r", positive=True)
        along = {symbol: reach} if symbol in moving else {d: d * reach / symbol for d in steps}
        written = potential.xreplace(along)
        ended = potential - written.subs(reach, CUTOFF)
        if smoothing == "shift force":
            ended -= (symbol - CUTOFF) * written.diff(reach).subs(reach, CUTOFF)
        return ended
    x = sympy.Max(symbol - ONSET, 0) / (CUTOFF - ONSET)
    return potential * (1 - x**3 * (10 - x * (15 - 6 * x)))


def by_square(potential: Any) -> Any:
    """d/dq; derivatives of Max, where the switch begins, are steps."""
    return nested(potential.diff(SQUARE))


def nested(expression: Any) -> Any:
    """A polynomial in 1 / r by Horner's rule, w^8 (b + a w^6); anything else as it is."""
    inverse = sympy.Symbol("w", positive=True)
    written = sympy.expand(expression.xreplace({SQUARE: inverse**-2}))
    if SQUARE not in expression.free_symbols or not written.is_polynomial(inverse):
        return expression
    if len(sympy.Add.make_args(written)) < 2 or sympy.degree(written, inverse) < 3:
        return expression
    return sympy.horner(written, inverse).xreplace({inverse: 1 / sympy.sqrt(SQUARE)})


def _by_cosine(body: Any, c: Any) -> list[Any]:
    """The coefficients of 1, c, c^2, ...; UnsupportedError for what is no polynomial in c."""
    if not body.is_polynomial(c):
        raise UnsupportedError(
            f"the weight {body} of two neighbours is no polynomial in the cosine of the angle between them; write it "
            "in powers of the cosine"
        )
    found, number = [], 0
    while body != 0:
        found.append(body.xreplace({c: sympy.S.Zero}) / factorial(number))
        body, number = body.diff(c), number + 1
    return found


def separated(body: Any, r: Any, s: Any) -> list[tuple[Any, Any, Any]]:
    """A function of two distances as a sum of c f(r) g(s); UnsupportedError where it is none."""
    found = []
    for term in sympy.Add.make_args(body):
        factors: dict[Any, Any] = {None: sympy.S.One, r: sympy.S.One, s: sympy.S.One}
        for factor in sympy.Mul.make_args(term):
            held = [x for x in (r, s) if x in factor.free_symbols]
            if len(held) == 2:
                break
            factors[held[0] if held else None] *= factor
        else:
            if term != 0:
                found.append((factors[None], factors[r], factors[s]))
            continue
        wide = sympy.expand(term)
        if wide == term:
            raise UnsupportedError(
                f"the weight {body} of two neighbours is no sum of products of functions of one distance each; write "
                f"it as such, f({r}) g({s})"
            )
        found += separated(wide, r, s)
    return found


def turns_along(surroundings: Sequence[Invariant], environments: Sequence[Environment], slopes: Sequence[Any]) -> bool:
    """Whether an energy with such slopes stays the same when all vectors in it turn, tested at a place of no symmetry.

    Sums over pairs of neighbours do so by themselves; components of vectors need not.
    """
    spots: dict[Any, dict[int, Any]] = {}
    for place, each in enumerate(surroundings):
        ((_, (first, *more)), *_) = each.terms
        if not more and environments[first].degree:
            axis = environments[first].powers.index(1)
            spots.setdefault((environments[first].of, environments[first].weight), {})[axis] = place
    if not spots:
        return True
    symbols = {s for slope in slopes for s in slope.free_symbols} | {each.symbol for each in surroundings}
    values = {s: sympy.Rational(37 + 17 * k, 29 + 3 * k * k) for k, s in enumerate(sorted(symbols, key=str))}
    terms = {n for slope in slopes for n in slope.atoms(NetworkTerm)}
    values |= {n: sympy.Rational(5 + 7 * k, 11 + k * k) for k, n in enumerate(sorted(terms, key=str))}
    numbers = [float(slope.xreplace(values)) for slope in slopes]
    dim = len(environments[0].powers)
    for a, b in combinations(range(dim), 2):
        parts = []
        for number, vector in enumerate(spots.values()):
            spot = [float(values[surroundings[vector[k]].symbol]) if k in vector else 0.3 + number for k in range(dim)]
            parts += [numbers[vector[a]] * spot[b]] if a in vector else []
            parts += [-numbers[vector[b]] * spot[a]] if b in vector else []
        if abs(sum(parts)) > 1e-12 * sum(map(abs, parts)):
            return False
    return True


def holds_directions(body: Any) -> bool:
    """Whether an energy sees more of its neighbours than distances."""
    roles = ("displacement", "cosine")
    return any(isinstance(s, LocalSymbol) and s.role in roles for node in sums_in(body) for s in node.body.free_symbols)
