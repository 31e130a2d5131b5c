"""Forces from the potentials of particles: differentiated once, by distances, whatever the number of particles.

F_i = -dU_i/dr_i - sum_j [V'(r) + (g_i + g_j) . w'(r)] (r_i - r_j) / r, with pair potentials V, environments
rho_a(i) = sum_j w_a(r_ij) and g_a(i) = dU_i/drho_a; of weights that know directions in `surroundings`. With q = r^2 the
factor of r_i - r_j is -2 d/dq, which needs neither roots nor quotients of the distance where the potential does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy

from symphys.errors import UnsupportedError
from symphys.language.particle_sums import LABELS, ParticleSum, SumOver, sums_in, with_labels
from symphys.language.particle_symbols import LocalSymbol, basis, component, displacement, distance, multiplier, vector
from symphys.language.symbols import t
from symphys.mechanics.particles.coupling import Coupling, coupling_of
from symphys.mechanics.particles.read import ParticleAction
from symphys.mechanics.particles.surroundings import (
    CUTOFF,
    ONSET,
    SQUARE,
    Environment,
    Invariant,
    Surroundings,
    by_square,
    holds_directions,
    smoothed,
    turns_along,
)

I, J = LABELS[:2]


@dataclass(frozen=True)
class PairForce:
    """V(i, j) of the distance, and of the displacement's components where it says more.

    potential: V in `SQUARE`. factor: -2 dV/dq. along: [dim], -dV/dd_k at fixed distance; () where it vanishes.
    """

    over: SumOver
    potential: Any
    factor: Any
    along: tuple[Any, ...]


@dataclass(frozen=True)
class SiteForce:
    """U(i) in the components of r_i, what i sees and attributes, for one species or all.

    along: [dim], -dU/dr_k. slopes: dU/dI for each invariant I of the dynamics.
    """

    species: str | None
    potential: Any
    along: tuple[Any, ...]
    slopes: tuple[Any, ...]


@dataclass(frozen=True)
class BondedForce:
    """E(i, j, k, ...) along a list, in displacements; forces: [ends][dim]; pulls: terms of the sum of r . F.

    Bonds are not cut off, however long.
    """

    over: SumOver
    potential: Any
    forces: tuple[tuple[Any, ...], ...]
    pulls: tuple[Any, ...]


@dataclass(frozen=True)
class Held:
    """f(i, j, k, ...) = 0 along a list; written: f as the user wrote it, value: in displacements d.

    slopes: [ends][dim], df/dr_e. pulls: terms of the sum d . df/dd. bend: what f'' = sum df/dr_e . r''_e + bend has
    besides, quadratic in the velocities of the ends.
    """

    over: SumOver
    written: Any
    value: Any
    slopes: tuple[tuple[Any, ...], ...]
    pulls: tuple[Any, ...]
    bend: Any


@dataclass(frozen=True)
class ParticleDynamics:
    """m_i r''_i = F_i + r'_i x b_i - m_i r'_i / tau, as lowering takes it; where something is held, plus the forces
    that hold it.

    reciprocal: what i does to j comes back; not so for agents, each of which descends a loss of its own.
    smoothing: how pair potentials and weights end at the cutoff; None where they are cut off as they are.
    friction: 1 / tau, so many times the velocity is taken from the acceleration; None without.
    turning: b of the force r' x b, one component in a plane, three in space; () without.
    coupling: what is summed over all images of a box; of it `pairs` hold what is near.
    """

    particles: Any
    mass: Any
    sites: tuple[SiteForce, ...]
    pairs: tuple[PairForce, ...]
    environments: tuple[Environment, ...]
    invariants: tuple[Invariant, ...]
    bonded: tuple[BondedForce, ...]
    parameters: tuple[Any, ...]
    networks: tuple[Any, ...]
    reciprocal: bool = True
    smoothing: str | None = None
    friction: Any = None
    held: tuple[Held, ...] = ()
    turning: tuple[Any, ...] = ()
    coupling: Coupling | None = None

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that occur, sorted by name."""
        parts: list[Any] = [self.mass, self.friction or 0, *self.turning, *(site.potential for site in self.sites)]
        parts += [pair.potential for pair in self.pairs] + [bonded.potential for bonded in self.bonded]
        parts += [each.weight for each in self.environments] + [each.value for each in self.held]
        parts += [coefficient for each in self.invariants for coefficient, _ in each.terms]
        parts += [force for site in self.sites for force in site.along]
        symbols = {s for part in parts for s in sympy.sympify(part).free_symbols}
        return tuple(sorted({s.word for s in symbols if isinstance(s, LocalSymbol) and s.role == "attribute"}))

    @property
    def closed(self) -> bool:
        """Whether the energy is conserved: what is done comes back, nothing rubs, and nothing drives."""
        return self._plain and not self.timed

    @property
    def _plain(self) -> bool:
        """Whether what is done comes back, and nothing rubs."""
        return self.reciprocal and self.friction is None

    @cached_property
    def timed(self) -> bool:
        """Whether any force depends on the time itself."""
        parts: list[Any] = [*self.turning, *(part for site in self.sites for part in (site.potential, *site.along))]
        parts += [pair.potential for pair in self.pairs] + [bonded.potential for bonded in self.bonded]
        parts += [each.weight for each in self.environments]
        parts += [coefficient for each in self.invariants for coefficient, _ in each.terms]
        return any(sympy.sympify(part).has(t) for part in parts)

    @cached_property
    def translations(self) -> bool:
        """Whether all energies depend on displacements alone, so that the momentum is conserved."""
        alone = self.turning or any(any(site.along) for site in self.sites)
        return self._plain and not alone

    @cached_property
    def rotations(self) -> bool:
        """Whether all energies depend on distances and angles alone, so that the angular momentum is conserved."""
        seen = all(turns_along(self.invariants, self.environments, site.slopes) for site in self.sites)
        straight = seen and not any(pair.along for pair in self.pairs)
        listed = [(each.over, each.forces) for each in self.bonded] + [(each.over, each.slopes) for each in self.held]
        return self.translations and straight and all(_turns(*each) for each in listed)


