"""Lagrangian systems as users hold them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from symphys.mechanics.action import Action, read_action
from symphys.mechanics.derive_lagrangian import derive_lagrangian_dynamics
from symphys.mechanics.dynamics import FirstOrder, SecondOrder


@dataclass(frozen=True, init=False)
class Lagrangian:
    """A system given by its Lagrangian."""

    action: Action

    def __init__(
        self,
        expression: Any,
        *,
        coordinates: Iterable[Any] | None = None,
        dissipation: Any = 0,
        forces: Mapping[Any, Any] | None = None,
    ) -> None:
        object.__setattr__(self, "action", read_action(expression, coordinates, dissipation, forces))

    @property
    def coordinates(self) -> tuple[Any, ...]:
        """The generalised coordinates, sorted by name unless they were given."""
        return self.action.coordinates

    @property
    def parameters(self) -> tuple[Any, ...]:
        """Every symbol but the time, sorted by name."""
        return self.action.parameters

    @cached_property
    def dynamics(self) -> SecondOrder | FirstOrder:
        """The equations of motion in jet symbols, as lowering takes them."""
        return derive_lagrangian_dynamics(self.action)
