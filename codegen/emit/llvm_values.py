"""The values of nodes that are known at a point of the printed code, so that nothing is computed twice."""

from __future__ import annotations

from ..errors import CompilerBug
from ..ir import Kind, Node, node, walk
from ..program import Array
from .llvm_nodes import evaluate_node
from .llvm_shifts import Place, Span
from .llvm_writer import Value, Writer

I = Kind.INT


class Values:
    """Evaluates nodes into one function body; keeps those whose registers have not changed since."""

    def __init__(self, writer: Writer, arrays: dict[str, Array], paired: frozenset[bytes]) -> None:
        self.w = writer
        self.arrays = arrays
        self.paired = paired  # angles of which both sine and cosine are wanted
        self.scopes: list[dict[bytes, Value]] = [{}]
        self.registers: dict[str, tuple[str, Kind]] = {}
        self.bases: dict[str, str] = {}
        self.sizes: dict[str, Value] = {}
        self.allocas: list[str] = []
        self.held: dict[tuple[str, tuple[Node, ...]], str] = {}  # vectors that collect for one element of a sum
        self.mask: Value | None = None
        self.base = ""  # index of the block's first instance, as i64
        self.stride = Value("0", I, False)
        self.globals: frozenset[str] = frozenset()  # arrays of the kernel; all others are private to an instance
        self.real_lanes = self.w.constant(True, Kind.BOOL, True)  # False in lanes beyond the last instance
        self.all_real = self.w.constant(True, Kind.BOOL)  # whether there are no such lanes
        self.lying: dict[str, str] = {}  # where in memory integers lie that are loaded and never written, by their text
        self.spans: dict[Place, Span] = {}  # of rows of the kernel that are read at several shifts
        self._depends: dict[bytes, frozenset[str]] = {}

    # -- values of nodes --------------------------------------------------------------------------------------------
    def lookup(self, key: bytes) -> Value | None:
        for scope in reversed(self.scopes):
            if key in scope:
                return scope[key]
        return None

    def depends(self, n: Node) -> frozenset[str]:
        """The registers whose change makes the value of a node stale."""
        for inner in walk((n,)) if n.key not in self._depends else ():
            if inner.key not in self._depends:
                own = (
                    frozenset([str(inner.attribute)])
                    if inner.op == "variable" and inner.attribute in self.registers
                    else frozenset()
                )
                self._depends[inner.key] = own.union(*(self._depends[a.key] for a in inner.args))
        return self._depends[n.key]

    def forget(self, names: frozenset[str]) -> None:
        if names:
            for scope in self.scopes:
                for key in [k for k in scope if not names.isdisjoint(self._depends.get(k, frozenset()))]:
                    del scope[key]

    def value(self, n: Node) -> Value:
        found = self.lookup(n.key)
        if found is not None:
            return found
        self.depends(n)
        stack = [n]
        while stack:
            top = stack[-1]
            if self.lookup(top.key) is not None:
                stack.pop()
                continue
            waiting = [a for a in top.args if self.lookup(a.key) is None]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            self._one(top)
        result = self.lookup(n.key)
        assert result is not None
        return result

    def _one(self, n: Node) -> None:
        scope = self.scopes[-1]
        if n.op == "constant":
            scope[n.key] = self.w.constant(n.attribute, n.kind)  # type: ignore[arg-type]
        elif n.op == "variable":
            scope[n.key] = self._register(n)
        elif n.op in ("sin", "cos") and n.args[0].key in self.paired:
            sine, cosine = self.w.sine_and_cosine(self._known(n.args[0]))
            for op, result in (("sin", sine), ("cos", cosine)):
                partner = node(op, n.args, n.kind)
                self.depends(partner)
                scope[partner.key] = result
        else:
            scope[n.key] = evaluate_node(self.w, n, tuple(self._known(a) for a in n.args))

    def _known(self, n: Node) -> Value:
        found = self.lookup(n.key)
        assert found is not None
        return found

    def _register(self, n: Node) -> Value:
        name = str(n.attribute)
        if name not in self.registers:
            raise CompilerBug(f"{name} is read before it is bound; the spec should have found it")
        slot, kind = self.registers[name]
        return self.w.emit(f"load {self.w.type(kind)}, ptr {slot}, align {self.aligned(kind)}", kind, True)

    def aligned(self, kind: Kind) -> int:
        """The alignment of registers in memory: of whole cache lines, or of a strip of one."""
        size = 4 if kind is Kind.REAL and self.w.dtype == "float32" else 8
        return 64 if self.w.lanes == 1 else min(64, size * self.w.lanes)

    def bind(self, target: Node, value: Value) -> None:
        """Give a variable its value."""
        self._depends[target.key] = frozenset()
        self.scopes[-1][target.key] = value

    def current_mask(self) -> Value:
        """The lanes that are at work here."""
        return self.mask or self.w.constant(True, Kind.BOOL, True)
