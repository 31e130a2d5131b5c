"""Lagrangians that are sums over particles: the kinetic energy, and the potentials of particles and pairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy

from symphys.errors import InputError, UnsupportedError
from symphys.language.names import natural_order
from symphys.language.networks import networks_in
from symphys.language.particle_sums import LABELS, SEEN, ParticleSum, SumOver, sums_in
from symphys.language.particle_symbols import LocalSymbol, component, rate_squared
from symphys.language.symbols import t
from symphys.mechanics.action import constraint_list
from symphys.mechanics.particles.velocities import beyond_one, friction_of, potential_and_turning


@dataclass(frozen=True)
class ParticleAction:
    """L = sum_i m_i |r'_i|^2 / 2 - potentials.

    mass: m_i, in attributes of particle i and parameters. potentials: sums of energies U, so that L holds -U.
    reciprocal: what i does to j comes back; not so for agents, whose potentials are losses of their own.
    friction: 1 / tau of agents that forget, or c / m: r'' = ... - r' / tau; None without.
    turning: b of the force r' x b, one component in a plane, three in space; () without. induced: -dA/dt, the force
    that comes with a b that changes; () without.
    constraints: sums along lists, each of whose terms vanishes.
    """

    particles: Any
    expression: Any
    mass: Any
    potentials: tuple[ParticleSum, ...]
    reciprocal: bool = True
    friction: Any = None
    constraints: tuple[ParticleSum, ...] = ()
    turning: tuple[Any, ...] = ()
    induced: tuple[Any, ...] = ()

    @cached_property
    def parameters(self) -> tuple[Any, ...]:
        """Every symbol that belongs to no particle, sorted by name."""
        felt = (self.friction or 0, *self.turning, *self.induced)
        return parameters_of((self.mass, *self.potentials, *self.constraints, *felt))

    @cached_property
    def networks(self) -> tuple[Any, ...]:
        """The networks among the terms, sorted by name."""
        terms = (*self.potentials, *self.turning, *self.induced)
        return networks_in(node for each in terms for node in sympy.preorder_traversal(each))


def parameters_of(expressions: Any) -> tuple[Any, ...]:
    """The symbols of some expressions that belong to no particle, sorted by name."""
    found = {s for e in expressions for s in sympy.sympify(e).free_symbols if not isinstance(s, LocalSymbol)}
    return tuple(sorted(found - {t}, key=lambda s: natural_order(s.name)))


def holds_particles(expression: Any) -> bool:
    """Whether an expression holds sums over particles."""
    return isinstance(expression, sympy.Basic) and any(True for _ in sums_in(expression))


def read_particles(expression: Any, constraints: Iterable[Any] = (), dissipation: Any = 0) -> ParticleAction:
    """The parts of a Lagrangian of particles.

    Raises `InputError` for two families of particles, terms that are no sum, a missing or unfit kinetic energy,
    constraints that go along no list, a dissipation that is not of single particles, and `UnsupportedError` for
    products of sums, for potentials that depend on velocities, and constraints that depend on velocities or time.
    """
    expression = sympy.sympify(expression)
    terms = [_single(term) for term in sympy.Add.make_args(sympy.expand_mul(expression, deep=False))]
    families = sorted({each.over.particles for each in terms}, key=str)
    if len(families) > 1:
        raise InputError(
            f"the Lagrangian holds two families of particles, {families[0]} and {families[1]}; make them species of one"
        )
    mass: Any = sympy.S.Zero
    potentials: list[ParticleSum] = []
    turning: list[Any] = []
    induced: list[Any] = []
    for each in terms:
        body = each.body
        if each.over.kind == "sum":
            part, body = _kinetic(each)
            mass += part
            body, turned, pushed = potential_and_turning(body, each.over.bound[0], families[0].dim)
            if (turned or pushed) and each.over.species != (None,):
                raise InputError("velocities enter for one species alone; give all a charge, 0 where they have none")
            turning, induced = _added(turning, turned), _added(induced, pushed)
        _check_static(body)
        potential = each.over(-body)
        if potential != 0:
            potentials.append(potential)
    _check_mass(families[0], mass)
    held = tuple(_constraint(each, families[0]) for each in constraint_list(constraints))
    friction = _friction(dissipation, families[0], mass) if dissipation != 0 else None
    given = (families[0], expression, mass, joined(potentials))
    return ParticleAction(*given, friction=friction, constraints=held, turning=tuple(turning), induced=tuple(induced))


def _added(total: list[Any], more: tuple[Any, ...]) -> list[Any]:
    """Sums by component; () is no vector."""
    return [a + b for a, b in zip(total or [0] * len(more), more, strict=True)] if more else total


def _friction(dissipation: Any, particles: Any, mass: Any) -> Any:
    """1 / tau of a Rayleigh function; InputError for one that is not of these particles, one by one."""
    read = sympy.sympify(dissipation)
    coefficient: Any = sympy.S.Zero
    rest: Any = sympy.S.Zero
    for term in sympy.Add.make_args(sympy.expand_mul(read, deep=False)):
        found = list(sums_in(term))
        if len(found) != 1 or found[0].over.kind != "sum" or found[0].over.particles != particles:
            return friction_of(coefficient, sympy.S.One, read, mass)
        part, other = _by_speed(_single(term))
        if other is None or found[0].over.species != (None,):
            return friction_of(coefficient, sympy.S.One, read, mass)
        coefficient, rest = coefficient + part, rest + other
    return friction_of(coefficient, rest, read, mass)


def _constraint(given: Any, particles: Any) -> ParticleSum:
    """A sum along a list, each of whose terms is to vanish, from an expression or an equation."""
    if isinstance(given, sympy.Equality):
        given = given.lhs - given.rhs
    given = sympy.sympify(given)
    if len(list(sums_in(given))) != 1 or not given.is_Mul | isinstance(given, ParticleSum):
        raise InputError(
            f"the constraint {given} is no sum along a list; write {particles}.pairs(lambda a, b: a.distance(b) - "
            "length, along=bonds), whose every term is held at 0"
        )
    each = _single(given)
    if each.over.particles != particles or each.over.bonds is None:
        raise InputError(
            f"the constraint {each} goes along no list of {particles}; say whom it binds: {particles}.pairs(..., "
            "along=bonds), or triples or quadruples"
        )
    if any(True for _ in sums_in(each.body)) or networks_in(sympy.preorder_traversal(each.body)):
        raise UnsupportedError(
            f"the constraint {each} holds a sum or a network; write it in distances, displacements and angles of those "
            "it binds"
        )
    allowed = ("distance", "displacement", "attribute")
    strange = {s for s in each.body.free_symbols if isinstance(s, LocalSymbol) and s.role not in allowed}
    if strange or each.body.has(t):
        what = "the time" if each.body.has(t) else "places or velocities"
        raise UnsupportedError(
            f"the constraint {each} depends on {what}; write it in distances, displacements and angles of those that "
            "it binds"
        )
    if not {s for s in each.body.free_symbols if isinstance(s, LocalSymbol) and s.role != "attribute"}:
        raise InputError(f"the constraint {each} says nothing about places; write it in a.distance(b) and the like")
    return each


def joined(sums: list[ParticleSum]) -> tuple[ParticleSum, ...]:
    """Sums over the same as one sum."""
    bodies: dict[SumOver, Any] = {}
    for each in sums:
        bodies[each.over] = bodies.get(each.over, sympy.S.Zero) + each.body
    return tuple(made for over, body in bodies.items() if (made := over(body)) != 0)


def _single(term: Any) -> ParticleSum:
    """c S as the sum of c times the term of S."""
    found = list(sums_in(term))
    if not found:
        raise InputError(
            f"the Lagrangian holds {term}, which belongs to no particle; put it inside a sum over particles, or leave "
            "it out"
        )
    factor = term / found[0] if len(found) == 1 else None
    if factor is None or any(True for _ in sums_in(factor)):
        raise UnsupportedError(
            f"{term} is no multiple of one sum over particles; only sums of energies of particles, pairs and "
            "environments are derived"
        )
    if found[0].over.kind in SEEN:
        raise InputError(f"{found[0]} is seen by one particle; put it into a sum, atoms.sum(lambda a: ...)")
    return found[0].over(factor * found[0].body)


def _kinetic(each: ParticleSum) -> tuple[Any, Any]:
    """m_i and what else is in a sum over single particles, from a term m_i |r'_i|^2 / 2."""
    mass, rest = _by_speed(each)
    if rest is None:
        raise UnsupportedError(
            f"the term {each.body} of the Lagrangian is not quadratic in the speed; particles move with a kinetic "
            "energy m |v|^2 / 2"
        )
    if mass != 0 and each.over.species != (None,):
        raise InputError("a kinetic energy of one species alone was given; give masses to all, as values of atoms.mass")
    return mass, rest


