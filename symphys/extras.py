"""Optional libraries, imported where they are used."""

from __future__ import annotations

import importlib
from typing import Any

from symphys.errors import UnsupportedError


def optional(module: str, extra: str, what: str) -> Any:
    """An optional module; UnsupportedError that names the extra where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        name = module.split(".")[0]
        if (error.name or "").split(".")[0] != name:
            raise
        raise UnsupportedError(f"{what} needs {name}, which is not installed: pip install 'symphys[{extra}]'") from None
