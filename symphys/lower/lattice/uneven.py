"""Uneven terms of a density on the sites of a grid, as sums that are varied after they were discretised.

A term P(phi, phi_x, ...) of the density becomes, at every site i,

    sum_k w_k mean_s P(phi_i, s_x (phi_{i + s_x k} - phi_i) / (k dx), ...),    s = +1, -1 for each axis of its slopes,

with w_k = k^2 c_k of the weights c_k of the central second difference, so that sum_k w_k = 1 and sum_k w_k k^(2 j) = 0:
the means hold even powers of k dx alone, and the order is that of the differences. For P = phi_x^2 / 2 this is what the
other terms are, phi times the second difference. Varied by phi_i it gives

    sum_k w_k mean_s (dP/dphi - sum_a s_a / (k dx_a) (dP/dphi_a + the same at site i + s_a k with the same slope)).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import sympy

from symphys.discretise import Grid, central_weights, reach_of
from symphys.fields.derive import given_in
from symphys.fields.dynamics import FieldDynamics, Law
from symphys.fields.jets import FieldJets, Index
from symphys.fields.uneven import is_uneven, slope_axes, squared_slope
from symphys.language.fields import is_complex_field
from symphys.mechanics.differentiate import gradient
from symphys.mechanics.graph import free_symbols, substitute


def on_sites(dynamics: FieldDynamics, order: int, ends: Sequence[tuple[str, str]]) -> FieldDynamics:
    """The theory with its uneven terms as differences of an order make them, `ends` by axis of space.

    Along axes whose ends are held what is watched has all squared slopes so: no summation by parts is at hand there.
    """
    jets, held = dynamics.jets, tuple(a for a, both in enumerate(ends, start=1) if "dirichlet" in both)
    if dynamics.per or (dynamics.uneven is None and not held):
        return dynamics
    sums, values = _Sums(jets, order, held), {}
    rates = dynamics.rates
    if dynamics.uneven is not None:
        for symbol, each in dynamics.uneven.stands.items():
            values[symbol] = sums.varied(dynamics.uneven.terms, each)
            if is_complex_field(each):
                values[dynamics.uneven.jets.conjugate(symbol)] = jets.conjugated(values[symbol])
        rates = substitute(dynamics.uneven.rates, values)
    energy = tuple(map(sums.total, dynamics.energy))
    laws = tuple(Law(law.name, tuple(map(sums.total, law.terms)), law.flux, law.symmetry) for law in dynamics.laws)
    read = (*rates, *energy, *(term for law in laws for term in law.terms))
    given = tuple(dict.fromkeys((*dynamics.given, *given_in(read, jets))))
    per = {symbol: axis for axis, symbol in sums.per.items()}
    return replace(dynamics, rates=rates, energy=energy, laws=laws, given=given, places=sums.places, per=per)


def with_spacings(dynamics: FieldDynamics, grid: Grid) -> FieldDynamics:
    """The rates of a theory on sites with the spacings of a grid put in."""
    numbers = {symbol: sympy.Float(1.0 / grid.axes[axis].spacing) for symbol, axis in dynamics.per.items()}
    return replace(dynamics, rates=substitute(dynamics.rates, numbers))


@dataclass(frozen=True)
class _View:
    """Where an expression is read: `base`, in sites from here, and the differences of its slopes, each to a neighbour
    `sign` k sites further on along its axis (of space); k: how far.
    """

    base: Index
    k: int
    signs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Sums:
    jets: FieldJets
    order: int
    held: tuple[int, ...]
    places: dict[Any, tuple[int, int]] = field(default_factory=dict)
    per: dict[int, Any] = field(default_factory=dict)

    def total(self, density: Any) -> Any:
        """A density with the terms that are summed over sites as they stand there."""
        terms = sympy.Add.make_args(sympy.expand(density))
        if not any(map(self._summed, terms)):
            return density
        return sympy.Add(*(self._mean(term) if self._summed(term) else term for term in terms))

    def _summed(self, term: Any) -> bool:
        return is_uneven(term, self.jets) or squared_slope(term, self.jets) in self.held

    def _mean(self, term: Any) -> Any:
        return sympy.Add(*(w * self._read(term, view) for w, view in self._views(slope_axes(term, self.jets))))

    def varied(self, terms: Sequence[Any], of: Any) -> Any:
        """dS/d(conjugate of a field) at the site, S the sum over sites of all terms."""
        by_axes: dict[tuple[int, ...], list[Any]] = {}
        for term in terms:
            by_axes.setdefault(slope_axes(term, self.jets), []).append(term)
        bar, found = is_complex_field(of), []
        for axes, group in by_axes.items():
            symbols = [self.jets.symbol(of, conjugated=bar)]
            symbols += [self.jets.symbol(of, self.jets.axis(axis), bar) for axis in axes]
            local, *fluxes = gradient(sympy.Add(*group), symbols)
            for w, view in self._views(axes):
                found.append(w * self._read(local, view))
                for (axis, sign), flux in zip(view.signs, fluxes, strict=True):
                    there = replace(view, base=_ahead(view.base, axis, sign * view.k))
                    both = self._read(flux, view) + self._read(flux, there, view)
                    found.append(-w * sign * self._per(axis) / view.k * both)
        return sympy.Add(*found)

    def _views(self, axes: Sequence[int]) -> Iterator[tuple[Any, _View]]:
        """The views of a sum over k and signs, with their weights; axes: of spacetime."""
        r, here = reach_of(2, self.order), (0,) * (len(self.jets.coordinates) - 1)
        for k, c in enumerate(central_weights(2, self.order)[r + 1 :], start=1):
            for signs in product((1, -1), repeat=len(axes)):
                pairs = tuple((axis - 1, sign) for axis, sign in zip(axes, signs, strict=True))
                yield sympy.Rational(c.numerator * k * k, c.denominator * 2 ** len(axes)), _View(here, k, pairs)

    def _read(self, expression: Any, view: _View, along: _View | None = None) -> Any:
        """An expression as a view has it.

        along: the view from whose site the step to this one was made; the slope along that step is the same from both.
        """
        jets, signs, there = self.jets, dict(view.signs), {}
        for symbol in jets.present((expression,)):
            jet = jets.jet(symbol)
            assert jet is not None
            if jet.function in jets.fields and any(jet.index):
                axis = jet.index.index(1) - 1
                stepped = along is not None and along.base[axis] != view.base[axis]
                base = along.base if along is not None and stepped else view.base
                plain = replace(jet, index=jets.zero)
                ahead = jets.of(plain.moved(_ahead(base, axis, signs[axis] * view.k)))
                slope = signs[axis] * self._per(axis) / view.k * (ahead - jets.of(plain.moved(base)))
                there[symbol] = slope
            else:
                depends = jet.function.args
                own = (n if x in depends else 0 for x, n in zip(jets.coordinates[1:], view.base, strict=True))
                there[symbol] = jets.of(jet.moved(tuple(own)))
        for axis, (place, n) in enumerate(zip(jets.coordinates[1:], view.base, strict=True)):
            if n and place in free_symbols((expression,)):
                there[place] = self._place(axis, n)
        return substitute((expression,), there)[0]

    def _per(self, axis: int) -> Any:
        if axis not in self.per:
            self.per[axis] = sympy.Dummy(f"per_{self.jets.coordinates[axis + 1]}", positive=True)
        return self.per[axis]

    def _place(self, axis: int, sites: int) -> Any:
        known = {there: symbol for symbol, there in self.places.items()}
        if (axis, sites) not in known:
            symbol = sympy.Dummy(f"{self.jets.coordinates[axis + 1]}[{sites:+d}]", real=True)
            self.places[symbol] = (axis, sites)
            return symbol
        return known[axis, sites]


def _ahead(base: Index, axis: int, sites: int) -> Index:
    return tuple(n + sites * (a == axis) for a, n in enumerate(base))
