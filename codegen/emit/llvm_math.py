"""Vector mathematics in LLVM: sin, cos, exp, log and what follows from them, on any number of lanes.

Circular functions reduce by Cody and Waite with fused multiply-adds and three words of pi/2 (Muller, "Elementary
Functions", 3rd ed., 11.2), which holds to |x| = 2^45 in double and 2^17 in single precision; beyond, each lane takes
the scalar library function, whose reduction is exact. Kernels of sin, cos and log are those of fdlibm (Sun
Microsystems, 1993); exp is its Taylor polynomial on [-ln 2 / 2, ln 2 / 2]. Errors stay below 2 ulp
(tests/codegen/emit). Functions marked `libm` are called lane by lane.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..ir import Kind
from .llvm_writer import Value, Writer

R = Kind.REAL
Body = Callable[[Writer, Value], Value]

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
HALF_PI = {  # three positive words, rounded down: so that -0 less 0 times each stays -0
    "float64": (1.5707963267948966, 6.123233995736765e-17, 1.082856673921914e-32),
    "float32": (1.570796251296997, 7.549789415861596e-08, 5.390302953474238e-15),
}
REACH = {"float64": 2.0**45, "float32": 2.0**17}
MAGIC = {"float64": 1.5 * 2.0**52, "float32": 1.5 * 2.0**23}
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
BITS = {"float64": ("i64", 52, 1023), "float32": ("i32", 23, 127)}


def _horner(w: Writer, x: Value, coefficients: tuple[float, ...]) -> Value:
    """A polynomial, highest power first; long ones as even and odd part, two chains of half the length."""
    if len(coefficients) < 6:
        return _chain(w, x, coefficients)
    ascending = coefficients[::-1]
    square = w.operation("fmul", x, x)
    even, odd = (_chain(w, square, ascending[i::2][::-1]) for i in (0, 1))
    return w.fma(odd, x, even)


def _chain(w: Writer, x: Value, coefficients: tuple[float, ...]) -> Value:
    total = w.constant(coefficients[0], R, x.wide)
    for c in coefficients[1:]:
        total = w.fma(total, x, w.constant(c, R, x.wide))
    return total


def _c(w: Writer, value: float) -> Value:
    return w.constant(value, R, w.lanes > 1)


def _bits(w: Writer, x: Value) -> tuple[str, str, str]:
    """A real's bits: (name, integer type over lanes, scalar integer type)."""
    scalar = BITS[w.dtype][0]
    type_ = f"<{w.lanes} x {scalar}>" if w.lanes > 1 else scalar
    name = w.name("bits")
    w.line(f"{name} = bitcast {w.type(R)} {x.text} to {type_}")
    return name, type_, scalar


def _splat(w: Writer, value: int, scalar: str) -> str:
    return f"splat ({scalar} {value})" if w.lanes > 1 else str(value)


def _integer(w: Writer, instruction: str, type_: str, a: str, b: str) -> str:
    name = w.name("n")
    w.line(f"{name} = {instruction} {type_} {a}, {b}")
    return name


def _from_bits(w: Writer, name: str, type_: str) -> Value:
    return w.emit(f"bitcast {type_} {name} to {w.type(R)}", R, True)


def _compare(w: Writer, predicate: str, a: Value, b: Value) -> Value:
    return w.operation(f"fcmp {predicate}", a, b, result=Kind.BOOL)


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


