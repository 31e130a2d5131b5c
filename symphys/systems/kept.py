"""Derivations of large systems that are kept on disk, beside their compiled kernels.

What a Lagrangian with hundreds of terms leads to takes longer to derive than to read: a second process that writes the
same one finds it under a digest of what was written and of the source that derives.
"""

import io
import pickle
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import lru_cache
from hashlib import blake2b
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
SOURCES = ("mechanics", "language")  # folders of symphys on which derivations depend


def derived(action: Action, derive: Callable[[], SecondOrder | FirstOrder]) -> SecondOrder | FirstOrder:
    """What `derive` makes of an action, read where this or another process has kept it."""
    key = _key(action)
    if key is None:
        return derive()
    cache = KernelCache(default_directory())
    path = cache.place(key) / FILE
    if path.exists():
        try:
            found = pickle.loads(path.read_bytes())
        except (OSError, EOFError, pickle.UnpicklingError):  # removed meanwhile, or cut off by a full disk
            found = None
        if isinstance(found, SecondOrder | FirstOrder):
            cache.used(key)
            return found
    made = derive()
    try:
        content = _written(made)
    except (pickle.PicklingError, TypeError, AttributeError):  # a function of the user's own that has no name
        return made
    cache.write(key, {FILE: content})
    return made


class _Writer(pickle.Pickler):
    """Expressions as SymPy left them, so that reading them asks SymPy nothing again."""

    def reducer_override(self, item: Any) -> Any:
        if type(item) in (sympy.Add, sympy.Mul):
            return type(item)._from_args, (item.args,)
        if type(item) in (sympy.Pow, sympy.sin, sympy.cos, sympy.tan, sympy.exp, sympy.log):
            return _as_it_was, (type(item), *item.args)
        return NotImplemented


def _as_it_was(function: Any, *arguments: Any) -> Any:
    return function(*arguments, evaluate=False)


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
        return _digest([item.functions, item.names, item.depth], known)
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
    for library in ("sympy", "mpmath", "symengine"):
        try:
            digest.update(f"{library} {version(library)};".encode())
        except PackageNotFoundError:  # SymEngine need not be there
            digest.update(f"no {library};".encode())
    root = Path(__file__).parents[1]
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.digest()
