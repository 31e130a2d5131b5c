"""Estimates of reciprocal square roots: an instruction where the processor has one, the bits elsewhere."""

from __future__ import annotations

from ..ir import Kind
from .llvm_pieces import bits_of, compare, constant, from_bits, integer, splat
from .llvm_writer import Value, Writer

R = Kind.REAL
ESTIMATES = "avx512f"  # the feature that brings an estimate to 14 bits of whole vectors of 512 bits
SEED = {"i64": 0x5FE6EB50C7B537A9, "i32": 0x5F375A86}  # Lomont, "Fast inverse square root" (2003)


def estimated_root(w: Writer, x: Value) -> Value:
    """1 / sqrt(x) with a relative error of at most 2^-14; 0 and infinity give infinity and 0, what is negative NaN."""
    width = 8 if w.dtype == "float64" else 16
    if ESTIMATES in w.features and w.lanes % width == 0:
        return _by_instruction(w, x, width)
    return _by_bits(w, x)


def _by_instruction(w: Writer, x: Value, width: int) -> Value:
    """Whole vectors apart, and together again."""
    suffix, scalar = ("pd", "double") if w.dtype == "float64" else ("ps", "float")
    mask, part = f"i{width}", f"<{width} x {scalar}>"
    name = f"@llvm.x86.avx512.rsqrt14.{suffix}.512"
    w.intrinsics.add(f"declare {part} {name}({part}, {part}, {mask})")
    done = []
    for start in range(0, w.lanes, width):
        places = ", ".join(f"i32 {start + k}" for k in range(width))
        piece = x.text
        if w.lanes > width:
            piece = w.name("piece")
            w.line(f"{piece} = shufflevector {w.type(R)} {x.text}, {w.type(R)} poison, <{width} x i32> <{places}>")
        root = w.name("root")
        w.line(f"{root} = call {part} {name}({part} {piece}, {part} zeroinitializer, {mask} -1)")
        done.append(root)
    size = width
    while len(done) > 1:
        places = ", ".join(f"i32 {k}" for k in range(2 * size))
        joined = []
        for a, b in zip(done[::2], done[1::2], strict=True):
            whole = w.name("whole")
            kind = f"<{size} x {scalar}>"
            w.line(f"{whole} = shufflevector {kind} {a}, {kind} {b}, <{2 * size} x i32> <{places}>")
            joined.append(whole)
        done, size = joined, 2 * size
    return Value(done[0], R, True)


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
