"""The matrix R of x' = (J - R) grad H + u: symmetric and positive semidefinite, so that friction takes energy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy

from symphys.errors import InputError
from symphys.mechanics.graph import is_opaque, postorder
from symphys.mechanics.jets import JetSpace, to_jet
from symphys.mechanics.manifold import table
from symphys.mechanics.probe import Probe, vanishes
from symphys.mechanics.read import scalar

Rows = tuple[tuple[Any, ...], ...]
_PROBES = 16  # points at each of which a matrix must fail before it is refused: parameters may have any sign


def read_resistive(given: Any, variables: Sequence[Any]) -> Rows:
    """R [2n][2n] as users write it: {x: c} for the diagonal, {(x, y): c} for pairs, or a matrix in the order (q, p).

    Raises `InputError` for what is neither, for things outside the pairs, and for a matrix of another shape or one that
    is not symmetric.
    """
    size = len(variables)
    rows = [[sympy.S.Zero] * size for _ in range(size)]
    if given is None:
        return tuple(map(tuple, rows))
    if isinstance(given, sympy.MatrixBase):
        if given.shape != (size, size):
            names = ", ".join(map(str, variables))
            raise InputError(f"The dissipation is a matrix of shape {given.shape}, not {size} x {size} for {names}.")
        read = [[scalar(given[i, j], f"dissipation of {x} and {y}") for j, y in enumerate(variables)]
                for i, x in enumerate(variables)]  # fmt: skip
        for i in range(size):
            for j in range(i):
                if not vanishes((read[i][j] - read[j][i],)):
                    raise InputError(
                        f"The dissipation is not symmetric: {read[i][j]} for {variables[i]} and {variables[j]}, but "
                        f"{read[j][i]} for {variables[j]} and {variables[i]}; what is skew belongs to the Hamiltonian."
                    )
        return tuple(map(tuple, read))
    if not isinstance(given, Mapping):
        raise InputError(f"dissipation must be a mapping {{p: expression}} or a matrix, not a {type(given).__name__}.")
    for key, value in given.items():
        pair = key if isinstance(key, tuple) and len(key) == 2 else (key, key)
        for thing in pair:
            if thing not in variables:
                names = ", ".join(map(str, variables))
                raise InputError(
                    f"dissipation was given for {thing}, which is in no canonical pair; these hold {names}."
                )
        i, j = (list(variables).index(thing) for thing in pair)
        read_value = scalar(value, f"dissipation of {key}")
        if rows[i][j] != 0:
            raise InputError(f"The dissipation of {variables[i]} and {variables[j]} is given twice; it is symmetric.")
        rows[i][j] = rows[j][i] = read_value
    return tuple(map(tuple, rows))


def check_resistive(written: Rows, variables: Sequence[Any], space: JetSpace) -> Rows:
    """The matrix in jet symbols; raises `InputError` for one that is not positive semidefinite."""
    for i, variable in enumerate(variables):
        if written[i][i].is_negative:
            raise InputError(f"The dissipation {written[i][i]} of {variable} is negative: it would feed energy in.")
    rows = tuple(tuple(to_jet(entry, space) for entry in row) for row in written)
    coupled = any(entry != 0 for i, row in enumerate(rows) for entry in row[:i])
    entries = [entry for row in rows for entry in row]
    if coupled and not any(is_opaque(node) for node in postorder(entries)):
        least = [_least_eigenvalue(table(Probe(seed), rows)) for seed in range(_PROBES)]
        if all(value < 0 for value in least):
            raise InputError(
                "The dissipation is not positive semidefinite, so that it would feed energy in: its least eigenvalue "
                f"was {max(least):.4g} of the largest at best, at {_PROBES} random points. Make the diagonal larger."
            )
    return rows


def _least_eigenvalue(rows: Any) -> float:
    """The least eigenvalue by the largest; 0 where it is not below zero by more than rounding, or undefined."""
    if not np.isfinite(rows).all():
        return 0.0
    values = np.linalg.eigvalsh(rows)
    ratio = float(values[0] / np.abs(values).max()) if np.abs(values).max() > 0 else 0.0
    return ratio if ratio < -1e-9 else 0.0
