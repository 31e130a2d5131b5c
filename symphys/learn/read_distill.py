"""What is to be read back, read and checked: a learnt term, functions, and the points where they are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from symphys.errors import InputError
from symphys.language.networks import NetworkSymbol, networks_in
from symphys.mechanics.graph import postorder
from symphys.mechanics.read import scalar
from symphys.simulate.compiled import Kernels
from symphys.simulate.inputs import numbers, real_numbers
from symphys.simulate.network import point_values
from symphys.simulate.weights import split_weights

Floats = NDArray[np.float64]
Names = Sequence[tuple[Any, Any]]  # what users call each input, and the symbol that stands for it here
EACH = 512  # points for each input where none are given


@dataclass(frozen=True)
class Ground:
    """Where term and functions are compared: symbols [d], points [d, n], roots of weights [n], scales of inputs [d]."""

    symbols: tuple[Any, ...]
    points: Floats
    roots: Floats
    widths: Floats
    order: int
    kernels: Kernels

    def rows(self, functions: Sequence[Any], weights: Mapping[NetworkSymbol, Floats]) -> Floats:
        """[n or n d, m], weighted values or derivatives (by inputs in units of their range) of functions [m]."""
        if self.order:
            functions = [f.diff(x) for f in functions for x in self.symbols]
        values = point_values(self.kernels, functions, self.symbols, self.points, weights) * self.roots
        if not self.order:
            return values.T
        by_input = values.reshape(-1, len(self.symbols), values.shape[1]) * self.widths[:, None]
        return by_input.reshape(len(by_input), -1).T


def read_symbol(x: Any) -> Any:
    """An input of the formula; InputError for what is no symbol, coordinate or rate."""
    read = scalar(x, "input")
    if not (read.is_Symbol or isinstance(read, sympy.Derivative) or getattr(read, "is_Function", False)):
        raise InputError(f"the input {x} is no symbol; give symbols, coordinates or rates")
    return read


def read_components(
    term: Any, weights: Any, shown: Sequence[Any], names: Names
) -> tuple[list[Any], dict[NetworkSymbol, Floats]]:
    """What is to be read in the held symbols, one expression for each output, and the weights of its networks."""
    if isinstance(term, NetworkSymbol):
        if len(shown) != term.inputs:
            raise InputError(f"{term} has {term.inputs} inputs, and {len(shown)} symbols are given; give one for each")
        value = term(*shown)
        given = weights if isinstance(weights, Mapping) else {term: weights}
        wanted = list(value) if term.outputs > 1 else [value]
    else:
        wanted, given = [scalar(term, "learnt term")], weights
        if not isinstance(given, Mapping):
            raise InputError("an expression is read with {network: weights, parameter: number}; give fit.parameters")
    plain = {key: float(numbers("parameter", key, v)) for key, v in given.items() if isinstance(key, sympy.Symbol)}
    wanted = [_renamed(each, names).xreplace({k: sympy.Float(v) for k, v in plain.items()}) for each in wanted]
    networks = networks_in(postorder(wanted))
    if not networks:
        raise InputError(f"{term} holds no network; there is nothing to read back")
    known, _ = split_weights({n: given[k] for n in networks for k in (n.name, n) if k in given}, networks)
    _refuse_foreign(wanted, term, names, "the learnt term")
    return wanted, known


def _renamed(expression: Any, names: Names) -> Any:
    for symbol, held in names:
        expression = expression.xreplace({symbol: held})
    return expression


def _refuse_foreign(renamed: Sequence[Any], written: Any, names: Names, what: str) -> None:
    held = {symbol for _, symbol in names}
    if strange := sorted(map(str, {s for each in renamed for s in each.free_symbols} - held)):
        listed = ", ".join(str(symbol) for symbol, _ in names)
        raise InputError(
            f"{what} {written} holds {strange[0]}, which is no input: the inputs are {listed}. Add it to the inputs, "
            "or give its value with the weights"
        )


def read_functions(given: Sequence[Any], what: str, names: Names, ground: Ground) -> dict[Any, Any]:
    """{function as written: in held symbols}; refused where one is foreign, or not finite at some point."""
    written = [scalar(f, f"function of the {what}") for f in given]
    found = {f: _renamed(f, names) for f in written}
    for f, renamed in found.items():
        _refuse_foreign([renamed], f, names, f"the {what} function")
    if not found:
        return {}
    values = ground.rows(list(found.values()), {})
    bad = np.flatnonzero(~np.isfinite(values).all(axis=0))
    if bad.size:
        row = int(np.argmin(np.isfinite(values[:, bad[0]]))) % ground.points.shape[1]
        place = ", ".join(f"{s} = {x:.4g}" for (s, _), x in zip(_in_order(names), ground.points[:, row], strict=True))
        raise InputError(
            f"the {what} function {written[bad[0]]} is not finite at {place}; leave it out or narrow the domain"
        )
    return found


def _in_order(names: Names) -> list[tuple[Any, Any]]:
    return sorted(names, key=lambda pair: int(str(pair[1])[1:]))


def read_points(
    domain: Sequence[tuple[float, float]] | None, points: ArrayLike | None, inputs: Sequence[Any], seed: int
) -> Floats:
    """[d, n]."""
    d = len(inputs)
    if (domain is None) == (points is None):
        raise InputError("give either the domain, (lower, upper) for each input, or points [n, inputs]")
    if points is not None:
        read = numbers("option", "points", points)
        read = read[:, None] if read.ndim == 1 and d == 1 else read
        if read.ndim != 2 or read.shape[1] != d or not len(read):
            raise InputError(f"points have the shape {read.shape}; give [n, {d}]")
        return np.ascontiguousarray(read.T)
    assert domain is not None
    ends = numbers("option", "domain", domain)
    if ends.shape != (d, 2):
        raise InputError(f"the domain has the shape {ends.shape}; give (lower, upper) for each of {d} inputs")
    for x, (lower, upper) in zip(inputs, ends, strict=True):
        if not lower < upper:
            raise InputError(f"the domain of {x} leaves nothing between {lower:g} and {upper:g}; give (lower, upper)")
    from scipy.stats import qmc  # half a second to import, and needed here alone

    unit = qmc.Halton(d, seed=seed).random(EACH * d).T
    return np.asarray(ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * unit)


def read_roots(density: Any, points: Floats, held: tuple[Any, ...], names: Names, kernels: Kernels) -> Floats:
    """Roots of the weights [n] of points."""
    count = points.shape[1]
    if density is None:
        return np.ones(count)
    if isinstance(density, sympy.Expr):
        renamed = _renamed(density, names)
        _refuse_foreign([renamed], density, names, "the density")
        found = point_values(kernels, [renamed], held, points, {})[0]
    else:
        found = np.asarray(real_numbers("density of", "points", density))
        if found.shape != (count,):
            raise InputError(f"the density has the shape {found.shape}; give one number for each of {count} points")
    if not np.isfinite(found).all() or (found < 0).any() or not (found > 0).any():
        raise InputError("the density is negative, not finite or 0 everywhere; give weights of points")
    return np.sqrt(found)
