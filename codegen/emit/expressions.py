"""Nodes as text: the templates of the primitives with the parentheses that precedence asks for.

The table of primitives spells every operation with all its parentheses, "({0} + {1})". The printers drop those that the
language does not need; they never regroup, because floating-point sums and products do not associate. Operands of + and
* may change sides, which changes no bit, so that people find constants where they write them. What is used more than
once gets a name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from codegen.errors import CompilerBug
from codegen.ir import Kind, Node, walk
from codegen.primitives import PRIMITIVES, Primitive

ATOM = 100  # binds tighter than any operator
LOOSE = 0  # an argument of a call, a right-hand side


@dataclass(frozen=True, eq=False)
class Language:
    """How a language spells nodes: templates, precedences (higher binds tighter) and constants."""

    name: str
    template: Callable[[Primitive], str]
    binary: Mapping[str, int]
    unary: Mapping[str, int]  # besides the minus sign, which stands as high as a product
    ternary: int
    product: int
    constant: Callable[[Node], str]
    suffix: str = ""  # what {f} stands for
    wide: str = ""  # what makes an integer constant as wide as other integers, where only constants stand
    width: int = 88  # characters of an expression, past which parts of it get names
    contracts: bool = False  # a product is contracted into a sum, the first of two: operands stand as they are given


@dataclass(frozen=True)
class Shape:
    """A template taken apart: its text, the binding strength it asks of each argument, and its own."""

    text: str
    wants: tuple[int, ...]
    strength: int
    repeats: tuple[bool, ...]  # the argument occurs more than once, so it must be a name


@dataclass(frozen=True)
class Text:
    """A rendered node and how tightly it binds."""

    text: str
    strength: int


BINARY = re.compile(r"\(\{0\} (\S+) \{1\}\)")
UNARY = re.compile(r"\((\S+ ?)\{0\}\)")
TERNARY = ("({1} if {0} else {2})", "({0} ? {1} : {2})")
COMPARISONS = ("<", "<=", "==")
COMMUTATIVE = frozenset({"add", "mul", "add_exact"})


@lru_cache(maxsize=1024)
def shape_of(language: Language, op: str) -> Shape:
    """How the language spells a primitive, with the outer parentheses taken off where they can be put back by need."""
    row = PRIMITIVES.get(op)
    if row is None:
        raise CompilerBug(
            f"the {language.name} printer met {op!r}, which is no primitive; lowering should have removed it"
        )
    template = language.template(row)
    repeats = tuple(template.count(f"{{{i}}}") > 1 for i in range(len(row.kinds)))
    inner = template[1:-1]
    if (match := BINARY.fullmatch(template)) and match[1] in language.binary:
        strength = language.binary[match[1]]
        left = strength + 1 if match[1] in COMPARISONS else strength  # Python would chain them
        return Shape(inner, (left, strength + 1), strength, repeats)
    if (match := UNARY.fullmatch(template)) and match[1] in language.unary:
        strength = language.unary[match[1]]
        return Shape(inner, (strength,), strength, repeats)
    if template in TERNARY:
        above = language.ternary + 1
        return Shape(inner, (above, above, language.ternary), language.ternary, repeats)
    wants = tuple(LOOSE if _is_enclosed(template, i) else ATOM for i in range(len(row.kinds)))
    return Shape(template, wants, ATOM, repeats)


def _is_enclosed(template: str, i: int) -> bool:
    """Whether an argument always stands alone between the parentheses and commas of a call."""
    places = re.findall(rf"(\(|\w\(.*, |, )?\{{{i}\}}([,)])?", template)
    return bool(places) and all(before and after for before, after in places)


def wrap(text: Text, wanted: int) -> str:
    """The text, in parentheses where it binds less tightly than its place asks."""
    return text.text if text.strength >= wanted else f"({text.text})"


def leaf(language: Language, n: Node, name: Callable[[str], str]) -> Text:
    """The text of a constant or a variable."""
    if n.op == "variable":
        return Text(name(str(n.attribute)), ATOM)
    text = language.constant(n)
    return Text(text, language.product if text.startswith("-") else ATOM)


def compose(language: Language, n: Node, args: tuple[Text, ...]) -> Text:
    """The text of a node from those of its arguments."""
    if n.op == "neg":
        # (-a) b and -(a b) are the same number, so a minus sign need not enclose a product or quotient of reals
        loose = n.args[0].op in ("mul", "div") and args[0].strength == language.product
        if loose and args[0].text.startswith("-"):  # of its first factor; C reads two of them as a decrement
            return Text(args[0].text[1:], language.product)
        return Text("-" + wrap(args[0], language.product + (0 if loose else 1)), language.product)
    shape = shape_of(language, n.op)
    operands = tuple(zip(n.args, args, strict=True))
    if n.op == "select" and n.kind is Kind.INT:
        operands = tuple((a, _widened(language, a, text)) for a, text in operands)
    if n.op in COMMUTATIVE and shape.strength != ATOM:
        operands = _in_writing_order(n.op, operands, shape, language.contracts and n.op == "add")
    filled = [wrap(text, wanted) for (_, text), wanted in zip(operands, shape.wants, strict=True)]
    if operands[-1][0].op == "constant" and filled[-1].startswith("-"):
        for sign, opposite in (("+", "-"), ("-", "+")):  # x + -2.0 is x - 2.0, bit for bit
            if shape.text == f"{{0}} {sign} {{1}}":
                return Text(f"{filled[0]} {opposite} {filled[1][1:]}", shape.strength)
    return Text(shape.text.format(*filled, a=n.attribute, f=language.suffix), shape.strength)


def _widened(language: Language, n: Node, text: Text) -> Text:
    constant = n.op == "constant" and n.kind is Kind.INT and text.text[-1:].isdigit()
    return Text(text.text + language.wide, text.strength) if constant else text


Operands = tuple[tuple[Node, Text], ...]


def _in_writing_order(op: str, operands: Operands, shape: Shape, as_given: bool) -> Operands:
    """Constants first in products and last in sums, names before expressions; swapped if that saves parentheses.

    `as_given`: two products stay where they are.
    """
    if as_given and not any(n.op == "constant" for n, _ in operands):
        return operands if _saved(operands, shape) <= 0 else operands[::-1]

    def place(operand: tuple[Node, Text]) -> tuple[int, int, str]:
        n, text = operand
        if n.op == "constant":
            return (0 if op == "mul" else 3), 0, text.text
        return (1, 0, text.text) if n.op == "variable" else (2, len(text.text), text.text)

    usual = tuple(sorted(operands, key=place))
    return usual[::-1] if usual[0][0].op != "constant" and _saved(usual, shape) > 0 else usual


def _saved(operands: Operands, shape: Shape) -> int:
    """How many parentheses it saves to swap two operands."""

    def parentheses(pair: Operands) -> int:
        return sum(text.strength < wanted for (_, text), wanted in zip(pair, shape.wants, strict=True))

    return parentheses(operands) - parentheses(operands[::-1])


Value = tuple[bytes, int]


class Sharing:
    """The values of one block: which are used more than once over all its statements, and which have a name by now.

    A value is a node at a time: an assignment to a register makes new values of all nodes that depend on it.
    """

    def __init__(self, outer: Sharing | None = None) -> None:
        self.clock: int = outer.clock if outer else 0
        self.changed: dict[str, int] = dict(outer.changed) if outer else {}
        self.names: dict[Value, str] = dict(outer.names) if outer else {}
        self.uses: Counter[Value] = Counter()
        self._counted: set[Value] = set()

    def touch(self, names: Iterable[str]) -> None:
        """These registers have new values from here on."""
        self.clock += 1
        self.changed |= dict.fromkeys(names, self.clock)

    def know(self, n: Node, name: str) -> None:
        """A statement has given a value a name of its own."""
        if n.args:
            self.names.setdefault(self.values((n,))[n.key], name)

    def values(self, roots: Iterable[Node]) -> dict[bytes, Value]:
        """The present value of every node below the roots."""
        stamp: dict[bytes, int] = {}
        for n in walk(roots):
            own = self.changed.get(str(n.attribute), 0) if n.op == "variable" else 0
            stamp[n.key] = max((own, *(stamp[a.key] for a in n.args)))
        return {key: (key, time) for key, time in stamp.items()}

    def count(self, roots: tuple[Node, ...], language: Language) -> None:
        """Note the uses that a statement makes of values."""
        value = self.values(roots)
        self.uses.update(value[root.key] for root in roots)
        for n in walk(roots):
            if not n.args or value[n.key] in self._counted:
                continue
            self._counted.add(value[n.key])
            for argument, repeated in zip(n.args, shape_of(language, n.op).repeats, strict=True):
                self.uses[value[argument.key]] += 2 if repeated else 1


def is_cheap(n: Node) -> bool:
    """Whether a node reads better, and runs no slower, where it stands than under a name: leaves, -x, i * n + lane."""
    return not n.args or (n.op == "neg" and not n.args[0].args) or _is_index_arithmetic(n, 2)


def _is_index_arithmetic(n: Node, depth: int) -> bool:
    if not n.args:
        return True
    simple = depth > 0 and n.kind is Kind.INT and n.op in ("add", "sub", "mul")
    return simple and all(_is_index_arithmetic(a, depth - 1) for a in n.args)


def render(
    roots: tuple[Node, ...],
    sharing: Sharing,
    language: Language,
    name: Callable[[str], str],
    bind: Callable[[Node, str], str],
    last_is_bound: bool = False,
) -> tuple[str, ...]:
    """The texts of nodes; what is shared or too long is given a name by `bind(node, text)` first.

    With `last_is_bound` the statement itself names the last root (a Let), so that it needs no other name.
    """
    value = sharing.values(roots)
    texts: dict[bytes, Text] = {}

    def give_name(n: Node) -> None:
        named = bind(n, texts[n.key].text)
        sharing.names[value[n.key]] = named
        texts[n.key] = Text(named, ATOM)

    for n in _unnamed(roots, sharing.names, value):
        if value[n.key] in sharing.names:
            texts[n.key] = Text(sharing.names[value[n.key]], ATOM)
            continue
        if not n.args:
            texts[n.key] = leaf(language, n, name)
            continue
        composed = compose(language, n, tuple(texts[a.key] for a in n.args))
        while len(composed.text) > language.width:
            longest = max(n.args, key=lambda a: len(texts[a.key].text) if a.args else 0)
            if not longest.args or value[longest.key] in sharing.names:
                break
            give_name(longest)
            composed = compose(language, n, tuple(texts[a.key] for a in n.args))
        texts[n.key] = composed
        if sharing.uses[value[n.key]] > 1 and not is_cheap(n) and not (last_is_bound and n == roots[-1]):
            give_name(n)
    return tuple(texts[root.key].text for root in roots)


def _unnamed(roots: tuple[Node, ...], names: Mapping[Value, str], value: Mapping[bytes, Value]) -> Iterator[Node]:
    """The nodes below the roots, arguments first, without looking below values that have a name."""
    seen: set[bytes] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        n, ready = stack.pop()
        if ready:
            yield n
        elif n.key not in seen:
            seen.add(n.key)
            stack.append((n, True))
            if value[n.key] not in names:
                stack.extend((argument, False) for argument in reversed(n.args))