def _by_speed(each: ParticleSum) -> tuple[Any, Any]:
    """c and the rest of a term c |r'_i|^2 / 2 + rest in either spelling; the rest is None where there is none such."""
    (label,), dim = each.over.bound, each.over.particles.dim
    rates = [component(label, 1, axis) for axis in range(dim)]
    square = rate_squared(label)
    body = sympy.expand(each.body, deep=False) if each.body.has(square, *rates) else each.body
    curvatures = {sympy.simplify(body.diff(rate, 2)) for rate in rates}
    if len(curvatures) == 1 and curvatures != {0}:
        (curvature,) = curvatures
        body = sympy.expand(body - curvature * sum(rate**2 for rate in rates) / 2) + curvature * square / 2
    slope = body.diff(square)
    rest = body - slope * square if slope == 0 else sympy.expand(body - slope * square)
    return 2 * slope, None if rest.has(square) or slope.has(square, *rates) else rest


def _check_static(body: Any) -> None:
    """Potentials know places, attributes and the time alone."""
    strange = {s for s in body.free_symbols if isinstance(s, LocalSymbol) and s.role in ("velocity", "speed squared")}
    if strange:
        raise UnsupportedError(f"the potential {-body} depends on velocities; only those of places are derived")
    for each in sums_in(body):
        if each.over.kind not in SEEN:
            raise UnsupportedError(f"{each} stands inside another sum; only environments do")


def _check_mass(particles: Any, mass: Any) -> None:
    if mass == 0:
        raise InputError(
            f"the Lagrangian holds no velocities of {particles}; add {particles}.sum(lambda a: {particles}.mass(a) * "
            "a.speed_squared / 2)"
        )
    strange = {s for s in mass.free_symbols if isinstance(s, LocalSymbol) and s.role != "attribute"}
    if strange:
        raise UnsupportedError(f"the mass {mass} of particle {LABELS[0]} depends on where it is; masses are constant")
    if beyond_one(mass):
        raise UnsupportedError(
            f"the mass {mass} of particle {LABELS[0]} depends on the time or on other particles; masses are constant"
        )