def derive_particles(
    action: ParticleAction, smoothing: str | None = None, long_range: bool = False
) -> ParticleDynamics:
    """The forces of all potentials, with an end at the cutoff where `smoothing` asks for one.

    long_range: what goes as 1 / r is to be summed over all images; `UnsupportedError` where nothing does.
    """
    sites = [each for each in action.potentials if each.over.kind == "sum"]
    bonded = [each for each in action.potentials if each.over.bonds is not None]
    pairs = [each for each in action.potentials if each.over.kind == "pairs" and each.over.bonds is None]
    coupling = None
    if long_range:
        coupling, pairs = coupling_of(pairs)
    forces = [_pair(each, smoothing) for each in pairs]
    if coupling is not None:
        forces.append(_near(coupling, action.particles))
    seen = Surroundings(action.particles.dim, smoothing)
    seen.meet([each.body for each in sites])
    extra = {"shift": {CUTOFF}, "shift force": {CUTOFF}, "switch": {CUTOFF, ONSET}}.get(smoothing or "", set())
    alone = [_site(each.over.species[0], each.body, seen) for each in sites]
    if action.induced:
        alone.append(SiteForce(None, sympy.S.Zero, action.induced, (sympy.S.Zero,) * len(seen.invariants)))
    return ParticleDynamics(
        action.particles,
        action.mass,
        tuple(alone),
        tuple(forces),
        tuple(seen.environments),
        tuple(seen.invariants),
        tuple(_bonded(each) for each in bonded),
        tuple(p for p in action.parameters if p not in extra),
        action.networks,
        action.reciprocal,
        smoothing,
        action.friction,
        tuple(_held(each) for each in action.constraints),
        action.turning,
        coupling,
    )


