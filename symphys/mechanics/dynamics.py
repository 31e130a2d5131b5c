"""What derivations hand to lowering: equations of motion in jet symbols, with their structure, nothing simplified."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any

import sympy

from symphys.language.networks import networks_in
from symphys.mechanics.graph import postorder
from symphys.mechanics.jets import JetSpace
from symphys.mechanics.notation import latex, text


@dataclass(frozen=True)
class ConservedQuantity:
    """A constant of the motion: its name, the expression as users see it, the same in jet symbols, and its terms.

    The drift of a quantity is measured against the sum of the absolute values of its `terms`, so that it is defined
    where the quantity itself is zero.  `symmetry` is the `Symmetry` whose charge it is, where that is known.
    """

    name: str
    expression: Any
    jet: Any
    terms: tuple[Any, ...]
    symmetry: Any = None

    def __repr__(self) -> str:
        return f"{self.name} = {text(self.expression)}"

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle \text{{{self.name}}} = {latex(self.expression)}$"


@dataclass(frozen=True)
class Dynamics:
    """What first- and second-order systems have in common.

    time: the jet symbol of t.
    state: [n], the jet symbols of the state.
    labels: [n], what the user calls each component: theta1(t), Derivative(theta1(t), t), p(t), ...
    parameters: the user's own symbols.
    signals: (jet symbol, the user's u(t) or a derivative of it) for each input that occurs.
    conserved: the constants of the motion that are known.
    space: the jet space, with which any expression of the user's is translated (`to_jet`).
    balance: where energy comes from and goes to (`balance.EnergyBalance`); None where it has no energy that changes.
    damping: [n][n], A of v' = F(q, t) - A v, or p' = F(q, t) - A p, for linear friction with constant coefficients on a
    system that is separable without it; None for others.
    """

    time: Any
    state: tuple[Any, ...]
    labels: tuple[Any, ...]
    parameters: tuple[Any, ...]
    signals: tuple[tuple[Any, Any], ...]
    conserved: tuple[ConservedQuantity, ...]
    space: JetSpace
    balance: Any = field(default=None, kw_only=True)
    damping: tuple[tuple[Any, ...], ...] | None = field(default=None, kw_only=True)

    @cached_property
    def networks(self) -> tuple[Any, ...]:
        """The networks that occur in any expression here, sorted by name; their weights are parameters."""
        return networks_in(postorder(_expressions(self)))


def _expressions(value: Any) -> list[Any]:
    """The expressions in what a derivation says, however deep in tuples, mappings and records."""
    if isinstance(value, sympy.Basic):
        return [value] if isinstance(value, sympy.Expr) else []
    if is_dataclass(value):
        return [each for entry in fields(value) for each in _expressions(getattr(value, entry.name))]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
    return [each for part in parts for each in _expressions(part)]


@dataclass(frozen=True)
class SecondOrder(Dynamics):
    """M(q, v, t) a = F(q, v, t), with M regular at almost every point; the state is (q, v).

    coordinates, velocities: [n] jet symbols each.
    mass_matrix: [n][n], M_ij = d2L/dv_i dv_j.
    forcing: [n], F_i = dL/dq_i - sum_j (dp_i/dq_j) v_j - dp_i/dt + Q_i - dD/dv_i.
    momenta: [n], p_i = dL/dv_i.
    gradient: [n], dL/dq_i + Q_i - dD/dv_i, so that dp_i/dt = gradient_i.
    constant_mass: M depends on parameters alone, and is written so.
    diagonal_mass: all entries off the diagonal vanish.
    quadratic: L is of second degree in the velocities.
    separable: M is constant and F independent of the velocities.
    autonomous: neither L nor friction nor forces depend on time or on signals.
    conservative: there are no friction, forces or signals.
    positive: M was positive definite at random points with parameters within their assumptions (evidence, no proof).
    """

    coordinates: tuple[Any, ...]
    velocities: tuple[Any, ...]
    mass_matrix: tuple[tuple[Any, ...], ...]
    forcing: tuple[Any, ...]
    momenta: tuple[Any, ...]
    gradient: tuple[Any, ...]
    constant_mass: bool
    diagonal_mass: bool
    quadratic: bool
    separable: bool
    autonomous: bool
    conservative: bool
    positive: bool


@dataclass(frozen=True)
class FirstOrder(Dynamics):
    """matrix(x, t) x' = rates(x, t), with a matrix that is regular at almost every point, or None for the identity.

    rates: [n].
    matrix: [n][n] or None.
    pairs: indices (of q, of p) of pairs that are conjugate up to a constant factor; empty for a plain vector field.
    hamiltonian: the function that generates the flow, or None.
    separable: q' depends on p alone and p' on q and t alone (H = T(p) + V(q, t), without friction).
    autonomous: the rates depend neither on time nor on signals.
    conservative: there is a generating function, and no friction, forces or signals.
    """

    rates: tuple[Any, ...]
    matrix: tuple[tuple[Any, ...], ...] | None
    pairs: tuple[tuple[int, int], ...]
    hamiltonian: Any | None
    separable: bool
    autonomous: bool
    conservative: bool
