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
    return home if writable else Path(tempfile.gettempdir()) / f"symphys-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


@dataclass(frozen=True)
class KernelCache:
    """Files by content; a folder appears whole or not at all, so that two processes can write the same kernel at once."""

    directory: Path

    def key(self, *parts: str) -> str:
        """The name of what was made from these texts."""
        digest = blake2b(digest_size=16)
        for part in parts:
            digest.update(part.encode() + b"\0")
        return digest.hexdigest()

    def folder(self, key: str, files: Mapping[str, str]) -> Path:
        """The folder of a key, written with `files` (name -> text) where it is new."""
        place = self.directory / key
        if all((place / name).exists() for name in files):
            return place
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.mkdir(exist_ok=True)
        for name, text in files.items():
            handle, temporary = tempfile.mkstemp(dir=place)
            with os.fdopen(handle, "w") as stream:
                stream.write(text)
            os.replace(temporary, place / name)
        return place
