"""Hamiltonians of spins one half as sums of Pauli strings, and the symmetries that are read off these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import InputError, UnsupportedError
from symphys.language.spins import SpinOperator

String = tuple[tuple[int, int], ...]  # (site, axis) by site; the empty string is the identity
X, Y, Z = range(3)


@dataclass(frozen=True)
class SpinTerms:
    """H = sum of coefficient times string, with real coefficients in `parameters`."""

    sites: int
    terms: Mapping[String, Any]
    parameters: tuple[Any, ...]

    def moved(self, permutation: tuple[int, ...]) -> Mapping[String, Any]:
        """The terms with site i renamed permutation[i]."""
        return {tuple(sorted((permutation[i], a) for i, a in s)): c for s, c in self.terms.items()}

    def invariant(self, permutation: tuple[int, ...]) -> bool:
        """Whether a renaming of sites leaves H as it is."""
        return self.moved(permutation) == self.terms

    @property
    def flips(self) -> bool:
        """Whether turning all spins over (y, z -> -y, -z) leaves H as it is."""
        return all(sum(axis != X for _, axis in string) % 2 == 0 for string in self.terms)

    @property
    def keeps_magnetisation(self) -> bool:
        """Whether [H, sum of sigma_z] = 0, string by string: X Z = -i Y, Y Z = i X."""
        found: dict[String, Any] = {}
        for string, coefficient in self.terms.items():
            for place, (site, axis) in enumerate(string):
                if axis == Z:
                    continue
                turned = (*string[:place], (site, Y if axis == X else X), *string[place + 1 :])
                found[turned] = found.get(turned, 0) + (coefficient if axis == Y else -coefficient)
        return all(sympy.expand(value) == 0 for value in found.values())


def read_spins(hamiltonian: Any) -> SpinTerms:
    """The Pauli strings of an expression in what `spins` made, numbers and parameters.

    Raises InputError for an expression without spins, with spins of different lattices, other operators, or spins in
    anything but products and sums; UnsupportedError for one that is not real in the basis of sigma_z.
    """
    expression = sympy.expand(sympy.sympify(hamiltonian))
    operators = [s for s in expression.free_symbols if isinstance(s, SpinOperator)]
    sizes = sorted({s.home[0] for s in operators})
    if len(sizes) != 1:
        listed = " and ".join(map(str, sizes))
        raise InputError(
            f"the Hamiltonian holds spins of lattices of {listed} sites; take all from one spins(sites)"
            if sizes
            else "the Hamiltonian holds no spins; write it in X, Y, Z = spins(sites)"
        )
    terms: dict[String, Any] = {}
    for term in sympy.Add.make_args(expression):
        numbers, factors = term.args_cnc()
        phase, string = _product(factors)
        coefficient = sympy.Mul(phase, *numbers)
        if string:
            terms[string] = terms.get(string, 0) + coefficient
        else:
            terms[()] = terms.get((), 0) + coefficient
    terms = {string: sympy.expand(c) for string, c in terms.items() if sympy.expand(c) != 0}
    for string, coefficient in terms.items():
        if coefficient.has(sympy.I):
            raise InputError(f"the Hamiltonian is not Hermitian: {_written(string)} has the coefficient {coefficient}")
        if sum(axis == Y for _, axis in string) % 2:
            raise UnsupportedError(f"{_written(string)} is imaginary in the basis of sigma_z; turn the spins about z")
    parameters = sorted({s for c in terms.values() for s in c.free_symbols}, key=str)
    return SpinTerms(sizes[0], terms, tuple(parameters))


def site_symmetries(terms: SpinTerms) -> tuple[tuple[int, ...], ...]:
    """All products of the shifts and the reflections of sites that leave H as it is, the identity first."""
    n = terms.sites
    shifts = [tuple((i + k) % n for i in range(n)) for k in range(n)]
    mirrored = [tuple((k - i) % n for i in range(n)) for k in range(n)]
    return tuple(p for p in (*shifts, *mirrored) if terms.invariant(p))


def _product(factors: list[Any]) -> tuple[Any, String]:
    """The phase and the string of a product of Pauli operators."""
    phase: Any = sympy.S.One
    axes: dict[int, int] = {}
    for factor in factors:
        base, power = factor.as_base_exp()
        if not isinstance(base, SpinOperator) or not power.is_Integer or power < 0:
            raise InputError(f"{factor} is no product of the operators that spins() makes")
        _, site, axis = base.home
        if power % 2 == 0:
            continue
        if site not in axes:
            axes[site] = axis
        elif (before := axes.pop(site)) != axis:
            axes[site] = 3 - before - axis
            phase *= sympy.I if (axis - before) % 3 == 1 else -sympy.I
    return phase, tuple(sorted(axes.items()))


def _written(string: String) -> str:
    return " ".join(f"sigma_{'xyz'[axis]}{site}" for site, axis in string) or "1"
