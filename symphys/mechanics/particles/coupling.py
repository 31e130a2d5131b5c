"""Terms c q_i q_j / r among pair energies, which sums over all images in a box take apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import UnsupportedError
from symphys.language.particle_sums import LABELS, ParticleSum, locals_in, with_labels
from symphys.language.particle_symbols import distance
from symphys.language.symbols import t

I, J = LABELS[:2]
SPLIT = sympy.Symbol("a_e", positive=True)  # the inverse length by which the sum is split


@dataclass(frozen=True)
class Coupling:
    """c q_i q_j / r between all pairs. factor: c, in parameters. charge: q_i, in attributes and parameters."""

    factor: Any
    charge: Any

    @property
    def near(self) -> Any:
        """What is left of it near by: c q_i q_j erfc(a r) / r."""
        r = distance(I, J)
        return self._both * sympy.erfc(SPLIT * r) / r

    @property
    def near_force(self) -> Any:
        """-2 d/d(r^2) of that."""
        r = distance(I, J)
        x = SPLIT * r
        return self._both * (sympy.erfc(x) + 2 * x * sympy.exp(-(x**2)) / sympy.sqrt(sympy.pi)) / r**3

    @property
    def _both(self) -> Any:
        return self.factor * self.charge * with_labels(self.charge, {I: J})


def coupling_of(pairs: list[ParticleSum]) -> tuple[Coupling, list[ParticleSum]]:
    """The coupling in some pair energies, and what these are without it.

    Raises `UnsupportedError` where there is none, or one of some species only, and for a strength that is no product of
    a number of each particle.
    """
    r, strengths, rest = distance(I, J), [], []
    for each in pairs:
        terms = sympy.Add.make_args(sympy.expand(each.body))
        inverse = [term * r for term in terms if r not in (term * r).free_symbols]
        if inverse and each.over.species != (None, None):
            raise UnsupportedError(
                f"the term {each} goes as 1 / r between species alone; a sum over all images is taken over all pairs, "
                "with a charge of each particle as an attribute"
            )
        strengths += inverse
        left = each.over(sympy.Add(*(term for term in terms if r in (term * r).free_symbols)) if inverse else each.body)
        if left != 0:
            rest.append(left)
    if not strengths:
        raise UnsupportedError(
            "a sum over all images was asked for, but no pair term goes as 1 / r; write c * q(a) * q(b) / "
            "a.distance(b), or leave long_range out"
        )
    coupling = _factored(sympy.Add(*strengths))
    if coupling.charge.has(t):
        _refuse(sympy.Add(*strengths))
    return coupling, rest


def _factored(strength: Any) -> Coupling:
    """c and q_i from the strength of 1 / r."""
    factor, own, others = sympy.S.One, sympy.S.One, sympy.S.One
    for part in sympy.Mul.make_args(sympy.factor(strength)):
        labels = {label for s in locals_in(part) for label in s.labels}
        if len(labels) > 1:
            _refuse(strength)
        if not labels:
            factor *= part
        elif labels == {I}:
            own *= part
        else:
            others *= part
    ratio = sympy.simplify(others / with_labels(own, {I: J}))
    if locals_in(ratio):
        _refuse(strength)
    return Coupling(factor * ratio, own)


def _refuse(strength: Any) -> None:
    raise UnsupportedError(
        f"the strength {strength} of 1 / r is no product of a number of each particle; a sum over all images needs "
        "c * q(a) * q(b) / a.distance(b)"
    )