def _site(species: str | None, body: Any, seen: Surroundings) -> SiteForce:
    body = body.xreplace(seen.known)
    along = tuple(-body.diff(component(I, 0, axis)) for axis in range(seen.dim))
    return SiteForce(species, body, along, tuple(body.diff(each.symbol) for each in seen.invariants))


def _pair(each: ParticleSum, smoothing: str | None) -> PairForce:
    if any(True for _ in sums_in(each.body)):
        raise UnsupportedError(f"an environment stands in the pair term {each.body}; put it into a sum over particles")
    strange = {s for s in each.body.free_symbols if isinstance(s, LocalSymbol) and s.role == "position"}
    if strange:
        raise UnsupportedError(
            f"the pair term {each.body} depends on places; write it in a.distance(b) and a.displacement(b)"
        )
    steps = [displacement(I, J, axis) for axis in range(each.over.particles.dim)]
    potential = _in_square(smoothed(each.body, distance(I, J), smoothing, steps))
    along = tuple(-potential.diff(step) for step in steps)
    return PairForce(each.over, potential, -2 * by_square(potential), along if any(along) else ())


def _near(coupling: Coupling, particles: Any) -> PairForce:
    """What is near of a sum over all images."""
    everyone = SumOver(particles, "pairs", (None, None))
    return PairForce(everyone, _in_square(coupling.near), _in_square(coupling.near_force), ())


def _in_square(body: Any) -> Any:
    return body.xreplace({distance(I, J): sympy.sqrt(SQUARE)})


def _bonded(each: ParticleSum) -> BondedForce:
    """Forces of an energy in displacements, distances and angles, by the chain rule through the displacements."""
    dim, labels = each.over.particles.dim, each.over.bound
    if any(True for _ in sums_in(each.body)):
        raise UnsupportedError(f"an environment stands in the term {each.body} of a list; put it into a sum")
    lengths = {s for s in each.body.free_symbols if isinstance(s, LocalSymbol) and s.role == "distance"}
    steps = {s: [displacement(s.labels[0], s.labels[1], axis) for axis in range(dim)] for s in lengths}
    body = each.body.xreplace({s: sympy.sqrt(sum(d**2 for d in steps[s])) for s in lengths})
    legs = {s for s in body.free_symbols if isinstance(s, LocalSymbol) and s.role == "displacement"}
    forces = []
    for label in labels:
        row = []
        for axis in range(dim):
            slopes = [
                body.diff(s) * (-1 if s.labels[0] == label else 1)
                for s in sorted(legs, key=str)
                if s.axis == axis and label in s.labels
            ]
            row.append(sympy.Add(*slopes))
        forces.append(tuple(row))
    pulls = tuple(-s * body.diff(s) for s in sorted(legs, key=str))
    return BondedForce(each.over, body, tuple(forces), pulls or (sympy.S.Zero,))


def _held(each: ParticleSum) -> Held:
    """A constraint with its derivatives, by the chain rule through the displacements."""
    like = _bonded(each)
    legs = sorted({s for s in like.potential.free_symbols if getattr(s, "role", "") == "displacement"}, key=str)
    rates = {s: component(s.labels[0], 1, s.axis) - component(s.labels[1], 1, s.axis) for s in legs}
    bend = sympy.Add(*(like.potential.diff(a, b) * rates[a] * rates[b] for a in legs for b in legs))
    bend = bend.replace(sympy.DiracDelta, lambda *_: sympy.S.Zero)  # of |d| on a line, which is nowhere 0
    slopes = tuple(tuple(-each for each in row) for row in like.forces)
    return Held(each.over, each.body, like.potential, slopes, tuple(-pull for pull in like.pulls), bend)


