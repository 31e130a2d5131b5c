"""Sums over particles as single nodes: opaque to algebra, transparent to parameters, read by the derivation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import sympy

from symphys.language.particle_symbols import LocalSymbol, relabelled

LABELS = ("i", "j", "k", "l")
COUNTS = {"sum": 1, "pairs": 2, "triples": 3, "quadruples": 4, "environment": 1, "angles": 2, "neighbours": 1}
SEEN = ("environment", "angles")  # sums that are seen by one particle


@dataclass(frozen=True)
class BondList:
    """Rows of indices along which a sum goes."""

    rows: tuple[tuple[int, ...], ...] = field(repr=False)

    @property
    def digest(self) -> str:
        """A short text that no other list has."""
        return blake2b(repr(self.rows).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class SumOver:
    """Over what a sum goes; called on a term it is the sum.

    kind: "sum", "pairs", "triples", "quadruples"; "environment", the sum over the others j that i sees, "angles", that
    over pairs j, k of different others, and "neighbours", an environment in what is derived. species: of each label
    that is summed over, None for any. seer: the label of the one who sees.
    """

    particles: Any
    kind: str
    species: tuple[str | None, ...]
    bonds: BondList | None = None
    seer: str = LABELS[0]

    @property
    def bound(self) -> tuple[str, ...]:
        """The labels that are summed over."""
        if self.kind in (*SEEN, "neighbours"):
            first = LABELS.index(self.seer) + 1
            return LABELS[first : first + COUNTS[self.kind]]
        return LABELS[: COUNTS[self.kind]]

    def __call__(self, body: Any) -> ParticleSum:
        """The sum of a term."""
        return ParticleSum(self, body)

    def exchanged(self, body: Any) -> Any:
        """A pair term with its particles exchanged."""
        return with_labels(body, {"i": "j", "j": "i"})

    @property
    def key(self) -> str:
        """A text that no other sum has."""
        bonds = self.bonds.digest if self.bonds else ""
        return f"{self.particles!r} {self.kind} {self.species} {bonds} {self.seer}"

    def marks(self, printer: Any = None) -> str:
        """What stands below the sign of the sum."""
        kinds = [(label, name) for label, name in zip(self.bound, self.species, strict=True) if name]
        where = "".join(rf",\, {label} \in {name}" if printer else f", {label} in {name}" for label, name in kinds)
        if self.kind in (*SEEN, "neighbours"):
            unequal = r" \neq " if printer else " != "
            return unequal.join((*self.bound, self.seer)) + where
        if self.bonds is not None:
            return ("(" + ", ".join(self.bound) + ")") + (rf" \in B_{{{len(self.bonds.rows)}}}" if printer else "")
        ordered = self.kind == "pairs" and len(set(self.species)) == 1
        return (" < " if ordered else ", ").join(self.bound) + where


class ParticleSum(sympy.Expr):
    """A sum over particles of one term; its only argument is the term."""

    is_commutative = True
    is_real = True
    is_number = False

    def __new__(cls, over: SumOver, body: Any) -> Any:
        """The sum of a term; of 0 it is 0."""
        body = sympy.sympify(body)
        if body == 0:
            return sympy.S.Zero
        made = sympy.Expr.__new__(cls, body)
        made.over = over
        return made

    @property
    def func(self) -> Any:
        """What makes the sum of another term."""
        return self.over

    @property
    def body(self) -> Any:
        """The term."""
        return self.args[0]

    @property
    def free_symbols(self) -> set[Any]:
        """The parameters in it, and, of an environment, what belongs to the one who sees."""
        bound = set(self.over.bound)
        return {s for s in self.body.free_symbols if not (isinstance(s, LocalSymbol) and set(s.labels) & bound)}

    def _eval_derivative(self, symbol: Any) -> Any:
        return self.over(self.body.diff(symbol))

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.over.key, *self.args)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.over, *self.args)

    def sort_key(self, order: Any = None) -> Any:
        """As if what it goes over were a first argument."""
        parts = (sympy.Symbol(self.over.key), *self.args)
        return (
            self.class_key(),
            (len(parts), tuple(p.sort_key(order) for p in parts)),
            sympy.S.One.sort_key(),
            sympy.S.One,
        )

    def _eval_evalf(self, _precision: int) -> None:
        return None

    def _sympystr(self, printer: Any) -> str:
        return f"Sum[{self.over.marks()}]({printer._print(self.body)})"

    _sympyrepr = _sympystr

    def _latex(self, printer: Any) -> str:
        body = printer._print(self.body)
        if isinstance(self.body, sympy.Add):
            body = rf"\left({body}\right)"
        return rf"\sum_{{{self.over.marks(printer)}}} {body}"


def with_labels(expression: Any, names: dict[str, str]) -> Any:
    """An expression about other particles; environments are seen by those."""
    found = {s: relabelled(s, names) for s in locals_in(expression)}
    for node in sums_in(expression):
        if node.over.seer in names:
            over = replace(node.over, seer=names[node.over.seer])
            moved = {**names, **dict(zip(node.over.bound, over.bound, strict=True))}
            found[node] = over(node.body.xreplace({s: relabelled(s, moved) for s in node.body.free_symbols}))
    return expression.xreplace({a: b for a, b in found.items() if a != b}) if found else expression


def locals_in(expression: Any) -> set[Any]:
    """The symbols of particles in an expression, outside of the environments in it."""
    return {s for s in expression.free_symbols if isinstance(s, LocalSymbol)}


def sums_in(expression: Any) -> Iterator[ParticleSum]:
    """The outermost sums over particles in an expression."""
    stack = [sympy.sympify(expression)]
    while stack:
        node = stack.pop()
        if isinstance(node, ParticleSum):
            yield node
        else:
            stack.extend(node.args)
