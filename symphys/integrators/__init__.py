"""Integrators as data and plain arithmetic: tableaus, splittings, collocation, Taylor series, step-size control.

A method is a validated record with its citation; a step is a function of numbers that know + and *. A new method is
one file that exports `METHODS`, and its line in `METHODS` below.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from symphys.integrators import (
    aba,
    blanes_moan,
    dop853,
    dopri5,
    euler,
    external,
    gauss_legendre,
    kahan_li,
    mclachlan,
    rattle,
    rk4,
    saba,
    sofroniou_spaletta,
    suzuki,
    taylor,
    tsit5,
    verlet,
    vern7,
    vern9,
    yoshida,
)
from symphys.integrators.choose import Method, is_adaptive, kind_of, method_named, names_by_kind
from symphys.integrators.external import External
from symphys.integrators.gauss import Gauss
from symphys.integrators.rattle import Rattle
from symphys.integrators.splitting import Splitting
from symphys.integrators.tableau import ExplicitTableau
from symphys.integrators.taylor import Taylor

__all__ = [
    "METHODS",
    "ExplicitTableau",
    "External",
    "Gauss",
    "Method",
    "Rattle",
    "Splitting",
    "Taylor",
    "is_adaptive",
    "kind_of",
    "method_named",
    "names_by_kind",
]


def _by_name(*families: Iterable[Method]) -> Mapping[str, Method]:
    methods = [method for family in families for method in family]
    names = [method.name for method in methods]
    if len(set(names)) != len(names):
        raise ValueError(f"two methods share a name among {names}")
    return MappingProxyType(dict(zip(names, methods, strict=True)))


METHODS: Mapping[str, Method] = _by_name(
    euler.METHODS,
    rk4.METHODS,
    dopri5.METHODS,
    tsit5.METHODS,
    vern7.METHODS,
    dop853.METHODS,
    vern9.METHODS,
    verlet.METHODS,
    suzuki.METHODS,
    yoshida.METHODS,
    kahan_li.METHODS,
    mclachlan.METHODS,
    blanes_moan.METHODS,
    sofroniou_spaletta.METHODS,
    saba.METHODS,
    aba.METHODS,
    gauss_legendre.METHODS,
    rattle.METHODS,
    taylor.METHODS,
    external.METHODS,
)