def _circular(w: Writer, x: Value) -> tuple[Value, Value]:
    """sin and cos on the fast path."""
    p1, p2, p3 = HALF_PI[w.dtype]
    magic = _c(w, MAGIC[w.dtype])
    shifted = w.fma(x, _c(w, 2.0 / math.pi), magic)
    n = w.operation("fsub", shifted, magic)
    minus = w.operation("fneg", n)
    r = w.fma(minus, _c(w, p1), x)
    r = w.fma(minus, _c(w, p2), r)
    r = w.fma(minus, _c(w, p3), r)
    z = w.operation("fmul", r, r)
    rz = w.operation("fmul", r, z)
    sine = w.fma(rz, _horner(w, z, SIN[w.dtype]), r)
    sine = w.intrinsic("llvm.copysign", sine, r)  # the polynomial makes +0 of -0
    half = w.operation("fmul", z, _c(w, 0.5))
    one = _c(w, 1.0)
    near = w.operation("fsub", one, half)
    lost = w.operation("fsub", w.operation("fsub", one, near), half)
    tail = w.fma(w.operation("fmul", z, z), _horner(w, z, COS[w.dtype]), lost)
    cosine = w.operation("fadd", near, tail)
    bits, type_, scalar = _bits(w, shifted)
    odd = _integer(w, "and", type_, bits, _splat(w, 1, scalar))
    swap = Value(_integer(w, "icmp ne", type_, odd, _splat(w, 0, scalar)), Kind.BOOL, w.lanes > 1)
    s, c = w.select(swap, cosine, sine), w.select(swap, sine, cosine)
    top = {"i64": 62, "i32": 30}[scalar]
    sign_s = _integer(w, "shl", type_, _integer(w, "and", type_, bits, _splat(w, 2, scalar)), _splat(w, top, scalar))
    following = _integer(w, "add", type_, bits, _splat(w, 1, scalar))
    sign_c = _integer(
        w, "shl", type_, _integer(w, "and", type_, following, _splat(w, 2, scalar)), _splat(w, top, scalar)
    )
    results = []
    for value, sign in ((s, sign_s), (c, sign_c)):
        name, _, _ = _bits(w, value)
        results.append(_from_bits(w, _integer(w, "xor", type_, name, sign), type_))
    return results[0], results[1]


def _exp(w: Writer, x: Value) -> Value:
    low, high = (-746.0, 710.0) if w.dtype == "float64" else (-104.0, 89.0)
    clamped = w.select(_compare(w, "olt", x, _c(w, low)), _c(w, low), x)
    clamped = w.select(_compare(w, "ogt", clamped, _c(w, high)), _c(w, high), clamped)
    magic = _c(w, MAGIC[w.dtype])
    shifted = w.fma(clamped, _c(w, 1.0 / math.log(2.0)), magic)
    n = w.operation("fneg", w.operation("fsub", shifted, magic))
    r = w.fma(n, _c(w, LN2[w.dtype][0]), clamped)
    r = w.fma(n, _c(w, LN2[w.dtype][1]), r)
    degree = 13 if w.dtype == "float64" else 7
    tail = _horner(w, r, tuple(1.0 / math.factorial(k) for k in range(degree, 1, -1)))
    value = w.operation("fadd", w.fma(w.operation("fmul", r, r), tail, r), _c(w, 1.0))
    return _scale(w, value, shifted)


def _scale(w: Writer, value: Value, shifted: Value) -> Value:
    """value * 2^n, n in the low bits of `shifted`, in two halves so that subnormal results and 2^1024 are right."""
    _, mantissa, bias = BITS[w.dtype]
    bits, type_, scalar = _bits(w, shifted)
    low = {"i64": 48, "i32": 16}[scalar]
    n = _integer(w, "ashr", type_, _integer(w, "shl", type_, bits, _splat(w, low, scalar)), _splat(w, low, scalar))
    half = _integer(w, "ashr", type_, n, _splat(w, 1, scalar))
    rest = _integer(w, "sub", type_, n, half)
    for part in (half, rest):
        power = _integer(w, "add", type_, part, _splat(w, bias, scalar))
        factor = _from_bits(w, _integer(w, "shl", type_, power, _splat(w, mantissa, scalar)), type_)
        value = w.operation("fmul", value, factor)
    return value


