"""Where compiled kernels are kept: one folder a kernel, named by the content of what it was compiled from."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path


def default_directory() -> Path:
    """The user's cache folder, or one below the system's temporary folder where the home cannot be written."""
    home = Path.home() / ".cache" / "symphys"
    try:
        home.mkdir(parents=True, exist_ok=True)
        writable = os.access(home, os.W_OK)
    except OSError:
        writable = False
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return home if writable else Path(tempfile.gettempdir()) / f"symphys-{user}"


@dataclass(frozen=True)
class KernelCache:
    """Files by content; each appears whole or not at all, so that two processes can write the same kernel at once."""

    directory: Path

    def key(self, *parts: str) -> str:
        """The name of what was made from these texts."""
        digest = blake2b(digest_size=16)
        for part in parts:
            digest.update(part.encode() + b"\0")
        return digest.hexdigest()

    def place(self, key: str) -> Path:
        """The folder of a key, whether it is there yet or not."""
        return self.directory / key

    def write(self, key: str, files: Mapping[str, str]) -> None:
        """Write files (name -> text) of a key, each whole, in order: who finds the last one finds all.

        A file that is there stays, since a key stands for its content: another process may have compiled it already,
        and what it keeps beside the file is valid for that very file.
        """
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = self.place(key)
        place.mkdir(exist_ok=True)
        for name, text in files.items():
            handle, temporary = tempfile.mkstemp(dir=place)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            if (place / name).exists():
                Path(temporary).unlink()
            else:
                Path(temporary).replace(place / name)
