"""Spins one half on sites: Pauli operators as SymPy symbols that do not commute."""

from __future__ import annotations

from typing import Any

import sympy

from symphys.errors import InputError

AXES = "xyz"
MOST = 24  # sites: a table of 2^24 states takes 64 MiB


class SpinOperator(sympy.Symbol):
    """sigma_x, sigma_y or sigma_z of one site among `sites`; axis 0, 1 or 2."""

    home: tuple[int, int, int]  # sites, site, axis

    def __new__(cls, name: str, home: tuple[int, int, int]) -> Any:
        """A symbol of its own, outside of SymPy's cache."""
        made = sympy.Symbol.__xnew__(cls, name, commutative=False)
        made.home = home
        return made

    def __getnewargs_ex__(self) -> Any:
        return (self.name, self.home), {}

    def _hashable_content(self) -> Any:
        return (*super()._hashable_content(), self.home)


def spins(sites: int) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
    """(X, Y, Z), the Pauli operators of each site: X[3] * X[4] acts on two neighbours; X[0] Y[0] = i Z[0].

    Raises `InputError` for fewer than one site, or more than 24, whose states are no longer listed one by one.
    """
    if not isinstance(sites, int) or not 1 <= sites <= MOST:
        raise InputError(f"sites = {sites!r}; give a whole number from 1 to {MOST}")
    x, y, z = (
        tuple(SpinOperator(f"sigma_{name}{site}", (sites, site, axis)) for site in range(sites))
        for axis, name in enumerate(AXES)
    )
    return x, y, z
