"""How CUDA spells nodes, and the few functions that the emitted text needs besides the built-in ones."""

from __future__ import annotations

import math
import re

import numpy as np

from codegen.ir import Kind, Node
from codegen.primitives import PRIMITIVES, Primitive

from .cuda_groups import GROUP
from .cuda_wide import per_piece
from .expressions import Language

TYPES = {Kind.REAL: "real", Kind.INT: "long long", Kind.BOOL: "bool"}
BINARY = {"||": 2, "&&": 3, "==": 6, "<": 7, "<=": 7, "+": 10, "-": 10, "*": 11, "/": 11}
LEAST_INT = -(2**63)

KEYWORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const consteval
constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do double dynamic_cast
else enum explicit export extern false float for friend goto if inline int long mutable namespace new noexcept not
not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return short signed
sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef typeid
typename union unsigned using virtual void volatile wchar_t while xor xor_eq main real NULL NAN INFINITY threadIdx
blockIdx blockDim gridDim warpSize dim3 atomicAdd sym_shim sym_place sym_group sym_aligned abs j0 j1 jn y0 y1 yn
sym_wide sym_load_wide sym_store_wide sym_take_wide sym_stream_wide float4
gamma lgamma tgamma erf erfc cbrt hypot exp2 exp10 log2 log10 logb ilogb fmin fmax fmod fma fdim ldexp frexp modf
ceil trunc nearbyint round lround lrint remainder remquo copysign nextafter scalbn signbit isinf isnan isnormal norm
rsqrt rcbrt sinpi cospi sincos min
max clock printf malloc free memcpy memset assert
""".split()

# Each under the name by which the text calls it, and written out only where it is called.
SUPPORT = {
    "sym_infinity": "__device__ __forceinline__ real sym_infinity() {{ return {infinity}; }}",
    "sym_nan": "__device__ __forceinline__ real sym_nan() {{ return {nan}; }}",
    "sym_sign": """\
__device__ __forceinline__ real sym_sign(real x) {{
    return x > 0 ? (real)1 : x < 0 ? (real)-1 : x == 0 ? (real)0 : x;
}}""",
    "sym_quotient": """\
// Rounded down, as in mathematics; C rounds towards zero.
__device__ __forceinline__ long long sym_quotient(long long a, long long b) {{
    if (b == 0) return 0;
    const long long q = a / b;
    return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}}""",
    "sym_remainder": """\
// Of the sign of b, as in mathematics; in C it has the sign of a.
__device__ __forceinline__ long long sym_remainder(long long a, long long b) {{
    if (b == 0) return 0;
    const long long r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}}""",
    "sym_add_exact": """\
// Rounded on its own, never fused with a product.
__device__ __forceinline__ real sym_add_exact(real a, real b) {{ return __{width}add_rn(a, b); }}""",
    "sym_sub_exact": """\
// Rounded on its own, never fused with a product.
__device__ __forceinline__ real sym_sub_exact(real a, real b) {{ return __{width}sub_rn(a, b); }}""",
    "sym_load_group": """\
// Neighbours at once, the first of which lies on a boundary of 16 bytes.
struct __align__(16) sym_group {{ real part[{group}]; }};
__device__ __forceinline__ sym_group sym_load_group(const real* first) {{ return *(const sym_group*)first; }}
__device__ __forceinline__ bool sym_aligned(const real* first) {{ return (unsigned long long)first % 16 == 0; }}""",
    "sym_wide": """\
// Neighbours in one access of 16 bytes. Those that are streamed are not kept in the caches.
struct __align__(16) sym_wide {{ real part[{wide}]; }};
__device__ __forceinline__ sym_wide sym_load_wide(const real* first) {{ return *(const sym_wide*)first; }}
__device__ __forceinline__ void sym_store_wide(real* first, sym_wide values) {{ *(sym_wide*)first = values; }}
__device__ __forceinline__ sym_wide sym_take_wide(const real* first) {{
    const float4 bits = __ldcs((const float4*)first);
    return *(const sym_wide*)&bits;
}}
__device__ __forceinline__ void sym_stream_wide(real* first, sym_wide values) {{
    __stcs((float4*)first, *(const float4*)&values);
}}""",
    "sym_atomic": """\
__device__ __forceinline__ void sym_atomic(real* total, real value) {{ atomicAdd(total, value); }}
__device__ __forceinline__ void sym_atomic(long long* total, long long value) {{
    atomicAdd((unsigned long long*)total, (unsigned long long)value);
}}""",
    "sym_block_sum": """\
