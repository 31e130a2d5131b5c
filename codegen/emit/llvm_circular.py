"""Sines, cosines and tangents in LLVM.

The argument is reduced by Cody and Waite with fused multiply-adds and three words of pi/2 (Muller, "Elementary
Functions", 3rd ed., 11.2), which holds to |x| = 2^45 in double and 2^17 in single precision; beyond, each lane takes
the scalar library function, whose reduction is exact. The kernels of a sine and a cosine of one angle are those of
fdlibm (Sun Microsystems, 1993). A sine alone is reduced by pi, to one polynomial on [-pi/2, pi/2] (Remez's exchange in
sixty digits; errors of 3.0e-19 and 4.6e-10 with its rounded coefficients), two thirds of the arithmetic of both kernels
and a choice between them. Scalar code keeps those: they are shorter, and run side by side.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..ir import Kind
from .llvm_pieces import MAGIC, bits_of, chain, compare, constant, from_bits, horner, integer, splat
from .llvm_writer import Value, Writer

R = Kind.REAL
SIN = {
    "float64": (
        1.58969099521155010221e-10,
        -2.50507602534068634195e-08,
        2.75573137070700676789e-06,
        -1.98412698298579493134e-04,
        8.33333333332248946124e-03,
        -1.66666666666666324348e-01,
    ),
    "float32": (2.718311493989822e-6, -1.9839334836096632e-4, 8.333329385889463e-3, -1.6666666641626524e-1),
}
COS = {
    "float64": (
        -1.13596475577881948265e-11,
        2.08757232129817482790e-09,
        -2.75573143513906633035e-07,
        2.48015872894767294178e-05,
        -1.38888888888741095749e-03,
        4.16666666666666019037e-02,
    ),
    "float32": (2.439044879627741654e-5, -1.388676377460992947e-3, 4.166662332493746e-2),
}
SINE_ALONE = {
    "float64": (
        2.721518657192478e-15,
        -7.643027699442003e-13,
        1.6058941273774366e-10,
        -2.5052106908691816e-08,
        2.7557319211601652e-06,
        -0.0001984126984121257,
        0.008333333333333207,
        -0.16666666666666666,
    ),
    "float32": (
        -2.5563512195958538e-08,
        2.762932126643136e-06,
        -0.00019843113841488957,
        0.008333350531756878,
        -0.1666666716337204,
    ),
}
HALF_PI = {  # three positive words, rounded down: so that -0 less 0 times each stays -0
    "float64": (1.5707963267948966, 6.123233995736765e-17, 1.082856673921914e-32),
    "float32": (1.570796251296997, 7.549789415861596e-08, 5.390302953474238e-15),
}
REACH = {"float64": 2.0**45, "float32": 2.0**17}


def _reduced(w: Writer, x: Value, parts: int) -> tuple[Value, Value]:
    """The angle less the nearest multiple n of pi / parts, and a number whose low bits are those of n."""
    magic = constant(w, MAGIC[w.dtype])
    shifted = w.fma(x, constant(w, parts / math.pi), magic)
    minus = w.operation("fneg", w.operation("fsub", shifted, magic))
    r = x
    for word in HALF_PI[w.dtype]:
        r = w.fma(minus, constant(w, word * 2 / parts), r)
    return r, shifted


def _sine(w: Writer, x: Value) -> Value:
    """sin alone on the fast path: (-1)^n sin(x - n pi)."""
    r, shifted = _reduced(w, x, 1)
    z = w.operation("fmul", r, r)
    sine = w.fma(w.operation("fmul", r, z), chain(w, z, SINE_ALONE[w.dtype]), r)
    bits, type_, scalar = bits_of(w, shifted)
    odd = integer(w, "shl", type_, bits, splat(w, {"i64": 63, "i32": 31}[scalar], scalar))
    turned = integer(w, "xor", type_, bits_of(w, r)[0], odd)  # of r: the polynomial makes +0 of -0
    return w.intrinsic("llvm.copysign", sine, from_bits(w, turned, type_))


def _circular(w: Writer, x: Value) -> tuple[Value, Value]:
    """sin and cos on the fast path."""
    r, shifted = _reduced(w, x, 2)
    z = w.operation("fmul", r, r)
    rz = w.operation("fmul", r, z)
    sine = w.fma(rz, horner(w, z, SIN[w.dtype]), r)
    sine = w.intrinsic("llvm.copysign", sine, r)  # the polynomial makes +0 of -0
    half = w.operation("fmul", z, constant(w, 0.5))
    one = constant(w, 1.0)
    near = w.operation("fsub", one, half)
    lost = w.operation("fsub", w.operation("fsub", one, near), half)
    tail = w.fma(w.operation("fmul", z, z), horner(w, z, COS[w.dtype]), lost)
    cosine = w.operation("fadd", near, tail)
    bits, type_, scalar = bits_of(w, shifted)
    odd = integer(w, "and", type_, bits, splat(w, 1, scalar))
    swap = Value(integer(w, "icmp ne", type_, odd, splat(w, 0, scalar)), Kind.BOOL, w.lanes > 1)
    s, c = w.select(swap, cosine, sine), w.select(swap, sine, cosine)
    top = {"i64": 62, "i32": 30}[scalar]
    sign_s = integer(w, "shl", type_, integer(w, "and", type_, bits, splat(w, 2, scalar)), splat(w, top, scalar))
    following = integer(w, "add", type_, bits, splat(w, 1, scalar))
    sign_c = integer(w, "shl", type_, integer(w, "and", type_, following, splat(w, 2, scalar)), splat(w, top, scalar))
    results = []
    for value, sign in ((s, sign_s), (c, sign_c)):
        name, _, _ = bits_of(w, value)
        results.append(from_bits(w, integer(w, "xor", type_, name, sign), type_))
    return results[0], results[1]


def _pick(name: str) -> Callable[[Writer, Value], tuple[Value, ...]]:
    def tangent(w: Writer, x: Value) -> tuple[Value, ...]:
        s, c = _circular(w, x)
        return (w.operation("fdiv", s, c),)

    ways: dict[str, Callable[[Writer, Value], tuple[Value, ...]]] = {
        "math.sin": lambda w, x: (_sine(w, x),) if w.lanes > 1 else _circular(w, x)[:1],
        "math.cos": lambda w, x: _circular(w, x)[1:],
        "math.sincos": _circular,
        "math.tan": tangent,
    }
    return ways[name]


def circular_function(w: Writer, name: str) -> None:
    """Fast path, and the scalar library for lanes past its reach."""
    x = Value("%x", R, w.lanes > 1)
    names = ("sin", "cos") if name == "math.sincos" else (name.split(".")[1],)
    type_ = w.type(R)
    result_type = f"{{ {type_}, {type_} }}" if len(names) == 2 else type_
    size = w.intrinsic("llvm.fabs", x)
    far = compare(w, "ogt", size, constant(w, REACH[w.dtype]))
    finite = compare(w, "olt", size, constant(w, math.inf))
    slow = w.any(w.operation("and", far, finite))
    w.line(f"br i1 {slow}, label %slow, label %fast, !prof !0")
    w.label("fast")
    fast = _pick(name)(w, x)
    w.line("br label %join")
    w.label("slow")
    loaded = [w.mathematics(f"libm.{function}", x) for function in names]
    w.line("br label %join")
    w.label("join")
    joined = [
        w.emit(f"phi {type_} [{a.text}, %fast], [{b.text}, %slow]", R, x.wide)
        for a, b in zip(fast, loaded, strict=True)
    ]
    if len(joined) == 1:
        w.line(f"ret {type_} {joined[0].text}")
        return
    first = w.emit(f"insertvalue {result_type} poison, {type_} {joined[0].text}, 0", R, x.wide)
    both = w.emit(f"insertvalue {result_type} {first.text}, {type_} {joined[1].text}, 1", R, x.wide)
    w.line(f"ret {result_type} {both.text}")
