"""Statements in printed code: registers in memory that LLVM promotes, branches and loops by masks."""

from __future__ import annotations

from ..errors import CompilerBug
from ..ir import Kind, Node
from ..program import (
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
    Outer,
    Statement,
    Store,
    Var,
    While,
    assigned,
)
from .llvm_outer import Outers
from .llvm_writer import Value, function_symbol, spelled

I = Kind.INT


class Printer(Outers):
    """Prints the statements of one function body."""

    def block(self, block: Block) -> None:
        for statement in block:
            self.statement(statement)

    def statement(self, s: Statement) -> None:
        match s:
            case Let(target, value):
                self.bind(target, self.value(value))
            case Var(target, value):
                self.declare(target, self.w.widen(self.value(value)))
            case Assign(target, value):
                self.assign(target, value)
            case Local(array):
                self.allocate(array)
            case Load(target, _, _, _):
                self.bind(target, self.load(s))
            case Store():
                self.store(s)
            case Accumulate():
                self.accumulate(s)
            case Outer():
                self.outer(s)
            case For():
                self.loop(s)
            case While():
                self.repeat(s)
            case If():
                self.branch(s)
            case Call():
                self.call(s)
            case Comment(text):
                self.w.line(f"; {text}")
            case _:
                raise CompilerBug(f"no LLVM for {type(s).__name__}; a pass should have removed it")

    def declare(self, target: Node, value: Value) -> None:
        slot = f"%{spelled(str(target.attribute))}.slot"
        if str(target.attribute) not in self.registers:
            self.allocas.append(f"  {slot} = alloca {self.w.type(target.kind)}, align 64")
        self.registers[str(target.attribute)] = (slot, target.kind)
        self._depends[target.key] = frozenset([str(target.attribute)])
        self.forget(frozenset([str(target.attribute)]))
        self.w.line(f"store {self.w.type(target.kind)} {value.text}, ptr {slot}, align 64")

    def assign(self, target: Node, value: Node) -> None:
        new = self.w.widen(self.value(value))
        slot, kind = self.registers[str(target.attribute)]
        if self.mask is not None:
            new = self.w.select(self.mask, new, self.value(target))
        self.w.line(f"store {self.w.type(kind)} {new.text}, ptr {slot}, align {self.aligned(kind)}")
        self.forget(frozenset([str(target.attribute)]))

    def allocate(self, array: Array) -> None:
        count = 1
        for size in array.shape:
            count *= int(size)
        slot = f"%{spelled(array.name)}.local"
        self.allocas.append(f"  {slot} = alloca [{count * self.w.lanes} x {self.element(array)}], align 64")
        self.arrays[array.name] = array
        self.bases[array.name] = slot

    def nested(self, block: Block, mask: Value | None) -> None:
        outside, self.mask = self.mask, mask
        self.scopes.append({})
        self.block(block)
        self.scopes.pop()
        self.mask = outside

    def loop(self, s: For) -> None:
        w = self.w
        start, stop = self.value(s.start), self.value(s.stop)
        if start.wide or stop.wide:
            raise CompilerBug(f"the bounds of the loop over {s.counter} differ by lane; use While")
        head, body, done = (w.fresh_label(n) for n in ("for", "body", "done"))
        counter, slot = w.name("i"), w.name("counter")
        self.allocas.append(f"  {slot} = alloca i64")
        w.line(f"store i64 {start.text}, ptr {slot}")
        w.line(f"br label %{head}")
        w.label(head)
        self.forget(_names(assigned(s.body)))
        w.line(f"{counter} = load i64, ptr {slot}")
        test = w.emit(f"icmp slt i64 {counter}, {stop.text}", Kind.BOOL, False)
        w.line(f"br i1 {test.text}, label %{body}, label %{done}")
        w.label(body)
        self.turn(s, Value(counter, I, False), stop)
        following = w.emit(f"add nsw i64 {counter}, 1", I, False)
        w.line(f"store i64 {following.text}, ptr {slot}")
        w.line(f"br label %{head}")
        w.label(done)
        self.forget(_names(assigned(s.body)))

    def turn(self, s: For, counter: Value, stop: Value) -> None:
        """The body of a loop, in which the counter has a value."""
        del stop
        self.scopes.append({})
        self.bind(s.counter, counter)
        self.nested(s.body, self.mask)
        self.scopes.pop()

    def repeat(self, s: While) -> None:
        w = self.w
        head, body, done = (w.fresh_label(n) for n in ("while", "body", "done"))
        slot = w.name("alive")
        mask_type = w.type(Kind.BOOL)
        self.allocas.append(f"  {slot} = alloca {mask_type}, align 64")
        w.line(f"store {mask_type} {self.current_mask().text}, ptr {slot}")
        w.line(f"br label %{head}")
        w.label(head)
        self.forget(_names(assigned(s.body)))
        self.scopes.append({})
        condition = w.widen(self.value(s.condition))
        before = w.emit(f"load {mask_type}, ptr {slot}", Kind.BOOL, True)
        alive = w.operation("and", before, condition)
        w.line(f"store {mask_type} {alive.text}, ptr {slot}")
        w.line(f"br i1 {w.any(alive)}, label %{body}, label %{done}")
        w.label(body)
        self.nested(s.body, alive if w.lanes > 1 else None)
        self.scopes.pop()
        w.line(f"br label %{head}")
        w.label(done)
        self.forget(_names(assigned(s.body)))

    def branch(self, s: If) -> None:
        w = self.w
        condition = self.value(s.condition)
        inner = condition
        if w.lanes > 1:
            inner = w.widen(condition) if self.mask is None else w.operation("and", self.mask, w.widen(condition))
        body, done = w.fresh_label("if"), w.fresh_label("fi")
        w.line(f"br i1 {w.any(inner)}, label %{body}, label %{done}")
        w.label(body)
        uniform = not condition.wide
        self.nested(s.body, self.mask if uniform or w.lanes == 1 else inner)
        w.line(f"br label %{done}")
        w.label(done)
        self.forget(_names(assigned(s.body)))

    def call(self, s: Call) -> None:
        w = self.w
        arguments = [w.widen(self.value(a)) for a in s.arguments]
        slot = w.name("results")
        self.allocas.append(f"  {slot} = alloca [{max(len(s.targets), 1)} x <{w.lanes} x i64>], align 64")
        given = "".join(f", ptr {self.bases[a.name]}" for a in s.function.arrays)
        given += "".join(f", {w.type(a.kind)} {v.text}" for a, v in zip(s.arguments, arguments, strict=True))
        symbol = function_symbol(s.function.name)
        w.line(f"call void @{symbol}({w.type(Kind.BOOL)} {self.current_mask().text}, ptr {slot}{given})")
        for i, (target, result) in enumerate(zip(s.targets, s.function.results, strict=True)):
            at = w.name("result")
            w.line(f"{at} = getelementptr <{w.lanes} x i64>, ptr {slot}, i64 {i}")
            self.bind(target, w.emit(f"load {w.type(result.kind)}, ptr {at}, align 8", result.kind, True))


def _names(nodes: frozenset[Node]) -> frozenset[str]:
    return frozenset(str(n.attribute) for n in nodes)
