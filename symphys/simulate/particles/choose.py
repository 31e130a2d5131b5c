"""The splitting that integrates particles, and why; where something is held, one that is made of leapfrogs."""

from __future__ import annotations

import itertools
import math

from symphys.errors import MethodError
from symphys.integrators import METHODS, Rattle, Splitting, method_named


def choose_splitting(method: str, held: bool, apart: bool = False) -> tuple[Splitting, str]:
    """The splitting of that name, or for "auto", and the reason; `apart`: friction or turned velocities besides.

    Raises MethodError for a method that is unknown or no splitting; where something is held, for one whose order would
    be lost: the drift along constraints is not followed exactly, so that only compositions of leapfrogs keep theirs.
    """
    chosen = METHODS["rattle" if held else "verlet"] if method == "auto" else method_named(method, METHODS)
    reason = f"method {method!r} was asked for."
    if method == "auto" and apart:
        reason = "Forces are free of velocities but for friction and turning: leapfrog."
    elif method == "auto":
        reason = "Forces are free of velocities: leapfrog, which is symplectic and keeps momenta."
    if isinstance(chosen, Rattle) and held:
        chosen = as_splitting(chosen)
    if not isinstance(chosen, Splitting):
        remedy = "rattle, rattle4 or verlet" if held else "a splitting: verlet, yoshida4, ..."
        raise MethodError(f"method {method!r} does not integrate particles; choose {remedy}")
    if held and not _leapfrogs(chosen):
        able = [
            name for name, m in METHODS.items() if isinstance(m, Rattle) or (isinstance(m, Splitting) and _leapfrogs(m))
        ]
        raise MethodError(
            f"method {method!r} is no composition of leapfrogs and would lose its order where constraints hold; "
            f"choose one of {', '.join(able)}"
        )
    if apart:
        reason += (
            " Friction and magnetic turns are followed exactly, before and after each step: of second order in all."
        )
    if held:
        reason += " Constraints are held by RATTLE, molecule by molecule."
    return chosen, reason


def as_splitting(method: Rattle) -> Splitting:
    """RATTLE steps as kicks and drifts, neighbouring kicks joined; what is held is so after every drift."""
    kicks = [0.5 * (a + b) for a, b in zip((0.0, *method.weights), (*method.weights, 0.0), strict=True)]
    stages = [("kick", kicks[0])]
    for kick, drift in zip(kicks[1:], method.weights, strict=True):
        stages += [("drift", drift), ("kick", kick)]
    return Splitting(method.name, method.order, method.source, tuple(stages))


def _leapfrogs(splitting: Splitting) -> bool:
    """Whether each kick is half of the drifts beside it."""
    drifts = (0.0, *splitting.weights("drift"), 0.0)
    kicks = splitting.weights("kick")
    halves = [0.5 * (a + b) for a, b in itertools.pairwise(drifts)]
    begins = splitting.stages[0][0] == "kick" and len(kicks) == len(halves)
    return begins and all(math.isclose(k, half, abs_tol=2.0**-50) for k, half in zip(kicks, halves, strict=True))
