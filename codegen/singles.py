"""Sums of neighbours taken apart, for what adds to one element at a time."""

from __future__ import annotations

from .program import Accumulate, Block


def one_by_one(block: Block) -> Block:
    """A block in which every Accumulate adds to one element."""
    if not any(isinstance(s, Accumulate) and s.more for s in block):
        return block
    return tuple(single for s in block for single in (_singles(s) if isinstance(s, Accumulate) else (s,)))


def _singles(s: Accumulate) -> tuple[Accumulate, ...]:
    values = (s.value, *s.more)
    places = ((*s.index[:-1], s.index[-1] + k) if k else s.index for k in range(len(values)))
    return tuple(Accumulate(s.array, place, value) for place, value in zip(places, values, strict=True))
