"""The content of a kernel as a short text: two kernels with one fingerprint are compiled once."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from .errors import CompilerBug
from .ir import Node
from .program import Function, Kernel


def fingerprint(kernel: Kernel) -> str:
    """A digest of everything that a kernel says, names included, and of the compiler that reads it."""
    digest = blake2b(compiler_version().encode(), digest_size=16)
    _feed(digest, kernel, {})
    return digest.hexdigest()


def _feed(digest: Any, item: Any, functions: dict[int, bytes]) -> None:
    """Add an item to a digest; functions, which many calls share, are digested once."""
    if isinstance(item, Node):
        digest.update(b"n" + item.key)
    elif isinstance(item, Function):
        if id(item) not in functions:
            inner = blake2b(digest_size=16)
            _feed_fields(inner, item, functions)
            functions[id(item)] = inner.digest()
        digest.update(b"f" + functions[id(item)])
    elif isinstance(item, tuple):
        digest.update(b"(")
        for part in item:
            _feed(digest, part, functions)
        digest.update(b")")
    elif is_dataclass(item):
        _feed_fields(digest, item, functions)
    elif isinstance(item, Enum | str | int | bool) or item is None:
        digest.update(f"{item!r};".encode())
    else:
        raise CompilerBug(f"{type(item).__name__} has no place in a kernel")


def _feed_fields(digest: Any, item: Any, functions: dict[int, bytes]) -> None:
    digest.update(type(item).__name__.encode())
    for entry in fields(item):
        _feed(digest, getattr(item, entry.name), functions)


@lru_cache(maxsize=1)
def compiler_version() -> str:
    """A digest of the compiler's own source: machine code of an older compiler is never taken for that of this one."""
    digest = blake2b(digest_size=16)
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
