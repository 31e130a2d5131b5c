"""Estimates of reciprocals and of reciprocal square roots, by an instruction where the processor has one.

Elsewhere roots are taken and quotients divided: on vectors of 256 bits an estimate by the bits and its refinement took
1.4 to 1.7 times as long (orbits around a centre, 1024 bodies), and missed numbers below the normal ones.
"""

from __future__ import annotations

from ..ir import Kind
from .llvm_pieces import constant
from .llvm_shifts import joined
from .llvm_writer import Value, Writer

R = Kind.REAL
ESTIMATES = "avx512f"  # the feature that brings an estimate to 14 bits of whole vectors of 512 bits


def estimated_root(w: Writer, x: Value) -> Value | None:
    """1 / sqrt(x) with a relative error of at most 2^-14; 0 and infinity give infinity and 0, what is negative NaN.

    None where there is no instruction for it.
    """
    width = 8 if w.dtype == "float64" else 16
    if ESTIMATES in w.features and w.lanes % width == 0:
        return _by_instruction(w, "rsqrt14", x, width)
    return None


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
