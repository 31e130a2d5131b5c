"""What all trajectory kernels share: arrays, the parameters and signals of an instance, what is saved and watched.

Layout (the lane axis, `trajectory`, is last and left out): `parameters` [P]; `carry` [C], the working state and what
the method remembers, so that a run can stop and go on; `counters` [K]; `watched` [3 Q], for each conserved quantity its
first value, its largest change and the largest sum of the absolute values of its terms; `saved` [n, rows]. Where the
energy changes, `works` [k] and `saved_work` [k, rows] hold what was done by each power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from codegen import Array, Builder, CompilerBug, Intent, Kind, Node, Scalar, apply, boolean, real
from symphys.lower.cells import cell_among
from symphys.lower.flow import Flow

State = tuple[Node, ...]
LANE = "trajectory"
RUNNING, FINISHED, NOT_FINITE, STEP_TOO_SMALL, NOT_CONVERGED, EVENT = range(6)
STATUS, STEPS, REJECTED, ROW = range(4)
COUNTERS = 4
SIGNAL_DEGREE = 5
# what kernels call their own arrays and scalars: a parameter of the same name gets another one
RESERVED = (
    *(
        "works",
        "saved_work",
        "initial",
        "parameters",
        "carry",
        "counters",
        "saved",
        "watched",
        "step_marks",
        "row_slots",
        "sample_times",
    ),
    *("row_times", "event_values", "event_counts", "event_times", "event_states", LANE, "t_start", "t_end", "h"),
    *(
        "direction",
        "rows",
        "marks",
        "watch_every",
        "save_every",
        "first_row",
        "last_row",
        "first_slot",
        "rtol",
        "atol",
        "budget",
    ),
    *("fresh", "first_length", "least_length", "longest", "row_lengths", "row_steps", "saved_bars", "saved_dots"),
    *("initial_dots", "initial_bars", "parameter_dots", "parameter_bars", "held_marks", "held_steps", "segment"),
    *("weight_bars", "sensitivity", "following", "columns", "tableau", "saved_stages"),
)


@dataclass(frozen=True)
class SignalTable:
    """A signal u(t) as polynomials of degree 5 on equal pieces: their coefficients, and scalars that find the piece."""

    name: str

    @property
    def array(self) -> Array:
        """The coefficients [pieces, 6], lowest power first, in the place 0..1 within a piece."""
        return Array(
            f"table_{self.name}", (f"pieces_{self.name}", SIGNAL_DEGREE + 1), Kind.REAL, Intent.IN, instanced=False
        )

    @property
    def scalars(self) -> tuple[Scalar, ...]:
        """How many pieces, where the first begins, how many there are to a unit of time."""
        return (
            Scalar(f"pieces_{self.name}", Kind.INT),
            Scalar(f"begin_{self.name}"),
            Scalar(f"per_time_{self.name}"),
        )

    def value(self, b: Builder, t: Node) -> Node:
        """u(t), the outermost pieces continued beyond the ends."""
        pieces, begin, per_time = (s.node for s in self.scalars)
        place = (t - begin) * per_time
        piece = b.let(f"piece_{self.name}", apply("to_int", cell_among(place, apply("to_real", pieces))))
        local = b.let(f"local_{self.name}", place - apply("to_real", piece))
        total: Node | None = None
        for power in reversed(range(SIGNAL_DEGREE + 1)):
            c = b.load(f"u{power}_{self.name}", self.array.name, piece, power)
            total = c if total is None else total * local + c
        assert total is not None
        return b.let(self.name, total)


@dataclass
class Frame:
    """A trajectory kernel under construction, and the inputs of its instance."""

    flow: Flow
    dtype: str
    builder: Builder = field(default_factory=Builder)
    arrays: list[Array] = field(default_factory=list)
    scalars: list[Scalar] = field(default_factory=list)
    parameters: State = ()

    def __post_init__(self) -> None:
        self.tables = [SignalTable(str(s.attribute)) for s in self.flow.arguments.signals]
        for name in RESERVED:
            self.builder.names.fresh(name)
        for weights in self.flow.arguments.weights:
            self.builder.names.fresh(weights.name)
            self.arrays.append(weights)
        self.array("parameters", (max(len(self.flow.arguments.parameters), 1),))
        for table in self.tables:
            self.arrays.append(table.array)
            self.scalars.extend(table.scalars)

    def array(
        self,
        name: str,
        shape: Sequence[int | str],
        kind: Kind = Kind.REAL,
        intent: Intent = Intent.IN,
        instanced: bool = True,
    ) -> None:
        """Declare an array of the kernel, where it is new."""
        array = Array(name, tuple(shape), kind, intent, instanced)
        if array not in self.arrays:
            self.arrays.append(array)

    def scalar(self, name: str, kind: Kind = Kind.REAL) -> Node:
        """A scalar of the kernel, declared where it is new."""
        self._check(name)
        scalar = Scalar(name, kind)
        if scalar not in self.scalars:
            self.scalars.append(scalar)
        return scalar.node

    def _check(self, name: str) -> None:
        if name not in RESERVED:
            raise CompilerBug(f"the kernel's own name {name} is not reserved: add it to frame.RESERVED")

    def load_parameters(self) -> None:
        """Read the parameters of the instance."""
        b = self.builder
        self.parameters = tuple(
            b.load(f"{p.attribute}", "parameters", i) for i, p in enumerate(self.flow.arguments.parameters)
        )

    def signals(self, builder: Builder, t: Node) -> State:
        """The values of the signals at a time."""
        return tuple(table.value(builder, t) for table in self.tables)

    def epsilon(self) -> float:
        """The spacing of numbers at 1."""
        return 2.0**-52 if self.dtype == "float64" else 2.0**-23

    # -- carry, watch, save --------------------------------------------------------------------------------------------
    def load_registers(
        self, wishes: Sequence[str], array: str = "carry", kind: Kind = Kind.REAL, offset: int = 0
    ) -> State:
        """Registers of these names, from the entries of an array."""
        b = self.builder
        found = []
        for i, wish in enumerate(wishes):
            found.append(b.register(wish, b.load(f"{wish}_before", array, offset + i, kind=kind)))
        return tuple(found)

    def store_registers(self, values: Sequence[Node], array: str = "carry", offset: int = 0) -> None:
        """Values into the entries of an array, from which the next launch goes on."""
        for i, value in enumerate(values):
            self.builder.store(array, offset + i, value=value)

    def arguments(self, t: Node, user: State) -> State:
        """What functions of the system take: time, state, signals, parameters."""
        return (t, *user, *self.signals(self.builder, t), *self.parameters)

    def observe_watches(
        self, registers: State, t: Node, user: State, works: State = (), status: Node | None = None
    ) -> None:
        """Take each conserved quantity at (t, user's state) into its largest change and scale.

        works: the works of the ledger so far; with them the balance of energy is the last of the quantities.  status:
        where an event may have ended the trajectory inside the step, at which these works end and the state does not.
        """
        b = self.builder
        for index, watch in enumerate(self.flow.watches):
            b.comment(f"{watch.name}: its largest change, and the largest sum of the absolute values of its terms")
            value, scale = b.call(watch.function, self.arguments(t, user), (f"value_{index}", f"size_{index}"))
            self._observe(registers[3 * index : 3 * index + 3], value, scale)
        if self.flow.ledger is not None:
            b.comment("energy less what was gained on the way: what is left over, and the sum of absolute values")
            with b.where(boolean(True) if status is None else apply("not", apply("eq", status, EVENT))):
                self._observe(registers[-3:], *self.flow.ledger.balance(self, t, user, works))

    def _observe(self, registers: State, value: Node, scale: Node) -> None:
        (first, change, size), b = registers, self.builder
        b.assign(change, apply("max", change, apply("abs", value - first)))
        b.assign(size, apply("max", size, scale))

    def start_watches(self, t: Node, user: State) -> None:
        """Store first values, zero change and first scale."""
        b = self.builder
        functions = [watch.function for watch in self.flow.watches]
        for index, function in enumerate([*functions, *([self.flow.ledger.energy] if self.flow.ledger else [])]):
            value, scale = b.call(function, self.arguments(t, user))
            for offset, v in enumerate((value, real(0.0), scale)):
                b.store("watched", 3 * index + offset, value=v)

    def watch_registers(self) -> State:
        """First value, largest change and scale of every conserved quantity, and of the balance of energy."""
        wishes = [f"{what}_{i}" for i in range(len(self.flow.watched)) for what in ("first", "change", "scale")]
        return self.load_registers(wishes, "watched")

    def save(self, row: Node, user: State) -> None:
        """The user's state into a row of `saved`."""
        for i, value in enumerate(user):
            self.builder.store("saved", i, row, value=value)


def all_finite(values: State) -> Node:
    """Whether a state is finite: the sum of the absolute values of its components is."""
    total: Node = real(0.0)
    for value in values:
        total = total + apply("abs", value)
    return apply("isfinite", total)
