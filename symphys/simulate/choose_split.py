"""Which methods compose the flows of a split that the user gave."""

from __future__ import annotations

from collections.abc import Sequence

from symphys.errors import MethodError
from symphys.integrators import METHODS, Splitting, kind_of, method_named
from symphys.lower.flow import Flow
from symphys.mechanics.dynamics import Dynamics
from symphys.mechanics.split import Part, flow_names
from symphys.simulate.choose import Choice, choose
from symphys.simulate.compiled import Lowered


def choice_for(lowered: Lowered, name: str) -> Choice:
    """The methods that `name` stands for, with the split of the system where it has one; see `choose`."""
    if lowered.split:
        return choose_with_split(lowered.dynamics, lowered.flow, name, lowered.split)
    return choose(lowered.dynamics, lowered.flow, name)


def choose_with_split(dynamics: Dynamics, flow: Flow, name: str, split: Sequence[Part]) -> Choice:
    """The methods that `name` stands for, for fixed steps that alternate between the parts of a split.

    A tolerance is met without the split, by what "auto" takes. MethodError for a method that composes no flows, or not
    these.
    """
    parts = "; ".join(f"{number + 1}: {flow_names(part)}" for number, part in enumerate(split))
    reason = (
        f"The system was split into {len(split)} parts with exact flows ({parts}), of which the first is the large one."
    )
    if name == "auto":
        fixed = METHODS["aba1064" if len(split) == 2 else "abah1064"]
        return Choice(fixed, choose(dynamics, flow, name).adaptive, reason)
    method = method_named(name, METHODS)
    if not isinstance(method, Splitting) or method.requires_quadratic_kinetic:
        kind = kind_of(method) if not isinstance(method, Splitting) else "of Runge-Kutta-Nystroem kind"
        raise MethodError(
            f"method {name!r} ({kind}) does not compose the flows of a split; choose one of {_suited(len(split))}"
        )
    if len(split) > 2 and not method.leapfrog_in_kick:
        raise MethodError(
            f"method {name!r} loses its order with {len(split)} parts, as its kick is a leapfrog of all but the first; "
            f"choose one of {_suited(len(split))}"
        )
    return Choice(method, None, f"method {name!r} was asked for. {reason}")


def _suited(parts: int) -> str:
    return ", ".join(
        name
        for name, method in METHODS.items()
        if isinstance(method, Splitting)
        and not method.requires_quadratic_kinetic
        and (parts == 2 or method.leapfrog_in_kick)
    )
