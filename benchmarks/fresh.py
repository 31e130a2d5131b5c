"""Runs a measurement in a process of its own, with a cache directory of its own: what cold and warm mean here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


@contextmanager
def empty_cache() -> Iterator[Path]:
    """A directory that stands in for the user's home and cache, empty at first."""
    with TemporaryDirectory(prefix="symphys-benchmark-") as directory:
        yield Path(directory)


def measure(module: str, *arguments: object, home: Path) -> Any:
    """What `python -m module arguments...` prints as JSON on its last line."""
    environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "LOCALAPPDATA": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(f"{module} {arguments} failed: {done.stderr.strip().splitlines()[-1:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])
