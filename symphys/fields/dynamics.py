"""What a density hands to lowering: rates of fields in jet symbols, laws and structure; nothing simplified."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symphys.fields.jets import FieldJets, Index, Nonlocal


@dataclass(frozen=True)
class Unknown:
    """One field of the state, or the derivative of one where the equations hold nothing lower.

    field: the user's field; index: which derivative of it is evolved (by space alone; all zero but for densities such
    as that of Korteweg and de Vries in its potential, whose equation is one for phi_x).
    complex: whether it is; the rate of the conjugate is the conjugate of the rate.
    order: 1 or 2, the order of its equation in time.
    jet, velocity: the jet symbols of the unknown and of its first derivative by time (state where order is 2).
    label: what users write for it, and for its velocity.
    """

    field: Any
    index: Index
    complex: bool
    order: int
    jet: Any
    velocity: Any
    label: Any
    velocity_label: Any


@dataclass(frozen=True)
class Law:
    """A conservation law d(density)/dt + div flux = 0, in jet symbols of the state alone.

    terms: the additive terms of the density; drifts are measured against the sum of their absolute values.
    flux: one component for each axis of space; None where the density is non-local, so that only its integral is kept.
    symmetry: the symmetry whose current it is, where that is known.
    """

    name: str
    terms: tuple[Any, ...]
    flux: tuple[Any, ...] | None
    symmetry: Any = None


@dataclass(frozen=True)
class Constraint:
    """An equation without a rate, such as Gauss's law: `residual` (in jet symbols) vanishes at all times.

    field: the field (A[0]) whose variation it comes from, and which has no equation of motion.
    """

    field: Any
    residual: Any


@dataclass(frozen=True)
class Convolved:
    """A derivative of a convolution that occurs: `symbol` stands for D_index (kernel * argument).

    The argument of `term` is in jet symbols, among them perhaps those of other convolutions, which come before it.
    """

    symbol: Any
    term: Nonlocal
    index: Index


@dataclass(frozen=True)
class Structure:
    """What the choice of an integrator asks.

    order: 1 or 2 where all unknowns have equations of this order in time, 0 where they are mixed.
    separable: order 2, and no rate depends on velocities (kick and drift).
    friction: order 2, and rate_a = F_a(no velocities) - friction_a velocity_a, with friction_a free of fields; the
        coefficients (zeros where separable), else None.
    linear: [a][b] {index: c}, the part of rate_a linear in the derivatives of unknown b with coefficients c of
        parameters alone; of order-1 unknowns all of it but for an unknown's own undifferentiated term, which counts as
        local.
    remainder: [a], rate_a without `linear`.
    local: [a], V with remainder_a = -i V_a psi_a for complex unknowns of order 1, where V_a is free of derivatives,
        real, and unchanged by phases of any unknown, so that remainder alone is solved by exp(-i V dt); None if not so.
    conservative: neither dissipation nor sources.
    autonomous: nothing depends on time explicitly or through given functions.
    """

    order: int
    separable: bool
    friction: tuple[Any, ...] | None
    linear: tuple[tuple[Mapping[Index, Any], ...], ...]
    remainder: tuple[Any, ...]
    local: tuple[Any, ...] | None
    conservative: bool
    autonomous: bool

    @property
    def kind(self) -> str:
        """ "wave" (separable, order 2), "damped wave", "schroedinger" (linear part and local phases), or "other"."""
        if self.separable:
            return "wave"
        if self.friction is not None:
            return "damped wave"
        return "schroedinger" if self.local is not None else "other"


@dataclass(frozen=True)
class Uneven:
    """Terms of a density that a grid sums over sites before it varies them; see `symphys.fields.uneven`.

    terms: of the density, in jet symbols. stands: {symbol: field}, what stands in `rates` (those of the unknowns) for
    dS/d(conjugate of the field), S the integral of the terms. jets: those of the theory and of these symbols.
    """

    terms: tuple[Any, ...]
    stands: Mapping[Any, Any]
    rates: tuple[Any, ...]
    jets: FieldJets


@dataclass(frozen=True)
class FieldDynamics:
    """d^order unknown_a / dt^order = rates_a(jets of the state, coordinates, given functions, parameters).

    coordinates: the spacetime symbols, the time first; they stand for themselves in jet expressions.
    unknowns, rates: [n] each; rates hold no derivative by time of order-1 unknowns and none above the first of order-2
        ones.
    constraints: equations without rates, with the fields that they leave undetermined.
    parameters: the user's symbols.
    given: jet symbols of external functions and fields that do not vary, in everything below and in the rates.
    convolutions: those that occur in rates, energy and laws, inner ones first.
    energy: the additive terms of the Hamiltonian density.
    laws: conservation laws that hold, the energy first.
    jets: the jet space, with `jet(symbol)`, `symbol(function, index, conjugated)` and `from_jet`.
    networks: those that occur in anything here, sorted by name; their weights are parameters.
    uneven: what a grid discretises before it is varied; None where there is nothing of the kind.
    places: {symbol: (axis of space, sites)}, coordinates of neighbouring sites; per: {symbol: axis of space}, one over
        the spacing of a grid. Both occur on grids alone.
    """

    coordinates: tuple[Any, ...]
    unknowns: tuple[Unknown, ...]
    rates: tuple[Any, ...]
    constraints: tuple[Constraint, ...]
    parameters: tuple[Any, ...]
    given: tuple[Any, ...]
    convolutions: tuple[Convolved, ...]
    energy: tuple[Any, ...]
    laws: tuple[Law, ...]
    structure: Structure
    jets: FieldJets
    networks: tuple[Any, ...] = ()
    uneven: Uneven | None = None
    places: Mapping[Any, tuple[int, int]] = field(default_factory=dict)
    per: Mapping[Any, int] = field(default_factory=dict)

    @property
    def time(self) -> Any:
        """The coordinate of time."""
        return self.coordinates[0]

    @property
    def axes(self) -> tuple[Any, ...]:
        """The coordinates of space."""
        return self.coordinates[1:]
