"""Canonical transformations: checked, made from generating functions, applied to Hamiltonians."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import InputError, UnsupportedError
from symphys.language.symbols import is_function_of_time, t
from symphys.mechanics.differentiate import gradient, jacobian
from symphys.mechanics.graph import free_symbols, substitute
from symphys.mechanics.jets import JetSpace, from_jet, jet_space, to_jet
from symphys.mechanics.probe import vanishes
from symphys.mechanics.read import scalar
from symphys.mechanics.symmetries.boundary import potential
from symphys.mechanics.tidy import simplified

_KINDS = {1: "F1(q, Q, t)", 2: "F2(q, P, t)", 3: "F3(p, Q, t)", 4: "F4(p, P, t)"}


@dataclass(frozen=True, init=False, repr=False)
class CanonicalTransformation:
    """Old canonical variables as functions of new ones, such that Hamilton's equations keep their form.

    M^T J M = J with M = d(q, p)/d(Q, P): the brackets {q_i, p_j} in the new variables are 1 and 0.

    old: {q: expression, p: expression, ...} in the new variables, parameters and `symphys.t`.
    pairs: {Q: P}, the new pairs; old_pairs: {q: p}, which of the old variables belong together.

    If the map depends on time, the new Hamiltonian is K = H + `remainder`.  Raises `InputError`, with the bracket that
    is wrong, for a map that is not canonical.  Goldstein, "Classical Mechanics", 3rd ed., sections 9.1 to 9.5.
    """

    old: tuple[tuple[Any, Any], ...]
    pairs: tuple[tuple[Any, Any], ...]
    old_pairs: tuple[tuple[Any, Any], ...]
    remainder: Any

    def __init__(
        self, old: Mapping[Any, Any], pairs: Mapping[Any, Any], old_pairs: Mapping[Any, Any], remainder: Any = None
    ) -> None:
        _check_variables(old, pairs, old_pairs)
        written = {key: scalar(value, f"expression of {key}") for key, value in old.items()}
        new, before = tuple(pairs.items()), tuple(old_pairs.items())
        space = _space(written.values(), new, before)
        rows = [to_jet(written[x], space) for x in (*(q for q, _ in before), *(p for _, p in before))]
        variables = space.symbols((*(q for q, _ in new), *(p for _, p in new)))
        _check_canonical(rows, variables, before)
        if remainder is None:
            rest = from_jet(_remainder(rows, variables, space), space)
        else:
            rest = scalar(remainder, "remainder")
        object.__setattr__(self, "old", tuple(written.items()))
        object.__setattr__(self, "pairs", new)
        object.__setattr__(self, "old_pairs", before)
        object.__setattr__(self, "remainder", rest)

    @classmethod
    def generated_by(
        cls, function: Any, kind: int, old_pairs: Mapping[Any, Any], pairs: Mapping[Any, Any]
    ) -> "CanonicalTransformation":
        """The transformation of a generating function of one of Goldstein's four kinds (table 9.1).

        1: F(q, Q, t), p = dF/dq, P = -dF/dQ.    2: F(q, P, t), p = dF/dq, Q = dF/dP.
        3: F(p, Q, t), q = -dF/dp, P = -dF/dQ.   4: F(p, P, t), q = -dF/dp, Q = dF/dP.

        K = H + dF/dt.  Of several solutions that with positive leading signs is taken.  Raises `InputError` for another
        kind, for variables that F of this kind does not have, and if the relations cannot be solved for the old ones.
        """
        if kind not in _KINDS:
            raise InputError(f"Generating functions are of kind 1, 2, 3 or 4, not {kind!r}.")
        expression = scalar(function, "generating function")
        space = _space((expression,), tuple(pairs.items()), tuple(old_pairs.items()))
        q, p = space.symbols(tuple(old_pairs)), space.symbols(tuple(old_pairs.values()))
        Q, P = space.symbols(tuple(pairs)), space.symbols(tuple(pairs.values()))
        mine, theirs = (q if kind < 3 else p), (Q if kind % 2 else P)
        other, answer = (p if kind < 3 else q), (P if kind % 2 else Q)
        jet = to_jet(expression, space)
        alien = free_symbols((jet,)) & {*other, *answer}
        if alien:
            raise InputError(
                f"A generating function {_KINDS[kind]} does not hold {', '.join(sorted(map(str, alien)))}."
            )
        inner = [(-1 if kind % 2 else 1) * slope for slope in gradient(jet, theirs)]
        solution = _solved([a - b for a, b in zip(answer, inner, strict=True)], mine)
        outer = [(1 if kind < 3 else -1) * slope for slope in gradient(jet, mine)]
        (rate,) = gradient(jet, (space.time,))
        *others, rest = (simplified(each) for each in substitute((*outer, rate), solution))
        old = {**solution, **dict(zip(other, others, strict=True))}
        written = {space.to_user[symbol]: from_jet(value, space) for symbol, value in old.items()}
        return cls(written, pairs, old_pairs, from_jet(rest, space))

    def apply(self, expression: Any) -> Any:
        """An expression in the old variables, written in the new ones."""
        space = _space((expression,), self.pairs, self.old_pairs)
        jets = {to_jet(x, space): to_jet(value, space) for x, value in self.old}
        written = substitute((to_jet(scalar(expression, "expression"), space),), jets)[0]
        return from_jet(simplified(written), space)

    def __repr__(self) -> str:
        return f"CanonicalTransformation({', '.join(f'{x} = {value}' for x, value in self.old)})"


def transformed(hamiltonian: Any, pairs: Mapping[Any, Any], transformation: CanonicalTransformation) -> Any:
    """K = H + remainder in the new variables; raises `InputError` if the pairs are not those of the transformation."""
    if dict(transformation.old_pairs) != dict(pairs):
        given = ", ".join(f"({q}, {p})" for q, p in transformation.old_pairs)
        raise InputError(f"The transformation is one of the pairs {given}, not of those of this Hamiltonian.")
    return transformation.apply(hamiltonian) + transformation.remainder


def _check_variables(old: Mapping[Any, Any], pairs: Mapping[Any, Any], old_pairs: Mapping[Any, Any]) -> None:
    listed = [*old_pairs, *old_pairs.values()]
    for thing in (*listed, *pairs, *pairs.values()):
        if not is_function_of_time(thing):
            raise InputError(f"{thing!r} is no canonical variable; make it by canonical('q p').")
    if len(pairs) != len(old_pairs):
        raise InputError(f"There are {len(old_pairs)} old pairs and {len(pairs)} new ones; a map keeps their number.")
    absent = [x for x in listed if x not in old] or [x for x in old if x not in listed]
    if absent:
        raise InputError(f"{absent[0]} stands only in one of the map and the old pairs; both hold the same variables.")
    if {*listed} & {*pairs, *pairs.values()}:
        raise InputError("Old and new canonical variables must have different names.")


def _space(expressions: Any, new: Any, before: Any) -> JetSpace:
    variables = [x for pair in (*before, *new) for x in pair]
    parameters = {s for e in expressions for s in sympy.sympify(e).free_symbols if s != t}
    return jet_space(variables, parameters)


def _check_canonical(rows: list[Any], variables: tuple[Any, ...], before: tuple[tuple[Any, Any], ...]) -> None:
    n = len(before)
    names = [str(q) for q, _ in before] + [str(p) for _, p in before]
    slopes = jacobian(rows, variables)
    for i in range(2 * n):
        for j in range(i + 1, 2 * n):
            a, b = slopes[i], slopes[j]
            bracket = sympy.Add(*(a[k] * b[n + k] - a[n + k] * b[k] for k in range(n)))
            if not vanishes((bracket - int(j == i + n),)):
                raise InputError(
                    f"The transformation is not canonical: the bracket of {names[i]} and {names[j]} in the new "
                    f"variables is {simplified(bracket)}, and must be {int(j == i + n)}."
                )


def _remainder(rows: list[Any], variables: tuple[Any, ...], space: JetSpace) -> Any:
    """R with K = H + R for a map x = phi(X, t): grad R = (d phi/dX)^T J (d phi/dt), integrated."""
    n = len(rows) // 2
    rates = [gradient(row, (space.time,))[0] for row in rows]
    if vanishes(rates):
        return sympy.S.Zero
    turned = [*rates[n:], *(-rate for rate in rates[:n])]  # J d phi/dt
    slopes = jacobian(rows, variables)
    wanted = [sympy.Add(*(slopes[i][k] * turned[i] for i in range(2 * n))) for k in range(2 * n)]
    found = potential([simplified(each) for each in wanted], variables)
    if found is None:
        raise UnsupportedError(
            "The map depends on time, and what it adds to the Hamiltonian has no closed form that was found; give it "
            "as remainder=, or the transformation by a generating function."
        )
    return found


def _solved(relations: list[Any], unknowns: tuple[Any, ...]) -> dict[Any, Any]:
    try:
        solutions = sympy.solve(relations, unknowns, dict=True)
    except NotImplementedError:
        solutions = []
    whole = [s for s in solutions if set(s) == set(unknowns)]
    if not whole:
        names = ", ".join(map(str, unknowns))
        raise InputError(f"The relations of the generating function cannot be solved for {names} in closed form.")
    plain = [s for s in whole if not any(value.could_extract_minus_sign() for value in s.values())]
    return dict((plain or whole)[0])
