"""A Hamiltonian (or an energy) as a sum of parts whose flows are known exactly, told from the structure of each part.

A part H_A moves x = (q, p) by x' = J grad H_A. Its rates fall into components that do not act on each other, and each
component has one of three flows, or is refused:

    shear    x' = f(what stands still)               free motion, potentials alone, cyclic pairs
    linear   x' = A x + b, A and b standing still    oscillators, uniform fields, rotating frames
    Kepler   q' = a p, p' = -k q / |q|^3             in two or more dimensions, a and k standing still

For a Lagrangian with a constant mass matrix M the parts are energies in (q, q'), and x' = (M^-1 dE/dv, -M^-1 dE/dq).
Source: McLachlan and Quispel, Acta Numerica 11 (2002) 341, sections 2 and 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symphys.errors import InputError, MethodError
from symphys.mechanics.constrained import Constrained
from symphys.mechanics.differentiate import gradient
from symphys.mechanics.dynamics import Dynamics, FirstOrder, SecondOrder
from symphys.mechanics.graph import free_symbols, substitute
from symphys.mechanics.jets import from_jet, to_jet
from symphys.mechanics.probe import depends, nearly_vanishes, vanishes, vanishing
from symphys.mechanics.read import scalar
from symphys.mechanics.solve import solve_linear
from symphys.mechanics.structure import settled
from symphys.mechanics.tidy import readable

KNOWN = (
    "known are: rates that depend only on what the part leaves standing (kinetic or potential energy alone, cyclic "
    "pairs), linear rates (H of second degree), and Kepler's motion p^2/(2 m) - k/|q| in two or three dimensions"
)


@dataclass(frozen=True)
class Shear:
    """x_i' = rates_i, which stand still, for i in `moving`."""

    moving: tuple[int, ...]
    rates: tuple[Any, ...]


@dataclass(frozen=True)
class Linear:
    """x' = rates = matrix x + rest for the components `moving`, with a matrix [n][n] that stands still."""

    moving: tuple[int, ...]
    rates: tuple[Any, ...]
    matrix: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Kepler:
    """q' = a w, w' = -k q / |q|^3 for the components `q` and `w`; a and k stand still, k is negative if it repels."""

    q: tuple[int, ...]
    w: tuple[int, ...]
    a: Any
    k: Any

    @property
    def moving(self) -> tuple[int, ...]:
        """The components that move."""
        return (*self.q, *self.w)


Component = Shear | Linear | Kepler


@dataclass(frozen=True)
class Part:
    """One part of a split: what the user wrote, and its flow as that of components that leave each other alone."""

    expression: Any
    components: tuple[Component, ...]


@dataclass(frozen=True)
class Phase:
    """Which components are conjugate (q_i, w_i), and M of p = M w, None where w is the momentum itself."""

    dynamics: Dynamics
    q: tuple[int, ...]
    w: tuple[int, ...]
    mass_matrix: tuple[tuple[Any, ...], ...] | None

    def rates(self, energy: Any) -> tuple[Any, ...]:
        """x' of the whole state as `energy`, in jet symbols, moves it."""
        state = self.dynamics.state
        by_w = gradient(energy, [state[i] for i in self.w])
        by_q = tuple(-slope for slope in gradient(energy, [state[i] for i in self.q]))
        if self.mass_matrix is not None:
            what = "A split of an energy"
            by_w, by_q = (solve_linear(self.mass_matrix, slopes, what) for slopes in (by_w, by_q))
        found = dict(zip((*self.q, *self.w), (*by_w, *by_q), strict=True))
        return tuple(found[i] for i in range(len(state)))


def derive_split(dynamics: Dynamics, energy: Any, split: Sequence[Any]) -> tuple[Part, ...]:
    """The parts of a split, each with its flow.

    energy: the Hamiltonian or the energy function in jet symbols. split: at least two expressions of the user's.

    Raises, in this order: `InputError` for a split that is no sequence of at least two real expressions in the
    symbols of the system; `MethodError` for a system without canonical structure; `InputError`, with the remainder,
    for parts that do not add up to the energy; `MethodError` where friction or forces are in no part, and for a part
    without a known flow.
    """
    if not isinstance(split, Sequence) or isinstance(split, str) or len(split) < 2:
        raise InputError(f"split = {split!r}; give a tuple of at least two expressions, such as split=(H_A, H_B)")
    jets = tuple(to_jet(scalar(_plain(each), "part of the split"), dynamics.space) for each in split)
    _check_symbols(dynamics, jets)
    phase = _phase(dynamics)
    _check_sum(phase, energy, jets)
    return tuple(
        Part(expression, _components(phase, jet, expression)) for expression, jet in zip(split, jets, strict=True)
    )


def _plain(part: Any) -> Any:
    """The expression of a Hamiltonian system that stands for a part."""
    return getattr(part, "expression", part)


def _check_symbols(dynamics: Dynamics, jets: Sequence[Any]) -> None:
    allowed = {*dynamics.state, *dynamics.parameters, dynamics.time, *(symbol for symbol, _ in dynamics.signals)}
    if strange := sorted(free_symbols(jets) - allowed, key=str):
        names = ", ".join(str(label) for label in (*dynamics.labels, *dynamics.parameters))
        raise InputError(
            f"{from_jet(strange[0], dynamics.space)} in the split is no quantity of this system, which has {names}; "
            "write the parts in these, and a number for what is free to choose"
        )


