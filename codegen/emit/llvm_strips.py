"""Bodies of loops, strip by strip of the lanes, where all lanes at once do not fit the registers.

What many lanes carry through a loop fills more registers than there are, and is moved to memory and back between any
two operations. Here each turn of the loop loads a strip of it, a register or two wide, does a piece of the body in
registers and stores it again, strip after strip; the processor works on several strips at once, since none waits for
another. As far as that the processor sees ahead, so long is a piece: the values that later pieces read are put by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

from ..bindings import targets
from ..ir import Kind, variable
from ..optimise.cost import work
from ..program import Array, Assign, Block, For, Let, Statement, statements
from ..strips import may_be_cut, variables_of
from .llvm_printer import Printer
from .llvm_writer import Value, Writer

I = Kind.INT
PIECE = 42  # operations: three kicks and drifts of two coordinates
ACROSS = 8  # values that are put by between two pieces, at most


@dataclass(frozen=True)
class Kept:
    """Where the lanes of a value lie in memory, or the value itself where it is one number for all lanes."""

    kind: Kind
    slot: str
    value: Value | None = None


def pieces(body: Block, most: int = PIECE) -> list[Block]:
    """The body in as many pieces as cost about `most` each, cut where few values are read across the cut.

    Where many are (stages of Runge-Kutta methods), it stays whole.
    """
    costs = [work((s,)) or 0 for s in body]
    count = max(1, round(sum(costs) / most))
    last = {str(n.attribute): i for i, s in enumerate(body) for n in variables_of((s,))}
    alive: list[int] = []
    whole: list[bool] = []  # no cut here: too much crosses it, or a truth, which memory packs
    known: dict[str, Kind] = {}
    for i, s in enumerate(body):
        if isinstance(s, Let):
            known[str(s.target.attribute)] = s.target.kind
        crossing = [kind for name, kind in known.items() if last.get(name, -1) > i]
        alive.append(len(crossing))
        whole.append(len(crossing) > ACROSS or Kind.BOOL in crossing)
    cuts, done, total = [0], 0, sum(costs)
    spent = [sum(costs[: i + 1]) for i in range(len(body))]
    for number in range(1, count):
        goal = total * number / count
        near = [i for i in range(done, len(body) - 1) if abs(spent[i] - goal) <= total / count / 3 and not whole[i]]
        if near:
            best = min(near, key=lambda i: (alive[i], abs(spent[i] - goal)))
            cuts.append(best + 1)
            done = best + 1
    cuts.append(len(body))
    return [body[a:b] for a, b in pairwise(cuts) if a < b]


class StripPrinter(Printer):
    """Prints the body of a kernel, its loops strip by strip where they are cut."""

    def __init__(self, writer: Writer, arrays: dict[str, Array], paired: frozenset[bytes], strip: int) -> None:
        super().__init__(writer, arrays, paired)
        self.strip = strip  # lanes; 0: no loop is cut
        self.open: list[dict[str, Kept] | None] = []  # what was put by for the loops around, None for one that is whole

    def loop(self, s: For) -> None:
        self.open.append(self._put_by(s) if self._is_cut(s) else None)
        super().loop(s)
        self.open.pop()

    def turn(self, s: For, counter: Value, stop: Value) -> None:
        kept = self.open[-1]
        if kept is None:
            super().turn(s, counter, stop)
        else:
            self._cut(s, counter, stop, kept)

    def _is_cut(self, loop: For) -> bool:
        """Whether a loop is printed strip by strip: all lanes are at work, and it may be cut."""
        divides = 0 < self.strip < self.w.lanes and self.w.lanes % self.strip == 0
        return divides and self.mask is None and may_be_cut(loop)

    def _put_by(self, loop: For) -> dict[str, Kept]:
        """What the body reads of values that were bound before the loop, in memory."""
        own = {str(t.attribute) for s in (loop, *statements(loop.body)) for t in targets(s)}
        found: dict[str, Kept] = {}
        for n in (n for n in variables_of(loop.body) if str(n.attribute) not in own | set(self.registers)):
            value = self.value(n)
            if value.wide and value.text.startswith("%"):
                found[str(n.attribute)] = self._room(n.kind)
                self.w.line(f"store {self.w.type(n.kind)} {value.text}, ptr {found[str(n.attribute)].slot}, align 64")
            else:
                found[str(n.attribute)] = Kept(n.kind, "", value)
        return found

    def _cut(self, loop: For, counter: Value, stop: Value, kept: dict[str, Kept]) -> None:
        """The body, piece by piece and strip by strip; what it only writes is written in the last turn."""
        kept = {**kept, str(loop.counter.attribute): Kept(I, "", counter)}
        following = self.w.emit(f"add nsw i64 {counter.text}, 1", I, False)
        last = self.w.operation("icmp eq", following, stop, result=Kind.BOOL)
        writes = Counter(str(s.target.attribute) for s in statements(loop.body) if isinstance(s, Assign))
        read = {str(n.attribute) for n in variables_of(loop.body)} | {
            name for name, count in writes.items() if count > 1
        }
        body = self._uniform(loop.body, kept)
        parts = pieces(body)
        for number, part in enumerate(parts):
            later = {str(n.attribute) for n in variables_of(tuple(s for p in parts[number + 1 :] for s in p))}
            made = [s.target for s in part if isinstance(s, Let) and str(s.target.attribute) in later]
            slots = {str(t.attribute): self._room(t.kind) for t in made}
            with self._strips(part, kept) as strip:
                self._piece(part, read, last)
                for target in made:
                    value = self.w.widen(self.value(target))
                    at = self._place(slots[str(target.attribute)].slot, target.kind, strip)
                    self.w.line(
                        f"store {self.w.type(target.kind)} {value.text}, ptr {at}, align {self.aligned(target.kind)}"
                    )
            kept |= slots

    def _uniform(self, body: Block, kept: dict[str, Kept]) -> Block:
        """Bind what is the same for all lanes, once a turn; gives the rest of the body."""
        rest: list[Statement] = []
        same = {name for name, k in kept.items() if k.value is not None and not k.value.wide}
        self.scopes.append({})
        for name in sorted(same):
            self.bind(variable(name, kept[name].kind), self._of_strip(kept[name], ""))
        for s in body:
            if isinstance(s, Let) and {str(n.attribute) for n in variables_of((s,))} <= same:
                value = self.value(s.value)
                self.bind(s.target, value)
                same.add(str(s.target.attribute))
                kept[str(s.target.attribute)] = Kept(s.target.kind, "", value)
            else:
                rest.append(s)
        self.scopes.pop()
        return tuple(rest)

    def _piece(self, part: Block, read: set[str], last: Value) -> None:
        """One strip of a piece."""
        w, late = self.w, []
        for s in part:
            if isinstance(s, Assign) and str(s.target.attribute) not in read:
                late.append((s.target, w.widen(self.value(s.value))))
            else:
                self.statement(s)
        if late:
            write, past = w.fresh_label("write"), w.fresh_label("past")
            w.line(f"br i1 {last.text}, label %{write}, label %{past}")
            w.label(write)
            for target, value in late:
                slot, kind = self.registers[str(target.attribute)]
                w.line(f"store {w.type(kind)} {value.text}, ptr {slot}, align {self.aligned(kind)}")
            w.line(f"br label %{past}")
            w.label(past)

    @contextmanager
    def _strips(self, part: Block, kept: dict[str, Kept]) -> Iterator[str]:
        """A loop over the strips, in which all names of the part are known; gives the number of the strip."""
        w, lanes, outside = self.w, self.w.lanes, (self.scopes, self.registers)
        head, done = w.fresh_label("strip"), w.fresh_label("stripped")
        slot = w.name("strip")
        self.allocas.append(f"  {slot} = alloca i64")
        w.line(f"store i64 0, ptr {slot}")
        w.line(f"br label %{head}")
        w.label(head)
        strip = w.emit(f"load i64, ptr {slot}", I, False).text
        w.lanes, self.scopes = self.strip, [{}]
        used = {str(n.attribute) for s in statements(part) for n in targets(s)} | {
            str(n.attribute) for n in variables_of(part)
        }
        self.registers = {
            name: (self._place(where, kind, strip), kind) for name, (where, kind) in outside[1].items() if name in used
        }
        for name in sorted(used & set(kept)):
            self.bind(variable(name, kept[name].kind), self._of_strip(kept[name], strip))
        yield strip
        following = w.emit(f"add nsw i64 {strip}, 1", I, False)
        w.line(f"store i64 {following.text}, ptr {slot}")
        more = w.emit(f"icmp slt i64 {following.text}, {lanes // self.strip}", Kind.BOOL, False)
        w.line(f"br i1 {more.text}, label %{head}, label %{done}, !llvm.loop !2")
        w.label(done)
        w.lanes, (self.scopes, self.registers) = lanes, outside

    def _room(self, kind: Kind) -> Kept:
        """Room for a value of all lanes."""
        slot = self.w.name("kept")
        self.allocas.append(f"  {slot} = alloca {self.w.type(kind)}, align 64")
        return Kept(kind, slot)

    def _place(self, slot: str, kind: Kind, strip: str) -> str:
        at = self.w.name("at")
        self.w.line(f"{at} = getelementptr {self.w.type(kind)}, ptr {slot}, i64 {strip}")
        return at

    def _of_strip(self, kept: Kept, strip: str) -> Value:
        if kept.value is not None:
            return kept.value
        type_ = self.w.type(kept.kind)
        return self.w.emit(
            f"load {type_}, ptr {self._place(kept.slot, kept.kind, strip)}, align {self.aligned(kept.kind)}",
            kept.kind,
            True,
        )
