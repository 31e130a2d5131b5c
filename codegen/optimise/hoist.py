"""What a loop computes anew each time without change is computed before it.

Pays most for the time loop: expressions of parameters alone leave it. Each value that is kept costs a register
through the whole loop, so that only the largest unchanging subexpressions are hoisted, and none that is a leaf or its
negative. Products and quotients are reordered so that their unchanging factors stand together, and short sums of
products begin with what does not change. An integer quotient stays inside, because a loop that is never entered must
not divide by zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from codegen.bindings import names_in, targets
from codegen.builder import Names
from codegen.ir import Kind, Node, constant_value, real, variable, walk
from codegen.program import Block, For, If, Let, Statement, While, nodes_of, statements
from codegen.rewrite import with_arguments

from .cost import cost
from .graph import LEAVES
from .traverse import Scope, results_of, with_body, with_nodes

SHORT = 5  # terms of sums that are made one after the other
STAYS = ("quotient", "remainder", "to_int")


def hoist(scope: Scope) -> Scope:
    """Move unchanging Lets and subexpressions in front of the outermost loop in which they do not change."""
    return with_body(scope, _hoist_block(scope.body, Names(names_in(scope))), results_of(scope))


def _hoist_block(block: Block, names: Names) -> Block:
    out: list[Statement] = []
    for statement in block:
        if isinstance(statement, For | While):
            loop = _Loop(statement, names)
            inside = loop.rewritten(statement.body)
            if isinstance(statement, While):
                statement = replace(statement, condition=loop.rewritten_node(statement.condition))
            out.extend(loop.before)
            out.append(replace(statement, body=_hoist_block(inside, names)))
        elif isinstance(statement, If):
            out.append(replace(statement, body=_hoist_block(statement.body, names)))
        else:
            out.append(statement)
    return tuple(out)


class _Loop:
    """One loop while what does not change in it is taken out."""

    def __init__(self, loop: For | While, names: Names) -> None:
        self.names = names
        self.before: list[Statement] = []
        inside = list(statements(loop.body))
        self.changing = {str(t.attribute) for s in (loop, *inside) for t in targets(s)}
        self.still: dict[bytes, bool] = {}  # whether a node does not change in the loop
        self.hoisted: dict[bytes, Node] = {}
        self.uses: dict[bytes, int] = {}
        roots = [n for s in (loop, *inside) if s is not loop or isinstance(loop, While) for n in nodes_of(s)]
        for n in walk(roots):
            for argument in n.args:
                self.uses[argument.key] = self.uses.get(argument.key, 0) + 1
        for n in roots:
            self.uses[n.key] = self.uses.get(n.key, 0) + 1
        self.done: dict[bytes, Node] = {}
        self._seen: set[bytes] = set()

    def rewritten(self, block: Block) -> Block:
        out: list[Statement] = []
        for statement in block:
            nodes = nodes_of(statement)
            if isinstance(statement, Let) and self._unchanging(statement.value):
                self.changing.discard(str(statement.target.attribute))
                self.before.append(statement)
                continue
            statement = with_nodes(statement, [self.rewritten_node(n) for n in nodes])
            if isinstance(statement, For | While | If):
                statement = replace(statement, body=self.rewritten(statement.body))
            out.append(statement)
        return tuple(out)

    def rewritten_node(self, root: Node) -> Node:
        """The node with its largest unchanging parts replaced by names bound before the loop."""
        regrouped = self._regrouped(root)
        if self._unchanging(regrouped):
            return self._bound(regrouped)
        done: dict[bytes, Node] = {}
        for n in walk((regrouped,)):
            if self._unchanging(n):  # bound as a whole by what uses it
                continue
            args = tuple([self._bound(a) if self._unchanging(a) else done[a.key] for a in n.args])
            done[n.key] = with_arguments(n, args)
        return done[regrouped.key]

    def _unchanging(self, n: Node) -> bool:
        for m in walk((n,), self._seen):
            if m.op == "variable":
                self.still[m.key] = m.attribute not in self.changing
            else:
                self.still[m.key] = m.op not in STAYS and all(self.still[a.key] for a in m.args)
        return self.still[n.key]

    def _bound(self, n: Node) -> Node:
        if n.op in LEAVES or (cost(n) == 0 and n.args[0].op in LEAVES):
            return n
        if n.key not in self.hoisted:
            target = variable(self.names.fresh("fixed"), n.kind)
            self.before.append(Let(target, n))
            self.hoisted[n.key] = target
            self.still[target.key] = True
        return self.hoisted[n.key]

    def _regrouped(self, root: Node) -> Node:
        """Products and quotients as (unchanging part) * (changing part) where that moves work out of the loop."""
        if self._unchanging(root):
            return root
        inner = set()  # products that belong to the product above them
        for n in walk((root,)):
            if n.op in ("mul", "div") and n.kind is Kind.REAL:
                inner |= {a.key for a in n.args if a.op in ("mul", "div") and self.uses.get(a.key, 0) == 1}
            if n.op == "add" and n.kind is Kind.REAL:
                inner |= {a.key for a in n.args if a.op == "add" and self.uses.get(a.key, 0) == 1}
        done = self.done
        for n in walk((root,)):
            if n.key in done:
                continue
            grouped = None
            if n.op in ("mul", "div") and n.kind is Kind.REAL and n.key not in inner and not self._unchanging(n):
                grouped = self._grouped(n, done)
            if n.op == "add" and n.kind is Kind.REAL and n.key not in inner and not self._unchanging(n):
                grouped = self._begun(n, done)
            if grouped is None:
                args = tuple([done[a.key] for a in n.args])
                grouped = with_arguments(n, args)
            done[n.key] = grouped
        return done[root.key]

    def _grouped(self, n: Node, done: dict[bytes, Node]) -> Node | None:
        over: list[Node] = []
        under: list[Node] = []
        stack = [(n, over, under, True)]
        while stack:
            m, up, down, top = stack.pop()
            if m.op in ("mul", "div") and (top or self.uses.get(m.key, 0) == 1) and not self._unchanging(m):
                first, second = m.args
                stack.append((second, up, down, False) if m.op == "mul" else (second, down, up, False))
                stack.append((first, up, down, False))
            else:
                up.append(m)
        still_over = [f for f in over if self._unchanging(f)]
        still_under = [f for f in under if self._unchanging(f)]
        variables = [f for f in (*still_over, *still_under) if constant_value(f) is None]
        if not variables or (len(still_over) + len(still_under) < 2 and not still_under):
            return None
        moving_over = _product([f for f in over if not self._unchanging(f)], done)
        moving_under = [f for f in under if not self._unchanging(f)]
        still = _product(still_over, {f.key: f for f in still_over})
        if still_under:
            still = still / _product(still_under, {f.key: f for f in still_under})
        moving = moving_over / _product(moving_under, done) if moving_under else moving_over
        return still * moving

    def _begun(self, n: Node, done: dict[bytes, Node]) -> Node | None:
        """A short sum of products and of what does not change, begun with the latter; products follow one by one."""
        terms: list[Node] = []
        stack = [(n, True)]
        while stack:
            m, top = stack.pop()
            if m.op == "add" and (top or self.uses.get(m.key, 0) == 1) and not self._unchanging(m):
                stack += [(a, False) for a in m.args[::-1]]
            else:
                terms.append(m)
        still = [t for t in terms if self._unchanging(t)]
        moving = [t for t in terms if not self._unchanging(t)]
        if not still or len(moving) < 2 or len(terms) > SHORT or any(t.op != "mul" for t in moving):
            return None
        total = still[0]
        for t in still[1:]:
            total = total + t
        for t in moving:
            total = total + done[t.key]
        return total


def _product(factors: Iterable[Node], done: dict[bytes, Node]) -> Node:
    product = real(1.0)
    for f in factors:
        product = product * done[f.key]
    return product
