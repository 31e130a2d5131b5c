"""Straight-line stretches of statements seen as one graph, rewritten, and turned back into statements.

A Let hides its expression from the other statements, and an assignment changes what a register's name means. Inside a
segment (a stretch without control flow) both are undone: names of Lets give way to their values, and each assignment
gives its register a new version, so that equal expressions are equal nodes wherever they stand. A rule rewrites that
graph. Then every node that is needed more than once is bound where it is first needed, under its old name if it had
one, and whatever reads a version that an assignment is about to overwrite is bound before that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from codegen.bindings import names_in, names_used
from codegen.builder import Names
from codegen.ir import Node, node, variable, walk
from codegen.program import Assign, Block, Call, For, If, Let, Load, Statement, Var, While, nodes_of
from codegen.rewrite import with_arguments

from .graph import LEAVES, Roots, Rule
from .traverse import Scope, Substitution, results_of, with_body, with_nodes

NEVER = 1 << 60


def unchanged(roots: Roots, named: Roots) -> tuple[Roots, Roots]:
    """The rule that rewrites nothing."""
    return roots, named


def rewrite_segments(scope: Scope, rule: Rule, keep_names: bool = False, depth: int = NEVER) -> Scope:
    """Apply a rule to the graph of every straight-line segment.

    Nodes used several times are bound to names; with `keep_names` those that had a name and are used once stay bound;
    expressions deeper than `depth` operations are cut.
    """
    names = Names(names_in(scope))
    body, results, _ = _rewrite_block(scope.body, results_of(scope), _Settings(rule, keep_names, depth, names))
    return with_body(scope, body, results)


@dataclass(frozen=True)
class _Settings:
    rule: Rule
    keep_names: bool
    depth: int
    names: Names


def _rewrite_block(block: Block, tail: Roots, settings: _Settings) -> tuple[Block, Roots, set[str]]:
    """The block rewritten, the nodes that are evaluated at its end, and the names that all of it uses."""
    pieces: list[tuple[list[Statement], For | While | If | None]] = []
    segment: list[Statement] = []
    for statement in block:
        if isinstance(statement, For | While | If):
            pieces.append((segment, statement))
            segment = []
        else:
            segment.append(statement)
    pieces.append((segment, None))
    # from the last segment to the first, so that what a later one no longer reads is not kept for it
    later: set[str] = set()
    out: list[Statement] = []
    ending: Roots = ()
    for segment, control in reversed(pieces):
        if control is None:
            written, ending = _rewrite_segment(segment, tail, later, settings)
            later |= names_used((), ending)
        else:
            body, _, inside = _rewrite_block(control.body, (), settings)
            later |= inside
            if isinstance(control, While):
                later |= names_used((), nodes_of(control))
            bounds = () if isinstance(control, While) else nodes_of(control)
            written, bounds = _rewrite_segment(segment, bounds, later, settings)
            later |= names_used((), bounds)
            if isinstance(control, For):
                out.append(replace(control, start=bounds[0], stop=bounds[1], body=body))
            elif isinstance(control, If):
                out.append(replace(control, condition=bounds[0], body=body))
            else:
                out.append(replace(control, body=body))
        later |= names_used(written)
        out.extend(reversed(written))
    return tuple(reversed(out)), ending, later


def _rewrite_segment(
    segment: Sequence[Statement], tail: Roots, used_after: set[str], settings: _Settings
) -> tuple[Block, Roots]:
    if not segment and not tail:
        return (), ()
    graph = _Graph(segment, tail, used_after)
    graph.rewrite(settings.rule)
    return _Writer(graph, settings).written()


@dataclass
class _Lifetimes:
    """From which statement on, and up to which, a leaf may be read under its own name."""

    birth: dict[bytes, int] = field(default_factory=dict)
    death: dict[bytes, int] = field(default_factory=dict)

    def of_nodes(self, order: Sequence[Node], bound: Callable[[Node], bool]) -> None:
        """What holds for leaves, for every node above them; what is bound to a name outlives what it reads."""
        for n in order:
            if n.args:
                self.birth[n.key] = max(self.birth.get(a.key, 0) for a in n.args)
                self.death[n.key] = min(NEVER if bound(a) else self.death.get(a.key, NEVER) for a in n.args)


class _Graph:
    """The nodes of a segment with names of Lets replaced by their values and registers by their versions."""

    def __init__(self, segment: Sequence[Statement], tail: Roots, used_after: set[str]) -> None:
        self.segment = segment
        self.lifetimes = _Lifetimes()
        self.plain: dict[bytes, Node] = {}  # version of a register -> the register
        self.roots: list[Roots] = []  # of each statement and of the end; none for Lets that nothing outside reads
        self.names: list[tuple[Node, int]] = []  # the other Lets: target, statement
        self.named: list[Node] = []
        substitution, standing = Substitution(), {}
        for i, statement in enumerate(segment):
            nodes = substitution.all(nodes_of(statement))
            match statement:
                case Let(target, _):
                    standing[target] = nodes[0]
                    substitution.set(target, nodes[0])
                    if str(target.attribute) not in used_after:
                        self.names.append((target, i))
                        self.named.append(nodes[0])
                        nodes = ()
                case Assign(target, _):
                    version = node("variable", (), target.kind, f"{target.attribute}@{i}")
                    self.lifetimes.death[standing.get(target, target).key] = i
                    self.lifetimes.birth[version.key] = i + 1
                    self.plain[version.key] = target
                    standing[target] = version
                    substitution = Substitution(standing)
                case Load(target, _, _, _) | Var(target, _):
                    self.lifetimes.birth[target.key] = i + 1
                case Call(bound, _, _):
                    self.lifetimes.birth.update((target.key, i + 1) for target in bound)
            self.roots.append(nodes)
        self.roots.append(substitution.all(tail))

    def rewrite(self, rule: Rule) -> None:
        flat, named = rule(tuple(n for nodes in self.roots for n in nodes), tuple(self.named))
        rewritten = iter(flat)
        self.roots = [tuple(next(rewritten) for _ in nodes) for nodes in self.roots]
        self.named = list(named)


class _Writer:
    """Turns a graph back into statements: chooses what is bound, where and under which name."""

    def __init__(self, graph: _Graph, settings: _Settings) -> None:
        self.graph, self.settings = graph, settings
        self.order = list(walk(n for nodes in graph.roots for n in nodes))
        self.uses: dict[bytes, int] = defaultdict(int)
        for n in self.order:
            for key in {a.key for a in n.args}:
                self.uses[key] += 1
        for nodes in graph.roots:
            for n in nodes:
                self.uses[n.key] += 1
        self.names: dict[bytes, tuple[Node, int]] = {}  # node -> the name that it had, and where
        self.kept: set[bytes] = set()  # those that stay bound under it
        self._find_names()
        graph.lifetimes.of_nodes(self.order, lambda n: bool(n.args) and (self.uses[n.key] > 1 or n.key in self.kept))
        self.place: dict[bytes, int] = {}
        self.forced: set[bytes] = set()  # bound whatever their uses
        self._find_places()
        self.bound: dict[bytes, Node] = {}
        self.before: dict[int, list[Node]] = defaultdict(list)  # statement -> nodes bound before it
        self._choose()

    def _find_names(self) -> None:
        least = 1 if self.settings.keep_names else 2
        for i, statement in enumerate(self.graph.segment):
            if isinstance(statement, Let) and self.graph.roots[i] and self.graph.roots[i][0].op not in LEAVES:
                key = self.graph.roots[i][0].key
                self.names.setdefault(key, (statement.target, i))
                self.kept.add(key)
        for (target, i), n in zip(self.graph.names, self.graph.named, strict=True):
            if n.op not in LEAVES or n.key in self.graph.lifetimes.death:
                self.names.setdefault(n.key, (target, i))
            if n.op not in LEAVES and self.uses.get(n.key, 0) >= least:
                self.kept.add(n.key)

    def _find_places(self) -> None:
        """The statement before which each node is evaluated: its first use, or what would overwrite its inputs."""
        place, birth, death = self.place, self.graph.lifetimes.birth, self.graph.lifetimes.death
        for i, nodes in enumerate(self.graph.roots):
            for n in nodes:
                self._use(n, i)
        for n in reversed(self.order):
            if n.op in LEAVES:
                continue
            last = death.get(n.key, NEVER)
            if birth.get(n.key, 0) <= last < place[n.key]:
                place[n.key] = last
                self.forced.add(n.key)
            elif n.key in self.kept:
                self.forced.add(n.key)
            if n.key in self.forced and n.key in self.names:
                place[n.key] = min(place[n.key], self.names[n.key][1])
            for argument in n.args:
                self._use(argument, place[n.key])

    def _use(self, n: Node, where: int) -> None:
        self.place[n.key] = min(self.place.get(n.key, NEVER), where)
        if n.op == "variable" and where > self.graph.lifetimes.death.get(n.key, NEVER):
            self.forced.add(n.key)  # read after it is overwritten: saved before

    def _choose(self) -> None:
        depth: dict[bytes, int] = {}
        for n in self.order:
            if n.op in LEAVES:
                if n.key in self.forced:
                    self._bind(n, self.graph.lifetimes.death[n.key])
                continue
            deep = 1 + max((depth.get(a.key, 0) for a in n.args), default=0)
            if self.uses[n.key] > 1 or n.key in self.forced or deep > self.settings.depth:
                self._bind(n, self.place[n.key])
            else:
                depth[n.key] = deep

    def _bind(self, n: Node, where: int) -> None:
        plain = self.graph.plain.get(n.key, n)
        wish = f"{plain.attribute}_was" if n.op == "variable" else _wish(n)
        if n.key in self.names:
            self.bound[n.key] = self.names[n.key][0]
        else:
            self.bound[n.key] = variable(self.settings.names.fresh(wish), n.kind)
        self.before[where].append(n)

    def _read(self, n: Node, where: int) -> Node:
        """How a node is written where it is used."""
        if n.op == "constant":
            return n
        if n.op == "variable":
            if n.key in self.bound and where > self.graph.lifetimes.death[n.key]:
                return self.bound[n.key]
            return self.graph.plain.get(n.key, n)
        return self.bound[n.key] if n.key in self.bound else self.written_as[n.key]

    def written(self) -> tuple[Block, Roots]:
        self.written_as: dict[bytes, Node] = {}
        for n in self.order:
            if n.op in LEAVES:
                self.written_as[n.key] = self.graph.plain.get(n.key, n)
                continue
            args = tuple([self._read(a, self.place[n.key]) for a in n.args])
            self.written_as[n.key] = with_arguments(n, args)
        out: list[Statement] = []
        for i, statement in enumerate(self.graph.segment):
            out.extend(Let(self.bound[n.key], self.written_as[n.key]) for n in self.before[i])
            nodes = self.graph.roots[i]
            if not isinstance(statement, Let):
                out.append(with_nodes(statement, [self._read(n, i) for n in nodes]))
            elif nodes and self.bound.get(nodes[0].key) != statement.target:
                out.append(Let(statement.target, self._read(nodes[0], i)))
        end = len(self.graph.segment)
        out.extend(Let(self.bound[n.key], self.written_as[n.key]) for n in self.before[end])
        return tuple(out), tuple(self._read(n, end) for n in self.graph.roots[end])


def _wish(n: Node) -> str:
    """A name that says what is bound, where a few letters can."""
    if len(n.args) == 1 and n.args[0].op == "variable" and "@" not in str(n.args[0].attribute):
        return f"{n.op}_{n.args[0].attribute}"
    return "part"
