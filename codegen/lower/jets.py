"""Derivatives of opaque functions gathered: all that is wanted of one function at one point is evaluated at once.

Expressions hold each derivative as a node of its own (`ir.JET`). Where a block first needs one, a call is written that
gives all derivatives at that point that the rest of the block needs, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import cast

from codegen.bindings import names_bound, names_in, shared_arrays
from codegen.builder import Names
from codegen.errors import CompilerBug
from codegen.ir import JET, Node, real, variable, variables, walk
from codegen.networks import ALONG, DenseJet, DenseReverse, Wanted, jet_function
from codegen.optimise.traverse import Scope, everywhere, results_of, with_body, with_nodes
from codegen.program import (
    Block,
    Call,
    For,
    Function,
    If,
    Statement,
    While,
    assigned,
    nodes_of,
    statements,
)
from codegen.rewrite import rebuild

from .contract import contract
from .push_tangents import with_tangents

HIGHEST = 2  # order of derivative that sweeps give; those beyond are tangents of these

Found = dict[Node, Node]  # of each derivative, the name that it is bound to
Group = tuple[object, tuple[bytes, ...]]  # a network and the point where it is evaluated


def gather_jets(scope: Scope) -> Scope:
    """A kernel or function in which calls stand for the derivatives of opaque functions, also in what it calls.

    Functions that need weights now reach for them; the kernel must declare their arrays. Nothing is done twice.
    """
    return _gathered(with_body(scope, everywhere(_gathered, scope.body), results_of(scope)))


def holds_jets(scope: Scope) -> bool:
    """Whether derivatives of opaque functions stand in a kernel or function itself."""
    inside: list[Node] = [n for s in statements(scope.body) for n in nodes_of(s)]
    return any(n.op == JET for n in walk((*inside, *results_of(scope))))


def _gathered(scope: Scope) -> Scope:
    if holds_jets(scope):
        start, end = _contracted(scope.body, results_of(scope))
        body, results = _Writer(scope).block(start, end, {})
        scope = with_body(scope, body, results)
    if isinstance(scope, Function):
        arrays = {a.name: a for a in (*scope.arrays, *shared_arrays(scope.body))}
        if len(arrays) > len(scope.arrays):
            return replace(scope, arrays=tuple(arrays.values()))
    return scope


def _contracted(block: Block, results: tuple[Node, ...]) -> tuple[Block, tuple[Node, ...]]:
    """Body and results with second derivatives contracted where that saves work; of straight lines, as rates are."""
    if any(isinstance(s, For | While | If) for s in block):
        return block, results
    sizes = [len(nodes_of(s)) for s in block]
    nodes = iter(contract([*(n for s in block for n in nodes_of(s)), *results]))
    body = tuple(with_nodes(s, [next(nodes) for _ in range(size)]) for s, size in zip(block, sizes, strict=True))
    return body, tuple(nodes)


class _Writer:
    """One kernel or function while its derivatives are gathered."""

    def __init__(self, scope: Scope) -> None:
        self.names = Names(names_in(scope))
        self.registers = assigned(scope.body)

    def block(self, block: Block, tail: tuple[Node, ...], found: Found) -> tuple[Block, tuple[Node, ...]]:
        """The statements of a block, and the nodes at its end."""
        inside = [_jets_in(s) for s in block] + [_jets_of(tail)]
        unbound = [names_bound(block[i:]) for i in range(len(block))] if any(_steered(inside)) else []
        out: list[Statement] = []
        for i, statement in enumerate(block):
            own = nodes_of(statement)
            here = self.bind(own, inside[i:], found, out, unbound[i] if unbound else frozenset())
            if isinstance(statement, While) and here.keys() - found.keys():
                raise CompilerBug(f"the condition {statement.condition} holds a network; bind it to a register")
            statement = with_nodes(statement, rebuild(own, here))
            if isinstance(statement, For | While | If):
                statement = replace(statement, body=self.block(statement.body, (), dict(found))[0])
            out.append(statement)
        here = self.bind(tail, inside[-1:], found, out, frozenset())
        return tuple(out), rebuild(tail, here)

    def bind(
        self,
        roots: Iterable[Node],
        ahead: Sequence[Sequence[Node]],
        found: Found,
        out: list[Statement],
        unbound: frozenset[str],
    ) -> Found:
        """Write the calls that the nodes need; `found` grows by what stays valid, what is returned holds all.

        Derivatives along a direction of which something is still `unbound` wait until they are met.
        """
        here = found if not self.registers else dict(found)
        own = _jets_of(roots)
        for n in own:
            if n in here:
                continue
            fixed = self.registers.isdisjoint(variables((n,)))
            group = _group(n)
            candidates = (m for part in ahead for m in part) if fixed else iter(own)
            alike = list(dict.fromkeys(m for m in candidates if _group(m) == group and _is_bound(m, unbound)))
            steered = next((m for m in alike if _jet(m).along), n)
            bound = self.calls(alike, rebuild(steered.args, here), out)
            here.update(bound)
            if fixed:
                found.update(bound)
        return here

    def calls(self, alike: Sequence[Node], point: tuple[Node, ...], out: list[Statement]) -> Found:
        """The calls that give some derivatives at one point."""
        found: Found = {}
        parts: dict[tuple[int, ...], list[Node]] = {}
        for n in alike:
            beyond = () if _jet(n).along else _jet(n).inputs[HIGHEST:]
            parts.setdefault(beyond, []).append(n)
        for beyond, nodes in parts.items():
            wanted = Wanted.of([_base(_jet(n)) for n in nodes])
            targets = tuple(variable(self.names.fresh(_wish(jet, beyond))) for jet in wanted.jets)
            function = evaluation(wanted, beyond)
            unused = len(function.results) - len(targets)  # derivatives of lower orders
            rest = tuple(variable(self.names.fresh("unused")) for _ in range(unused))
            directions = tuple(real(1.0) for _ in beyond)
            given = point[: wanted.network.inputs + len(wanted.along)]
            out.append(Call((*rest, *targets), function, (*given, *directions)))
            found.update((n, targets[wanted.jets.index(_base(_jet(n)))]) for n in nodes)
        return found


def evaluation(wanted: Wanted, beyond: Sequence[int] = ()) -> Function:
    """The function of the inputs that gives wanted derivatives, differentiated further along the inputs `beyond`."""
    digest = blake2b(repr(wanted).encode(), digest_size=4).hexdigest()
    plain = jet_function(f"{wanted.network.name}_jet_{digest}", wanted)
    function = replace(plain, reverse=DenseReverse(wanted))
    for i in beyond:
        function = with_tangents(function, [function.parameters[i]])
    return function


def _steered(inside: Iterable[Iterable[Node]]) -> Iterator[Node]:
    return (n for jets in inside for n in jets if _jet(n).along)


def _is_bound(n: Node, unbound: frozenset[str]) -> bool:
    return not _jet(n).along or unbound.isdisjoint(str(v.attribute) for v in variables((n,)))


def _jets_of(roots: Iterable[Node]) -> list[Node]:
    return [n for n in walk(roots) if n.op == JET]


def _jets_in(statement: Statement) -> list[Node]:
    """The derivatives in a statement and in the blocks inside it."""
    return _jets_of(n for s in statements((statement,)) for n in nodes_of(s))


def _jet(n: Node) -> DenseJet:
    return cast(DenseJet, n.attribute)


def _group(n: Node) -> Group:
    return _jet(n).network, tuple(a.key for a in n.args[: _jet(n).network.inputs])


def _base(jet: DenseJet) -> DenseJet:
    """The derivative by the first inputs only."""
    if jet.along:
        return jet
    orders = [0] * len(jet.orders)
    for i in jet.inputs[:HIGHEST]:
        orders[i] += 1
    return replace(jet, orders=tuple(orders))


def _wish(jet: DenseJet, beyond: Sequence[int]) -> str:
    """N, N_0, N_0_1: the function and the inputs by which it is differentiated."""
    component = [f"c{jet.component}"] if jet.network.outputs > 1 else []
    inputs = ["along" if i == ALONG else str(i) for i in (*jet.inputs, *beyond)]
    return "_".join([jet.network.name, *component, *inputs])
