"""Sums of products with common factors."""

from __future__ import annotations

from dataclasses import dataclass

from codegen.ir import Kind, Node, add_many, constant_value, real

from .graph import Roots, rewrite_nodes, uses_of

SUMS = ("add", "sub", "neg")


@dataclass(frozen=True)
class _Term:
    """coefficient * product of factors."""

    coefficient: float
    factors: tuple[Node, ...]

    @property
    def divisible(self) -> bool:
        """Whether something is left when a factor is taken out."""
        return len(self.factors) > 1 or (bool(self.factors) and abs(self.coefficient) != 1.0)

    def node(self) -> Node:
        """The product, without its sign."""
        product = _product(self.factors)
        scale = abs(self.coefficient)
        return real(scale) if product is None else product * real(scale)


def factor_sums(roots: Roots, named: Roots) -> tuple[Roots, Roots]:
    """Gather like terms, then take out the factor that most terms share, again and again.

    Only products and partial sums that nothing else uses are opened. Every step lowers the number of sums, or that of
    products at equal sums; sums that do not improve stay as they were written.
    """
    order, uses = uses_of(roots)
    inner = {  # partial sums, which belong to the sum that they stand in
        a.key for n in order if n.op in SUMS for a in n.args if a.op in SUMS and uses[a.key] == 1
    }

    def rule(n: Node, done: dict[bytes, Node]) -> Node | None:
        if n.op not in ("add", "sub") or n.kind is not Kind.REAL or n.key in inner or n.key not in uses:
            return None
        terms = [_term(sign, t, uses, done) for sign, t in _terms(n, uses)]
        gathered = _gather(terms)
        improved = _factored(gathered)
        if improved is None and len(gathered) == len(terms):
            return None
        return _sum(gathered) if improved is None else improved

    return rewrite_nodes(roots, named, rule)


def _terms(n: Node, uses: dict[bytes, int]) -> list[tuple[float, Node]]:
    """The summands of a sum with their signs, in order."""
    found: list[tuple[float, Node]] = []
    stack = [(1.0, n, True)]
    while stack:
        sign, m, top = stack.pop()
        if m.op in SUMS and (top or uses[m.key] == 1):
            last = -sign if m.op in ("sub", "neg") else sign
            if len(m.args) == 2:
                stack += [(last, m.args[1], False), (sign, m.args[0], False)]
            else:
                stack.append((last, m.args[0], False))
        else:
            found.append((sign, m))
    return found


def _term(sign: float, n: Node, uses: dict[bytes, int], done: dict[bytes, Node]) -> _Term:
    """A summand as a coefficient and factors; products that are used elsewhere stay whole."""
    factors: list[Node] = []
    stack = [n]
    while stack:
        m = stack.pop()
        value = constant_value(m)
        if value is not None:
            sign *= float(value)
        elif m.op == "neg" and uses[m.key] == 1:
            sign = -sign
            stack.append(m.args[0])
        elif m.op == "mul" and uses[m.key] == 1:
            stack += m.args
        else:
            factors.append(done[m.key])
    return _Term(sign, tuple(sorted(factors, key=lambda f: f.key)))


def _gather(terms: list[_Term]) -> list[_Term]:
    """Terms with the same factors as one; a term whose coefficient becomes zero is gone."""
    sums: dict[tuple[Node, ...], float] = {}
    for term in terms:
        sums[term.factors] = sums.get(term.factors, 0.0) + term.coefficient
    return [_Term(coefficient, factors) for factors, coefficient in sums.items() if coefficient]


def _factored(terms: list[_Term]) -> Node | None:
    """The sum with its commonest factor taken out, and so on inside and outside; None where no factor is common."""
    parts: list[Node] = []
    rest = terms
    while (common := _commonest(rest)) is not None:
        inside = [
            _Term(t.coefficient, _without(t.factors, common)) for t in rest if common in t.factors and t.divisible
        ]
        rest = [t for t in rest if not (common in t.factors and t.divisible)]
        parts.append(common * (_factored(inside) or _sum(inside)))
    scaled = _scaled(rest)
    if not parts:
        return scaled
    return add_many([*parts, scaled or _sum(rest)])


def _commonest(terms: list[_Term]) -> Node | None:
    """The factor that most terms share."""
    counts: dict[Node, int] = {}
    for term in terms:
        if term.divisible:
            for f in dict.fromkeys(term.factors):
                counts[f] = counts.get(f, 0) + 1
    common = max(counts, key=lambda f: counts[f], default=None)
    return common if common is not None and counts[common] > 1 else None


def _scaled(terms: list[_Term]) -> Node | None:
    """The sum with coefficients of equal size taken out; None where none is shared."""
    groups: dict[float, list[_Term]] = {}
    for term in terms:
        if term.factors:
            groups.setdefault(abs(term.coefficient), []).append(term)
    shared = {size for size, group in groups.items() if size != 1.0 and len(group) > 1}
    if not shared:
        return None
    parts = [_sum([t for t in terms if not t.factors or abs(t.coefficient) not in shared])]
    parts += [_sum([_Term(t.coefficient / s, t.factors) for t in groups[s]]) * real(s) for s in groups if s in shared]
    return add_many(parts)


def _without(factors: tuple[Node, ...], common: Node) -> tuple[Node, ...]:
    i = factors.index(common)
    return factors[:i] + factors[i + 1 :]


def _product(factors: tuple[Node, ...]) -> Node | None:
    if not factors:
        return None
    product = factors[0]
    for f in factors[1:]:
        product = product * f
    return product


def _sum(terms: list[_Term]) -> Node:
    """A balanced sum of the positive terms less one of the negative ones."""
    positive = add_many(t.node() for t in terms if t.coefficient > 0)
    negative = add_many(t.node() for t in terms if t.coefficient < 0)
    return positive - negative
