"""Estimates of reciprocals and of reciprocal square roots, by an instruction where the processor has one.

Elsewhere roots are estimated by their bits, and quotients are divided.
"""

from __future__ import annotations

from ..ir import Kind
from .llvm_pieces import bits_of, compare, constant, from_bits, integer, splat
from .llvm_shifts import joined
from .llvm_writer import Value, Writer

R = Kind.REAL
ESTIMATES = "avx512f"  # the feature that brings an estimate to 14 bits of whole vectors of 512 bits
SEED = {"i64": 0x5FE6EB50C7B537A9, "i32": 0x5F375A86}  # Lomont, "Fast inverse square root" (2003)


def estimated_root(w: Writer, x: Value) -> Value:
    """1 / sqrt(x) with a relative error of at most 2^-14; 0 and infinity give infinity and 0, what is negative NaN."""
    width = 8 if w.dtype == "float64" else 16
    if ESTIMATES in w.features and w.lanes % width == 0:
        return _by_instruction(w, "rsqrt14", x, width)
    return _by_bits(w, x)


def quotient(w: Writer, a: Value, d: Value) -> Value:
    """a / d to a unit in the last place, for finite d whose reciprocal is a normal number; zeros may lose their sign.

    An estimate y of 1 / d, refined by y + y (1 - d y) in double precision, and q = a y by q + y (a - d q): an error of
    2^-14 becomes one of 2^-56, in single precision 2^-28. Divisions of whole vectors keep their unit busy for longer
    than all of that.
    """
    width = 8 if w.dtype == "float64" else 16
    if ESTIMATES not in w.features or w.lanes % width:
        return w.operation("fdiv", a, d)
    y, minus = _by_instruction(w, "rcp14", d, width), w.operation("fneg", d)
    if w.dtype == "float64":
        y = w.fma(y, w.fma(minus, y, constant(w, 1.0)), y)
    q = w.operation("fmul", a, y)
    return w.fma(w.fma(minus, q, a), y, q)


def _by_instruction(w: Writer, instruction: str, x: Value, width: int) -> Value:
    """Whole vectors apart, and together again."""
    suffix, scalar = ("pd", "double") if w.dtype == "float64" else ("ps", "float")
    mask, part = f"i{width}", f"<{width} x {scalar}>"
    name = f"@llvm.x86.avx512.{instruction}.{suffix}.512"
    w.intrinsics.add(f"declare {part} {name}({part}, {part}, {mask})")
    done = []
    for start in range(0, w.lanes, width):
        places = ", ".join(f"i32 {start + k}" for k in range(width))
        piece = x.text
        if w.lanes > width:
            piece = w.name("piece")
            w.line(f"{piece} = shufflevector {w.type(R)} {x.text}, {w.type(R)} poison, <{width} x i32> <{places}>")
        estimate = w.name("estimate")
        w.line(f"{estimate} = call {part} {name}({part} {piece}, {part} zeroinitializer, {mask} -1)")
        done.append(estimate)
    return Value(joined(w, done, width), R, True)


def _by_bits(w: Writer, x: Value) -> Value:
    """Half the exponent by a shift, then Newton until 2^-14; what has no such root is set apart."""
    bits, type_, scalar = bits_of(w, x)
    half = integer(w, "lshr", type_, bits, splat(w, 1, scalar))
    y = from_bits(w, integer(w, "sub", type_, splat(w, SEED[scalar], scalar), half), type_)
    halved = w.operation("fmul", x, constant(w, 0.5))
    for _ in range(2):  # 3.4e-2, 1.7e-3, 4.5e-6
        slack = w.fma(w.operation("fneg", w.operation("fmul", halved, y)), y, constant(w, 1.5))
        y = w.operation("fmul", y, slack)
    infinity = float("inf")
    y = w.select(compare(w, "oeq", x, constant(w, infinity)), constant(w, 0.0), y)
    y = w.select(compare(w, "oeq", x, constant(w, 0.0)), w.intrinsic("llvm.copysign", constant(w, infinity), x), y)
    return w.select(compare(w, "uge", x, constant(w, 0.0)), y, constant(w, float("nan")))
