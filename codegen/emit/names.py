"""Names in emitted text: those of the IR wherever the language allows, and never two for one.

Words that the language keeps for itself get an underscore; CUDA gets ASCII, because compilers differ about letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from codegen.bindings import bound_names, interface_names
from codegen.program import Block, Function, Kernel, functions


def ascii_identifier(name: str) -> str:
    """An identifier spelt with ASCII letters: Greek letters by their names, other characters by their code points."""
    return "".join(c if c.isascii() else _spelt(c) for c in unicodedata.normalize("NFKC", name))


def _spelt(character: str) -> str:
    words = unicodedata.name(character, "").split()
    if words[:1] != ["GREEK"] or not words[-1].isalpha():
        return f"u{ord(character):04x}"
    return words[-1].capitalize() if "CAPITAL" in words else words[-1].lower()


class Naming:
    """One injective map from the names of a kernel or function to names in the text, with fresh names beside them."""

    def __init__(self, reserved: Iterable[str], ascii_only: bool = False) -> None:
        self._taken = set(reserved)
        self._ascii = ascii_only
        self._names: dict[str, str] = {}
        self._temporaries = 0

    def take(self, wish: str) -> str:
        """The wish, or the wish with underscores, kept from everyone else."""
        name = ascii_identifier(wish) if self._ascii else unicodedata.normalize("NFKC", wish)
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name

    def __call__(self, name: str) -> str:
        """The name in the text of what the IR calls `name`."""
        if name not in self._names:
            self._names[name] = self.take(name)
        return self._names[name]

    def unused(self, wish: str) -> str:
        """A name of the IR that the kernel does not use, for what the printer adds to its nodes."""
        while wish in self._names:
            wish += "_"
        return wish

    def temporary(self) -> str:
        """A name for a shared subexpression: t0, t1, ... past those that the kernel uses."""
        while True:
            name = f"t{self._temporaries}"
            self._temporaries += 1
            if name not in self._taken:
                return self.take(name)


def name_kernel(kernel: Kernel, reserved: Iterable[str], ascii_only: bool = False) -> Naming:
    """Names for all that a kernel mentions, the functions that it calls included."""
    naming = Naming(reserved, ascii_only)
    for name in (kernel.name, *interface_names(kernel), *bound_names(kernel.body)):
        naming(name)
    return naming


def name_function(function: Function, reserved: Iterable[str], ascii_only: bool = False) -> Naming:
    """Names for all that a function mentions, but for the functions that it calls."""
    naming = Naming(reserved, ascii_only)
    for name in (*interface_names(function), *bound_names(function.body)):
        naming(name)
    return naming


def name_functions(block: Block, naming: Naming) -> dict[str, str]:
    """The name in the text of every function that a block calls, directly or through others."""
    return {function.name: naming.take(function.name) for function in functions(block)}
