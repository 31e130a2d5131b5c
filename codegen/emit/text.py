"""The walk over statements that the printers of Python and CUDA share.

A printer is dull: it writes each statement where it stands, in order, and says only how its language spells it. What is
not a statement of the IR was to be removed by lowering, and is refused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from codegen.bindings import bound_names
from codegen.errors import CompilerBug
from codegen.ir import Node
from codegen.program import (
    Accumulate,
    Array,
    Assign,
    Block,
    Call,
    Comment,
    For,
    If,
    Let,
    Load,
    Local,
    Statement,
    Store,
    Var,
    While,
    assigned,
    nodes_of,
)
from codegen.singles import one_by_one

from .expressions import Language, Sharing, render
from .names import Naming


class Printer(ABC):
    """Writes the lines of one kernel or function."""

    indent = "    "

    def __init__(self, language: Language, naming: Naming, functions: Mapping[str, str], depth: int) -> None:
        self.language, self.naming, self.functions = language, naming, functions
        self.lines: list[str] = []
        self.depth = depth

    # What a language spells its own way.

    @abstractmethod
    def declare(self, target: str, text: str, n: Node, fixed: bool) -> None:
        """Bind a name to a value, for good (`fixed`) or until it is assigned."""

    @abstractmethod
    def assign(self, target: str, text: str) -> None:
        """Give a name or an element a new value."""

    @abstractmethod
    def comment(self, text: str) -> None:
        """A line of prose."""

    @abstractmethod
    def local(self, array: Array) -> None:
        """Private memory."""

    @abstractmethod
    def element(self, array: str, index: tuple[str, ...], shift: int) -> str:
        """An element of an array; `index` holds the texts of `where`."""

    @abstractmethod
    def accumulate(self, statement: Accumulate, index: tuple[str, ...], value: str) -> None:
        """Add to a sum over instances."""

    @abstractmethod
    def call(
        self, targets: tuple[Node, ...], names: tuple[str, ...], function: str, arguments: tuple[str, ...]
    ) -> None:
        """Bind names to the results of a function."""

    @abstractmethod
    def open_for(self, counter: str, start: str, stop: str) -> None:
        """The head of a counted loop."""

    @abstractmethod
    def open_while(self, condition: str | None) -> None:
        """The head of a conditional loop; None: an endless one."""

    @abstractmethod
    def leave_unless(self, condition: str) -> None:
        """Leave the loop where the condition fails."""

    @abstractmethod
    def open_if(self, condition: str) -> None:
        """The head of a conditional block."""

    @abstractmethod
    def close(self, body: Block) -> None:
        """The end of a block."""

    def where(self, statement: Load | Store | Accumulate) -> tuple[Node, ...]:
        """The nodes that say which element; a language without arrays of several axes computes one position."""
        return statement.index

    # The walk.

    def line(self, text: str) -> None:
        """One line at the present depth."""
        self.lines.append(self.indent * self.depth + text if text else "")

    def name(self, target: Node) -> str:
        """The name in the text of a variable."""
        return self.naming(str(target.attribute))

    def bind(self, n: Node, text: str) -> str:
        """A name for a shared subexpression."""
        name = self.naming.temporary()
        self.declare(name, text, n, fixed=True)
        return name

    def render(self, roots: tuple[Node, ...], sharing: Sharing, last_is_bound: bool = False) -> tuple[str, ...]:
        """The texts of nodes, with names for what is shared written before."""
        return render(roots, sharing, self.language, self.naming, self.bind, last_is_bound)

    def roots(self, statement: Statement) -> tuple[Node, ...]:
        """The nodes that a statement evaluates where it stands; a loop evaluates its condition inside."""
        match statement:
            case While():
                return ()
            case Load():
                return self.where(statement)
            case Store() | Accumulate():
                return (*self.where(statement), statement.value)
        return nodes_of(statement)

    def block(self, block: Block, outer: Sharing | None = None, results: tuple[Node, ...] = ()) -> tuple[str, ...]:
        """The statements of a block, then the texts of what it results in."""
        plan, sharing = Sharing(outer), Sharing(outer)
        block = one_by_one(block)
        for statement in block:
            plan.count(self.roots(statement), self.language)
            plan.touch(_changed(statement))
        plan.count(results, self.language)
        sharing.uses = plan.uses
        for statement in block:
            self.statement(statement, sharing)
            sharing.touch(_changed(statement))
        return self.render(results, sharing)

    def statement(self, statement: Statement, sharing: Sharing) -> None:
        """One statement."""
        roots = self.roots(statement)
        texts = self.render(roots, sharing, isinstance(statement, Let))
        match statement:
            case Let(target, value):
                self.declare(self.name(target), texts[0], target, fixed=True)
                sharing.know(value, self.name(target))
            case Var(target, _):
                self.declare(self.name(target), texts[0], target, fixed=False)
            case Assign(target, _):
                self.assign(self.name(target), texts[0])
            case Local(array):
                self.local(array)
            case Load(target, array, _, shift):
                self.declare(self.name(target), self.element(array, texts, shift), target, fixed=True)
            case Store(array, _, _):
                self.assign(self.element(array, texts[:-1], 0), texts[-1])
            case Accumulate():
                self.accumulate(statement, texts[:-1], texts[-1])
            case For(counter, _, _, body):
                self.open_for(self.name(counter), *texts)
                self.nested(body, inside_loop(statement, sharing))
            case While(condition, body):
                self._while(condition, body, inside_loop(statement, sharing))
            case If(_, body):
                self.open_if(texts[0])
                self.nested(body, sharing)
            case Call(targets, function, _):
                given = (*texts, *(self.naming(array.name) for array in function.arrays))
                self.call(targets, tuple(map(self.name, targets)), self.functions[function.name], given)
            case Comment(text):
                for part in text.splitlines():
                    self.comment(part)
            case _:
                kind = type(statement).__name__
                raise CompilerBug(f"the {self.language.name} printer met a {kind}; lowering should have removed it")

    def nested(self, body: Block, outer: Sharing) -> None:
        self.depth += 1
        self.block(body, outer)
        self.depth -= 1
        self.close(body)

    def _while(self, condition: Node, body: Block, inside: Sharing) -> None:
        """`while condition` where that is one expression, else an endless loop that computes it at its head."""
        inside.count((condition,), self.language)
        start = len(self.lines)
        self.depth += 1
        (text,) = self.render((condition,), inside)
        self.depth -= 1
        head, self.lines[start:] = self.lines[start:], []
        self.open_while(None if head else text)
        self.lines += head
        if head:
            self.depth += 1
            self.leave_unless(text)
            self.depth -= 1
        self.nested(body, inside)


def _changed(statement: Statement) -> tuple[str, ...]:
    """The names that have new values after a statement."""
    return (*bound_names((statement,)), *(str(n.attribute) for n in assigned((statement,))))


def inside_loop(loop: For | While, outer: Sharing) -> Sharing:
    """What is known at the head of every turn of a loop."""
    inside = Sharing(outer)
    inside.touch(_changed(loop))
    return inside
