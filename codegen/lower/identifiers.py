"""Names of symbols as identifiers that Python, C, CUDA and LLVM all accept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

# Keywords of the languages that we print, and names that printed code uses for itself: the functions of math.h (C
# declares them globally, j0 and y1 among them), types, and what our printers call.
_PYTHON = """False None True and as assert async await break class continue def del elif else except finally for from
global if import in is lambda nonlocal not or pass raise return try while with yield match case type"""
_C = """alignas alignof asm auto bool break case catch char char8_t char16_t char32_t class complex concept
const const_cast consteval constexpr constinit continue decltype default delete do double dynamic_cast
else enum explicit export extern false float for friend goto if imaginary inline int long mutable
namespace new noexcept nullptr operator private protected public register reinterpret_cast requires
restrict return short signed sizeof static static_assert static_cast struct switch template this
thread_local throw true try typedef typeid typename typeof union unsigned using virtual void volatile
wchar_t while xor bitand bitor compl and_eq or_eq xor_eq not_eq I NULL NAN INFINITY EOF errno main linux
unix size_t half dim3 threadIdx blockIdx blockDim gridDim warpSize kernel device host shared"""
_FUNCTIONS = """abs acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh cospi erf erfc erfcx exp exp10
exp2 expm1 fabs fdim floor fma fmax fmin fmod frexp gamma hypot ilogb isfinite isinf isnan j0 j1 jn
ldexp lgamma llrint log log10 log1p log2 logb lrint max min modf nan nearbyint norm pow power rcbrt
remainder remquo rhypot rint round rsqrt scalbn sign signbit significand sin sincos sincospi sinh sinpi
sqrt tan tanh tgamma trunc y0 y1 yn drem gammaf div ldiv index time clock signal"""
_OURS = """real int8 int16 int32 int64 float32 float64 math np numpy numba cuda range len print object str list
tuple dict set"""
RESERVED = frozenset(" ".join((_PYTHON, _C, _FUNCTIONS, _OURS)).split())

_MARKS = {
    "'": "_prime",
    "′": "_prime",
    "″": "_second",
    "*": "_star",
    "+": "_plus",
    "\N{COMBINING DOT ABOVE}": "_dot",
    "\N{COMBINING DIAERESIS}": "_ddot",
    "\N{COMBINING TILDE}": "_tilde",
    "\N{COMBINING MACRON}": "_bar",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "_hat",
    "\N{COMBINING RIGHT ARROW ABOVE}": "_vector",
}
_LETTER = re.compile(r"(?:GREEK|LATIN|CYRILLIC) (SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)$")


def identifier(text: str, taken: Collection[str] = ()) -> str:
    """An ASCII identifier that resembles `text`, is reserved in none of the printed languages, and is not in `taken`.

    Greek letters are spelt out, primes and dots become words, everything else that is no letter or digit an underscore:
    "lambda" -> "lambda_", "q'" -> "q_prime", "\\dot{x}" -> "dot_x", "θ₁" -> "theta1".
    """
    letters = "".join(_ascii(c) for c in unicodedata.normalize("NFKD", text))
    name = re.sub(r"_+", "_", re.sub(r"\W", "_", letters, flags=re.ASCII)).strip("_") or "x"
    if name[0].isdigit() or name.startswith("sym_"):  # sym_ begins the names of our own helpers in printed C
        name = f"x_{name}"
    if name in RESERVED:
        name += "_"
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name.rstrip('_')}_{count}"
    return candidate


def _ascii(character: str) -> str:
    if character in _MARKS:
        return _MARKS[character]
    if character.isascii():
        return character
    found = _LETTER.match(unicodedata.name(character, ""))
    if found is None:
        return "" if unicodedata.combining(character) else "_"
    size, letter = found.groups()
    word = {"LAMDA": "LAMBDA"}.get(letter, letter).lower()
    return word.capitalize() if size == "CAPITAL" else word
