"""Sums of plane waves with unknown amplitudes, which satisfy linear equations by construction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike

from symphys.errors import InputError
from symphys.simulate.inputs import numbers
from symphys.systems.network import network


def plane_waves(name: str, coordinates: Sequence[Any], phases: ArrayLike) -> Any:
    """sum_j c_j exp(i (K_j0 x_0 + K_j1 x_1 + ...)) with unknown complex amplitudes c_j, as one opaque term.

    coordinates: x, of spacetime as a rule. phases: K [m, n], what each wave's phase gains by each coordinate: (-omega,
        k) for exp(i (k x - omega t)), so that with the omega of each k the sum satisfies its wave equation by
        construction. The real part is a sum of real waves.

    A network without hidden layers carries the amplitudes: its weights are Re c [m], -Im c [m], and a number without
    effect. Raises `InputError` for a name that is none and for phases of another shape.
    """
    rows = numbers("phases of", name, phases)
    if rows.ndim != 2 or rows.shape[1] != len(coordinates) or not len(rows):
        raise InputError(f"the phases of {name} have the shape {rows.shape}; give [waves, {len(coordinates)}]")
    turned = np.column_stack([rows / (2 * np.pi), np.ones(len(rows))])  # the last input is a phase in turns
    carrier = network(name, inputs=len(coordinates) + 1, hidden=(), features=turned)

    def shifted(quarters: int) -> Any:
        # half a turn changes the sign of every wave and leaves the bias as it is
        turn = sympy.Rational(quarters, 4)
        half = sympy.Rational(1, 2)
        return (carrier(*coordinates, turn) - carrier(*coordinates, turn + half)) / 2

    return shifted(0) + sympy.I * shifted(-1)
