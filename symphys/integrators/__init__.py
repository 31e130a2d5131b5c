"""Integrators as data and plain arithmetic: tableaus, splittings, collocation, Taylor series, step-size control.

A method is a validated record with its citation; a step is a function of numbers that know + and *. A new method is
one file that exports `METHODS`, and its line in `METHODS` below.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from symphys.integrators import (
    dop853,
    gauss_legendre,
    kahan_li,
    rk4,
    tsit5,
    verlet,
    yoshida,
)
from symphys.integrators.gauss import Gauss
from symphys.integrators.splitting import Splitting
from symphys.integrators.tableau import ExplicitTableau

Method = ExplicitTableau | Splitting | Gauss


def _by_name(families: Iterable[tuple[Method, ...]]) -> Mapping[str, Method]:
    methods = [method for family in families for method in family]
    names = [method.name for method in methods]
    assert len(set(names)) == len(names), "two methods of one name"
    return MappingProxyType(dict(zip(names, methods, strict=True)))


METHODS: Mapping[str, Method] = _by_name(
    (
        rk4.METHODS,
        tsit5.METHODS,
        dop853.METHODS,
        verlet.METHODS,
        yoshida.METHODS,
        kahan_li.METHODS,
        gauss_legendre.METHODS,
    )
)

__all__ = ["METHODS", "ExplicitTableau", "Gauss", "Method", "Splitting"]
