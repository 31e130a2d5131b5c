"""Which constraints follow from the others, so that they add nothing but an undetermined multiplier.

The direction in which a redundant constraint pushes depends on those of the others (its multiplier could take any
value), and it holds wherever they do; then it is set aside.  Where it only touches the others, or contradicts them, no
choice would be right, and it is refused.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from symphys.errors import InputError
from symphys.mechanics.action import Action
from symphys.mechanics.jets import from_jet
from symphys.mechanics.manifold import Manifold, numbers, table
from symphys.mechanics.pfaffian import Pfaffian
from symphys.mechanics.probe import Probe
from symphys.mechanics.read import name_of

_ASIDE = 0.03  # how far from a point where all hold it is looked whether one follows from the others
_FOLLOWS = 1e-7  # relative; a contact of second order leaves 1e-3 at that distance, rounding 1e-11


def manifold_of(action: Action, forms: Pfaffian, chosen: Sequence[int]) -> Manifold:
    """The manifold on which the chosen constraints of an action hold."""
    held = [index for index in chosen if index in forms.holonomic]
    return Manifold(
        action.jet(0),
        action.jet(1),
        tuple(action.constraints[index] for index in held),
        tuple(forms.rows[index] for index in held),
        tuple(forms.rates[index] for index in chosen),
        tuple(forms.rows[index] for index in chosen),
    )


def redundant_constraints(action: Action, forms: Pfaffian) -> tuple[int, ...]:
    """The constraints that follow from the others; holonomic ones are preferred to stay, then those given first.

    Raises `InputError`, by name, for a constraint that holds no coordinate, for constraints that contradict each other,
    whose gradient vanishes wherever they hold, or that touch the others without following from them.
    """
    _refuse_unmoved(action, forms)
    count = len(action.constraints)
    order = sorted(range(count), key=lambda index: (index not in forms.holonomic, index))
    whole = manifold_of(action, forms, order)
    _refuse_contradictions(action, forms, order, whole)
    dropped = tuple(sorted(order[place] for place in whole.dependent()))
    kept = [index for index in order if index not in dropped]
    if dropped:
        around = _around(whole, manifold_of(action, forms, kept)) if kept else ()
        for index in dropped:
            _check_follows(action, forms, index, around, whole, kept)
    return dropped


def _refuse_unmoved(action: Action, forms: Pfaffian) -> None:
    for row, constraint in zip(forms.rows, action.constraints, strict=True):
        if all(entry == 0 for entry in row):
            raise InputError(
                f"The constraint {_written(action, constraint)} holds no coordinate; constrain one of "
                f"{', '.join(name_of(c) for c in action.coordinates)}, or leave it out."
            )


def _refuse_contradictions(action: Action, forms: Pfaffian, order: Sequence[int], whole: Manifold) -> None:
    """A constraint that depends on others where these hold, and does not hold there, holds nowhere with them."""
    if whole.points(1):
        return
    kept: list[int] = []
    for index in order:
        alone = manifold_of(action, forms, [*kept, index])
        if not kept or alone.points(1):
            kept.append(index)
            continue
        others = manifold_of(action, forms, kept)
        points = others.points(3)
        if points and all(np.linalg.matrix_rank(table(p, alone.rows), tol=1e-7) <= len(kept) for p in points):
            listed = ", ".join(_written(action, action.constraints[each]) for each in kept)
            raise InputError(
                f"The constraints contradict each other: {_written(action, action.constraints[index])} holds nowhere "
                f"where {listed} {'does' if len(kept) == 1 else 'do'}, unless parameters are tied. Leave one out."
            )
        return


def _around(whole: Manifold, kept: Manifold) -> list[Probe]:
    """Points where the kept constraints hold, a little off points where all do."""
    found = []
    for point in whole.points(3):
        dice = np.random.default_rng(point.seed)
        moved = {
            symbol: point.context.mpf(float(value) + _ASIDE * (1 + abs(float(value))) * dice.uniform(-1, 1))
            for symbol in (*whole.coordinates, *whole.velocities)
            for value in (point.value(symbol),)
        }
        near = kept.nearest(Probe(point.seed, {**point.values, **moved}))
        if near is not None:
            found.append(near)
    return found


def _check_follows(
    action: Action, forms: Pfaffian, index: int, around: Sequence[Probe], whole: Manifold, kept: Sequence[int]
) -> None:
    constraint, row = action.constraints[index], forms.rows[index]
    written = _written(action, constraint)
    left = [np.abs(numbers(p, (constraint, forms.rates[index]))).max() / _size(p, row) for p in around]
    if left and max(left) <= _FOLLOWS:
        return
    at = [np.abs(numbers(p, row)).max() / np.abs(numbers(Probe(p.seed), row)).max() for p in whole.points(3)]
    if max(at, default=0.0) <= 1e-7:
        raise InputError(
            f"The gradient of the constraint {written} vanishes wherever it holds, so that it gives no direction to "
            "its force; write it with a simple root (x = 0 in place of x**2 = 0)."
        )
    others = ", ".join(_written(action, action.constraints[each]) for each in kept)
    raise InputError(
        f"The constraints are redundant, but do not follow from each other: where all hold, {written} adds no "
        f"direction that {others} does not hold already, so that its multiplier is not determined, and elsewhere it "
        "does not hold. Write it with a simple root, or leave it out."
    )


def _size(probe: Probe, row: Sequence[Any]) -> float:
    return 1.0 + float(np.abs(numbers(probe, row)).sum())


def _written(action: Action, constraint: Any) -> str:
    return f"{from_jet(constraint, action.space)} = 0"
