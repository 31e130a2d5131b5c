"""Fields on a grid as systems that can be fitted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.discretise import Grid
from symphys.errors import InputError, UnsupportedError
from symphys.fields.dynamics import FieldDynamics
from symphys.language import ParameterArray, parameter_array
from symphys.language.networks import NetworkSymbol
from symphys.learn.field_loss import field_states
from symphys.learn.field_samples import field_sample_objective
from symphys.learn.fit import fit
from symphys.learn.observations import RunsObjective
from symphys.learn.options import LossOptions
from symphys.learn.places import Place
from symphys.learn.read_fields import field_trajectory_objective, state_order
from symphys.learn.result import Fit
from symphys.learn.site_kernels import component_places
from symphys.learn.store import load_fit
from symphys.learn.system import Data, System, refuse_weights, samples_in
from symphys.learn.trajectories import Trajectories
from symphys.learn.unknowns import Unknowns
from symphys.lower.lattice.uneven import with_spacings
from symphys.simulate.compiled import Kernels
from symphys.simulate.lattice.choose import choose_field_method
from symphys.simulate.lattice.given import given_functions
from symphys.simulate.lattice.operators import Operators

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FieldSystem(System):
    """A field theory on a grid, and its kernels."""

    place: Place
    kernels: Kernels

    @property
    def parameters(self) -> tuple[Any, ...]:
        """See `System`; the numbers of unknown functions of place are among them."""
        elements = [s for array in self.place.learnt.values() for s in array.symbols]
        return (*self.place.dynamics.parameters, *elements)

    @property
    def networks(self) -> tuple[NetworkSymbol, ...]:
        """See `System`."""
        return self.place.dynamics.networks

    @property
    def labels(self) -> tuple[Any, ...]:
        """See `System`."""
        return tuple(field_states(self.place.dynamics))

    @property
    def inputs(self) -> frozenset[Any]:
        """See `System`: the external functions that are given."""
        return frozenset(f for f in given_functions(self.place.dynamics) if f not in self.place.learnt)

    def objective(
        self, data: Any, unknowns: Unknowns, given: Mapping[Any, Any], options: LossOptions, plain: bool
    ) -> Data:
        """See `System`."""
        loss = None if plain else options["loss"]
        if isinstance(data, Trajectories):
            refuse_weights(options, plain)
            self._refuse_missing(given)
            return field_trajectory_objective(self.place, self.kernels, data, unknowns, given, options, loss)
        self._refuse_missing(given)
        weights = None if plain else options["weights"]
        return field_sample_objective(self.place, self.kernels, samples_in(data), unknowns, given, loss, weights)

    def _refuse_missing(self, given: Mapping[Any, Any]) -> None:
        for function in self.inputs:
            if function not in given:
                raise InputError(
                    f"{function} is neither unknown nor given; add it to unknowns, or give parameters="
                    f"{{{function}: array or callable}}"
                )

    def starts(self, objective: RunsObjective, initial: Floats) -> dict[Any, Floats]:
        """See `System`."""
        places = component_places([(label, found[1]) for label, found in self._ordered()])
        sites, found = self.place.sites, {}
        for label, (_, is_complex) in self._ordered():
            first = places[label, 0] * sites
            if not any(first <= i < first + sites for i in objective.free):
                continue
            parts = [initial[first + k * sites : first + (k + 1) * sites].T for k in range(1 + is_complex)]
            whole = parts[0] + 1j * parts[1] if is_complex else parts[0]
            found[label] = whole.reshape(-1, *self.place.grid.shape)
        return found

    def _ordered(self) -> list[tuple[Any, tuple[Any, bool]]]:
        """The state: fields, then rates."""
        states = field_states(self.place.dynamics)
        return [(label, states[label]) for label in state_order(self.place)]


def fit_fields(
    dynamics: FieldDynamics,
    kernels: Kernels,
    grid: Any,
    order: int | str | None,
    data: Any,
    unknowns: Iterable[Any] | None,
    parameters: Mapping[Any, Any],
    options: LossOptions,
) -> Fit:
    """Find what is unknown in a field theory; see `LagrangianDensity.fit`."""
    if not isinstance(grid, Grid):
        raise InputError(f"grid is {grid!r}; give a Grid, such as Grid({{x: (-10, 10, 256)}})")
    layout = choose_field_method(dynamics, grid, "auto", order).layout
    wanted = None if unknowns is None else tuple(unknowns)
    learnt = _learnt(dynamics, grid, wanted, parameters)
    system = FieldSystem(Place(with_spacings(layout.dynamics, grid), grid, Operators(layout, grid), learnt), kernels)
    start = load_fit(options["start"]) if isinstance(options["start"], str | Path) else options["start"]
    if isinstance(start, Fit):
        start = replace(start, parameters=_as_arrays(start.parameters, learnt))
    guess, bounds = (_as_arrays(each or {}, learnt) for each in (options["guess"], options["bounds"]))
    options = {**options, "guess": guess, "bounds": bounds, "start": start}
    asked = None if wanted is None else tuple(learnt.get(key, key) for key in wanted)
    return _as_functions(fit(system, data, asked, parameters, options), learnt)


def _learnt(
    dynamics: FieldDynamics, grid: Grid, unknowns: tuple[Any, ...] | None, parameters: Mapping[Any, Any]
) -> dict[Any, ParameterArray]:
    """The external functions that are unknown, as arrays over their own coordinates."""
    functions = given_functions(dynamics)
    wanted = [f for f in functions if (f not in parameters if unknowns is None else f in unknowns)]
    found = {}
    for function in wanted:
        if dynamics.time in function.args:
            raise UnsupportedError(f"{function} depends on the time; functions of place alone are found, or networks")
        if not dynamics.jets.symbol(function).is_real or function not in dynamics.jets.given:
            raise UnsupportedError(f"{function} is no real external function, and cannot be unknown; give its values")
        shape = tuple(grid.axis(x).count for x in function.args)
        found[function] = parameter_array(function.func.__name__, shape)
    return found


def _as_arrays(values: Mapping[Any, Any], learnt: Mapping[Any, ParameterArray]) -> dict[Any, Any]:
    """{external function or its name: values} under the arrays that stand for them."""
    by_name = {str(function): array for function, array in learnt.items()}
    found = {}
    for key, value in values.items():
        array = learnt.get(key, by_name.get(key) if isinstance(key, str) else None)
        if array is not None and not isinstance(value, tuple):
            value = np.broadcast_to(np.asarray(value, dtype=np.float64), array.shape)
        found[key if array is None else array] = value
    return found


def _as_functions(found: Fit, learnt: Mapping[Any, ParameterArray]) -> Fit:
    """A fit with the user's functions for the arrays that stood for them."""
    functions = {array: function for function, array in learnt.items()}

    def named(values: Mapping[Any, Any]) -> dict[Any, Any]:
        return {functions.get(key, key) if isinstance(key, ParameterArray) else key: v for key, v in values.items()}

    judge = partial(_judge, found.judge, learnt) if found.judge is not None else None
    return replace(found, parameters=named(found.parameters), uncertainties=named(found.uncertainties), judge=judge)


def _judge(judge: Any, learnt: Mapping[Any, ParameterArray], data: Any, found: Fit, *rest: Any) -> dict[Any, float]:
    errors: dict[Any, float] = judge(data, replace(found, parameters=_as_arrays(found.parameters, learnt)), *rest)
    return errors
