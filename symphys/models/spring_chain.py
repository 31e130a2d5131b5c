"""A chain of equal masses and springs between two walls: coupled oscillators and their normal modes; SI units."""

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Add, Integer

from symphys.language import coordinates, dot, parameters
from symphys.models.model import Model, Setting, Values
from symphys.systems import Lagrangian


def build(n: int) -> Setting:
    """L = sum_i m x_i'^2 / 2 - sum_i k (x_{i+1} - x_i)^2 / 2, displacements from rest, walls at x_0 = x_{n+1} = 0."""
    x = coordinates(f"x1:{n + 1}")
    m, k = parameters("m k", positive=True)
    v = [dot(each) for each in x]
    held = (Integer(0), *x, Integer(0))

    def exact(times: NDArray[Any], initial: Values, values: Values) -> Mapping[Any, NDArray[Any]]:
        """Mode j: displacements sin(i j pi / (n + 1)) at the rate w_j = 2 sqrt(k / m) sin(j pi / (2 (n + 1)))."""
        order = np.arange(1, n + 1)
        modes = np.sqrt(2 / (n + 1)) * np.sin(np.outer(order, order) * np.pi / (n + 1))  # its own inverse
        w = 2 * np.sqrt(values[k] / values[m]) * np.sin(order * np.pi / (2 * (n + 1)))[:, None]
        place, rate = (modes @ np.array([[initial[label]] for label in labels]) for labels in (x, v))
        c, s = np.cos(w * times), np.sin(w * times)
        rows = (*(modes @ (place * c + rate / w * s)), *(modes @ (rate * c - w * place * s)))
        return dict(zip((*x, *v), rows, strict=True))

    stretched = [(b - a) ** 2 for a, b in pairwise(held)]
    return Setting(
        Lagrangian(m * Add(*(each**2 for each in v)) / 2 - k * Add(*stretched) / 2),
        {m: 1.0, k: 1.0},
        {**{each: float(i == 0) for i, each in enumerate(x)}, **dict.fromkeys(v, 0.0)},
        exact,
    )


MODEL = Model(
    name="spring_chain",
    title="six masses between seven springs and their normal modes",
    source="Goldstein, Classical Mechanics, 3rd ed., chapter 6; Crawford, Waves, section 2.4",
    build=partial(build, 6),
    t_span=(0.0, 50.0),
    dt=0.02,
)
