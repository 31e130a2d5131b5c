"""Fields that pass from their starts by all times of observation, with tangents and adjoints of the steps taken.

The steps are those of a simulator on the same grid: a tableau or a splitting, with the rates of the same kernels'
expressions. From one time of observation to the next all of them are one program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen import CompiledProgram, Kind, Program
from symphys.integrators import ExplicitTableau, Splitting
from symphys.learn.passage import KEPT, Rows
from symphys.learn.site_kernels import SiteKernels
from symphys.learn.term_kernels import Weights
from symphys.lower.expressions import dense
from symphys.lower.lattice.passage import Shape
from symphys.lower.lattice.passage_programs import Course
from symphys.lower.residual import residual_kernel, rows_kernel, widths
from symphys.lower.stages import tableau_rows
from symphys.simulate.compiled import Kernels
from symphys.simulate.execute import cores
from symphys.simulate.inputs import padded
from symphys.simulate.memory import aligned
from symphys.simulate.weights import kernel_weights

Floats = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class FieldPassage:
    """Rates on a grid and a method with fixed steps.

    targets: [m], the components that the rates of `rates` belong to. drifting: pairs (position, velocity) of
    components. held: [sites], 0 where ends do not move, else 1. components: C. Samples are all sites of all runs.
    """

    rates: SiteKernels
    method: ExplicitTableau | Splitting
    kernels: Kernels
    targets: NDArray[np.int64]
    drifting: NDArray[np.int64]
    held: Floats
    components: int
    _tables: dict[int, Arrays] = field(default_factory=dict, compare=False, repr=False)

    def states(self, initial: Floats, parameters: Floats, weights: Weights, rows: Rows) -> Floats:
        """[n, rows, runs], from `initial` [n, runs]; n = C sites. parameters: theta [U], with the `weights` in it."""
        trip = self._trip(parameters, rows)
        trip.arrays["fields"] = trip.padded(self._fields(initial))
        saved = [initial]
        for row in range(len(rows.steps)):
            trip.go("states", self.course.states, row)
            saved.append(trip.read("fields").reshape(initial.shape))
        return np.stack(saved, axis=1)

    def tangents(self, initial: Floats, theta: Floats, rows: Rows, initial_dots: Floats) -> tuple[Floats, Floats]:
        """States [n, rows, runs] and their derivatives [n, rows, runs, D] by theta, and along further directions.

        initial_dots: [n, runs, D], the derivatives of the initial states.
        """
        n, runs, many = initial_dots.shape
        trip = self._trip(theta, rows)
        dots = initial_dots.reshape(self.components, -1, many).transpose(0, 2, 1)
        trip.arrays["fields"] = trip.padded(self._fields(initial))
        trip.arrays["dots"] = trip.padded(dots.reshape(self.components * many, -1)).reshape(self.components, many, -1)
        trip.arrays |= self._columns(trip, many)
        trip.scalars["directions"] = many
        saved, saved_dots = [initial], [initial_dots]
        for row in range(len(rows.steps)):
            trip.go("tangents", self.course.tangents, row)
            saved.append(trip.read("fields").reshape(n, runs))
            saved_dots.append(trip.read("dots").transpose(0, 2, 1).reshape(n, runs, many))
        return np.stack(saved, axis=1), np.stack(saved_dots, axis=1)

    def adjoint(self, states: Floats, theta: Floats, rows: Rows, bars: Floats) -> tuple[Floats, Floats]:
        """The slopes of a loss by initial states [n, runs] and by theta [U], from those by states [n, rows, runs].

        From row to row, states are computed again from the row before, and kept; of long stretches, by their halves.
        """
        n, _, runs = states.shape
        trip = self._trip(theta, rows)
        trip.arrays["bars"] = trip.padded(self._fields(bars[:, -1]))
        trip.arrays["own"] = trip.zeros((max(self.shape.unknown, 1),))
        for row in reversed(range(len(rows.steps))):
            self._back(trip, trip.padded(self._fields(states[:, row])), row, 0, int(rows.steps[row]))
            trip.arrays["bars"] += trip.padded(self._fields(bars[:, row]))
        own = trip.read("own")[self.rates.made.learnt[len(self.shape.jets) :] - len(self.shape.jets)]
        sites = np.repeat(np.arange(len(self.held), dtype=np.float64), runs)
        return trip.read("bars").reshape(n, runs), self.rates.chains.gathered(own, sites, len(theta))

    def _back(self, trip: Trip, start: NDArray[Any], row: int, first: int, steps: int) -> None:
        if steps > 1 and steps * start.size > KEPT:
            half = steps // 2
            trip.arrays["fields"] = start.copy()
            trip.go("states", self.course.states, row, first, half)
            self._back(trip, trip.arrays["fields"].copy(), row, first + half, steps - half)
            self._back(trip, start, row, first, half)
            return
        trip.arrays["fields"] = start.copy()
        trip.arrays["kept"] = trip.zeros((steps, self.components))
        trip.go("kept", self.course.kept, row, first, steps)
        trip.go("back", self.course.back, row, first, steps, last_first=True)

    @cached_property
    def shape(self) -> Shape:
        """What kernels know of the fields."""
        numbers = {id(matrix): i for i, matrix in enumerate(self._matrices)}
        jets = tuple((component, numbers[id(matrix)]) for component, matrix in self.rates.sources)
        made, chains = self.rates.made, self.rates.chains
        columns = widths(made.unknown, [dense(network).array for network in made.networks])[-1]
        return Shape(
            self.components,
            jets,
            tuple(self.targets.tolist()),
            tuple((int(q), int(v)) for q, v in self.drifting),
            len(chains.scalars),
            len(chains.links),
            columns - len(jets),
        )

    @cached_property
    def _matrices(self) -> list[Any]:
        """The matrices of the jets, each once."""
        return list({id(matrix): matrix for _, matrix in self.rates.sources}.values())

    @cached_property
    def course(self) -> Course:
        """The programs."""
        made = self.rates.made
        rows = rows_kernel(made.terms, made.unknown, [dense(network).array for network in made.networks])
        given = 0 if self.rates.still is not None else len(self.rates.local.given)
        return Course(self.shape, self.method, residual_kernel(made.terms), rows, given)

    def _trip(self, theta: Floats, rows: Rows) -> Trip:
        runs, dtype = rows.times.shape[1], np.dtype(self.kernels.dtype)
        lanes, samples = self.kernels.backend.lanes(self.kernels.dtype), len(self.held) * runs
        trip = Trip(self, theta, rows, lanes, -(-samples // lanes) * lanes)
        if runs not in self._tables:
            self._tables[runs] = dict(self._near(trip))
        trip.arrays |= self._tables[runs]
        trip.arrays |= kernel_weights(self.rates.all_weights(theta), dtype)
        trip.arrays["parameters"] = trip.padded(np.repeat(self.rates.parameters(theta)[:, None], samples, axis=1))
        trip.arrays["roots"] = trip.padded(np.ones((len(self.targets), samples)))
        trip.arrays["held"] = trip.padded(np.repeat(self.held, runs)[None])[0]
        if self.rates.still is not None:
            trip.arrays["signals"] = trip.padded(self.rates.signals(theta, np.zeros(runs)))
        if isinstance(self.method, ExplicitTableau):
            trip.arrays["tableau"] = np.array(tableau_rows(self.method), dtype=dtype)
            trip.scalars["tableau_rows"] = len(trip.arrays["tableau"])
        trip.scalars |= {"samples": samples, "lanes": trip.width, "stages": self.course.stages}
        trip.scalars |= self.course.numbers | {"evaluations": len(self.course.evaluations)}
        trip.scalars |= {f"evaluation_{e}": e for e in range(len(self.course.evaluations))}
        for name, table in self._tables[runs].items():
            if name.startswith("near"):
                trip.scalars[name.replace("near", "width")] = len(table)
        return trip

    def _near(self, trip: Trip) -> list[tuple[str, NDArray[Any]]]:
        """For each matrix and its transpose the samples that a sample is made of, and their factors."""
        runs = trip.rows.times.shape[1]
        found: list[tuple[str, NDArray[Any]]] = []
        for t, matrix in enumerate(self._matrices):
            for word, each in (("", matrix.tocsr()), ("_back", matrix.T.tocsr())):
                counts = np.diff(each.indptr)
                width = max(int(counts.max(initial=0)), 1)
                row = np.repeat(np.arange(len(counts)), counts)
                entry = np.arange(len(row)) - np.repeat(each.indptr[:-1], counts)
                near, factor = np.zeros((width, len(counts)), np.int64), np.zeros((width, len(counts)))
                near[entry, row], factor[entry, row] = each.indices, each.data
                of_samples = (near[..., None] * runs + np.arange(runs)).reshape(width, -1)
                places = np.zeros((width, trip.width), np.int64)
                places[:, : of_samples.shape[1]] = of_samples
                found += [(f"near{t}{word}", places)]
                found += [(f"factor{t}{word}", trip.padded(np.repeat(factor, runs, axis=1)))]
        return found

    def _columns(self, trip: Trip, many: int) -> Arrays:
        """Which column of the rows goes with each direction, and through which matrix."""
        made, chains, shape = self.rates.made, self.rates.chains, self.shape
        first, runs = len(shape.jets), trip.rows.times.shape[1]
        column, share = np.zeros(many, np.int64), np.zeros(many, self.kernels.dtype)
        column[chains.scalars] = first + np.arange(shape.scalars)
        weights = made.learnt[first + shape.scalars + shape.links :]
        column[chains.symbols : chains.symbols + len(weights)] = weights
        share[chains.scalars] = 1.0
        share[chains.symbols : chains.symbols + len(weights)] = 1.0
        found: Arrays = {"column": column, "share": share}
        for i, link in enumerate(chains.links):
            found[f"link{i}"] = trip.zeros((many,))
            found[f"link{i}"][link.columns, : len(self.held) * runs] = np.repeat(link.matrix.toarray().T, runs, axis=1)
        return found

    def _fields(self, flat: Floats) -> Floats:
        """[C, samples]."""
        return flat.reshape(self.components, -1)


@dataclass
class Trip:
    """The arrays of one passage: samples padded to `width`."""

    passage: FieldPassage
    theta: Floats
    rows: Rows
    lanes: int
    width: int
    arrays: Arrays = field(default_factory=dict)
    scalars: dict[str, Any] = field(default_factory=dict)

    def zeros(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """An array over samples."""
        return aligned((*shape, self.width), self.passage.kernels.dtype)

    def padded(self, values: Floats) -> NDArray[Any]:
        """[k, samples] as kernels take them."""
        return padded(values, self.lanes, self.passage.kernels.dtype)

    def read(self, name: str) -> Floats:
        """A copy of an array without its padding."""
        return np.array(self.arrays[name][..., : self.scalars["samples"]], dtype=np.float64)

    def go(
        self,
        name: str,
        build: Callable[[], Program],
        row: int,
        first: int = 0,
        steps: int | None = None,
        last_first: bool = False,
    ) -> None:
        """A program on `steps` steps of a row, all by default, from the step `first` on."""
        passage, sites = self.passage, len(self.passage.held)
        steps = int(self.rows.steps[row]) if steps is None else steps
        length = self.rows.lengths[row]
        begins = self.rows.times[row] + first * length
        self.arrays["length"] = self.padded(np.tile(length, sites)[None])[0]
        self.arrays["begins"] = self.padded(np.tile(begins, sites)[None])[0]
        if passage.rates.still is None:
            self._give(begins, length, steps)
        self.scalars |= {"steps": steps, "k": steps - 1 if last_first else 0}
        key = (
            name,
            *passage.rates.made.key,
            passage.method.name,
            passage.shape,
            passage.rates.made.unknown,
            passage.course.given,
        )
        compiled = passage.kernels.program((*key, passage.rates.made.networks), build)
        self._allocate(compiled)
        compiled(self.arrays, self.scalars, threads=cores())

    def _allocate(self, compiled: CompiledProgram) -> None:
        """What a program works with and nobody gave."""
        for array in compiled.program.arrays:
            if array.name in self.arrays:
                continue
            shape = tuple(self.scalars[s] if isinstance(s, str) else s for s in array.shape)
            whole = (*shape, self.width) if array.instanced else shape
            dtype = self.passage.kernels.dtype if array.kind is Kind.REAL else "int64"
            self.arrays[array.name] = aligned(whole, dtype)

    def _give(self, begins: Floats, length: Floats, steps: int) -> None:
        """`table` [marks, k], what is given at every evaluation."""
        passage = self.passage
        offsets = np.array(passage.course.evaluations)
        passed = (np.arange(steps)[:, None] + offsets).reshape(-1, 1)
        times = (begins + passed * length).reshape(-1)
        found = passage.rates.signals(self.theta, times)  # [k, sites, marks, runs]
        found = found.reshape(len(found), len(passage.held), len(passed), -1).transpose(2, 0, 1, 3)
        flat = self.padded(found.reshape(-1, self.scalars["samples"]))
        self.arrays["table"] = flat.reshape(len(passed), -1, self.width)
        self.scalars["marks"] = len(passed)
