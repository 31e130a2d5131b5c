"""Taylor coefficients of the solution of x' = f(x, t), as nodes: automatic differentiation in Taylor mode.

The rates are first put into a form that costs little to expand (`codegen.lower.taylor_form`), then all series grow
together, order by order. What does not depend on state or time stays one node. Sources: Griewank, Walther, "Evaluating
Derivatives" (2nd ed.), chapter 13; Jorba, Zou, Experimental Mathematics 14 (2005), 99-117.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from codegen.errors import CompilerBug, UnsupportedError
from codegen.ir import JET, Kind, Node, multiply, real, variables, walk
from codegen.primitives import PRIMITIVES, apply, chain, taylor_coefficient, taylor_slope
from codegen.primitives.series import reciprocal

from .taylor_form import taylor_form


def taylor_coefficients(
    state: Sequence[Node],
    rates: Sequence[Node],
    order: int,
    time: Node | None = None,
    followed: Sequence[Node] = (),
) -> tuple[tuple[Node, ...], ...]:
    """[k][i]: the coefficient of order k = 0 .. `order` of state i, for state' = rates(state, time).

    x_i(t + h) = sum_k [k][i] h^k. The recurrence is x_(k+1) = f_k / (k + 1), with f_k the coefficient of the rates.
    Behind the states stand the coefficients of the `followed` expressions in them, which end one order earlier. Raises
    UnsupportedError for networks.
    """
    moving = frozenset(state) | ({time} if time is not None else frozenset())
    if any(n.op == JET for n in walk(rates)):
        raise UnsupportedError(
            "the Taylor series of a network in time is not written; choose another method, such as 'dop853' or 'vern9'"
        )
    forms = taylor_form((*rates, *followed), moving)
    beside = forms[len(rates) :]
    expansion = _Expansion(state, forms[: len(rates)], moving, time, beside)
    for k in range(order):
        expansion.advance(k)
    rows = [tuple(expansion(x, k) for x in (*state, *beside)) for k in range(order)]
    return (*rows, tuple(expansion(x, order) for x in state))


class _Expansion:
    """The series of all nodes that move with state and time, up to the present order."""

    def __init__(
        self,
        state: Sequence[Node],
        rates: Sequence[Node],
        moving: frozenset[Node],
        time: Node | None,
        followed: Sequence[Node],
    ) -> None:
        self.moving = moving
        self.rates = {x.key: rate for x, rate in zip(state, rates, strict=True)}
        if time is not None and time not in state:
            self.rates[time.key] = real(1.0)
        self.coefficients: dict[bytes, list[Node]] = {x.key: [x] for x in moving}
        self.slopes: dict[bytes, list[Node]] = {}  # of what the chain rule gives: k n_k, from k = 1
        self.still: set[bytes] = set()
        self.nodes = _closure((*rates, *followed), moving)
        self.free = {x.key for x in moving}  # whose slopes take no multiplication
        for n in self.nodes:
            linear = n.op in ("add", "sub", "neg") and all(self.is_free(argument) for argument in n.args)
            if _by_chain_rule(n) or linear:
                self.free.add(n.key)

    def is_free(self, n: Node) -> bool:
        return n.key in self.free or n.key not in self.coefficients

    def __call__(self, n: Node, k: int) -> Node:
        known = self.coefficients.get(n.key)
        if known is not None:
            return known[k]
        if n.key not in self.still:
            if not self.moving.isdisjoint(variables((n,))):
                raise CompilerBug(f"the series of {n} is needed and was not expanded")
            self.still.add(n.key)
        return n if k == 0 else real(0.0)

    def slope(self, n: Node, k: int) -> Node:
        if n.key in self.rates:
            return self(self.rates[n.key], k - 1)
        if n.key in self.slopes:
            return self.slopes[n.key][k - 1]
        if n.key in self.free:
            return apply(n.op, *(self.slope(argument, k) for argument in n.args))
        return multiply(self(n, k), real(float(k)))

    def advance(self, k: int) -> None:
        """From the coefficients below order k, and those of the state of order k, to those of order k of all nodes."""
        for n in self.nodes:
            if k == 0:
                self.coefficients[n.key] = [self.value(n)]
            elif n.kind is not Kind.REAL:
                self.coefficients[n.key].append(self(n, 0))  # a truth is taken where the series starts
            elif _by_chain_rule(n):
                slope = taylor_slope(k, n, self)
                self.slopes.setdefault(n.key, []).append(slope)
                self.coefficients[n.key].append(multiply(slope, real(1.0 / k)))
            else:
                self.coefficients[n.key].append(taylor_coefficient(k, n, self))
        for x in self.moving:
            self.coefficients[x.key].append(multiply(self(self.rates[x.key], k), real(1.0 / (k + 1))))

    def value(self, n: Node) -> Node:
        """The node at the start; quotients by the reciprocal that the rules of higher order need anyway."""
        args = tuple(self(argument, 0) for argument in n.args)
        if n.op == "div":
            return multiply(args[0], reciprocal(args[1]))
        return apply(n.op, *args, attribute=n.attribute)


def _by_chain_rule(n: Node) -> bool:
    row = PRIMITIVES[n.op]
    return n.kind is Kind.REAL and row.taylor is None and row.partials is not None


def _closure(rates: Iterable[Node], moving: frozenset[Node]) -> list[Node]:
    """The moving nodes that the rates need, and those that the chain rule needs for them, arguments first."""
    dependent, seen = {x.key for x in moving}, {x.key for x in moving}
    found: list[Node] = []
    waiting = list(rates)
    while waiting:
        batch, waiting = waiting, []
        for n in walk(batch):
            if n.key in seen:
                continue
            seen.add(n.key)
            if not any(argument.key in dependent for argument in n.args):
                continue
            dependent.add(n.key)
            found.append(n)
            if _by_chain_rule(n):
                pairs, below = chain(n)
                waiting += [p for _, p in pairs] + ([below] if below is not None else [])
    return found
