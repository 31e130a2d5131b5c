"""A factor that does not change in a loop leaves the sums that the loop makes: sum_j c x_j -> c sum_j x_j.

Pays in sums over neighbours, whose terms bear the constants and the mass of the one that sums: a product less a term.
Only sums that the loop does not look at while it makes them are touched, and only loops that are long or of unknown
length; values change by rounding alone.
"""

from __future__ import annotations

from dataclasses import replace

from codegen.bindings import names_in, targets
from codegen.builder import Names
from codegen.ir import Kind, Node, add, constant_value, multiply, negate, real, variable, walk
from codegen.program import Assign, Block, Call, For, If, Let, Statement, Var, While, nodes_of, statements
from codegen.rewrite import with_arguments

from .traverse import Scope, Substitution, results_of, with_body, with_nodes

SHORT = 8  # turns
ONE = real(1.0)


def draw_out(scope: Scope) -> Scope:
    """Every innermost loop of the scope."""
    return with_body(scope, _block(scope.body, Names(names_in(scope))), results_of(scope))


def _block(block: Block, names: Names) -> Block:
    out: list[Statement] = []
    for statement in block:
        if isinstance(statement, For) and not any(isinstance(s, For | While | If | Call) for s in statement.body):
            out += _loop(statement, names)
        elif isinstance(statement, For | While | If):
            out.append(replace(statement, body=_block(statement.body, names)))
        else:
            out.append(statement)
    return tuple(out)


def _loop(loop: For, names: Names) -> list[Statement]:
    start, stop = constant_value(loop.start), constant_value(loop.stop)
    if start is not None and stop is not None and stop - start < SHORT:
        return [loop]
    changing = {str(t.attribute) for s in (loop, *statements(loop.body)) for t in targets(s)}
    factors = _Factors(changing)
    body: list[Statement] = []
    for statement in loop.body:
        nodes = [factors.rebuilt(n) for n in nodes_of(statement)]
        statement = with_nodes(statement, nodes)
        if isinstance(statement, Let) and statement.target.kind is Kind.REAL:
            factor, rest = factors.split(statement.value)
            if constant_value(factor) is None:
                statement = replace(statement, value=rest)
                factors.name(statement.target, factor)
        body.append(statement)
    before: list[Statement] = []
    after: list[Statement] = []
    for i, statement in enumerate(body):
        if not isinstance(statement, Assign) or (found := _term(statement, body)) is None:
            continue
        factor, rest = factors.split(found)
        if constant_value(factor) is not None:
            continue
        total = variable(names.fresh(f"{statement.target.attribute}_part"))
        before.append(Var(total, real(0.0)))
        body[i] = Assign(total, add(total, rest))
        after.append(Assign(statement.target, add(statement.target, multiply(factor, total))))
    return [*before, replace(loop, body=tuple(body)), *after] if after else [loop]


def _term(statement: Assign, body: list[Statement]) -> Node | None:
    """What a statement adds to a register that nothing else in the loop reads or assigns; None for other statements."""
    target, value = statement.target, statement.value
    if target.kind is not Kind.REAL or value.op not in ("add", "sub"):
        return None
    others = [s for s in body if s is not statement]
    if any(isinstance(s, Assign) and s.target == target for s in others):
        return None
    if any(n == target for n in walk([n for s in others for n in nodes_of(s)])):
        return None
    first, second = value.args
    if first != target:
        first, second = second, first
        if value.op == "sub":
            return None
    if first != target or any(n == target for n in walk((second,))):
        return None
    return second if value.op == "add" else negate(second)


class _Factors:
    """Nodes of a loop split into a factor that does not change and the rest."""

    def __init__(self, changing: set[str]) -> None:
        self.changing = changing
        self.still: dict[bytes, bool] = {}
        self.seen: set[bytes] = set()
        self.names: dict[bytes, Node] = {}  # the factor that a name of the loop lost
        self.substitution = Substitution()

    def name(self, target: Node, factor: Node) -> None:
        """From now on a name stands for its value without the factor."""
        self.names[target.key] = factor
        self.substitution.set(target, multiply(factor, target))

    def rebuilt(self, n: Node) -> Node:
        """The node in present names."""
        return self.substitution(n)

    def unchanging(self, n: Node) -> bool:
        for m in walk((n,), self.seen):
            if m.op == "variable":
                self.still[m.key] = m.attribute not in self.changing
            else:
                self.still[m.key] = all(self.still[a.key] for a in m.args)
        return self.still[n.key]

    def split(self, n: Node) -> tuple[Node, Node]:
        """(c, r) with n = c r and c unchanging; c is a constant where nothing but numbers can be drawn out."""
        if n.kind is not Kind.REAL or n.op == "constant":
            return ONE, n
        if self.unchanging(n):
            return n, ONE
        if n.op == "mul":
            (c, r), (d, s) = self.split(n.args[0]), self.split(n.args[1])
            return multiply(c, d), multiply(r, s)
        if n.op == "neg":
            c, r = self.split(n.args[0])
            return (negate(c), r) if constant_value(c) is None else (ONE, n)
        if n.op == "div":
            c, r = self.split(n.args[0])
            return (c, with_arguments(n, (r, n.args[1]))) if constant_value(c) is None else (ONE, n)
        if n.op == "select" and constant_value(n.args[2]) == 0:
            c, r = self.split(n.args[1])
            if constant_value(c) is None:
                return c, with_arguments(n, (n.args[0], r, n.args[2]))
        return ONE, n
