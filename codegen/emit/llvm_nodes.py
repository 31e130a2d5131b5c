"""Primitives as LLVM instructions: what the `llvm` column of the table means."""

from __future__ import annotations

from ..errors import CompilerBug
from ..ir import Kind, Node
from ..primitives import PRIMITIVES
from .llvm_writer import Value, Writer

REAL_INSTRUCTIONS = {
    "add": "fadd contract",
    "sub": "fsub contract",
    "mul": "fmul contract",
    "fdiv": "fdiv",
    "add_exact": "fadd",
    "sub_exact": "fsub",
}
COMPARISONS = {"lt": ("olt", "slt"), "le": ("ole", "sle"), "eq": ("oeq", "eq")}


def evaluate_node(w: Writer, n: Node, operands: tuple[Value, ...]) -> Value:
    """Write one primitive on operands; contraction to fused multiply-adds is allowed unless the row says exact."""
    spelling = PRIMITIVES[n.op].llvm
    kind = operands[-1].kind
    if spelling.startswith("llvm."):
        return w.intrinsic(spelling, *operands)
    if spelling.startswith(("math.", "libm.")):
        return w.mathematics(spelling, *operands)
    if spelling in COMPARISONS:
        real, whole = COMPARISONS[spelling]
        instruction = f"fcmp {real}" if kind is Kind.REAL else f"icmp {whole}"
        return w.operation(instruction, *operands, result=Kind.BOOL)
    if spelling in REAL_INSTRUCTIONS and kind is Kind.REAL:
        return w.operation(REAL_INSTRUCTIONS[spelling], *operands)
    if spelling in ("add", "sub", "mul") and kind is Kind.INT:
        return w.operation(f"{spelling} nsw", *operands)
    match spelling:
        case "neg":
            return (
                w.operation("fneg", operands[0])
                if kind is Kind.REAL
                else w.operation("sub", w.constant(0, kind), operands[0])
            )
        case "and" | "or":
            return w.operation(spelling, *operands)
        case "not":
            return w.operation("xor", operands[0], w.constant(True, Kind.BOOL))
        case "select":
            return w.select(*operands)
        case "isfinite":
            size = w.intrinsic("llvm.fabs", operands[0])
            return w.operation("fcmp olt", size, w.constant(float("inf"), Kind.REAL), result=Kind.BOOL)
        case "sdiv" | "srem":
            return _floored(w, spelling, *operands)
        case "sitofp" | "fptosi":
            result = Kind.REAL if spelling == "sitofp" else Kind.INT
            value = operands[0]
            return w.emit(
                f"{spelling} {w.type(value.kind, value.wide)} {value.text} to {w.type(result, value.wide)}",
                result,
                value.wide,
            )
    raise CompilerBug(f"no LLVM spelling {spelling!r} for {n.op} on {kind}")


def _floored(w: Writer, spelling: str, a: Value, b: Value) -> Value:
    """Division that rounds down, as Python's, from LLVM's that rounds to zero.

    Lanes that are not at work may hold zeros, by which processors refuse to divide: they divide by one.
    """
    zero = w.constant(0, Kind.INT)
    b = w.select(w.operation("icmp eq", b, zero, result=Kind.BOOL), w.constant(1, Kind.INT), b)
    rest = w.operation("srem", a, b)
    other_sign = w.operation("icmp slt", w.operation("xor", rest, b), zero, result=Kind.BOOL)
    nonzero = w.operation("icmp ne", rest, zero, result=Kind.BOOL)
    fix = w.operation("and", other_sign, nonzero)
    if spelling == "srem":
        return w.select(fix, w.operation("add", rest, b), rest)
    quotient = w.operation("sdiv", a, b)
    return w.select(fix, w.operation("sub", quotient, w.constant(1, Kind.INT)), quotient)
