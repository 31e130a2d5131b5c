"""Square roots of the same quantity brought together: m v^2 / S + m c^2 S with S = sqrt(1 - v^2 / c^2) is m c^2 / S.

Each root is a generator w with w^2 = b; what is left is a rational function in the variables and the w, of which the
powers of w above the first are put in and which is then cancelled.
"""

from typing import Any

import sympy

from symphys.mechanics.graph import postorder, substitute, written_operations

_MAX_OPERATIONS = 120  # beyond this, cancelling takes seconds
_MAX_ROOTS = 3
_MAX_POWERS = 8  # distinct powers of roots


def roots_combined(expression: Any) -> Any:
    """The expression with the square roots of each quantity combined, where there are several; else as it is."""
    powers = [node for node in postorder((expression,)) if _is_root(node)]
    if not 2 <= len(powers) <= _MAX_POWERS or written_operations(expression) > _MAX_OPERATIONS:
        return expression
    bases = [node.base for node in powers]
    if len(set(bases)) == len(bases) and not any(one != other and one.has(other) for one in bases for other in bases):
        return expression
    generators: dict[Any, Any] = {}
    rational = _rational(expression, generators)
    if rational is None or len(generators) > _MAX_ROOTS or len(generators) >= len(powers):
        return expression
    if not rational.is_rational_function(*generators.values()):
        return expression  # a root stands inside exp, sin or a network
    groups: dict[frozenset[Any], list[Any]] = {}
    for term in sympy.Add.make_args(rational):
        groups.setdefault(frozenset(term.free_symbols & set(generators.values())), []).append(term)
    total = sympy.S.Zero
    for symbols, terms in groups.items():
        total += sympy.Add(*terms) if not symbols else _cancelled(sympy.Add(*terms), generators, symbols)
    return total


def _is_root(node: Any) -> bool:
    return isinstance(node, sympy.Pow) and isinstance(node.exp, sympy.Rational) and node.exp.q == 2


def _rational(expression: Any, generators: dict[Any, Any]) -> Any | None:
    """The expression with generators in the place of roots; None where a root holds another, or a function of one."""
    done: dict[Any, Any] = {}
    for node in postorder((expression,)):
        if not _is_root(node):
            done[node] = node.func(*(done.get(arg, arg) for arg in node.args)) if node.args else node
            continue
        inside = sympy.cancel(sympy.together(done[node.base]))
        if inside.free_symbols & set(generators.values()):
            if not inside.is_rational_function(*generators.values()):
                return None
            inside = _cancelled(inside, generators, frozenset(generators.values()))
            if any(_is_root(part) for part in postorder((inside,))):
                return None
        above, below = sympy.fraction(inside)
        root = sympy.sqrt(sympy.factor_terms(above)) / sympy.sqrt(sympy.factor_terms(below))
        if not below.is_positive:
            root = sympy.sqrt(inside)
        found = {part for part in postorder((root,)) if _is_root(part)}
        for part in found:
            base = sympy.expand(part.base)
            w = generators.setdefault(base, sympy.Dummy(f"w{len(generators)}", positive=True))
            (root,) = substitute((root,), {part: w ** (2 * part.exp)})
        done[node] = root ** (2 * node.exp)
    return done[expression]


def _cancelled(rational: Any, generators: dict[Any, Any], used: frozenset[Any]) -> Any:
    """The shortest way of writing a rational function of the `used` roots."""
    roots = {w: b for b, w in generators.items() if w in used}
    above, below = sympy.fraction(sympy.cancel(sympy.together(rational)))
    for w, b in roots.items():
        above, below = _reduced(above, w, b), _reduced(below, w, b)
        if below.has(w):
            even, odd = _parts(below, w)
            above, below = _reduced(sympy.expand(above * (even - odd * w)), w, b), sympy.expand(even**2 - odd**2 * b)
    fraction = sympy.factor(sympy.cancel(above / below))
    candidates = [fraction]
    for w, b in roots.items():  # w A and A b / w are the same
        candidates.append(sympy.factor(sympy.cancel(_reduced(sympy.expand(sympy.fraction(fraction)[0] * w), w, b)
                                                    / sympy.fraction(fraction)[1])) / w)  # fmt: skip
    back = {w: sympy.sqrt(b) for w, b in roots.items()}
    return min((substitute((each,), back)[0] for each in candidates), key=written_operations)


def _parts(polynomial: Any, w: Any) -> tuple[Any, Any]:
    """E and O of E + O w, for a polynomial of first degree."""
    poly = sympy.Poly(polynomial, w)
    return poly.coeff_monomial(1), poly.coeff_monomial(w)


def _reduced(polynomial: Any, w: Any, b: Any) -> Any:
    """A polynomial in w with w^2 = b put in."""
    poly = sympy.Poly(sympy.expand(polynomial), w)
    return sympy.expand(sympy.Add(*(c * b ** (k // 2) * w ** (k % 2) for (k,), c in poly.terms())))
