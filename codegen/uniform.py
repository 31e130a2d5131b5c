"""Which values are the same for all lanes: printers keep them in scalar registers, loop bounds must be among them."""

from __future__ import annotations

from collections.abc import Iterable

from .ir import Node, walk
from .program import Accumulate, Block, For, Function, If, Kernel, Let, Load, Outer, Store, While, statements


class Uniformity:
    """What is known to be the same for all lanes, as names are bound one after the other.

    Scalars, counters of outer axes and of For are uniform; so is a Let of uniform values, and a Load from an array
    without a lane axis that the kernel does not write, at a uniform index. A register is never uniform (lanes stop on
    their own), nor are the lane index, private memory and the results of a call.
    """

    def __init__(self, names: Iterable[str] = (), shared: Iterable[str] = ()) -> None:
        self.names = set(names)
        self._shared = frozenset(shared)
        self._known: dict[bytes, bool] = {}
        self._seen: set[bytes] = set()

    @classmethod
    def of_kernel(cls, kernel: Kernel) -> Uniformity:
        """What is uniform before the first statement of a kernel."""
        written = {s.array for s in statements(kernel.body) if isinstance(s, Store | Accumulate | Outer)}
        shared = (a.name for a in kernel.arrays if not a.instanced and a.name not in written)
        return cls((*(s.name for s in kernel.scalars), *kernel.outer), shared)

    @classmethod
    def of_function(cls, function: Function) -> Uniformity:
        """What is uniform before the first statement of a function: nothing but what it reads of shared arrays."""
        written = {s.array for s in statements(function.body) if isinstance(s, Store | Accumulate | Outer)}
        return cls((), (a.name for a in function.arrays if not a.instanced and a.name not in written))

    def holds(self, n: Node) -> bool:
        """Whether a node is the same for all lanes; all its variables must have been bound."""
        for inner in walk((n,), self._seen):
            if inner.op == "variable":
                self._known[inner.key] = inner.attribute in self.names
            else:
                self._known[inner.key] = all(self._known[a.key] for a in inner.args)
        return self._known[n.key]

    def add(self, counter: Node) -> None:
        """Note that a counter of For is uniform."""
        self.names.add(str(counter.attribute))

    def bind(self, statement: Let | Load) -> None:
        """Note whether what a statement binds is uniform."""
        match statement:
            case Let(target, value):
                uniform = self.holds(value)
            case Load(target, array, index, _):
                uniform = array in self._shared and all(self.holds(i) for i in index)
        if uniform:
            self.names.add(str(target.attribute))

    def bind_all(self, block: Block) -> None:
        """Note what a block and the blocks inside it bind."""
        for statement in block:
            match statement:
                case Let() | Load():
                    self.bind(statement)
                case For(counter, _, _, body):
                    self.add(counter)
                    self.bind_all(body)
                case While(_, body) | If(_, body):
                    self.bind_all(body)


def uniform_names(scope: Kernel | Function) -> frozenset[str]:
    """The names of a kernel or function whose values are the same for all lanes; parameters of functions are not."""
    known = Uniformity.of_kernel(scope) if isinstance(scope, Kernel) else Uniformity.of_function(scope)
    known.bind_all(scope.body)
    return frozenset(known.names)
