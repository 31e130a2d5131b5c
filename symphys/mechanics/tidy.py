"""Shorter ways of writing the same: for people, and where terms in the velocities cancel."""

import itertools
from collections.abc import Iterable
from typing import Any

import sympy

from symphys.mechanics.engine import expanded
from symphys.mechanics.graph import exceeds, free_symbols, postorder, size, substitute, written_operations
from symphys.mechanics.radicals import roots_combined

_MAX_SIZE = 400  # beyond this, rewriting costs more than it saves
_MAX_OPERATIONS = 1000  # beyond this, nobody reads
_MAX_TERMS = 128


def distributed(expressions: Iterable[Any], variables: Iterable[Any]) -> tuple[Any, ...]:
    """Products of sums in `variables` (velocities) multiplied out, where that makes the whole shorter.

    dL/dq - (dp/dq) v is full of terms that cancel once its products of velocities are multiplied out; sums of
    coordinates stay as they are, for differences such as x - y lose digits when they are multiplied out.
    """
    expressions = tuple(expressions)
    if size(expressions) > _MAX_SIZE:
        return expressions
    moving = frozenset(variables)
    done: dict[Any, Any] = {}
    for node in postorder(expressions):
        new = node
        if isinstance(node, sympy.Add):
            new = sympy.Add(*(done[arg] for arg in node.args))
        elif isinstance(node, sympy.Mul):
            new = _product([done[arg] for arg in node.args], moving)
        elif isinstance(node, sympy.Pow) and node.exp in (2, 3):
            new = _product([done[node.base]] * int(node.exp), moving)
        done[node] = new
    rewritten = tuple(done[expression] for expression in expressions)
    return rewritten if size(rewritten) < size(expressions) else expressions


def _product(factors: list[Any], moving: frozenset[Any]) -> Any:
    sums = [factor for factor in factors if isinstance(factor, sympy.Add) and free_symbols((factor,)) & moving]
    count = 1
    for factor in sums:
        count *= len(factor.args)
    if not sums or count > _MAX_TERMS:
        return sympy.Mul(*factors)
    rest = list(factors)
    for factor in sums:
        rest.remove(factor)
    common = sympy.Mul(*rest)
    return sympy.Add(*(common * sympy.Mul(*choice) for choice in itertools.product(*(s.args for s in sums))))


def readable(expression: Any) -> Any:
    """The shortest of a few ways of writing a moderate expression: as it is, expanded, with common factors out."""
    if expression.is_Atom or exceeds(expression, _MAX_OPERATIONS):
        return expression
    candidates = [expression]
    if _terms_when_expanded(expression) <= _MAX_TERMS:
        candidates.append(expanded(expression))
    candidates += [roots_combined(expression), _squares_combined(candidates[-1])]
    candidates += [_denominators_factored(candidate) for candidate in candidates]
    candidates += [common_factor(candidate) for candidate in candidates]
    return min(candidates, key=written_operations)


def common_factor(expression: Any) -> Any:
    """A sum with what all its terms share in front (SymPy's factor_terms does more, and may take for ever)."""
    if not isinstance(expression, sympy.Add) or len(expression.args) > _MAX_TERMS:
        return expression
    split = [term.as_coeff_Mul() for term in expression.args]
    powers = [rest.as_powers_dict() for _, rest in split]
    common = sympy.Mul(*(base ** _shared_power([each.get(base, 0) for each in powers]) for base in powers[0]))
    if common == 1:
        return expression
    content = sympy.gcd_list([coefficient for coefficient, _ in split])
    content = sympy.S.One if content.is_Float else content
    return content * common * sympy.Add(*(coefficient / content * (rest / common) for coefficient, rest in split))


def _shared_power(powers: list[Any]) -> Any:
    if not all(isinstance(power, sympy.Integer) for power in powers):
        return 0
    if min(powers) > 0:
        return min(powers)
    return max(powers) if max(powers) < 0 else 0


def written_out(expression: Any) -> Any:
    """A moderate expression as a plain sum of terms, as equations of motion are read."""
    if exceeds(expression, _MAX_OPERATIONS) or _terms_when_expanded(expression) > _MAX_TERMS:
        return expression
    out = expanded(expression)
    return min((out, expression, _squares_combined(out)), key=written_operations)


def _denominators_factored(expression: Any) -> Any:
    """Sums in denominators with common factors out, so that these cancel against those above."""
    found = {
        node: common_factor(node.base) ** node.exp
        for node in postorder((expression,))
        if isinstance(node, sympy.Pow) and isinstance(node.base, sympy.Add) and node.exp.is_Integer and node.exp < 0
    }
    return substitute((expression,), found)[0] if found else expression


def _squares_combined(expression: Any) -> Any:
    """A sum with sin^2 + cos^2 of the same angle taken together, where that makes it shorter."""
    if not isinstance(expression, sympy.Add) or len(expression.args) > _MAX_TERMS:
        return expression
    squares = {n.base for n in postorder((expression,)) if isinstance(n, sympy.Pow) and n.exp.is_Integer and n.exp >= 2}
    sines = sorted((s for s in squares if isinstance(s, sympy.sin)), key=sympy.default_sort_key)
    for sine in sines * len(sines):  # what one angle leaves may be taken together by another
        cosine = sympy.cos(*sine.args)
        if cosine not in squares:
            continue
        for gone, left in ((cosine, sine), (sine, cosine)):
            powers = {n: (1 - left**2) ** (n.exp // 2) * gone ** (n.exp % 2)
                      for n in postorder((expression,))
                      if isinstance(n, sympy.Pow) and n.base == gone and n.exp.is_Integer and n.exp >= 2}  # fmt: skip
            (without_square,) = substitute((expression,), powers)
            expression = min(expression, expanded(without_square), key=written_operations)
    return expression


def readable_fraction(numerator: Any, denominator: Any) -> Any:
    """numerator/denominator with common monomial factors divided out."""
    return common_factor(numerator) / common_factor(denominator)


def simplified(expression: Any, limit: int = 80) -> Any:
    """`sympy.simplify` for what is short enough that it answers at once; else as `readable`."""
    if exceeds(expression, limit):
        return readable(expression)
    candidates = [readable(expression), sympy.simplify(expression)]
    if candidates[1].has(sympy.Piecewise) and not expression.has(sympy.Piecewise):
        return candidates[0]
    return min(candidates, key=written_operations)


def _terms_when_expanded(expression: Any) -> int:
    """An upper bound for the number of terms of the expanded expression, told from its structure alone."""
    counts: dict[Any, int] = {}
    for node in postorder((expression,)):
        count = 1
        if isinstance(node, sympy.Add):
            count = sum(counts[arg] for arg in node.args)
        elif isinstance(node, sympy.Mul):
            for arg in node.args:
                count *= counts[arg]
        elif isinstance(node, sympy.Pow) and node.exp.is_Integer and node.exp > 1:
            count = counts[node.base] ** min(int(node.exp), 64)
        counts[node] = min(count, 10**9)
    return counts[expression]


def without(expression: Any, symbols: Iterable[Any]) -> Any:
    """`expression` with `symbols` set to zero."""
    return substitute((expression,), dict.fromkeys(symbols, sympy.S.Zero))[0]
