"""Derivations of large systems that are kept on disk, beside their compiled kernels.

What a Lagrangian with hundreds of terms leads to takes longer to derive than to read: a second process that writes the
same one finds it under a digest of what was written and of the source that derives.

A file is a pickle behind a digest of its key and content. One that is not what was written is not read, and none can
name anything but the classes that derivations are made of; whatever is wrong with it, the system is derived anew. Like
the machine code beside it, it is as trustworthy as the folder, which belongs to the user alone.
"""

import io
import pickle
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from hashlib import blake2b, sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from codegen import KernelCache, default_directory
from symphys.mechanics.action import Action
from symphys.mechanics.dynamics import FirstOrder, SecondOrder
from symphys.mechanics.jets import JetSpace

FILE = "dynamics"
LARGE = 100  # distinct sums, products and functions in an action from which it pays: a tenth of a second of derivation
SOURCES = ("mechanics", "language", "systems/kept.py")  # of symphys: what derivations, and their files, depend on
LIBRARIES = ("sympy", "mpmath", "symengine", "numpy", "scipy")  # with which symphys derives
DIGEST = sha256().digest_size  # bytes, ahead of the pickle
CLASSES = ("sympy.", "symphys.mechanics.", "symphys.language.")  # modules whose classes derivations are made of

FAULTS = (  # what reading a pickle may raise, which was whole but made where the libraries are others
    pickle.UnpicklingError, ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError,
    MemoryError, OSError, RuntimeError, SyntaxError, TypeError, ValueError,
)  # fmt: skip


def derived(action: Action, derive: Callable[[], SecondOrder | FirstOrder]) -> SecondOrder | FirstOrder:
    """What `derive` makes of an action, read where this or another process has kept it."""
    key = _key(action)
    if key is None:
        return derive()
    cache = KernelCache(default_directory())
    path = cache.place(key) / FILE
    found = _read(path, key)
    if found is not None:
        cache.used(key)
        return found
    made = derive()
    try:
        content = _written(made)
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError):  # a nameless function, or too deep a sum
        return made
    try:
        path.unlink(missing_ok=True)  # what is there was no use
        cache.write(key, {FILE: _seal(key, content) + content})
    except OSError:  # a full disk, or a folder of somebody else: what was derived is there all the same
        return made
    return made


def _read(path: Path, key: str) -> SecondOrder | FirstOrder | None:
    """What is kept for a key; None where nothing is, or not what was written."""
    try:
        whole = path.read_bytes()
    except OSError:  # none, or removed meanwhile
        return None
    seal, content = whole[:DIGEST], whole[DIGEST:]
    if seal != _seal(key, content):
        return None
    try:
        found = _Reader(io.BytesIO(content)).load()
    except FAULTS:
        return None
    return found if isinstance(found, SecondOrder | FirstOrder) else None


def _seal(key: str, content: bytes) -> bytes:
    return sha256(key.encode() + content).digest()


class _Writer(pickle.Pickler):
    """Expressions as SymPy left them, so that reading them asks SymPy nothing again."""

    def reducer_override(self, item: Any) -> Any:
        if type(item) in (sympy.Add, sympy.Mul):
            return _joined, (type(item), item.args)
        if type(item) in (sympy.Pow, sympy.sin, sympy.cos, sympy.tan, sympy.exp, sympy.log):
            return _as_it_was, (type(item), *item.args)
        return NotImplemented


class _Reader(pickle.Unpickler):
    """Reads what `_Writer` wrote; no name is looked up but those of which derivations are made."""

    def find_class(self, module: str, name: str) -> Any:
        known = (module, name) in KNOWN
        found = super().find_class(module, name) if known or module.startswith(CLASSES) else None
        if known or (isinstance(found, type) and found.__module__.startswith(CLASSES)):
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a derivation")


def _joined(kind: Any, arguments: tuple[Any, ...]) -> Any:
    return kind._from_args(arguments)


def _as_it_was(function: Any, *arguments: Any) -> Any:
    return function(*arguments, evaluate=False)


KNOWN = (  # functions that rebuild expressions
    (__name__, _joined.__name__),
    (__name__, _as_it_was.__name__),
    ("sympy.core.function", "_rebuild_undef"),
)


def _written(item: Any) -> bytes:
    stream = io.BytesIO()
    _Writer(stream, protocol=pickle.HIGHEST_PROTOCOL).dump(item)
    return stream.getvalue()


def _key(action: Action) -> str | None:
    """A digest of an action and of what derives; None for small actions and those of which no text says it all."""
    digests: dict[Any, bytes] = {}
    whole = _digest([getattr(action, entry.name) for entry in fields(action)], digests)
    if whole is None or len(digests) < LARGE:
        return None
    return blake2b(whole + _version(), digest_size=16).hexdigest()


def _digest(item: Any, known: dict[Any, bytes]) -> bytes | None:
    """A digest of an expression, a number, a text, or a sequence of such; subexpressions are digested once."""
    if isinstance(item, sympy.Basic) and item in known:
        return known[item]
    if isinstance(item, JetSpace):
        return _digest([item.functions, item.names, item.depth, item.time], known)
    if isinstance(item, str | int | type(None)):
        return blake2b(repr(item).encode(), digest_size=16).digest()
    if isinstance(item, list | tuple):
        said: str | None = "sequence"
        parts = [_digest(each, known) for each in item]
    elif isinstance(item, sympy.Basic):
        said = _said(item)
        parts = [_digest(each, known) for each in item.args]
    else:
        return None
    if said is None or None in parts:
        return None
    found = blake2b(b"|".join([said.encode(), *(p for p in parts if p is not None)]), digest_size=16).digest()
    if isinstance(item, sympy.Basic) and item.args:
        known[item] = found
    return found


def _said(node: sympy.Basic) -> str | None:
    """What a node says besides its arguments; None for a kind whose text may not say all."""
    kind = type(node)
    if isinstance(node, sympy.Symbol):
        return f"symbol {node.name} {sorted(node.assumptions0.items())}" if kind is sympy.Symbol else None
    if isinstance(node, AppliedUndef):
        return f"function {sympy.srepr(kind)}" if type(kind).__module__.startswith("sympy.") else None
    if not kind.__module__.startswith("sympy."):
        return None
    return f"{kind.__module__}.{kind.__qualname__}" if node.args else sympy.srepr(node)


@lru_cache(maxsize=1)
def _version() -> bytes:
    """A digest of the source that derives, and of the libraries that it uses."""
    digest = blake2b(sys.version.encode(), digest_size=16)
    for library in LIBRARIES:
        try:
            digest.update(f"{library} {version(library)};".encode())
        except PackageNotFoundError:  # SymEngine need not be there
            digest.update(f"no {library};".encode())
    root = Path(__file__).parents[1]
    for source in SOURCES:
        for path in sorted((root / source).rglob("*.py")) or [root / source]:
            digest.update(f"{path.relative_to(root).as_posix()};".encode())  # a pickle names modules
            digest.update(path.read_bytes())
    return digest.digest()
