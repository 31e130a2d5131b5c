"""Differentiation of nodes: tangents pushed forward, cotangents pulled back, and the matrices made of them.

Derivatives are exact and are nodes themselves, so they may be differentiated again. Any nodes may be the variables of
differentiation: what is given a tangent, or is differentiated by, counts as independent of what it was made of.
Source: Griewank, Walther, "Evaluating Derivatives" (2nd ed.), chapters 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from codegen.ir import Kind, Node, add_many, constant_value, multiply, real
from codegen.primitives import partials_of

Matrix = tuple[tuple[Node, ...], ...]
_Edges = list[tuple[Node, tuple[tuple[Node, Node], ...]]]  # each dependent node: (argument, d node / d argument), ...


def jvp(roots: Sequence[Node], tangents: Mapping[Node, Node]) -> tuple[Node, ...]:
    """The derivatives of the roots along tangents, sum_i (d root / d x_i) tangent_i.

    The constant zero where a root does not depend on what has a tangent, and for integers and truths.
    """
    edges = _linearise(roots, tangents)
    return _push(roots, {x.key: t for x, t in tangents.items()}, edges)


def _push(roots: Sequence[Node], tangents: Mapping[bytes, Node], edges: _Edges) -> tuple[Node, ...]:
    dot = {key: t for key, t in tangents.items() if constant_value(t) != 0}
    for n, partials in edges:
        terms = [multiply(partial, dot[a.key]) for a, partial in partials if a.key in dot]
        if terms and constant_value(total := add_many(terms)) != 0:
            dot[n.key] = total
    return tuple(dot.get(root.key, real(0.0)) for root in roots)


def vjp(roots: Sequence[Node], cotangents: Sequence[Node], wrt: Sequence[Node]) -> tuple[Node, ...]:
    """The pulled-back cotangents, sum_r cotangent_r d root_r / d x for each x of `wrt`, in one reverse sweep."""
    return _pull(roots, cotangents, wrt, _linearise(roots, wrt))


def _pull(roots: Sequence[Node], cotangents: Sequence[Node], wrt: Sequence[Node], edges: _Edges) -> tuple[Node, ...]:
    collected: dict[bytes, list[Node]] = {}
    for root, cotangent in zip(roots, cotangents, strict=True):
        if constant_value(cotangent) != 0:
            collected.setdefault(root.key, []).append(cotangent)
    for n, partials in reversed(edges):
        bar = add_many(collected.pop(n.key, ()))
        if constant_value(bar) == 0:
            continue
        for argument, partial in partials:
            collected.setdefault(argument.key, []).append(multiply(bar, partial))
    return tuple(add_many(collected.get(x.key, ())) for x in wrt)


def gradient(root: Node, wrt: Sequence[Node]) -> tuple[Node, ...]:
    """d root / d x for each x of `wrt`, at a small multiple of the cost of the root whatever their number."""
    return vjp((root,), (real(1.0),), wrt)


def jacobian(roots: Sequence[Node], wrt: Sequence[Node]) -> Matrix:
    """[root, x]: d root / d x, the constant zero where root does not depend on x.

    Rows are pulled back where there are fewer roots than variables, columns are pushed forward otherwise.
    """
    edges = _linearise(roots, wrt)
    if len(roots) < len(wrt):
        return tuple(_pull((root,), (real(1.0),), wrt, edges) for root in roots)
    columns = [_push(roots, {x.key: real(1.0)}, edges) for x in wrt]
    return tuple(tuple(column[i] for column in columns) for i in range(len(roots)))


def hessian(root: Node, wrt: Sequence[Node]) -> Matrix:
    """[x, y]: d2 root / dx dy, forward over reverse; one triangle is computed, so that it is symmetric exactly."""
    slopes = gradient(root, wrt)
    edges = _linearise(slopes, wrt)
    rows = [_push(slopes[: i + 1], {x.key: real(1.0)}, edges) for i, x in enumerate(wrt)]
    return tuple(tuple(rows[max(i, j)][min(i, j)] for j in range(len(wrt))) for i in range(len(wrt)))


def _linearise(roots: Iterable[Node], sources: Iterable[Node]) -> _Edges:
    """The nodes between the sources and the roots, arguments first, each with the partial derivatives that matter."""
    active = {source.key: True for source in sources}  # does a node depend on a source?
    edges: _Edges = []
    for root in roots:
        stack = [(root, False)]
        while stack:
            n, ready = stack.pop()
            if n.key in active:
                continue
            if n.kind is not Kind.REAL or not n.args:
                active[n.key] = False
            elif not ready:
                stack.append((n, True))
                stack.extend((argument, False) for argument in reversed(n.args))
            elif not any(active[argument.key] for argument in n.args):
                active[n.key] = False
            else:
                pairs = zip(n.args, partials_of(n), strict=True)
                partials = tuple((a, partial) for a, partial in pairs if partial is not None and active[a.key])
                active[n.key] = bool(partials)
                if partials:
                    edges.append((n, partials))
    return edges
