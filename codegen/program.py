"""Kernels: structured statements around pure nodes, written for one instance and run over many.

A kernel says what happens to *one* instance (a trajectory, a lattice site, a sample) in ordinary control flow. The axes
say over what it ranges: `lane` is the innermost axis, whose instances stand side by side in memory and in vector
registers; `outer` axes are uniform across lanes (rows of a lattice). How instances map to lanes, cores or GPU threads
is the backend's choice and changes no result: a lane whose condition is false is left untouched by `If` and `While`,
exactly as a thread of its own would be. A host program (`Program`) is a sequence of launches and library calls,
repeated.

Arrays are stored row-major over `shape`; arrays that belong to instances have the lane axis last, so that neighbouring
instances are neighbours in memory. Sizes are numbers or the names of integer scalars of the kernel, so that no kernel
is recompiled for another ensemble, grid or number of samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from .ir import Kind, Node, variable
from .rings import Rings

Size = int | str
EVERYWHERE = 1 << 40  # the reach of a launch that reads all rows
TRANSFORMS = ("fourier", "sine", "cosine")


class Intent(StrEnum):
    """What a kernel does with an array."""

    IN = "in"
    OUT = "out"
    INOUT = "inout"
    SUM = "sum"  # written by Accumulate alone: the sum over all instances, starting from zero


@dataclass(frozen=True)
class Array:
    """A named block of memory: `shape` [outer...] plus, where `instanced`, the lane axis last.

    With `components` above 1 each element is that many neighbouring numbers (the real and the imaginary part of a
    complex one, as libraries want them): the lane axis is that many times longer, and the last entry of an index is the
    number of the component, a constant. Only instanced arrays have components.

    `short`: whole numbers of 32 bits in memory, half of what others take; they are computed with like all others.
    """

    name: str
    shape: tuple[Size, ...]
    kind: Kind = Kind.REAL
    intent: Intent = Intent.IN
    instanced: bool = True
    components: int = 1
    short: bool = False

    @property
    def indices(self) -> int:
        """How many entries an index into it has, besides the lanes."""
        return len(self.shape) + (self.components > 1)


@dataclass(frozen=True)
class Scalar:
    """A number that is the same for all instances of one launch."""

    name: str
    kind: Kind = Kind.REAL

    @property
    def node(self) -> Node:
        return variable(self.name, self.kind)


@dataclass(frozen=True)
class Let:
    """Bind a name to a value, once."""

    target: Node
    value: Node


@dataclass(frozen=True)
class Var:
    """Declare a register that Assign may change, with its first value."""

    target: Node
    value: Node


@dataclass(frozen=True)
class Assign:
    """Give a register a new value."""

    target: Node
    value: Node


@dataclass(frozen=True)
class Local:
    """Declare private memory of one instance, `shape` of constant size; its contents are undefined until stored."""

    array: Array


@dataclass(frozen=True)
class Load:
    """Bind a name to an element; `shift` counts instances along the lane axis (a neighbouring lattice site)."""

    target: Node
    array: str
    index: tuple[Node, ...] = ()
    shift: int = 0


@dataclass(frozen=True)
class Store:
    """Write an element."""

    array: str
    index: tuple[Node, ...]
    value: Node


@dataclass(frozen=True)
class Accumulate:
    """Add a value to an element of a SUM array, over all instances, and `more` to those that follow it in memory."""

    array: str
    index: tuple[Node, ...]
    value: Node
    more: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Outer:
    """Add sum_p left_p[i] right_p[k] for i < rows, k < columns to a SUM array, over all instances.

    The matrix lies in the array row after row, beginning at the element `index`; the vectors are private memory of one
    axis, read from `left_begin` and `right_begin` on. All these are the same for all lanes.
    """

    array: str
    index: tuple[Node, ...]
    rows: int
    columns: int
    left: tuple[str, ...]
    left_begin: Node
    right: tuple[str, ...]
    right_begin: Node


@dataclass(frozen=True)
class Product:
    """Set out_p[i] = sum_k W[i, k] in_p[k] for all p: products with a matrix that all instances share.

    W [rows, columns] lies row after row from the element `index` on; `transposed`: the sums are sum_i W[i, k] in_p[i].
    The vectors are private memory of one axis, read from `given_begin` and written from `made_begin` on, elsewhere. All
    places are the same for all lanes.
    """

    array: str
    index: tuple[Node, ...]
    rows: int
    columns: int
    transposed: bool
    given: tuple[str, ...]
    given_begin: Node
    made: tuple[str, ...]
    made_begin: Node

    @property
    def sums(self) -> int:
        """How many numbers each vector gets."""
        return self.columns if self.transposed else self.rows

    @property
    def terms(self) -> int:
        """Products in each."""
        return self.rows if self.transposed else self.columns


@dataclass(frozen=True)
class For:
    """Repeat for counter = start, ..., stop - 1; the bounds are the same for all lanes."""

    counter: Node
    start: Node
    stop: Node
    body: Block


@dataclass(frozen=True)
class While:
    """Repeat while the condition holds, each lane for itself."""

    condition: Node
    body: Block


@dataclass(frozen=True)
class If:
    """Do where the condition holds, each lane for itself."""

    condition: Node
    body: Block


@dataclass(frozen=True)
class Call:
    """Bind names to the results of a function that is emitted once."""

    targets: tuple[Node, ...]
    function: Function
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Comment:
    """A line that names the physics in the emitted code."""

    text: str


Statement = Let | Var | Assign | Local | Load | Store | Accumulate | Outer | Product | For | While | If | Call | Comment
Block = tuple[Statement, ...]


@dataclass(frozen=True)
class Function:
    """A function: parameters, statements that see nothing else but `arrays` of the kernel, and results.

    `arrays` are declared as the kernel declares them, and bear the same names there. What a function adds to or stores
    in them is its only effect; one that has any is always inlined. `reverse` (`lower.pull_cotangents.Reverse`) knows
    its derivative where something cheaper is known than running its statements backwards.
    """

    name: str
    parameters: tuple[Node, ...]
    body: Block
    results: tuple[Node, ...]
    arrays: tuple[Array, ...] = ()
    reverse: object | None = None


@dataclass(frozen=True)
class Kernel:
    """What happens to one instance; `outer` names axes whose counters the body may read as uniform integers.

    `widest`: as many instances at most are on the lane axis, so that no schedule lays more of them side by side.
    `shares`: instances make products together, which stay statements to the end.
    """

    name: str
    lane: str
    arrays: tuple[Array, ...]
    scalars: tuple[Scalar, ...]
    body: Block
    outer: tuple[str, ...] = ()
    widest: int | None = None
    shares: bool = False

    def array(self, name: str) -> Array:
        return next(a for a in self.arrays if a.name == name)


@dataclass(frozen=True)
class Launch:
    """Run a kernel over `extents` (outer axes, then the lane axis: sizes of the program).

    `rename` pairs names of the kernel's arrays and scalars with those of the program where they differ. `reach` counts
    how far along the outer axes (the furthest of them) the kernel reads from where it writes; what it reads beyond its
    own place it does not write. Rows further apart may therefore run in any order, which schedules use. `EVERYWHERE`:
    all of them.
    """

    kernel: Kernel
    extents: tuple[Size, ...]
    rename: tuple[tuple[str, str], ...] = ()
    reach: int = 0


@dataclass(frozen=True)
class Transform:
    """A transform by a library over the axes of an array of complex numbers (`components` 2), outer axes first.

    `kinds` names one for each axis, the lane axis last: "fourier" (exp(-2 pi i k n / N), the inverse divided by N),
    "sine" (DST-I) or "cosine" (DCT-I); the inverse of any undoes it, and leaves out the division where it is not
    `scaled` (by N, 2 (N + 1) and 2 (N - 1) an axis). Of the lane axis `extent` elements count.
    """

    source: str
    output: str
    extent: Size
    inverse: bool = False
    kinds: tuple[str, ...] = ("fourier",)
    scaled: bool = True


@dataclass(frozen=True)
class Repeat:
    """Do a sequence `count` times; the integer scalar `counter`, where there is one, goes up by `stride` each time."""

    count: Size
    body: tuple[Step, ...]
    counter: str | None = None
    stride: int = 1
    rings: Rings | None = None


Step = Launch | Transform | Repeat


@dataclass(frozen=True)
class Program:
    """A sequence of launches and library calls on the host; `wraps`: the first outer axis is periodic."""

    name: str
    arrays: tuple[Array, ...]
    scalars: tuple[Scalar, ...]
    body: tuple[Step, ...]
    wraps: bool = False


def statements(block: Block) -> Iterator[Statement]:
    """Every statement of a block and of the blocks inside it (not of called functions)."""
    for statement in block:
        yield statement
        if isinstance(statement, For | While | If):
            yield from statements(statement.body)


def program_steps(body: tuple[Step, ...]) -> Iterator[Step]:
    """Every step of a program and of the repetitions inside it."""
    for step in body:
        yield step
        if isinstance(step, Repeat):
            yield from program_steps(step.body)


def kernels_of(program: Program) -> tuple[Kernel, ...]:
    """The kernels that a program launches, each once."""
    found = {s.kernel.name: s.kernel for s in program_steps(program.body) if isinstance(s, Launch)}
    return tuple(found.values())


def functions(block: Block) -> tuple[Function, ...]:
    """The functions that a block calls, callees before their callers, each once."""
    found: dict[str, Function] = {}
    for statement in statements(block):
        if isinstance(statement, Call) and statement.function.name not in found:
            for inner in functions(statement.function.body):
                found.setdefault(inner.name, inner)
            found.setdefault(statement.function.name, statement.function)
    return tuple(found.values())


def must_be_inlined(function: Function) -> bool:
    """Whether a function writes to arrays of the kernel, or reaches for elements that belong to an instance.

    Only the kernel itself knows where these stand.
    """
    private = {s.array.name for s in statements(function.body) if isinstance(s, Local)}
    return any(array.instanced for array in function.arrays) or any(
        (isinstance(s, Store | Accumulate | Outer) and s.array not in private)
        or isinstance(s, Product)
        or (isinstance(s, Call) and must_be_inlined(s.function))
        for s in statements(function.body)
    )


def nodes_of(statement: Statement) -> tuple[Node, ...]:
    """The nodes that a statement evaluates, in order."""
    match statement:
        case Let(_, value) | Var(_, value) | Assign(_, value):
            return (value,)
        case Load(_, _, index, _):
            return index
        case Accumulate(_, index, value, more):
            return (*index, value, *more)
        case Outer():
            return (*statement.index, statement.left_begin, statement.right_begin)
        case Product():
            return (*statement.index, statement.given_begin, statement.made_begin)
        case Store(_, index, value):
            return (*index, value)
        case For(_, start, stop, _):
            return (start, stop)
        case While(condition, _) | If(condition, _):
            return (condition,)
        case Call(_, _, arguments):
            return arguments
    return ()


def assigned(block: Block) -> frozenset[Node]:
    """The registers that a block changes."""
    return frozenset(s.target for s in statements(block) if isinstance(s, Assign))
