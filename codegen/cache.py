"""Where compiled kernels are kept: one folder a kernel, named by the content of what it was compiled from.

What has not been used for longest is removed where the folders together exceed a limit, 1 GiB unless it was set. The
limit stands in a file of the cache itself, so that all processes that share the cache share it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

DEFAULT_LIMIT = 2**30  # bytes
LIMIT, MEASURED = "limit", "measured"  # files of the cache: the limit in bytes, and when its size was looked at last
PAUSE = 60.0  # seconds between two looks at the size, which takes a few milliseconds
GRACE = 600.0  # seconds after its last use in which a kernel stays, as a process may be about to load it


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

    def used(self, key: str) -> None:
        """Note that a key was used just now, which keeps it from being removed."""
        try:
            os.utime(self.place(key))
        except OSError:  # a cache that belongs to somebody else, or a folder that was removed meanwhile
            return

    @property
    def limit(self) -> int:
        """The size in bytes beyond which the least recently used kernels are removed."""
        try:
            return int((self.directory / LIMIT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return DEFAULT_LIMIT

    def set_limit(self, size: int) -> None:
        """Set the limit, for this and all later processes, and keep to it at once."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.directory / LIMIT).write_text(str(size), encoding="utf-8")
        self.trim()

    def size(self) -> int:
        """The bytes of all kernels."""
        return sum(size for _, size, _ in self._kernels())

    def trim(self, now: float | None = None) -> None:
        """Remove the least recently used kernels until the rest fits the limit; what was used just now stays."""
        now = time.time() if now is None else now
        kernels = sorted(self._kernels())
        total = sum(size for _, size, _ in kernels)
        for used, size, folder in kernels:
            if total <= self.limit or used > now - GRACE:
                return
            shutil.rmtree(folder, ignore_errors=True)
            total -= size

    def _kernels(self) -> list[tuple[float, int, Path]]:
        """When each kernel was used last, its size and its folder."""
        found = []
        for folder in self.directory.iterdir() if self.directory.is_dir() else ():
            try:
                if folder.is_dir():
                    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
                    found.append((folder.stat().st_mtime, size, folder))
            except OSError:  # another process removes it
                continue
        return found

    def _trim_now_and_then(self) -> None:
        mark = self.directory / MEASURED
        try:
            due = not mark.exists() or time.time() - mark.stat().st_mtime > PAUSE
            if due:
                mark.touch()
        except OSError:
            return
        if due:
            self.trim()

    def write(self, key: str, files: Mapping[str, str | bytes]) -> None:
        """Write files (name -> content) of a key, each whole, in order: who finds the last one finds all.

        A file that is there stays, since a key stands for its content: another process may have compiled it already.
        """
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._trim_now_and_then()
        place = self.place(key)
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            handle, temporary = tempfile.mkstemp(dir=place)
            with os.fdopen(handle, "wb") as stream:
                stream.write(content.encode() if isinstance(content, str) else content)
            if (place / name).exists():
                Path(temporary).unlink()
            else:
                Path(temporary).replace(place / name)
