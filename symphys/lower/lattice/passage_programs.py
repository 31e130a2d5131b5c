"""Whole passages of fields as programs: steps of a splitting or a tableau, their tangents, and the way back.

A repetition holds the launches of one step; the host does nothing between them. Splittings kick and drift the state in
place; tableaux keep the slope of every stage that something reads. On the way back each step starts from the state that
was kept before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from codegen import Kernel, Launch, Program, Repeat
from symphys.integrators import ExplicitTableau, Splitting
from symphys.lower.lattice.passage import (
    DIRECTION,
    Shape,
    clear_kernel,
    clock_kernel,
    copy_kernel,
    drift_kernel,
    flow_kernel,
    jets_kernel,
    keep_kernel,
    kick_kernel,
    mix_kernel,
    pull_kernel,
    recall_kernel,
    slope_back_kernel,
    take_kernel,
    total_kernel,
    weigh_kernel,
)
from symphys.lower.lattice.wave import split_stages
from symphys.lower.programs import program_of

Names = dict[str, str]
TANGENTS = {"fields": "dots", "slopes": "dot_slopes"}


@dataclass(frozen=True)
class Course:
    """The programs of a passage. rates, rows: the kernels of the rates [m] and of their derivatives.

    given: how many signals change in time, so that a table has them for every evaluation; 0 where none does.
    """

    shape: Shape
    method: ExplicitTableau | Splitting
    rates: Kernel
    rows: Kernel
    given: int

    @cached_property
    def numbers(self) -> dict[str, float]:
        """The scalars of the stages."""
        if isinstance(self.method, Splitting):
            found = {f"weight_{i}": stage.weight for i, stage in enumerate(split_stages(self.method))}
            return found | {f"offset_{i}": stage.offset for i, stage in enumerate(split_stages(self.method))}
        found = {f"offset_{i}": float(self.method.c[i]) for i in self._used}
        return found | {f"stage_{i}": i for i in self._used}

    @cached_property
    def evaluations(self) -> tuple[float, ...]:
        """When in a step rates are evaluated, in the order of their numbers."""
        if isinstance(self.method, Splitting):
            return tuple(stage.offset for stage in split_stages(self.method) if stage.kind == "kick")
        return tuple(float(self.method.c[i]) for i in self._used)

    def states(self) -> Program:
        """`steps` steps of `fields`."""
        return self._repeated("states", self._step(rows=False))

    def kept(self) -> Program:
        """The same, with the state before each step in `kept` [steps, C]."""
        keep = self._launch(keep_kernel(self.shape.components))
        return self._repeated("kept", (keep, *self._step(rows=False)))

    def tangents(self) -> Program:
        """`steps` steps of `fields` and of `dots` [C, directions]."""
        return self._repeated("tangents", self._step(rows=True))

    def back(self) -> Program:
        """From `bars` of the state after `steps` steps to those before, and `own`; `k` counts down."""
        recall = self._launch(recall_kernel(self.shape.components), {"fields": "again"})
        split = isinstance(self.method, Splitting)
        body = (recall, *(self._split_back() if split else self._tableau_back()))
        return program_of("back", (Repeat("steps", body, "k", -1),))

    def _repeated(self, name: str, body: Iterable[Launch]) -> Program:
        return program_of(name, (Repeat("steps", tuple(body), "k"),))

    def _step(self, rows: bool) -> list[Launch]:
        return self._split_step(rows) if isinstance(self.method, Splitting) else self._tableau_step(rows)

    # -- splittings ----------------------------------------------------------------------------------------------------

    def _split_step(self, rows: bool) -> list[Launch]:
        assert isinstance(self.method, Splitting)
        found, number = [], 0
        for i, stage in enumerate(split_stages(self.method)):
            weight = {"weight": f"weight_{i}"}
            kernel = drift_kernel if stage.kind == "drift" else kick_kernel
            if stage.kind == "kick":
                found += self._evaluated("fields", i, number, rows)
                number += 1
            if rows:
                found.append(self._launch(kernel(self.shape, True), {"fields": "dots"} | weight))
            found.append(self._launch(kernel(self.shape), weight))
        return found

    def _split_back(self) -> list[Launch]:
        assert isinstance(self.method, Splitting)
        stages, found, number = split_stages(self.method), [], 0
        kicks: list[tuple[int, int]] = []  # (stage, number of the evaluation)
        last = max((i for i, stage in enumerate(stages) if stage.kind == "kick"), default=-1)
        for i, stage in enumerate(stages[: last + 1]):
            weight = {"weight": f"weight_{i}", "fields": "again"}
            if stage.kind == "drift":
                found.append(self._launch(drift_kernel(self.shape), weight))
                continue
            copied = {"fields": "again", "copied": f"point_{i}"}
            found.append(self._launch(copy_kernel(self.shape.components), copied))
            if i < last:
                found += self._evaluated("again", i, number, rows=False)
                found.append(self._launch(kick_kernel(self.shape), weight))
            kicks.append((i, number))
            number += 1
        numbers = dict(kicks)
        for i, stage in reversed(list(enumerate(stages))):
            weight = {"weight": f"weight_{i}"}
            if stage.kind == "drift":
                found.append(self._launch(drift_kernel(self.shape, back=True), {"fields": "bars"} | weight))
                continue
            found += self._evaluated(f"point_{i}", i, numbers[i], rows=True, tangents=False)
            found.append(self._launch(weigh_kernel(self.shape, True), weight))
            found.append(self._launch(pull_kernel(self.shape), {"pulled": "bars"}))
        return found

    # -- tableaux ------------------------------------------------------------------------------------------------------

    @cached_property
    def _used(self) -> tuple[int, ...]:
        """The stages on which the new state depends."""
        assert isinstance(self.method, ExplicitTableau)
        a, b = self.method.a, self.method.b
        used: set[int] = set()
        for i in reversed(range(len(b))):
            if b[i] or any(j in used and a[j][i] for j in range(i + 1, len(b))):
                used.add(i)
        return tuple(sorted(used))

    @property
    def stages(self) -> int:
        """How many stages a tableau has; none of them counts in a splitting."""
        return len(self.method.b) if isinstance(self.method, ExplicitTableau) else 0

    def _tableau_step(self, rows: bool) -> list[Launch]:
        found, names = self._stages("fields", rows), {"stage": "stages"}
        if rows:
            found.append(self._launch(mix_kernel(self.shape.components, True, True), TANGENTS | names))
        return [*found, self._launch(mix_kernel(self.shape.components, new=True), names)]

    def _stages(self, start: str, rows: bool) -> list[Launch]:
        """The slopes of all stages; the points at which they are found are kept."""
        assert isinstance(self.method, ExplicitTableau)
        found: list[Launch] = []
        for number, i in enumerate(self._used):
            stage, point, dots = {"stage": f"stage_{i}"}, self._point(start, i), "dots"
            if point != start:
                names = stage | {"fields": start, "mixed": point}
                found.append(self._launch(mix_kernel(self.shape.components), names))
                if rows:
                    dots = "mixed_dots"
                    names = stage | TANGENTS | {"mixed": dots}
                    found.append(self._launch(mix_kernel(self.shape.components, True), names))
            found += self._evaluated(point, i, number, rows, dots)
            if rows:
                found.append(self._launch(flow_kernel(self.shape, True), stage | TANGENTS | {"fields": dots}))
            found.append(self._launch(flow_kernel(self.shape), stage | {"fields": point}))
        return found

    def _point(self, start: str, i: int) -> str:
        assert isinstance(self.method, ExplicitTableau)
        return f"point_{i}" if any(self.method.a[i]) else start

    def _tableau_back(self) -> list[Launch]:
        found = self._stages("again", rows=False)
        for number, i in reversed(list(enumerate(self._used))):
            stage = {"stage": f"stage_{i}"}
            found.append(self._launch(slope_back_kernel(self.shape), stage))
            found += self._evaluated(self._point("again", i), i, number, rows=True, tangents=False)
            found.append(self._launch(weigh_kernel(self.shape, False), {"bars": "slope_bars"}))
            found.append(self._launch(pull_kernel(self.shape)))
            names = {"fields": "pulled", "kept": "point_bars", "k": f"stage_{i}", "steps": "stages"}
            found.append(self._launch(keep_kernel(self.shape.components), names))
        return [*found, self._launch(total_kernel(self.shape.components))]

    # -- rates ---------------------------------------------------------------------------------------------------------

    def _evaluated(
        self, fields: str, stage: int, number: int, rows: bool, dots: str = "dots", tangents: bool = True
    ) -> list[Launch]:
        """Rates at some fields, with their derivatives and the jets of tangents where these are wanted."""
        found = [
            self._launch(clock_kernel(), {"offset": f"offset_{stage}"}),
            self._launch(jets_kernel(self.shape), {"fields": fields}),
        ]
        if self.given:
            found.append(self._launch(take_kernel(self.given), {"evaluation": f"evaluation_{number}"}))
        if not rows:
            return [*found, self._launch(self.rates)]
        found += [self._launch(clear_kernel(self.shape)), self._launch(self.rows)]
        if tangents:
            found.append(self._launch(jets_kernel(self.shape, True), {"fields": dots, "state": "moved"}))
        return found

    def _launch(self, kernel: Kernel, names: Names | None = None) -> Launch:
        """A kernel over all samples, and over all directions where it is wide."""
        own = {a.name for a in kernel.arrays} | {s.name for s in kernel.scalars}
        rename = tuple((k, v) for k, v in (names or {}).items() if k in own and k != v)
        outer = ("directions",) if DIRECTION in kernel.outer else ()
        return Launch(kernel, (*outer, "samples"), rename)
