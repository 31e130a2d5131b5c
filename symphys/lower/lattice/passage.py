"""Fields on their way through time as kernels over samples (a site of a run each), with tangents and adjoints.

What is linear in whole fields comes as sparse matrices, so that their transposes are at hand: of matrix t, `near<t>`
and `factor<t>` [width<t>] say for each sample which others it is made of, and `near<t>_back`, `factor<t>_back` the same
of its transpose. All else is local: rates are those of `residual`, functions of jets `state` [K] at a sample, their
derivatives `rows` [m, K + L] by the jets and by what is unknown. A tangent changes the jets by M_k dots, the rates by
rows M dots + rows_unknown; a cotangent s of the rates is pulled back to M_k^T (rows_k s). Kernels of tangents range
over directions, too; docs/compiler.md, "Fits of fields through time", has a picture. Source: Griewank, Walther,
"Evaluating Derivatives" (2nd ed.), sections 3.1 and 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from codegen import Array, Builder, Intent, Kernel, Kind, Node, Scalar, add_many, apply, real, variable
from symphys.lower.residual import LANE

INT = Kind.INT
DIRECTION = "direction"


@dataclass(frozen=True)
class Shape:
    """What kernels know of fields: C `components` of the state, and for each jet [K] (component, matrix).

    targets: [m], the components that rates belong to; drifting: pairs (position, velocity) of components. Behind the
    jets, `rows` has `scalars` unknown numbers, then `links` to functions of place, then weights, `unknown` in all.
    """

    components: int
    jets: tuple[tuple[int, int], ...]
    targets: tuple[int, ...]
    drifting: tuple[tuple[int, int], ...]
    scalars: int
    links: int
    unknown: int

    @property
    def columns(self) -> int:
        """K + L."""
        return max(len(self.jets) + self.unknown, 1)

    @property
    def matrices(self) -> int:
        """How many matrices there are."""
        return 1 + max((matrix for _, matrix in self.jets), default=-1)


@dataclass
class Sheet:
    """A kernel over samples under construction; `wide`: over directions as well, which are a further axis of arrays."""

    wide: bool = False
    builder: Builder = field(default_factory=Builder)
    arrays: dict[str, Array] = field(default_factory=dict)
    scalars: dict[str, Scalar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (LANE, DIRECTION):
            self.builder.names.fresh(name)

    @property
    def here(self) -> tuple[Node, ...]:
        """The direction, where there is one."""
        return (variable(DIRECTION, INT),) if self.wide else ()

    def scalar(self, name: str, kind: Kind = Kind.REAL) -> Node:
        """A scalar of the kernel."""
        if name not in self.scalars:
            self.scalars[name] = Scalar(name, kind)
            self.builder.names.fresh(name)
        return self.scalars[name].node

    def array(self, array: Array) -> str:
        """Declare an array and the sizes that it names."""
        if array.name not in self.arrays:
            for size in array.shape:
                if isinstance(size, str):
                    self.scalar(size, INT)
            self.builder.names.fresh(array.name)
            self.arrays[array.name] = array
        return array.name

    def fields(self, name: str, count: int, intent: Intent = Intent.IN) -> str:
        """Numbers [count] of each sample, [count, directions] where the kernel is wide."""
        return self.array(Array(name, (max(count, 1), *(("directions",) if self.wide else ())), intent=intent))

    def staged(self, name: str, count: int, intent: Intent = Intent.IN) -> str:
        """`fields` of each stage, [stages, count, ...]."""
        return self.array(Array(name, ("stages", count, *(("directions",) if self.wide else ())), intent=intent))

    def load(self, name: str, *place: Node | int) -> Node:
        """One of these numbers."""
        return self.builder.load("value", name, *place, *self.here)

    def store(self, name: str, *place: Node | int, value: Node) -> None:
        """Write one of these numbers."""
        self.builder.store(name, *place, *self.here, value=value)

    def add(self, name: str, place: Node | int, value: Node) -> None:
        """Add to one of these numbers."""
        self.store(name, place, value=self.load(name, place) + value)

    def sample(self, name: str) -> Node:
        """One number of each sample."""
        return self.builder.load(name, self.array(Array(name, ())))

    def rows(self, shape: Shape) -> str:
        """The array `rows` [m, K + L]."""
        return self.array(Array("rows", (len(shape.targets), shape.columns)))

    def gathered(self, matrix: int, source: str, place: int, back: bool = False) -> Node:
        """A row of a matrix, or of its transpose, times a component of `source`, whose samples all are within reach."""
        b, word = self.builder, "_back" if back else ""
        size = f"width{matrix}{word}"
        near = self.array(Array(f"near{matrix}{word}", (size,), INT))
        factor = self.array(Array(f"factor{matrix}{word}", (size,)))
        total = b.register("total", 0.0)
        with b.loop("entry", 0, self.scalar(size, INT)) as p:
            at = b.load("at", near, p, kind=INT)
            value = b.load("there", source, place, *self.here, at)
            b.assign(total, total + b.load("factor", factor, p) * value)
        return b.copy("gathered", total)

    def everywhere(self, name: str, count: int) -> str:
        """`fields` as an array of which every sample is within reach."""
        directions = ("directions",) if self.wide else ()
        return self.array(Array(name, (max(count, 1), *directions, "lanes"), instanced=False))

    def kernel(self, name: str) -> Kernel:
        """What was written."""
        outer = (DIRECTION,) if self.wide else ()
        name = f"{name}_of_tangents" if self.wide else name
        arrays, scalars = tuple(self.arrays.values()), tuple(self.scalars.values())
        return Kernel(name, LANE, arrays, scalars, self.builder.block(), outer)


def clock_kernel() -> Kernel:
    """times = begins + (k + offset) length."""
    sheet = Sheet()
    sheet.array(Array("times", (), intent=Intent.OUT))
    passed = apply("to_real", sheet.scalar("k", INT)) + sheet.scalar("offset")
    sheet.builder.store("times", value=sheet.sample("begins") + passed * sheet.sample("length"))
    return sheet.kernel("clock")


def take_kernel(given: int) -> Kernel:
    """signals [given] = table [mark], mark = k evaluations + evaluation: what is given, and changes in time."""
    sheet = Sheet()
    table = sheet.array(Array("table", ("marks", max(given, 1))))
    sheet.fields("signals", given, Intent.OUT)
    mark = sheet.scalar("k", INT) * sheet.scalar("evaluations", INT) + sheet.scalar("evaluation", INT)
    mark = sheet.builder.let("mark", mark)
    for g in range(given):
        sheet.store("signals", g, value=sheet.builder.load("given", table, mark, g))
    return sheet.kernel("take")


def jets_kernel(shape: Shape, wide: bool = False) -> Kernel:
    """state [K] of `fields` [C]."""
    sheet = Sheet(wide)
    source = sheet.everywhere("fields", shape.components)
    sheet.fields("state", len(shape.jets), Intent.OUT)
    for k, (component, matrix) in enumerate(shape.jets):
        sheet.store("state", k, value=sheet.gathered(matrix, source, component))
    return sheet.kernel("jets")


def clear_kernel(shape: Shape) -> Kernel:
    """rows = 0."""
    sheet = Sheet()
    b, rows = sheet.builder, sheet.array(Array("rows", (len(shape.targets), shape.columns), intent=Intent.OUT))
    with b.loop("rate", 0, len(shape.targets)) as j, b.loop("column", 0, shape.columns) as column:
        b.store(rows, j, column, value=real(0.0))
    return sheet.kernel("clear")


def keep_kernel(components: int) -> Kernel:
    """kept [k] = fields, of `steps`."""
    return _copied("keep", components, "fields", "kept", kept=1)


def recall_kernel(components: int) -> Kernel:
    """fields = kept [k], of `steps`."""
    return _copied("recall", components, "kept", "fields", kept=0)


def copy_kernel(components: int) -> Kernel:
    """copied = fields."""
    return _copied("copy", components, "fields", "copied")


def drift_kernel(shape: Shape, wide: bool = False, back: bool = False) -> Kernel:
    """Positions of `fields` += weight length velocities; `back`: of cotangents, positions to velocities."""
    sheet = Sheet(wide)
    fields = sheet.fields("fields", shape.components, Intent.INOUT)
    weight = sheet.builder.let("step", sheet.scalar("weight") * sheet.sample("length"))
    for position, velocity in shape.drifting:
        target, source = (velocity, position) if back else (position, velocity)
        sheet.add(fields, target, weight * sheet.load(fields, source))
    return sheet.kernel("drift_back" if back else "drift")


def kick_kernel(shape: Shape, wide: bool = False) -> Kernel:
    """fields += weight length held rates."""
    sheet = Sheet(wide)
    fields = sheet.fields("fields", shape.components, Intent.INOUT)
    weight = sheet.builder.let("step", sheet.scalar("weight") * sheet.sample("length") * sheet.sample("held"))
    for target, rate in zip(shape.targets, _rates(sheet, shape), strict=True):
        sheet.add(fields, target, weight * rate)
    return sheet.kernel("kick")


def flow_kernel(shape: Shape, wide: bool = False) -> Kernel:
    """slopes [stage, C] of `fields`: velocities, rates where nothing is held, and 0."""
    sheet = Sheet(wide)
    fields = sheet.fields("fields", shape.components)
    slopes, stage = sheet.staged("slopes", shape.components, Intent.INOUT), sheet.scalar("stage", INT)
    held = sheet.sample("held")
    found = {position: sheet.load(fields, velocity) for position, velocity in shape.drifting}
    found |= {t: held * rate for t, rate in zip(shape.targets, _rates(sheet, shape), strict=True)}
    for component in range(shape.components):
        sheet.store(slopes, stage, component, value=found.get(component, real(0.0)))
    return sheet.kernel("flow")


def mix_kernel(components: int, wide: bool = False, new: bool = False) -> Kernel:
    """mixed = fields + length sum of tableau [stage, j] slopes [j] over j < stage; `new`: in place, with all stages.

    The last row of the `tableau` [stages + 1, stages] has the weights of the new state.
    """
    sheet = Sheet(wide)
    b, stage = sheet.builder, sheet.scalar("stage", INT)
    fields = sheet.fields("fields", components, Intent.INOUT if new else Intent.IN)
    mixed = fields if new else sheet.fields("mixed", components, Intent.OUT)
    slopes, length = sheet.staged("slopes", components), sheet.sample("length")
    tableau = _tableau(sheet)
    for component in range(components):
        total = b.register("total", 0.0)
        with b.loop("earlier", 0, stage) as j:
            b.assign(total, total + b.load("weight", tableau, stage, j) * sheet.load(slopes, j, component))
        sheet.store(mixed, component, value=sheet.load(fields, component) + length * b.copy("slope", total))
    return sheet.kernel("new" if new else "mix")


def weigh_kernel(shape: Shape, split: bool) -> Kernel:
    """cotangents [K] = rows_k s, own [L] += rows_unknown s, with s the cotangents of the rates.

    These are `held` times those of the slope, or in a splitting weight length held times those of the fields, `bars`.
    """
    sheet = Sheet()
    b, rows, jets = sheet.builder, sheet.rows(shape), len(shape.jets)
    bars = sheet.fields("bars", shape.components)
    scale = sheet.sample("held")
    if split:
        scale = b.let("step", sheet.scalar("weight") * sheet.sample("length") * scale)
    seeds = [b.let("seed", scale * sheet.load(bars, target)) for target in shape.targets]
    sheet.fields("cotangents", jets, Intent.OUT)
    for k in range(jets):
        terms = [b.load("row", rows, j, k) * seed for j, seed in enumerate(seeds)]
        sheet.store("cotangents", k, value=add_many(terms))
    own = sheet.fields("own", shape.unknown, Intent.INOUT)
    with b.loop("column", 0, shape.unknown) as column:
        terms = [b.load("row", rows, j, column + jets) * seed for j, seed in enumerate(seeds)]
        sheet.add(own, column, add_many(terms))
    return sheet.kernel("weigh")


def pull_kernel(shape: Shape) -> Kernel:
    """pulled [C] += M_k^T cotangents."""
    sheet = Sheet()
    source = sheet.everywhere("cotangents", len(shape.jets))
    pulled = sheet.fields("pulled", shape.components, Intent.INOUT)
    for k, (component, matrix) in enumerate(shape.jets):
        sheet.add(pulled, component, sheet.gathered(matrix, source, k, back=True))
    return sheet.kernel("pull")


def slope_back_kernel(shape: Shape) -> Kernel:
    """From the cotangents of the new state, `bars`, and of later points those of the slope of a stage.

    slope_bars = length (b_stage bars + sum of a_j,stage point_bars [j] over j > stage); `pulled`: what velocities that
    are slopes hand on to the fields of the point.
    """
    sheet = Sheet()
    b, stage, stages = sheet.builder, sheet.scalar("stage", INT), sheet.scalar("stages", INT)
    bars, points = sheet.fields("bars", shape.components), sheet.staged("point_bars", shape.components)
    slope_bars = sheet.fields("slope_bars", shape.components, Intent.OUT)
    pulled = sheet.fields("pulled", shape.components, Intent.OUT)
    length, tableau, found = sheet.sample("length"), _tableau(sheet), []
    for component in range(shape.components):
        total = b.register("total", b.load("weight", tableau, stages, stage) * sheet.load(bars, component))
        with b.loop("later", stage + 1, stages) as j:
            b.assign(total, total + b.load("weight", tableau, j, stage) * sheet.load(points, j, component))
        found.append(b.let("slope_bar", length * b.copy("sum", total)))
        sheet.store(slope_bars, component, value=found[-1])
    handed = {velocity: found[position] for position, velocity in shape.drifting}
    for component in range(shape.components):
        sheet.store(pulled, component, value=handed.get(component, real(0.0)))
    return sheet.kernel("slope_back")


def total_kernel(components: int) -> Kernel:
    """bars += the cotangents of the points of all stages."""
    sheet = Sheet()
    b, bars = sheet.builder, sheet.fields("bars", components, Intent.INOUT)
    points = sheet.staged("point_bars", components)
    for component in range(components):
        total = b.register("total", sheet.load(bars, component))
        with b.loop("stage", 0, sheet.scalar("stages", INT)) as j:
            b.assign(total, total + sheet.load(points, j, component))
        sheet.store(bars, component, value=b.copy("sum", total))
    return sheet.kernel("total")


def _tableau(sheet: Sheet) -> str:
    sheet.scalar("stages", INT)
    return sheet.array(Array("tableau", ("tableau_rows", "stages"), instanced=False))


def _rates(sheet: Sheet, shape: Shape) -> list[Node]:
    """The rates [m], or how they change along a direction: `column` says by which unknown it goes, if by any."""
    b = sheet.builder
    if not sheet.wide:
        residuals = sheet.array(Array("residuals", (len(shape.targets),)))
        return [b.load("rate", residuals, j) for j in range(len(shape.targets))]
    rows, jets = sheet.rows(shape), len(shape.jets)
    moved = sheet.fields("moved", jets)
    index = sheet.array(Array("column", ("directions",), INT, instanced=False))
    share = sheet.array(Array("share", ("directions",), instanced=False))
    column, known = b.load("column_here", index, *sheet.here, kind=INT), b.load("share_here", share, *sheet.here)
    found = []
    for j in range(len(shape.targets)):
        terms = [b.load("row", rows, j, k) * sheet.load(moved, k) for k in range(jets)]
        terms.append(known * b.load("row", rows, j, column))
        for link in range(shape.links):
            entry = b.load("link", sheet.array(Array(f"link{link}", ("directions",))), *sheet.here)
            terms.append(b.load("row", rows, j, jets + shape.scalars + link) * entry)
        found.append(b.let("change", add_many(terms)))
    return found


def _copied(name: str, components: int, source: str, target: str, kept: int | None = None) -> Kernel:
    """One array into another; `kept`: which of the two has an axis of `steps`, and is taken at `k`."""
    sheet = Sheet()
    at: list[tuple[Node, ...]] = [(), ()]
    if kept is not None:
        at[kept] = (sheet.scalar("k", INT),)
    for array, place, intent in ((source, at[0], Intent.IN), (target, at[1], Intent.INOUT)):
        sheet.array(Array(array, (*(("steps",) if place else ()), components), intent=intent))
    for component in range(components):
        value = sheet.builder.load("value", source, *at[0], component)
        sheet.builder.store(target, *at[1], component, value=value)
    return sheet.kernel(name)
