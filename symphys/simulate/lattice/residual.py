"""How well a local conservation law holds on the grid: dn/dt + div j, over single steps from the saved states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.fields.dynamics import Law
from symphys.fields.jets import Jet
from symphys.language.arrays import on_host
from symphys.simulate.lattice.given import Inputs, differentiated

if TYPE_CHECKING:
    from symphys.simulate.lattice.result import FieldResult
    from symphys.simulate.lattice.running import Run
    from symphys.simulate.lattice.simulator import FieldSimulator


def residual_of(
    simulator: FieldSimulator, inputs: Inputs, result: FieldResult, threads: int
) -> Callable[[str | None], NDArray[np.float64]]:
    """A function (name of a law) -> [..., rows], the largest residual on the grid at each saved time."""

    def residual(name: str | None) -> NDArray[np.float64]:
        law = _law(simulator, name)
        _check_whole(simulator, result)
        shape, rows = result.shape, len(result.t)
        found = np.full((*shape, rows), np.nan)
        for member in np.ndindex(*shape):
            run = simulator.start(inputs, member, result.t_start, result.dt, threads)
            for row in range(rows):
                state = {label: on_host(values[(*member, row)]) for label, values in result.states.items()}
                if all(np.isfinite(values).all() for values in state.values()):
                    run.k = int(result.steps[row])
                    run.put(state)
                    found[(*member, row)] = _over_one_step(run, law)
        return found

    return residual


def flux_of(
    simulator: FieldSimulator, inputs: Inputs, result: FieldResult, threads: int
) -> Callable[[str | None, tuple[int, ...], int], Mapping[Any, NDArray[np.float64]]]:
    """A function (name of a law, member, row) -> {coordinate: [*grid]}, the flux of the law at a saved time."""

    def flux(name: str | None, member: tuple[int, ...], row: int) -> Mapping[Any, NDArray[np.float64]]:
        law = _law(simulator, name)
        _check_whole(simulator, result)
        assert law.flux is not None
        run = simulator.start(inputs, member, result.t_start, result.dt, threads)
        run.k = int(result.steps[row])
        run.put({label: on_host(values[(*member, row)]) for label, values in result.states.items()})
        found = {}
        for coordinate, values in zip(result.grid.coordinates, run.probe(law.flux), strict=True):
            found[coordinate] = np.zeros(result.grid.shape)
            found[coordinate][run.frame.inside] = values.real
        return found

    return flux


def _check_whole(simulator: FieldSimulator, result: FieldResult) -> None:
    if lost := [label for label in simulator.labels if label not in result.states]:
        raise InputError(f"{lost[0]} was not saved, so that the saved times do not tell what it takes; keep it")


def _law(simulator: FieldSimulator, name: str | None) -> Law:
    laws = {law.name: law for law in simulator.dynamics.laws if law.flux is not None}
    if name is None:
        for choice in ("charge", "energy", *laws):
            if choice in laws:
                return laws[choice]
    if name not in laws:
        listed = ", ".join(laws) or "none"
        raise InputError(f"no law {name!r} with a current is known for these fields; there are: {listed}")
    return laws[name]


def _over_one_step(run: Run, law: Law) -> float:
    """max |(n1 - n0) / dt + div (j0 + j1) / 2|."""
    assert law.flux is not None
    expressions = [sum(law.terms), *law.flux]
    before = run.probe(expressions)
    run.go(1)
    after = run.probe(expressions)
    layout, grid = run.machine.layout, run.grid
    change = (after[0] - before[0]).real / run.dt
    divergence = np.zeros(grid.shape)
    for axis in range(len(grid.axes)):
        mean = np.zeros(grid.shape)
        mean[run.frame.inside] = ((before[axis + 1] + after[axis + 1]) / 2.0).real
        index = tuple(1 if i == axis + 1 else 0 for i in range(len(grid.axes) + 1))
        divergence += differentiated(layout, grid, Jet(None, index), mean)
    return float(np.abs(change + divergence[run.frame.inside]).max())
