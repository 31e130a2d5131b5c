"""Subexpressions that are used several times get names, so that printers can write every expression out as it stands.

Always pays, as the last pass: work is done once, and no expression is so deep that a parser or a reader gives up.
"""

from __future__ import annotations

from .segments import rewrite_segments, unchanged
from .traverse import Scope

DEPTH = 12


def share(scope: Scope, depth: int = DEPTH) -> Scope:
    """Bind what a straight-line segment uses several times, and cut expressions deeper than `depth` operations."""
    return rewrite_segments(scope, unchanged, keep_names=True, depth=depth)
