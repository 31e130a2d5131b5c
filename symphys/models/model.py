"""What a ready-made system is: the physics, numbers to start from, and what is known about its motion."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from symphys.systems import Hamiltonian, Lagrangian, VectorField

System = Lagrangian | Hamiltonian | VectorField
Values = Mapping[Any, float]
Motion = Callable[[NDArray[Any], Values, Values], Mapping[Any, NDArray[Any]]]


@dataclass(frozen=True)
class Setting:
    """A system with numbers for it.

    parameters: {symbol: number}, in the units that the model's docstring names.
    initial: {label: number}, one for every component of the state.
    exact: (times [n], initial, parameters) -> {label: [n]}, the motion in closed form, as far as it is known.
    invariants: {name: expression} of constants of the motion, besides those that the derivation finds by itself.
    positions: (x, y) of each body in a picture, expressions in the state, parameters and numbers.
    joined: whether rods join the positions in their order.
    """

    system: System
    parameters: Values
    initial: Values
    exact: Motion | None = None
    invariants: Mapping[str, Any] = field(default_factory=dict)
    positions: tuple[tuple[Any, Any], ...] = ()
    joined: bool = False


@dataclass(frozen=True)
class Model:
    """A ready-made system, derived when it is first asked for.

    name: how the registry and the command line call it.
    title: the physics in one line.
    source: where it is written about (book and section, paper, DOI).
    build: makes the system and its numbers.
    t_span: start and end of a run that shows the motion.
    dt: a fixed step that resolves it; None where a user's file gives none.
    """

    name: str
    title: str
    source: str
    build: Callable[[], Setting]
    t_span: tuple[float, float]
    dt: float | None

    @cached_property
    def setting(self) -> Setting:
        """The system with its numbers, built once."""
        return self.build()

    @property
    def system(self) -> System:
        """The system: a Lagrangian, a Hamiltonian or a vector field."""
        return self.setting.system

    @property
    def parameters(self) -> Values:
        """{symbol: number}, the default parameters."""
        return self.setting.parameters

    @property
    def initial(self) -> Values:
        """{label: number}, the default initial state."""
        return self.setting.initial

    @property
    def exact(self) -> Motion | None:
        """(times [n], initial, parameters) -> {label: [n]}: the motion in closed form; None where none is known."""
        return self.setting.exact

    @property
    def invariants(self) -> Mapping[str, Any]:
        """{name: expression} of constants of the motion, besides those that the derivation finds by itself."""
        return self.setting.invariants
