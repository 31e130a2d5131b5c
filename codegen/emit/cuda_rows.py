"""How a thread walks along the outer axes, and what it loads before it does."""

from __future__ import annotations

from codegen.ir import variables
from codegen.program import Block, Intent, Kernel, Load, Statement


def loop_order(kernel: Kernel) -> tuple[str, ...]:
    """The outer axes as loops of a thread, the one before the last innermost: threads walk along it, side by side along
    the last."""
    return (*kernel.outer[:-2], *kernel.outer[-2:][::-1])


def early_loads(kernel: Kernel) -> tuple[dict[str | int, Block], Block]:
    """Loads that are the same for all lanes, by the loop at whose head they can stand (0: before all), and the rest.

    Compilers leave them inside, because they may not load what might not be loaded at all; here all may.
    """
    order = loop_order(kernel)
    known = {s.name: 0 for s in kernel.scalars} | {axis: i + 1 for i, axis in enumerate(order)}
    levels: dict[int, list[Statement]] = {}
    rest: list[Statement] = []
    fixed = {a.name for a in kernel.arrays if a.intent is Intent.IN and not a.instanced}
    for s in kernel.body:
        if isinstance(s, Load) and s.array in fixed:
            needed = [known.get(str(v.attribute)) for v in variables(s.index)]
            if None not in needed:
                level = max((n for n in needed if n is not None), default=0)
                levels.setdefault(level, []).append(s)
                known[str(s.target.attribute)] = level
                continue
        rest.append(s)
    named = {(order[level - 1] if level else 0): tuple(found) for level, found in levels.items()}
    return {0: (), **named}, tuple(rest)
