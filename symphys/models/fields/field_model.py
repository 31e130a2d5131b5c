"""What a ready-made field theory is: the physics, a box and numbers to start from, and its known solution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from symphys.discretise.grid import Boundary
from symphys.systems import LagrangianDensity

Values = Mapping[Any, float]
Points = Mapping[Any, NDArray[Any]]  # {coordinate of space: array}; all arrays broadcast against each other
State = Mapping[Any, NDArray[Any]]  # {field, or rate of one: array}
Evolution = Callable[[float, Points, Values], State]


@dataclass(frozen=True)
class FieldSetting:
    """A theory with numbers for it.

    system: the Lagrangian density.
    parameters: {symbol: number}, in the units that the model's docstring names.
    domain: {coordinate of space: (start, stop, number of points)}; boundary: what happens at its sides, everywhere or
        {coordinate: ...}.
    exact: (time, points, parameters) -> {label: array} for fields and rates, the solution in closed form.
    start: (points, parameters) -> {label: array}, where no solution is known or it starts otherwise.
    invariants: {name: expression} of densities whose integrals are constant, besides those found by the derivation.
    """

    system: LagrangianDensity
    parameters: Values
    domain: Mapping[Any, tuple[float, float, int]]
    boundary: Boundary | Mapping[Any, Boundary] = "periodic"
    exact: Evolution | None = None
    start: Callable[[Points, Values], State] | None = None
    invariants: Mapping[str, Any] = field(default_factory=dict)

    def initial(self, points: Points, parameters: Values | None = None) -> State:
        """{label: array} at time 0."""
        values = self.parameters if parameters is None else parameters
        if self.start is not None:
            return self.start(points, values)
        assert self.exact is not None  # a model has one or the other
        return self.exact(0.0, points, values)


@dataclass(frozen=True)
class FieldModel:
    """A ready-made field theory, derived when it is first asked for.

    name: how the registry and the command line call it.
    title: the physics in one line.
    source: where it is written about (book and section, paper, DOI).
    build: makes the density and its numbers.
    t_span: start and end of a run that shows the motion.
    dt: a fixed step that resolves it on the default domain.
    """

    name: str
    title: str
    source: str
    build: Callable[[], FieldSetting]
    t_span: tuple[float, float]
    dt: float

    @cached_property
    def setting(self) -> FieldSetting:
        """The theory with its numbers, built once."""
        return self.build()

    @property
    def system(self) -> LagrangianDensity:
        """The Lagrangian density."""
        return self.setting.system

    @property
    def parameters(self) -> Values:
        """{symbol: number}, the default parameters."""
        return self.setting.parameters

    @property
    def exact(self) -> Evolution | None:
        """(time, points, parameters) -> {label: array}: the solution in closed form; None where none is known."""
        return self.setting.exact
