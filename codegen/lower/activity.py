"""Which names of a function carry derivatives."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from codegen.ir import Kind, Node, walk
from codegen.program import Assign, Block, Call, Function, Let, Load, Store, Var, statements


@dataclass(frozen=True)
class Activity:
    """The variables and private arrays that depend differentiably on chosen parameters."""

    variables: frozenset[Node]
    arrays: frozenset[str]

    def holds(self, value: Node) -> bool:
        """Whether a value depends on an active variable through reals."""
        return _depends(value, self.variables)


def _depends(value: Node, active: Collection[Node]) -> bool:
    reached: set[bytes] = set()
    for n in walk((value,)):
        if n.kind is Kind.REAL and (n in active or any(a.key in reached for a in n.args)):
            reached.add(n.key)
    return value.key in reached


def find_activity(function: Function, sources: Iterable[Node], arrays: Iterable[str] = ()) -> Activity:
    """What depends on `sources`, real parameters of the function, or on `arrays` of the kernel, through registers,
    memory and loops."""
    known = Activity(frozenset(x for x in sources if x.kind is Kind.REAL), frozenset(arrays))
    given = known.arrays
    while True:
        found = _one_pass(function.body, known, given)
        if found == known:
            return known
        known = found


def _one_pass(block: Block, known: Activity, given: frozenset[str]) -> Activity:
    variables, arrays = set(known.variables), set(known.arrays)
    for statement in statements(block):
        match statement:
            case Let(target, value) | Var(target, value) | Assign(target, value):
                if _depends(value, variables):
                    variables.add(target)
            case Load(target, array, _, _):
                if array in arrays and target.kind is Kind.REAL:
                    variables.add(target)
            case Store(array, _, value):
                if _depends(value, variables):
                    arrays.add(array)
            case Call(targets, function, arguments):
                active = active_results(function, [_depends(a, variables) for a in arguments], given)
                variables.update(t for t, yes in zip(targets, active, strict=True) if yes)
    return Activity(frozenset(variables), frozenset(arrays))


def active_results(function: Function, arguments: Sequence[bool], arrays: Iterable[str] = ()) -> tuple[bool, ...]:
    """Which results of a function depend on its active arguments, or on `arrays` of the kernel."""
    sources = [p for p, active in zip(function.parameters, arguments, strict=True) if active]
    reached = {a.name for a in function.arrays}.intersection(arrays)
    if not sources and not reached:
        return tuple(False for _ in function.results)
    activity = find_activity(function, sources, reached)
    return tuple(activity.holds(result) for result in function.results)


def mask_of(function: Function, sources: Collection[Node]) -> str:
    """Part of a name that tells apart the derivatives of one function by different arguments."""
    return "".join("x" if parameter in sources else "o" for parameter in function.parameters)
