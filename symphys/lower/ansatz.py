"""A field replaced by an expression with unknowns: its densities at a point, as terms that kernels differentiate.

The energy density e is a function of the real parts of the field and of its derivatives, the jets of the ansatz; what a
descent needs is the jets with their derivatives by the unknowns, and those of e by the jets to second order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from codegen import Node, identifier, real, variable
from symphys.errors import UnsupportedError
from symphys.fields.jets import FieldJets, Jet
from symphys.language.networks import networks_in
from symphys.lower.arguments import Arguments
from symphys.lower.expressions import lower_expressions, weight_arrays
from symphys.lower.lattice.pairs import Pair, PairLowering
from symphys.lower.residual import RESERVED, Terms


@dataclass(frozen=True)
class AnsatzTerms:
    """The terms of one ansatz at a point, of the coordinates as state.

    densities: e and |psi|^2. jets: the real numbers that e depends on, the `parts` (one or two) of psi first. slopes:
    de by each jet; curvatures: d2e by each pair of `pairs` of jets, those that vanish left out. gradient: the real and
    the imaginary part of dE/d(conj psi).
    """

    densities: Terms
    jets: Terms
    slopes: Terms
    curvatures: Terms
    pairs: tuple[tuple[int, int], ...]
    gradient: Terms
    parts: int
    networks: tuple[Any, ...]


def ansatz_terms(
    jets: FieldJets, field: Any, expression: Any, energy: Sequence[Any], gradient: Any, parameters: Sequence[Any]
) -> AnsatzTerms:
    """The terms of field = expression, for energy terms and dE/d(conj field) in jet symbols.

    Raises UnsupportedError where these hold other fields, external functions or convolutions.
    """
    networks = networks_in(sympy.preorder_traversal(expression))
    arrays = weight_arrays(networks)
    taken = {*RESERVED, *(array.name for array in arrays)}
    symbols: dict[Any, Node] = {}
    for symbol in (*jets.coordinates, *parameters):
        text = identifier(symbol.name, taken)
        taken.add(text)
        symbols[symbol] = variable(text)
    state = tuple(symbols[x] for x in jets.coordinates[1:])
    known = tuple(symbols[p] for p in parameters)
    arguments = Arguments(symbols[jets.coordinates[0]], state, (), known, symbols, arrays)
    x, y = sympy.expand_complex(expression).as_real_imag() if _complex(expression) else (expression, sympy.S.Zero)
    pair = _pairs(jets, field, (x, y), symbols)
    total = sympy.Add(*energy)
    reals, nodes = _real_jets(jets, field, total, pair)
    split = {symbol: a + sympy.I * b for symbol, (a, b) in reals.items()}
    split |= {jets.conjugate(s): a - sympy.I * b for s, (a, b) in reals.items() if jets.conjugate(s) != s}
    plain = sympy.re(sympy.expand(total.xreplace(split))) if y != 0 else total.xreplace(split)
    names = list(nodes)
    lowering = PairLowering(lambda symbol: (nodes[symbol], None) if symbol in nodes else pair(symbol))
    first = [sympy.diff(plain, name) for name in names]
    second = {(i, j): sympy.diff(slope, names[j]) for i, slope in enumerate(first) for j in range(i, len(names))}
    second = {place: value for place, value in second.items() if value != 0}
    psi = pair(jets.symbol(field))
    size = psi[0] * psi[0] if psi[1] is None else psi[0] * psi[0] + psi[1] * psi[1]
    force = PairLowering(pair).run(gradient)

    def terms(*residuals: Node) -> Terms:
        roots = tuple(variable(identifier(f"root_{i}", taken)) for i in range(len(residuals)))
        return Terms(arguments, (), roots, residuals, squared=False)

    return AnsatzTerms(
        terms(lowering.real(plain), size),
        terms(*nodes.values()),
        terms(*(lowering.real(slope) for slope in first)),
        terms(*(lowering.real(value) for value in second.values())),
        tuple(second),
        terms(force[0], real(0.0) if force[1] is None else force[1]),
        1 if psi[1] is None else 2,
        networks,
    )


def _real_jets(
    jets: FieldJets, field: Any, total: Any, pair: Callable[[Any], Pair]
) -> tuple[dict[Any, tuple[Any, Any]], dict[Any, Node]]:
    """For each jet of the field in e (not conjugated) the symbols of its parts, and the node of each symbol."""
    found = [jets.symbol(field)]
    for symbol in jets.present((total,)):
        jet = jets.jet(symbol)
        assert jet is not None
        other = jets.of(Jet(jet.function, jet.index))
        if jet.function == field and other not in found:
            found.append(other)
    parts: dict[Any, tuple[Any, Any]] = {}
    nodes: dict[Any, Node] = {}
    for symbol in found:
        u, v = pair(symbol)
        a, b = (sympy.Symbol(f"{symbol.name}_{part}", real=True) for part in ("re", "im"))
        nodes[a] = u
        if v is not None:
            nodes[b] = v
        parts[symbol] = (a, b if v is not None else sympy.S.Zero)
    return parts, nodes


def _complex(expression: Any) -> bool:
    return bool(expression.has(sympy.I)) or expression.is_extended_real is False


def _pairs(jets: FieldJets, field: Any, parts: tuple[Any, Any], symbols: Mapping[Any, Node]) -> Callable[[Any], Pair]:
    """The pair of a symbol: derivatives of the ansatz for jets of the field, else a coordinate or a parameter."""
    known: dict[Any, Pair] = {}

    def lowered(jet: Jet) -> Pair:
        counts = [(x, n) for x, n in zip(jets.coordinates, jet.index, strict=True) if n]
        made = [sympy.diff(part, *counts) if counts else part for part in parts]
        first = lower_expressions([made[0]], symbols)[0]
        return first, None if made[1] == 0 else lower_expressions([made[1]], symbols)[0]

    def pair(symbol: Any) -> Pair:
        jet = jets.jet(symbol)
        if jet is None:
            return symbols[symbol], None
        if jet.function != field:
            raise UnsupportedError(
                f"{jets.written(symbol)} stands in the energy, but an ansatz replaces {field} alone; write "
                "potentials as expressions in the coordinates, or take a grid"
            )
        plain = Jet(field, jet.index)
        if plain not in known:
            known[plain] = lowered(plain)
        x, y = known[plain]
        return x, None if y is None else (-y if jet.conjugated else y)

    return pair
