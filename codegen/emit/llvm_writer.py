"""Lines of LLVM assembly over lanes: typed values, splats, arithmetic; what printer and vector mathematics write."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

from ..ir import Kind

WIDTHS = {"float64": ("double", "f64", 8), "float32": ("float", "f32", 4)}


def spelled(name: str) -> str:
    """A name as LLVM takes it: letters beyond ASCII by their numbers, between signs that no identifier holds."""
    return "".join(letter if letter.isascii() else f"${ord(letter):x}$" for letter in name)


def function_symbol(name: str) -> str:
    """What a function of a kernel is called; a prefix keeps it apart from the scalar library's functions."""
    return f"function.{spelled(name)}"


@dataclass(frozen=True, slots=True)
class Value:
    """An operand: its text, its kind, and whether it holds one number a lane (`wide`) or one for all."""

    text: str
    kind: Kind
    wide: bool


@dataclass
class Writer:
    """The body of one function under construction; `lanes` = 1 makes plain scalar code."""

    lanes: int
    dtype: str
    lines: list[str] = field(default_factory=list)
    count: int = 0
    needed: set[tuple[str, int]] = field(default_factory=set)  # (function of the vector mathematics, lanes)
    intrinsics: set[str] = field(default_factory=set)
    features: frozenset[str] = frozenset()  # of the processor, as LLVM calls them

    @property
    def real(self) -> str:
        return WIDTHS[self.dtype][0]

    def scalar_type(self, kind: Kind) -> str:
        return {Kind.REAL: self.real, Kind.INT: "i64", Kind.BOOL: "i1"}[kind]

    def type(self, kind: Kind, wide: bool = True) -> str:
        scalar = self.scalar_type(kind)
        return f"<{self.lanes} x {scalar}>" if wide and self.lanes > 1 else scalar

    def suffix(self, kind: Kind, wide: bool) -> str:
        scalar = {Kind.REAL: WIDTHS[self.dtype][1], Kind.INT: "i64", Kind.BOOL: "i1"}[kind]
        return f"v{self.lanes}{scalar}" if wide and self.lanes > 1 else scalar

    def name(self, wish: str = "x") -> str:
        self.count += 1
        return f"%{wish}{self.count}"

    def line(self, text: str) -> None:
        self.lines.append("  " + text)

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")

    def fresh_label(self, wish: str) -> str:
        self.count += 1
        return f"{wish}{self.count}"

    def emit(self, text: str, kind: Kind, wide: bool) -> Value:
        name = self.name()
        self.line(f"{name} = {text}")
        return Value(name, kind, wide)

    # -- constants and splats -----------------------------------------------------------------------------------------
    def number(self, value: float | int | bool, kind: Kind) -> str:
        if kind is Kind.REAL:
            value = float(value)
            if self.dtype == "float32":
                with np.errstate(over="ignore"):
                    value = float(np.float32(value))
            return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
        if kind is Kind.BOOL:
            return "true" if value else "false"
        return str(int(value))

    def constant(self, value: float | int | bool, kind: Kind, wide: bool = False) -> Value:
        text = self.number(value, kind)
        if wide and self.lanes > 1:
            return Value(f"splat ({self.scalar_type(kind)} {text})", kind, True)
        return Value(text, kind, wide and self.lanes > 1)

    def widen(self, value: Value) -> Value:
        """One number for all lanes as one number a lane."""
        if value.wide or self.lanes == 1:
            return value
        if not value.text.startswith("%"):
            return Value(f"splat ({self.scalar_type(value.kind)} {value.text})", value.kind, True)
        wide = self.type(value.kind)
        first = self.emit(
            f"insertelement {wide} poison, {self.scalar_type(value.kind)} {value.text}, i64 0", value.kind, True
        )
        return self.emit(
            f"shufflevector {wide} {first.text}, {wide} poison, <{self.lanes} x i32> zeroinitializer", value.kind, True
        )

    def match(self, *values: Value) -> tuple[Value, ...]:
        """Operands of one width."""
        if self.lanes > 1 and any(v.wide for v in values):
            return tuple(self.widen(v) for v in values)
        return values

    # -- operations ---------------------------------------------------------------------------------------------------
    def operation(self, instruction: str, *operands: Value, result: Kind | None = None) -> Value:
        """An LLVM instruction of one operand type, e.g. "fadd contract"."""
        operands = self.match(*operands)
        first = operands[0]
        texts = ", ".join(v.text for v in operands)
        return self.emit(f"{instruction} {self.type(first.kind, first.wide)} {texts}", result or first.kind, first.wide)

    def intrinsic(self, name: str, *operands: Value, result: Kind | None = None) -> Value:
        """A call of an overloaded intrinsic such as llvm.sqrt, all operands and the result of one type."""
        operands = self.match(*operands)
        first = operands[0]
        type_ = self.type(first.kind, first.wide)
        full = f"@{name}.{self.suffix(first.kind, first.wide)}"
        self.intrinsics.add(f"declare {type_} {full}({', '.join([type_] * len(operands))})")
        arguments = ", ".join(f"{type_} {v.text}" for v in operands)
        return self.emit(f"call {type_} {full}({arguments})", result or first.kind, first.wide)

    def mathematics(self, name: str, *operands: Value) -> Value:
        """A call of one of our own functions, e.g. math.sin."""
        operands = self.match(*operands)
        first = operands[0]
        lanes = self.lanes if first.wide else 1
        self.needed.add((name, lanes))
        type_ = self.type(Kind.REAL, first.wide)
        arguments = ", ".join(f"{type_} {v.text}" for v in operands)
        return self.emit(f"call {type_} @{self.symbol(name, lanes)}({arguments})", Kind.REAL, first.wide)

    def sine_and_cosine(self, angle: Value) -> tuple[Value, Value]:
        lanes = self.lanes if angle.wide else 1
        self.needed.add(("math.sincos", lanes))
        type_ = self.type(Kind.REAL, angle.wide)
        pair = f"{{ {type_}, {type_} }}"
        both = self.emit(
            f"call {pair} @{self.symbol('math.sincos', lanes)}({type_} {angle.text})", Kind.REAL, angle.wide
        )
        first = self.emit(f"extractvalue {pair} {both.text}, 0", Kind.REAL, angle.wide)
        second = self.emit(f"extractvalue {pair} {both.text}, 1", Kind.REAL, angle.wide)
        return first, second

    def symbol(self, name: str, lanes: int) -> str:
        return f"sym.{name}.{'' if lanes == 1 else f'v{lanes}'}{WIDTHS[self.dtype][1]}"

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        return self.intrinsic("llvm.fma", a, b, c)

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        if condition.wide:
            a, b = self.widen(a), self.widen(b)
        else:
            a, b = self.match(a, b)
        mask = self.type(Kind.BOOL, condition.wide)
        type_ = self.type(a.kind, a.wide)
        return self.emit(f"select {mask} {condition.text}, {type_} {a.text}, {type_} {b.text}", a.kind, a.wide)

    def any(self, mask: Value) -> str:
        """An i1 that tells whether any lane's condition holds."""
        if not mask.wide or self.lanes == 1:
            return mask.text
        type_ = self.type(Kind.BOOL)
        name = f"@llvm.vector.reduce.or.v{self.lanes}i1"
        self.intrinsics.add(f"declare i1 {name}({type_})")
        return self.emit(f"call i1 {name}({type_} {mask.text})", Kind.BOOL, False).text
