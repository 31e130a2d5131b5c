"""Events as users write them: an expression that crosses zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symphys.errors import InputError
from symphys.lower.arguments import function_of
from symphys.lower.events import EventPlan, EventSpec
from symphys.lower.expressions import lower_expressions
from symphys.mechanics.jets import to_jet
from symphys.mechanics.read import scalar
from symphys.simulate.compiled import Lowered

DEFAULT_SLOTS = 64


@dataclass(frozen=True)
class Event:
    """A crossing of `expression` = 0 by coordinates, velocities, parameters and t.

    `direction`: +1 upwards, -1 downwards, 0 both. `terminal`: the run ends at the `after`-th crossing. `record`: how
    many crossings are kept a trajectory. A Poincare section is an event that is not terminal.
    """

    expression: Any
    direction: int = 0
    terminal: bool = False
    after: int = 1
    record: int = DEFAULT_SLOTS


def plan_events(events: Event | Sequence[Event], lowered: Lowered) -> EventPlan | None:
    """The events of a run for its kernels; InputError for expressions with symbols that the system does not have."""
    listed = (events,) if isinstance(events, Event) else tuple(events)
    if not listed:
        return None
    arguments, dynamics = lowered.flow.arguments, lowered.dynamics
    specs = []
    for index, event in enumerate(listed):
        if not isinstance(event, Event):
            raise InputError(f"events holds {event!r}; give symphys.Event(expression, ...)")
        if event.direction not in (-1, 0, 1) or event.after < 1 or event.record < 1:
            raise InputError(
                f"event {event.expression}: direction {event.direction} must be -1, 0 or 1, "
                f"after {event.after} and record {event.record} at least 1"
            )
        jet = to_jet(scalar(event.expression, f"expression of event {index}"), dynamics.space)
        if strange := sorted(str(s) for s in jet.free_symbols - set(arguments.symbols)):
            known = ", ".join(str(s) for s in (*dynamics.labels, *dynamics.parameters))
            raise InputError(
                f"event {event.expression} holds {strange[0]}, which the system does not have; it has {known}, t"
            )
        (value,) = lower_expressions([jet], arguments.symbols)
        function = function_of(f"event_{index}", arguments.all, (value,), (f"g_{index}",))
        specs.append(EventSpec(function, event.direction, event.after if event.terminal else 0))
    slots = max(max(e.record, e.after if e.terminal else 1) for e in listed)
    return EventPlan(tuple(specs), slots)