def _phase(dynamics: Dynamics) -> Phase:
    """The canonical structure of a system; MethodError where there is none that a split could use."""
    n = len(dynamics.state) // 2
    if isinstance(dynamics, FirstOrder) and dynamics.hamiltonian is not None and dynamics.matrix is None:
        return Phase(dynamics, tuple(q for q, _ in dynamics.pairs), tuple(p for _, p in dynamics.pairs), None)
    if isinstance(dynamics, SecondOrder) and dynamics.separable and not isinstance(dynamics, Constrained):
        return Phase(dynamics, tuple(range(n)), tuple(range(n, 2 * n)), dynamics.mass_matrix)
    raise MethodError(
        "a split needs canonical variables: a Hamiltonian, or a Lagrangian without constraints whose mass matrix is "
        "constant and whose forces do not depend on the velocities; write this system as a Hamiltonian"
    )


def _check_sum(phase: Phase, energy: Any, jets: Sequence[Any]) -> None:
    dynamics = phase.dynamics
    remainder = energy - sympy.Add(*jets)
    # a constant moves nothing; numbers that were multiplied out are rounded
    slopes = [gradient(each, dynamics.state) for each in (remainder, energy, *jets)]
    if not nearly_vanishes(*slopes):
        rest = from_jet(readable(remainder), dynamics.space)
        raise InputError(f"the parts of the split do not add up to the energy: {rest} is left over; add it to a part")
    if isinstance(dynamics, FirstOrder):
        outer = tuple(r - s for r, s in zip(dynamics.rates, phase.rates(energy), strict=True))
    else:
        assert isinstance(dynamics, SecondOrder)
        pulls = gradient(energy, dynamics.coordinates)
        outer = tuple(force + pull for force, pull in zip(dynamics.forcing, pulls, strict=True))
    if not vanishes(outer):
        raise MethodError(
            "friction, forces or inputs act on this system beside its energy, and no part of the split has them; "
            "choose a method without a split"
        )


def _components(phase: Phase, jet: Any, expression: Any) -> tuple[Component, ...]:
    """The flow of one part, component by component; MethodError where one is not known."""
    state, rates = phase.dynamics.state, phase.rates(jet)
    moving = [i for i, still in enumerate(vanishing(rates)) if not still]
    symbols = {state[i]: i for i in moving}
    acts: dict[int, set[int]] = {}  # what acts on each rate
    for i in moving:
        present = [s for s in symbols if s in free_symbols((rates[i],))]
        acts[i] = {symbols[s] for s in present if depends((rates[i],), (s,))}
    found: list[Component] = []
    standing: list[int] = []
    for group in _groups(moving, acts):
        if not any(acts[i] for i in group):
            standing += group
            continue
        component = _linear(state, rates, group, tuple(symbols)) or _kepler(phase, rates, group, tuple(symbols))
        if component is None:
            names = ", ".join(str(phase.dynamics.labels[i]) for i in group)
            raise MethodError(
                f"the part {_plain(expression)} of the split has no known flow for {names}; {KNOWN}. Split it further."
            )
        found.append(component)
    if standing:
        found.insert(0, Shear(tuple(standing), tuple(rates[i] for i in standing)))
    return tuple(found)


def _groups(moving: Sequence[int], acts: dict[int, set[int]]) -> list[list[int]]:
    """The components that act on each other, in order."""
    label = {i: i for i in moving}
    for i in moving:
        for j in acts[i]:
            old, new = max(label[i], label[j]), min(label[i], label[j])
            label = {k: new if each == old else each for k, each in label.items()}
    return [[i for i in moving if label[i] == group] for group in sorted(set(label.values()))]


def _linear(state: Sequence[Any], rates: Sequence[Any], group: Sequence[int], moving: Sequence[Any]) -> Linear | None:
    """The component as x' = A x + b, or None."""
    own = [state[i] for i in group]
    matrix = settled([gradient(rates[i], own) for i in group], moving)
    if depends([entry for row in matrix for entry in row], moving):
        return None
    return Linear(tuple(group), tuple(rates[i] for i in group), matrix)


def _kepler(phase: Phase, rates: Sequence[Any], group: Sequence[int], moving: Sequence[Any]) -> Kepler | None:
    """The component as Kepler's motion, or None."""
    state = phase.dynamics.state
    pairs = [(i, j) for i, j in zip(phase.q, phase.w, strict=True) if i in group and j in group]
    q, w = tuple(i for i, _ in pairs), tuple(j for _, j in pairs)
    if len(pairs) < 2 or len(pairs) * 2 != len(group):
        return None
    a = gradient(rates[q[0]], (state[w[0]],))[0]
    if depends((a,), moving) or not vanishes([rates[i] - a * state[j] for i, j in pairs]):
        return None
    (a,) = settled([[a]], moving)[0]
    # on the first axis, at distance 1, the force is -k
    unit = {state[i]: sympy.S.One if i == q[0] else sympy.S.Zero for i in q}
    (k,) = substitute((-rates[w[0]],), unit)
    if k.has(sympy.nan, sympy.zoo, sympy.oo) or depends((k,), moving):
        return None
    (k,) = settled([[k]], moving)[0]
    cube = sympy.Add(*(state[i] ** 2 for i in q)) ** sympy.Rational(3, 2)
    misses = tuple(rates[j] + k * state[i] / cube for i, j in pairs)
    return Kepler(q, w, a, k) if nearly_vanishes(misses, [rates[j] for j in w]) else None


def flow_names(part: Part) -> str:
    """The flows of a part in words, as `explain()` gives them."""
    words = {Shear: "shear", Linear: "linear flow", Kepler: "Kepler flow"}
    kinds = [words[type(component)] for component in part.components]
    counted = [f"{kinds.count(kind)} {kind}s" if kinds.count(kind) > 1 else kind for kind in dict.fromkeys(kinds)]
    return " and ".join(counted) or "nothing moves"


__all__ = ["Component", "Kepler", "Linear", "Part", "Shear", "derive_split", "flow_names"]