def _log(w: Writer, x: Value) -> Value:
    scalar, mantissa, _ = BITS[w.dtype]
    tiny = 2.0**-1022 if w.dtype == "float64" else 2.0**-126
    lift = 54 if w.dtype == "float64" else 25
    subnormal = _compare(w, "olt", x, _c(w, tiny))
    lifted = w.select(subnormal, w.operation("fmul", x, _c(w, 2.0**lift)), x)
    bits, type_, _ = _bits(w, lifted)
    root = {"i64": 0x3FE6A09E667F3BCD, "i32": 0x3F3504F3}[scalar]
    above = _integer(w, "sub", type_, bits, _splat(w, root, scalar))
    exponent = _integer(w, "ashr", type_, above, _splat(w, mantissa, scalar))
    scaled = _integer(w, "sub", type_, bits, _integer(w, "shl", type_, exponent, _splat(w, mantissa, scalar)))
    f = w.operation("fsub", _from_bits(w, scaled, type_), _c(w, 1.0))
    k = w.emit(f"sitofp {type_} {exponent} to {w.type(R)}", R, True)
    k = w.select(subnormal, w.operation("fsub", k, _c(w, float(lift))), k)
    s = w.operation("fdiv", f, w.operation("fadd", f, _c(w, 2.0)))
    z = w.operation("fmul", s, s)
    rest = w.operation("fmul", z, _horner(w, z, LOG[w.dtype]))
    half = w.operation("fmul", w.operation("fmul", f, f), _c(w, 0.5))
    inner = w.fma(s, w.operation("fadd", half, rest), w.operation("fmul", k, _c(w, LN2[w.dtype][1])))
    value = w.operation("fsub", f, w.operation("fsub", half, inner))
    value = w.fma(k, _c(w, LN2[w.dtype][0]), value)
    infinity, nan = _c(w, math.inf), _c(w, math.nan)
    value = w.select(_compare(w, "oeq", x, infinity), infinity, value)
    value = w.select(_compare(w, "oeq", x, _c(w, 0.0)), _c(w, -math.inf), value)
    return w.select(_compare(w, "uge", x, _c(w, 0.0)), w.select(_compare(w, "uno", x, x), nan, value), nan)


def _expm1(w: Writer, x: Value) -> Value:
    degree = 14 if w.dtype == "float64" else 8
    tail = _horner(w, x, tuple(1.0 / math.factorial(k) for k in range(degree, 1, -1)))
    near = w.intrinsic("llvm.copysign", w.fma(w.operation("fmul", x, x), tail, x), x)  # -0 stays -0
    far = w.operation("fsub", w.mathematics("math.exp", x), _c(w, 1.0))
    return w.select(_compare(w, "olt", w.intrinsic("llvm.fabs", x), _c(w, 0.4)), near, far)


def _log1p(w: Writer, x: Value) -> Value:
    u = w.operation("fadd", x, _c(w, 1.0))
    lost = w.operation("fsub", x, w.operation("fsub", u, _c(w, 1.0)))
    value = w.operation("fadd", w.mathematics("math.log", u), w.operation("fdiv", lost, u))
    plain = w.operation("fcmp one", u, _c(w, 0.0), result=Kind.BOOL)
    finite = _compare(w, "olt", u, _c(w, math.inf))
    value = w.select(w.operation("and", plain, finite), value, w.mathematics("math.log", u))
    return w.intrinsic("llvm.copysign", value, x)  # -0 stays -0


def _tanh(w: Writer, x: Value) -> Value:
    size = w.intrinsic("llvm.fabs", x)
    top = 22.0 if w.dtype == "float64" else 10.0
    size = w.select(_compare(w, "ogt", size, _c(w, top)), _c(w, top), size)
    e = w.mathematics("math.expm1", w.operation("fadd", size, size))
    return w.intrinsic("llvm.copysign", w.operation("fdiv", e, w.operation("fadd", e, _c(w, 2.0))), x)


