"""Vector mathematics in LLVM: exp, log and what follows from them, on any number of lanes.

The kernel of log is that of fdlibm (Sun Microsystems, 1993); exp is its Taylor polynomial on [-ln 2 / 2, ln 2 / 2];
the polynomial of tanh was fitted by Remez's exchange in sixty digits.
Errors stay below those of the table of primitives (tests/codegen/emit). Functions marked `libm` are called lane by
lane.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..ir import Kind
from .llvm_circular import circular_function
from .llvm_pieces import BITS, MAGIC, bits_of, chain, compare, constant, from_bits, horner, integer, splat
from .llvm_roots import estimated_root, quotient
from .llvm_writer import Value, Writer

R = Kind.REAL
Body = Callable[[Writer, Value], Value]

LN2 = {
    "float64": (6.93147180369123816490e-01, 1.90821492927058770002e-10),
    "float32": (6.9313812256e-01, 9.0580006145e-06),
}
LOG = {
    "float64": (
        1.479819860511658591e-01,
        1.531383769920937332e-01,
        1.818357216161805012e-01,
        2.222219843214978396e-01,
        2.857142874366239149e-01,
        3.999999999940941908e-01,
        6.666666666666735130e-01,
    ),
    "float32": (0.24279078841, 0.28498786688, 0.40000972152, 0.66666662693),
}
TANH = {  # tanh(r) / r = 1 + r^2 p(r^2) for |r| <= ln 2 / 4, minimax: relative errors of 4.1e-18 and 1.6e-10
    "float64": (
        0.0034448378481388743,
        -0.00885730877378957,
        0.02186937071478905,
        -0.053968252782015974,
        0.1333333333278375,
        -0.3333333333333249,
    ),
    "float32": (-0.0527270280507706, 0.13331183602114993, -0.3333332271809847),
}


def _lanewise(w: Writer, function: str, arguments: list[Value], result: str) -> None:
    """Store function(arguments), lane by lane from the scalar library, into the alloca `result`."""
    plain = f"{function}{'f' if w.dtype == 'float32' else ''}"
    w.intrinsics.add(f"declare {w.real} @{plain}({', '.join([w.real] * len(arguments))})")
    if w.lanes == 1:
        call = w.emit(f"call {w.real} @{plain}({', '.join(f'{w.real} {a.text}' for a in arguments)})", R, False)
        w.line(f"store {w.real} {call.text}, ptr {result}")
        return
    for lane in range(w.lanes):
        parts = [w.emit(f"extractelement {w.type(R)} {a.text}, i64 {lane}", R, False) for a in arguments]
        call = w.emit(f"call {w.real} @{plain}({', '.join(f'{w.real} {p.text}' for p in parts)})", R, False)
        slot = w.name("slot")
        w.line(f"{slot} = getelementptr {w.real}, ptr {result}, i64 {lane}")
        w.line(f"store {w.real} {call.text}, ptr {slot}")


def _exp(w: Writer, x: Value) -> Value:
    low, high = (-746.0, 710.0) if w.dtype == "float64" else (-104.0, 89.0)
    clamped = w.select(compare(w, "olt", x, constant(w, low)), constant(w, low), x)
    clamped = w.select(compare(w, "ogt", clamped, constant(w, high)), constant(w, high), clamped)
    magic = constant(w, MAGIC[w.dtype])
    shifted = w.fma(clamped, constant(w, 1.0 / math.log(2.0)), magic)
    n = w.operation("fneg", w.operation("fsub", shifted, magic))
    r = w.fma(n, constant(w, LN2[w.dtype][0]), clamped)
    r = w.fma(n, constant(w, LN2[w.dtype][1]), r)
    degree = 13 if w.dtype == "float64" else 7
    tail = horner(w, r, tuple(1.0 / math.factorial(k) for k in range(degree, 1, -1)))
    value = w.operation("fadd", w.fma(w.operation("fmul", r, r), tail, r), constant(w, 1.0))
    return _scale(w, value, shifted)


def _scale(w: Writer, value: Value, shifted: Value) -> Value:
    """value * 2^n, n in the low bits of `shifted`, in two halves so that subnormal results and 2^1024 are right."""
    _, mantissa, bias = BITS[w.dtype]
    bits, type_, scalar = bits_of(w, shifted)
    low = {"i64": 48, "i32": 16}[scalar]
    n = integer(w, "ashr", type_, integer(w, "shl", type_, bits, splat(w, low, scalar)), splat(w, low, scalar))
    half = integer(w, "ashr", type_, n, splat(w, 1, scalar))
    rest = integer(w, "sub", type_, n, half)
    for part in (half, rest):
        power = integer(w, "add", type_, part, splat(w, bias, scalar))
        factor = from_bits(w, integer(w, "shl", type_, power, splat(w, mantissa, scalar)), type_)
        value = w.operation("fmul", value, factor)
    return value


def _log(w: Writer, x: Value) -> Value:
    scalar, mantissa, _ = BITS[w.dtype]
    tiny = 2.0**-1022 if w.dtype == "float64" else 2.0**-126
    lift = 54 if w.dtype == "float64" else 25
    subnormal = compare(w, "olt", x, constant(w, tiny))
    lifted = w.select(subnormal, w.operation("fmul", x, constant(w, 2.0**lift)), x)
    bits, type_, _ = bits_of(w, lifted)
    root = {"i64": 0x3FE6A09E667F3BCD, "i32": 0x3F3504F3}[scalar]
    above = integer(w, "sub", type_, bits, splat(w, root, scalar))
    exponent = integer(w, "ashr", type_, above, splat(w, mantissa, scalar))
    scaled = integer(w, "sub", type_, bits, integer(w, "shl", type_, exponent, splat(w, mantissa, scalar)))
    f = w.operation("fsub", from_bits(w, scaled, type_), constant(w, 1.0))
    k = w.emit(f"sitofp {type_} {exponent} to {w.type(R)}", R, True)
    k = w.select(subnormal, w.operation("fsub", k, constant(w, float(lift))), k)
    s = w.operation("fdiv", f, w.operation("fadd", f, constant(w, 2.0)))
    z = w.operation("fmul", s, s)
    rest = w.operation("fmul", z, horner(w, z, LOG[w.dtype]))
    half = w.operation("fmul", w.operation("fmul", f, f), constant(w, 0.5))
    inner = w.fma(s, w.operation("fadd", half, rest), w.operation("fmul", k, constant(w, LN2[w.dtype][1])))
    value = w.operation("fsub", f, w.operation("fsub", half, inner))
    value = w.fma(k, constant(w, LN2[w.dtype][0]), value)
    infinity, nan = constant(w, math.inf), constant(w, math.nan)
    value = w.select(compare(w, "oeq", x, infinity), infinity, value)
    value = w.select(compare(w, "oeq", x, constant(w, 0.0)), constant(w, -math.inf), value)
    return w.select(compare(w, "uge", x, constant(w, 0.0)), w.select(compare(w, "uno", x, x), nan, value), nan)


def _expm1(w: Writer, x: Value) -> Value:
    degree = 14 if w.dtype == "float64" else 8
    tail = horner(w, x, tuple(1.0 / math.factorial(k) for k in range(degree, 1, -1)))
    near = w.intrinsic("llvm.copysign", w.fma(w.operation("fmul", x, x), tail, x), x)  # -0 stays -0
    far = w.operation("fsub", w.mathematics("math.exp", x), constant(w, 1.0))
    return w.select(compare(w, "olt", w.intrinsic("llvm.fabs", x), constant(w, 0.4)), near, far)


def _log1p(w: Writer, x: Value) -> Value:
    u = w.operation("fadd", x, constant(w, 1.0))
    lost = w.operation("fsub", x, w.operation("fsub", u, constant(w, 1.0)))
    value = w.operation("fadd", w.mathematics("math.log", u), w.operation("fdiv", lost, u))
    plain = w.operation("fcmp one", u, constant(w, 0.0), result=Kind.BOOL)
    finite = compare(w, "olt", u, constant(w, math.inf))
    value = w.select(w.operation("and", plain, finite), value, w.mathematics("math.log", u))
    return w.intrinsic("llvm.copysign", value, x)  # -0 stays -0


def _tanh(w: Writer, x: Value) -> Value:
    """With n the whole number next to 2 x / ln 2, t = tanh(x - n ln 2 / 2) by a polynomial, and the rest by 2^n.

    tanh x = (2^n - 1 + (2^n + 1) t) / (2^n + 1 + (2^n - 1) t). ln 2 / 2 needs no second part: where n is large, tanh no
    longer asks for one.
    """
    top = 22.0 if w.dtype == "float64" else 10.0
    clamped = w.select(compare(w, "ogt", x, constant(w, top)), constant(w, top), x)
    clamped = w.select(compare(w, "olt", clamped, constant(w, -top)), constant(w, -top), clamped)
    _, mantissa, bias = BITS[w.dtype]
    magic = constant(w, MAGIC[w.dtype] + bias)  # the low bits are those of the exponent of 2^n
    shifted = w.fma(clamped, constant(w, 2.0 / math.log(2.0)), magic)
    bits, type_, scalar = bits_of(w, shifted)
    power = from_bits(w, integer(w, "shl", type_, bits, splat(w, mantissa, scalar)), type_)
    r = w.fma(w.operation("fsub", magic, shifted), constant(w, math.log(2.0) / 2), clamped)
    square = w.operation("fmul", r, r)
    t = w.fma(w.operation("fmul", square, r), chain(w, square, TANH[w.dtype]), r)
    minus, plus = w.operation("fsub", power, constant(w, 1.0)), w.operation("fadd", power, constant(w, 1.0))
    value = quotient(w, w.fma(plus, t, minus), w.fma(minus, t, plus))
    return w.intrinsic("llvm.copysign", value, x)  # -0 stays -0


def _sinh(w: Writer, x: Value) -> Value:
    size = w.intrinsic("llvm.fabs", x)
    e = w.mathematics("math.expm1", size)
    near = w.operation("fadd", e, w.operation("fdiv", e, w.operation("fadd", e, constant(w, 1.0))))
    half = w.mathematics("math.exp", w.operation("fmul", size, constant(w, 0.5)))  # squared below: no early overflow
    far = w.operation("fmul", w.operation("fmul", half, constant(w, 0.5)), half)
    value = w.select(compare(w, "olt", size, constant(w, 20.0)), w.operation("fmul", near, constant(w, 0.5)), far)
    return w.intrinsic("llvm.copysign", value, x)


def _cosh(w: Writer, x: Value) -> Value:
    half = w.mathematics("math.exp", w.operation("fmul", w.intrinsic("llvm.fabs", x), constant(w, 0.5)))
    far = w.operation("fmul", w.operation("fmul", half, constant(w, 0.5)), half)
    whole = w.mathematics("math.exp", w.intrinsic("llvm.fabs", x))
    near = w.operation(
        "fadd", w.operation("fmul", whole, constant(w, 0.5)), w.operation("fdiv", constant(w, 0.5), whole)
    )
    return w.select(compare(w, "olt", w.intrinsic("llvm.fabs", x), constant(w, 20.0)), near, far)


def _sech(w: Writer, x: Value) -> Value:
    """2 e / (1 + e^2) with e = exp(-|x|), which is zero in the end and never too large."""
    e = w.mathematics("math.exp", w.operation("fneg", w.intrinsic("llvm.fabs", x)))
    return quotient(w, w.operation("fadd", e, e), w.fma(e, e, constant(w, 1.0)))


def _sign(w: Writer, x: Value) -> Value:
    one, zero = constant(w, 1.0), constant(w, 0.0)
    rest = w.operation("fadd", x, zero)  # nan stays, -0 becomes 0
    below = w.select(compare(w, "olt", x, zero), constant(w, -1.0), rest)
    return w.select(compare(w, "ogt", x, zero), one, below)


def _rsqrt(w: Writer, x: Value) -> Value:
    """The processor's own estimate, refined with y + y e (1/2 + 3/8 e + 5/16 e^2); a quotient where it has none.

    e = 1 - x y^2; an error of 2^-14 becomes one of 2^-56. Zeros and infinities keep the estimate, which is exact.
    """
    y = estimated_root(w, x) if w.lanes > 1 else None
    if y is None:
        return w.operation("fdiv", constant(w, 1.0), w.intrinsic("llvm.sqrt", x))
    e = w.fma(w.operation("fneg", w.operation("fmul", x, y)), y, constant(w, 1.0))
    tail = chain(w, e, (5 / 16, 3 / 8, 1 / 2) if w.dtype == "float64" else (1 / 2,))
    better = w.fma(y, w.operation("fmul", e, tail), y)
    return w.select(compare(w, "uno", e, e), y, better)


_PLAIN: dict[str, Body] = {
    "math.exp": _exp, "math.log": _log, "math.expm1": _expm1, "math.log1p": _log1p, "math.tanh": _tanh,
    "math.sinh": _sinh, "math.cosh": _cosh, "math.sech": _sech, "math.sign": _sign, "math.rsqrt": _rsqrt,
}  # fmt: skip


def _library_function(w: Writer, name: str, arity: int) -> None:
    slot, type_ = w.name("result"), w.type(R)
    w.line(f"{slot} = alloca {type_}, align 64")
    arguments = [Value("%x", R, w.lanes > 1), Value("%y", R, w.lanes > 1)][:arity]
    _lanewise(w, name.split(".")[1], arguments, slot)
    value = w.emit(f"load {type_}, ptr {slot}, align 64", R, True)
    w.line(f"ret {type_} {value.text}")


def _minmax(w: Writer, name: str) -> None:
    x, y = Value("%x", R, w.lanes > 1), Value("%y", R, w.lanes > 1)
    smaller = compare(w, "olt", y, x) if name == "math.min" else compare(w, "olt", x, y)
    w.line(f"ret {w.type(R)} {w.select(smaller, y, x).text}")


def define(name: str, lanes: int, dtype: str, features: frozenset[str] = frozenset()) -> Writer:
    """The definition of one function, and (in `needed`, `intrinsics`) what it calls."""
    w = Writer(lanes, dtype, features=features)
    type_ = w.type(R)
    arity = 2 if name in ("math.min", "math.max", "math.pow", "libm.atan2") else 1
    result = f"{{ {type_}, {type_} }}" if name == "math.sincos" else type_
    parameters = ", ".join(f"{type_} %{p}" for p in ("x", "y")[:arity])
    library = name.startswith("libm.") or name == "math.pow"
    w.lines.append(
        f"define internal {result} @{w.symbol(name, lanes)}({parameters}) "
        f"{'noinline' if library else 'alwaysinline'} #0 {{"
    )
    w.label("entry")
    if library:
        _library_function(w, name, arity)
    elif name in ("math.min", "math.max"):
        _minmax(w, name)
    elif name in _PLAIN:
        w.line(f"ret {type_} {_PLAIN[name](w, Value('%x', R, lanes > 1)).text}")
    else:
        circular_function(w, name)
    w.lines.append("}")
    return w