def _turns(over: SumOver, rows: tuple[tuple[Any, ...], ...]) -> bool:
    """Whether the torques of forces along a list add up to nothing, tested at a place of no symmetry."""
    dim = over.particles.dim
    spots = {label: [sympy.Rational(7 * i + 3 * k * k + 1, 5 + i + k) for k in range(dim)]
             for i, label in enumerate(over.bound)}  # fmt: skip
    values: dict[Any, Any] = {}
    for s in {s for row in rows for each in row for s in each.free_symbols}:
        if isinstance(s, LocalSymbol) and s.role == "displacement":
            values[s] = spots[s.labels[0]][s.axis or 0] - spots[s.labels[1]][s.axis or 0]
        else:
            values[s] = sympy.Rational(13, 11)
    forces = [[float(each.xreplace(values)) for each in row] for row in rows]
    size = sum(abs(f) for row in forces for f in row)
    for a in range(dim):
        for b in range(a):
            torque = sum(float(spots[label][a]) * row[b] - float(spots[label][b]) * row[a]
                         for label, row in zip(over.bound, forces, strict=True))  # fmt: skip
            if abs(torque) > 1e-9 * size * 20:
                return False
    return True


def equation_of(action: ParticleAction) -> Any:
    """m_i r''_i = F_i with pair forces as sums over the others, in vectors."""
    total = sympy.Add(*(_pull_of(each, action.reciprocal) for each in action.potentials))
    if action.friction is not None:
        total = total - action.mass * action.friction * vector("rate", I)
    total = total + sympy.Add(*(basis(k) * part for k, part in enumerate(action.induced)))
    if action.turning:
        total = total + sympy.Add(*(basis(k) * part for k, part in enumerate(_across(action.turning))))
    for number, each in enumerate(action.constraints):
        mark = f"_{number}" if len(action.constraints) > 1 else ""
        total = total + sympy.Function("grad_i")(each.over(multiplier(each.over.bound, mark) * each.body))
    return sympy.Eq(action.mass * vector("acceleration", I), total, evaluate=False)


def _across(b: tuple[Any, ...]) -> tuple[Any, ...]:
    """The components of v x b, b across the plane where it has one component."""
    v = [component(I, 1, axis) for axis in range(2 if len(b) == 1 else 3)]
    if len(b) == 1:
        return v[1] * b[0], -v[0] * b[0]
    return v[1] * b[2] - v[2] * b[1], v[2] * b[0] - v[0] * b[2], v[0] * b[1] - v[1] * b[0]


def _pull_of(each: ParticleSum, reciprocal: bool) -> Any:
    """The force on particle i from one sum of energies."""
    over, body, axes = each.over, each.body, range(each.over.particles.dim)
    if over.kind == "sum" and not holds_directions(body):
        total: Any = sympy.S.Zero
        for node in dict.fromkeys(sums_in(body)):
            slope = _slope_by(body, node)
            if reciprocal:
                slope = slope + with_labels(slope, {I: J})
            seen = SumOver(over.particles, "neighbours", node.over.species)
            total += seen(-slope * node.body.diff(distance(I, J)) * vector("direction", I, J))
        plain = body.xreplace({node: sympy.Symbol(f"rho_{k}") for k, node in enumerate(sums_in(body))})
        return total - sympy.Add(*(plain.diff(component(I, 0, axis)) * basis(axis) for axis in axes))
    if over.kind == "pairs":
        pull = -body.diff(distance(I, J)) * vector("direction", I, J)
        turn = sympy.Add(*(-body.diff(displacement(I, J, axis)) * basis(axis) for axis in axes))
        return SumOver(over.particles, "neighbours", over.species[1:], over.bonds)(pull + turn)
    return -sympy.Function("grad_i")(each)


def _slope_by(body: Any, node: Any) -> Any:
    """dU/drho of one environment, with the environment written again."""
    rho = sympy.Dummy("rho", real=True)
    return body.xreplace({node: rho}).diff(rho).xreplace({rho: node})
