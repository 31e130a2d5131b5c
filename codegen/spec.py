"""What is legal: checked where a kernel enters the compiler and again after every pipeline of passes.

Whoever breaks a rule here has found an error of the compiler, never one of the user, so that everything raises
`CompilerBug` and names the statement. The rules are those that printers rely on without looking: one namespace in
which every name is bound once, kinds that agree, indices that fit, control flow whose loop bounds are the same for
all lanes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from .errors import CompilerBug
from .ir import JET, Kind, Node, constant_value, render, walk
from .primitives import PRIMITIVES
from .program import (
    Accumulate,
    Array,
    Assign,
    Block,
    Call,
    Comment,
    For,
    Function,
    If,
    Intent,
    Kernel,
    Let,
    Load,
    Local,
    Outer,
    Product,
    Statement,
    Store,
    Var,
    While,
    nodes_of,
)
from .uniform import Uniformity


def check_function(function: Function) -> None:
    """A function sees its parameters and nothing else, and its results are in scope at its end.

    Raises CompilerBug with the statement that breaks a rule.
    """
    _check_function(function, {})


def check_kernel(kernel: Kernel) -> None:
    """Every rule of a kernel and of the functions that it calls.

    Raises CompilerBug with the statement that breaks a rule: names bound once and used in scope, kinds, ranks,
    intents of arrays, uniform loop bounds, one function per name.
    """
    checker = _Checker(f"kernel {kernel.name!r}", Uniformity.of_kernel(kernel), {})
    for scalar in kernel.scalars:
        if scalar.kind is Kind.BOOL:
            checker.fail(f"scalar {scalar.name!r} is a truth value; pass an integer")
        checker.bind(scalar.node)
    for axis in (*kernel.outer, kernel.lane):
        checker.bind_name(axis, Kind.INT)
    integers = {s.name for s in kernel.scalars if s.kind is Kind.INT}
    for array in kernel.arrays:
        checker.declare(array, integers)
    checker.check_block(kernel.body)


def _check_function(function: Function, known: dict[str, Function]) -> None:
    checker = _Checker(f"function {function.name!r}", Uniformity.of_function(function), known)
    for array in function.arrays:
        checker.declare(array, ())
    for parameter in function.parameters:
        if parameter.op != "variable":
            checker.fail(f"parameter {render(parameter)} is no variable")
        checker.bind(parameter)
    checker.check_block(function.body)
    checker.check_nodes(function.results)


class _Checker:
    """One namespace under inspection: what is bound, what is in scope, what each name stands for."""

    def __init__(self, place: str, uniform: Uniformity, known: dict[str, Function]) -> None:
        self.place, self.uniform, self.known = place, uniform, known
        self.statement: Statement | None = None
        self.bound: set[str] = set()
        self.scope: dict[str, Kind] = {}
        self.registers: set[str] = set()
        self.arrays: dict[str, Array] = {}
        self.locals: set[str] = set()
        self.verified: set[bytes] = set()  # nodes known to be legal and in scope; shared ones are looked at once

    def fail(self, complaint: str) -> None:
        at = "" if self.statement is None else f", at {describe(self.statement)}"
        raise CompilerBug(f"{self.place}{at}: {complaint}")

    def bind_name(self, name: str, kind: Kind) -> None:
        if name in self.bound:
            self.fail(f"{name!r} is bound twice; variables, arrays, scalars and axes share one namespace")
        self.bound.add(name)
        self.scope[name] = kind

    def bind(self, target: Node) -> None:
        if target.op != "variable":
            self.fail(f"{render(target)} is no variable and cannot be bound")
        self.bind_name(str(target.attribute), target.kind)

    def declare(self, array: Array, integers: Iterable[str], local: bool = False) -> None:
        self.bind_name(array.name, array.kind)
        del self.scope[array.name]  # an array is no variable
        for size in array.shape:
            if isinstance(size, str) and (local or size not in integers):
                remedy = (
                    "private memory has constant sizes"
                    if local
                    else "sizes are numbers or integer scalars of the kernel"
                )
                self.fail(f"array {array.name!r} has size {size!r}; {remedy}")
            if isinstance(size, int) and size < 1:
                self.fail(f"array {array.name!r} has size {size}")
        if array.kind is Kind.BOOL:
            self.fail(f"array {array.name!r} holds truth values; store integers")
        if array.intent is Intent.SUM and array.instanced:
            self.fail(f"array {array.name!r} is a sum over instances; declare it with instanced=False")
        if array.components < 1 or (array.components > 1 and (local or not array.instanced)):
            self.fail(f"array {array.name!r} has {array.components} components, which only a kernel's instances have")
        if array.short and (local or array.kind is not Kind.INT or array.intent is Intent.SUM):
            self.fail(f"array {array.name!r} is short, which only a kernel's integers are that are no sums")
        self.arrays[array.name] = array
        if local:
            self.locals.add(array.name)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """A block of its own: what it binds is invisible after it."""
        scope, arrays, verified = dict(self.scope), dict(self.arrays), set(self.verified)
        yield
        self.scope, self.arrays, self.verified = scope, arrays, verified

    def check_nodes(self, roots: Iterable[Node]) -> None:
        for n in walk(roots, self.verified):
            if n.op == "variable":
                kind = self.scope.get(str(n.attribute))
                if kind is None:
                    state = "out of scope" if n.attribute in self.bound else "not bound"
                    self.fail(f"{n.attribute!r} is {state} where it is used")
                if kind is not n.kind:
                    self.fail(f"{n.attribute!r} is bound as {kind} and used as {n.kind}")
            elif n.op != "constant":
                self._check_primitive(n)

    def _check_primitive(self, n: Node) -> None:
        if n.op == JET:
            if any(a.kind is not Kind.REAL for a in n.args):
                self.fail(f"{render(n, 2)} is given {', '.join(str(a.kind) for a in n.args)}, and takes reals")
            return
        row = PRIMITIVES.get(n.op)
        if row is None or len(row.kinds) != len(n.args):
            self.fail(f"{render(n, 2)} is no primitive of the table")
            return
        free = {a.kind for a, kind in zip(n.args, row.kinds, strict=True) if kind is None}
        if len(free) > 1 or any(kind not in (None, a.kind) for a, kind in zip(n.args, row.kinds, strict=True)):
            self.fail(f"{render(n, 2)} is given {', '.join(str(a.kind) for a in n.args)}")
        if n.kind is not (row.result or n.args[-1].kind):
            self.fail(f"{render(n, 2)} is marked {n.kind}, its primitive gives {row.result or n.args[-1].kind}")

    def check_block(self, block: Block) -> None:
        for statement in block:
            self.statement = statement
            self.check_nodes(nodes_of(statement))
            self._check_statement(statement)

    def _check_statement(self, statement: Statement) -> None:
        match statement:
            case Let(target, value) | Var(target, value):
                self._same_kind(target, value)
                self.bind(target)
                if isinstance(statement, Var):
                    self.registers.add(str(target.attribute))
                else:
                    self.uniform.bind(statement)
            case Assign(target, value):
                self._same_kind(target, value)
                if target.attribute not in self.registers:
                    self.fail(f"{target.attribute!r} is no register; only what Var declares is assigned")
                self.check_nodes((target,))
            case Local(array):
                self.declare(array, (), local=True)
            case Load() | Store() | Accumulate():
                self._check_access(statement)
            case Outer():
                self._check_outer(statement)
            case Product():
                self._check_product(statement)
            case For(counter, start, stop, body):
                self._check_for(counter, start, stop, body)
            case While(condition, body) | If(condition, body):
                if condition.kind is not Kind.BOOL:
                    self.fail(f"the condition is {condition.kind}, not a truth value")
                with self.inside():
                    self.check_block(body)
            case Call():
                self._check_call(statement)
            case Comment():
                pass
            case _:
                self.fail("it is no statement")

    def _same_kind(self, target: Node, value: Node) -> None:
        if target.kind is not value.kind:
            self.fail(f"{target.attribute!r} is {target.kind}, its value {value.kind}")

    def _check_access(self, statement: Load | Store | Accumulate) -> None:
        array = self.arrays.get(statement.array)
        if array is None:
            self.fail(f"there is no array {statement.array!r} here, only {', '.join(sorted(self.arrays)) or 'none'}")
            return
        self._check_index(array, statement.index)
        value = statement.target if isinstance(statement, Load) else statement.value
        if value.kind is not array.kind:
            self.fail(f"array {array.name!r} holds {array.kind}, the value is {value.kind}")
        local = array.name in self.locals
        match statement:
            case Load(target, _, _, shift):
                if array.intent is Intent.SUM:
                    self.fail(f"array {array.name!r} is a sum, which is known only after the launch")
                if shift and (local or not array.instanced or array.intent is not Intent.IN):
                    self.fail(f"array {array.name!r} is read across lanes; only instanced arrays of intent 'in' can be")
                self.bind(target)
                self.uniform.bind(statement)
            case Store() if not local and array.intent not in (Intent.OUT, Intent.INOUT):
                self.fail(f"array {array.name!r} has intent {array.intent.value!r} and is stored to")
            case Accumulate() if local or array.intent is not Intent.SUM:
                self.fail(f"array {array.name!r} is no sum; declare it with intent 'sum'")

    def _check_outer(self, outer: Outer) -> None:
        array = self.arrays.get(outer.array)
        if array is None or array.intent is not Intent.SUM or array.kind is not Kind.REAL:
            self.fail(f"array {outer.array!r} is no sum of reals; declare it with intent 'sum'")
            return
        self._check_index(array, outer.index)
        if len(outer.left) != len(outer.right) or not outer.left or min(outer.rows, outer.columns) < 1:
            self.fail(
                f"{len(outer.left)} vectors on the left and {len(outer.right)} on the right make no matrix of "
                f"{outer.rows} by {outer.columns}"
            )
        self._check_vectors(outer, (*outer.left, *outer.right))

    def _check_product(self, product: Product) -> None:
        array = self.arrays.get(product.array)
        if array is None or array.instanced or array.intent is not Intent.IN or array.kind is not Kind.REAL:
            self.fail(f"array {product.array!r} is no matrix of reals that all instances share and none writes")
            return
        self._check_index(array, product.index)
        given, made, size = len(product.given), len(product.made), f"{product.rows} by {product.columns}"
        if given != made or not given or min(product.rows, product.columns) < 1:
            self.fail(f"a matrix of {size} makes {made} vectors of {given}")
        if product.given_begin == product.made_begin and set(product.given) & set(product.made):
            self.fail("a vector is written where it is read")
        self._check_vectors(product, (*product.given, *product.made))

    def _check_vectors(self, statement: Outer | Product, names: Iterable[str]) -> None:
        for name in names:
            vector = self.arrays.get(name)
            if name not in self.locals or vector is None or len(vector.shape) != 1 or vector.kind is not Kind.REAL:
                self.fail(f"{name!r} is no private vector of reals")
        for place in nodes_of(statement):
            if place.kind is not Kind.INT or not self.uniform.holds(place):
                self.fail(f"the place {render(place, 2)} is not an integer that is the same for all lanes")

    def _check_index(self, array: Array, index: tuple[Node, ...]) -> None:
        if len(index) != array.indices:
            self.fail(f"array {array.name!r} has {array.indices} axes besides the lanes, the index {len(index)}")
            return
        if array.components > 1 and constant_value(index[-1]) is None:
            self.fail(f"array {array.name!r} has {array.components} components, and which one is not constant")
        sizes = (*array.shape, array.components)[: array.indices]
        for i, size in zip(index, sizes, strict=True):
            if i.kind is not Kind.INT:
                self.fail(f"the index {render(i, 2)} of array {array.name!r} is {i.kind}, not an integer")
            value = constant_value(i)
            if value is not None and (value < 0 or (isinstance(size, int) and value >= size)):
                self.fail(f"the index {value} is outside array {array.name!r} of size {size}")

    def _check_for(self, counter: Node, start: Node, stop: Node, body: Block) -> None:
        for bound in (start, stop):
            if bound.kind is not Kind.INT or counter.kind is not Kind.INT:
                self.fail(f"the counter and its bounds are integers, not {counter.kind} and {bound.kind}")
            if not self.uniform.holds(bound):
                self.fail(f"the bound {render(bound, 2)} differs between lanes; use While")
        with self.inside():
            self.bind(counter)
            self.uniform.add(counter)
            self.check_block(body)

    def _check_call(self, call: Call) -> None:
        function = call.function
        for given, wanted, what in (
            (call.arguments, function.parameters, "arguments"),
            (call.targets, function.results, "results"),
        ):
            if [n.kind for n in given] != [n.kind for n in wanted]:
                kinds = [", ".join(str(n.kind) for n in nodes) or "none" for nodes in (given, wanted)]
                self.fail(f"the {what} are {kinds[0]}, function {function.name!r} has {kinds[1]}")
        for array in function.arrays:
            if self.arrays.get(array.name) != array or array.name in self.locals:
                self.fail(f"function {function.name!r} reaches for {array.name!r}, which is not declared so here")
        for target in call.targets:
            self.bind(target)
        known = self.known.get(function.name)
        if known is None:
            self.known[function.name] = function
            _check_function(function, self.known)
        elif known is not function and known != function:
            self.fail(f"two different functions are called {function.name!r}, or it calls itself")


def describe(statement: Statement) -> str:
    """A statement in a line, for messages."""
    match statement:
        case Let(target, value) | Var(target, value) | Assign(target, value):
            return f"{type(statement).__name__} {render(target, 2)} = {render(value, 2)}"
        case Local(array):
            return f"Local {array.name}"
        case Load(target, array, index, _):
            return f"Load {render(target, 2)} = {array}[{', '.join(render(i, 2) for i in index)}]"
        case Store(array, index, value) | Accumulate(array, index, value):
            return f"{type(statement).__name__} {array}[{', '.join(render(i, 2) for i in index)}] = {render(value, 2)}"
        case Outer():
            return f"Outer {statement.array}[{', '.join(render(i, 2) for i in statement.index)}]"
        case Product():
            return f"Product {statement.array}[{', '.join(render(i, 2) for i in statement.index)}]"
        case For(counter, start, stop, _):
            return f"For {render(counter, 2)} from {render(start, 2)} to {render(stop, 2)}"
        case While(condition, _) | If(condition, _):
            return f"{type(statement).__name__} {render(condition, 2)}"
        case Call(_, function, _):
            return f"Call {function.name}"
    return type(statement).__name__