// Adds the values of all threads of a block to a total; every thread of the block must call it.
template <class T> __device__ void sym_block_sum(T* total, T value) {{
    __shared__ T partial[1024];
    const unsigned thread = threadIdx.x + blockDim.x * threadIdx.z;
    partial[thread] = value;
    __syncthreads();
    for (unsigned count = blockDim.x * blockDim.z; count > 1;) {{
        const unsigned half = (count + 1) / 2;
        if (thread < count - half) partial[thread] += partial[thread + half];
        __syncthreads();
        count = half;
    }}
    if (thread == 0) sym_atomic(total, partial[0]);
    __syncthreads();  // the next sum uses the same memory
}}""",
    "sym_part_sum": """\
// The sum of what the threads of an instance have found, the same for all of them, added up in one order; every thread
// of the block must call it.
template <class T> __device__ T sym_part_sum(T value) {{
    __shared__ T partial[1024];
    partial[threadIdx.x + blockDim.x * threadIdx.z] = value;
    __syncthreads();
    T total = partial[threadIdx.x];
    for (unsigned part = 1; part < blockDim.z; ++part) total += partial[threadIdx.x + blockDim.x * part];
    __syncthreads();  // the next sum uses the same memory
    return total;
}}""",
    "sym_atomic_sum": """\
// Adds a value to a total wherever it is called; a whole warp that agrees about the total adds once.
template <class T, class Given> __device__ void sym_atomic_sum(T* total, Given given) {{
    T value = given;
    const unsigned active = __activemask();
    int agree = 0;
    __match_all_sync(active, (unsigned long long)total, &agree);
    if (agree && active == 0xffffffffu) {{
        for (int width = 16; width > 0; width /= 2) value += __shfl_down_sync(active, value, width);
        if (threadIdx.x % 32 == 0) sym_atomic(total, value);
    }} else {{
        sym_atomic(total, value);
    }}
}}""",
}
NEEDS_ATOMIC = ("sym_block_sum", "sym_atomic_sum")
BITS = {
    "float64": ("__longlong_as_double(0x7ff0000000000000LL)", "__longlong_as_double(0x7ff8000000000000LL)", "d"),
    "float32": ("__int_as_float(0x7f800000)", "__int_as_float(0x7fc00000)", "f"),
}


def _spelt_names() -> set[str]:
    """Every function that the table of primitives calls, in both precisions."""
    names: set[str] = set()
    for row in PRIMITIVES.values():
        for suffix in ("", "f"):
            names |= set(re.findall(r"[A-Za-z_]\w*", re.sub(r"\{\d\}", "", row.c.replace("{f}", suffix))))
    return names


RESERVED = frozenset({*KEYWORDS, *SUPPORT, *_spelt_names()})


def support(body: str, dtype: str, group: int = GROUP) -> list[str]:
    """The functions of `SUPPORT` that the body calls, in an order in which they compile."""
    wanted = [name for name in SUPPORT if f"{name}(" in body]
    if "sym_wide " in body:
        wanted.insert(0, "sym_wide")
    if any(name in NEEDS_ATOMIC for name in wanted):
        wanted.insert(0, "sym_atomic")
    infinity, nan, width = BITS[dtype]
    pieces = per_piece(dtype)
    return [SUPPORT[name].format(infinity=infinity, nan=nan, width=width, group=group, wide=pieces) for name in wanted]


def cuda_language(dtype: str) -> Language:
    """The spelling of CUDA, in double or single precision."""
    single = dtype == "float32"

    def template(row: Primitive) -> str:
        return row.c

    def constant(n: Node) -> str:
        if n.kind is Kind.BOOL:
            return "true" if n.attribute else "false"
        if n.kind is Kind.INT:
            return "(-9223372036854775807LL - 1)" if n.attribute == LEAST_INT else str(n.attribute)
        value = float(n.attribute)  # type: ignore[arg-type]
        rounded = float(np.float32(value)) if single else value
        if math.isnan(rounded):
            return "sym_nan()"
        if math.isinf(rounded):
            return "sym_infinity()" if rounded > 0 else "-sym_infinity()"
        return f"{np.float32(value)!s}f" if single else repr(value)  # the shortest decimals that round back

    return Language(
        "CUDA", template, BINARY, {"!": 12}, 1, BINARY["*"], constant, suffix="f" if single else "", wide="LL"
    )