def _sinh(w: Writer, x: Value) -> Value:
    size = w.intrinsic("llvm.fabs", x)
    e = w.mathematics("math.expm1", size)
    near = w.operation("fadd", e, w.operation("fdiv", e, w.operation("fadd", e, _c(w, 1.0))))
    half = w.mathematics("math.exp", w.operation("fmul", size, _c(w, 0.5)))  # squared below: no early overflow
    far = w.operation("fmul", w.operation("fmul", half, _c(w, 0.5)), half)
    value = w.select(_compare(w, "olt", size, _c(w, 20.0)), w.operation("fmul", near, _c(w, 0.5)), far)
    return w.intrinsic("llvm.copysign", value, x)


def _cosh(w: Writer, x: Value) -> Value:
    half = w.mathematics("math.exp", w.operation("fmul", w.intrinsic("llvm.fabs", x), _c(w, 0.5)))
    far = w.operation("fmul", w.operation("fmul", half, _c(w, 0.5)), half)
    whole = w.mathematics("math.exp", w.intrinsic("llvm.fabs", x))
    near = w.operation("fadd", w.operation("fmul", whole, _c(w, 0.5)), w.operation("fdiv", _c(w, 0.5), whole))
    return w.select(_compare(w, "olt", w.intrinsic("llvm.fabs", x), _c(w, 20.0)), near, far)


def _sign(w: Writer, x: Value) -> Value:
    one, zero = _c(w, 1.0), _c(w, 0.0)
    rest = w.operation("fadd", x, zero)  # nan stays, -0 becomes 0
    below = w.select(_compare(w, "olt", x, zero), _c(w, -1.0), rest)
    return w.select(_compare(w, "ogt", x, zero), one, below)


_PLAIN: dict[str, Body] = {
    "math.exp": _exp, "math.log": _log, "math.expm1": _expm1, "math.log1p": _log1p, "math.tanh": _tanh,
    "math.sinh": _sinh, "math.cosh": _cosh, "math.sign": _sign,
}  # fmt: skip


def _pick(name: str) -> Callable[[Writer, Value], tuple[Value, ...]]:
    def tangent(w: Writer, x: Value) -> tuple[Value, ...]:
        s, c = _circular(w, x)
        return (w.operation("fdiv", s, c),)

    return {"math.sin": lambda w, x: _circular(w, x)[:1], "math.cos": lambda w, x: _circular(w, x)[1:],
            "math.sincos": _circular, "math.tan": tangent}[name]  # fmt: skip


def _circular_function(w: Writer, name: str) -> None:
    """Fast path, and the scalar library for lanes past its reach."""
    x = Value("%x", R, w.lanes > 1)
    names = ("sin", "cos") if name == "math.sincos" else (name.split(".")[1],)
    type_ = w.type(R)
    result_type = f"{{ {type_}, {type_} }}" if len(names) == 2 else type_
    size = w.intrinsic("llvm.fabs", x)
    far = _compare(w, "ogt", size, _c(w, REACH[w.dtype]))
    finite = _compare(w, "olt", size, _c(w, math.inf))
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


def _library_function(w: Writer, name: str, arity: int) -> None:
    slot, type_ = w.name("result"), w.type(R)
    w.line(f"{slot} = alloca {type_}, align 64")
    arguments = [Value("%x", R, w.lanes > 1), Value("%y", R, w.lanes > 1)][:arity]
    _lanewise(w, name.split(".")[1], arguments, slot)
    value = w.emit(f"load {type_}, ptr {slot}, align 64", R, True)
    w.line(f"ret {type_} {value.text}")


def _minmax(w: Writer, name: str) -> None:
    x, y = Value("%x", R, w.lanes > 1), Value("%y", R, w.lanes > 1)
    smaller = _compare(w, "olt", y, x) if name == "math.min" else _compare(w, "olt", x, y)
    w.line(f"ret {w.type(R)} {w.select(smaller, y, x).text}")


def define(name: str, lanes: int, dtype: str) -> Writer:
    """The definition of one function, and (in `needed`, `intrinsics`) what it calls."""
    w = Writer(lanes, dtype)
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
        _circular_function(w, name)
    w.lines.append("}")
    return w
