"""Pieces of vector mathematics in LLVM: polynomials, and reals as the bits that they are made of."""

from __future__ import annotations

from ..ir import Kind
from .llvm_writer import Value, Writer

R = Kind.REAL
BITS = {"float64": ("i64", 52, 1023), "float32": ("i32", 23, 127)}
MAGIC = {"float64": 1.5 * 2.0**52, "float32": 1.5 * 2.0**23}


def horner(w: Writer, x: Value, coefficients: tuple[float, ...]) -> Value:
    """A polynomial, highest power first; long ones as even and odd part, two chains of half the length."""
    if len(coefficients) < 6:
        return chain(w, x, coefficients)
    ascending = coefficients[::-1]
    square = w.operation("fmul", x, x)
    even, odd = (chain(w, square, ascending[i::2][::-1]) for i in (0, 1))
    return w.fma(odd, x, even)


def chain(w: Writer, x: Value, coefficients: tuple[float, ...]) -> Value:
    """A polynomial, highest power first, by Horner's rule."""
    total = w.constant(coefficients[0], R, x.wide)
    for c in coefficients[1:]:
        total = w.fma(total, x, w.constant(c, R, x.wide))
    return total


def constant(w: Writer, value: float) -> Value:
    """A real constant, one number a lane."""
    return w.constant(value, R, w.lanes > 1)


def bits_of(w: Writer, x: Value) -> tuple[str, str, str]:
    """A real's bits: (name, integer type over lanes, scalar integer type)."""
    scalar = BITS[w.dtype][0]
    type_ = f"<{w.lanes} x {scalar}>" if w.lanes > 1 else scalar
    name = w.name("bits")
    w.line(f"{name} = bitcast {w.type(R)} {x.text} to {type_}")
    return name, type_, scalar


def splat(w: Writer, value: int, scalar: str) -> str:
    """An integer constant over the lanes."""
    return f"splat ({scalar} {value})" if w.lanes > 1 else str(value)


def integer(w: Writer, instruction: str, type_: str, a: str, b: str) -> str:
    """An integer instruction on two operands of one type."""
    name = w.name("n")
    w.line(f"{name} = {instruction} {type_} {a}, {b}")
    return name


def from_bits(w: Writer, name: str, type_: str) -> Value:
    """The real that bits make."""
    return w.emit(f"bitcast {type_} {name} to {w.type(R)}", R, True)


def compare(w: Writer, predicate: str, a: Value, b: Value) -> Value:
    """A comparison of reals, as a truth a lane."""
    return w.operation(f"fcmp {predicate}", a, b, result=Kind.BOOL)
