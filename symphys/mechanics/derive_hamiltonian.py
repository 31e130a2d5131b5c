"""Hamilton's equations, Poisson brackets, and the dynamics of Hamiltonian systems and vector fields."""

from typing import Any

import sympy

from symphys.mechanics.balance import EnergyBalance, port_balance
from symphys.mechanics.damping import port_damping
from symphys.mechanics.differentiate import directional, gradient
from symphys.mechanics.dynamics import ConservedQuantity, FirstOrder
from symphys.mechanics.energy import additive_terms
from symphys.mechanics.graph import free_symbols
from symphys.mechanics.jets import from_jet
from symphys.mechanics.phase_space import Flow, PhaseSpace
from symphys.mechanics.probe import depends, vanishes, vanishing
from symphys.mechanics.read import name_of
from symphys.mechanics.symmetries.phase_space import Motion, polynomial_laws
from symphys.mechanics.tidy import readable


def hamilton_rates(system: PhaseSpace) -> tuple[Any, ...]:
    """q' = dH/dp and p' = -dH/dq, less friction R grad H, plus the inputs (van der Schaft, Jeltsema,
    "Port-Hamiltonian Systems Theory", 2014, eq. 4.1); in jet symbols, q first.
    """
    n = len(system.positions)
    slopes = gradient(system.hamiltonian, system.state)
    canonical = (*slopes[n:], *(-slope for slope in slopes[:n]))
    return tuple(
        rate - lost + push for rate, lost, push in zip(canonical, _lost(system, slopes), system.pushes, strict=True)
    )


def _lost(system: PhaseSpace, slopes: tuple[Any, ...]) -> tuple[Any, ...]:
    """R grad H."""
    return tuple(sympy.Add(*(r * slope for r, slope in zip(row, slopes, strict=True))) for row in system.friction)


def poisson_bracket(f: Any, g: Any, system: PhaseSpace) -> Any:
    """{f, g} = sum df/dq dg/dp - df/dp dg/dq, so that {q, p} = 1 (Goldstein, section 9.5); all in jet symbols."""
    n = len(system.positions)
    df, dg = gradient(f, system.state), gradient(g, system.state)
    return sympy.Add(*(df[i] * dg[n + i] - df[n + i] * dg[i] for i in range(n)))


def liouville_rate(density: Any, system: PhaseSpace) -> Any:
    """-div(rho x'), the explicit rate of a density rho on phase space; -{rho, H} for a Hamiltonian alone."""
    if all(each == 0 for each in (*system.resistive, *system.pushes)):
        return -poisson_bracket(density, system.hamiltonian, system)
    rates = hamilton_rates(system)
    slopes = gradient(density, system.state)
    spread = [gradient(rate, (x,))[0] for rate, x in zip(rates, system.state, strict=True)]
    return -sympy.Add(*(slope * rate + density * each for slope, rate, each in zip(slopes, rates, spread, strict=True)))


def is_closed(system: PhaseSpace) -> bool:
    """Whether there are no friction and no inputs."""
    signals = set(_input_symbols(system.space, system.inputs))
    return vanishes((*system.resistive, *system.pushes)) and not free_symbols((system.hamiltonian,)) & signals


def derive_hamiltonian_dynamics(system: PhaseSpace) -> FirstOrder:
    """The dynamics of a Hamiltonian system, with the structure of its Hamiltonian."""
    n = len(system.positions)
    rates, state, space = hamilton_rates(system), system.state, system.space
    signals = _input_symbols(space, system.inputs)
    frictionless = vanishes(system.resistive)
    q, p = state[:n], state[n:]
    present = _present(signals, (*rates, system.hamiltonian), space)
    return FirstOrder(
        balance=hamiltonian_balance(system, [s for s in signals if s not in dict(present)]),
        damping=port_damping(system, rates, signals),
        time=space.time,
        state=state,
        labels=(*system.positions, *system.momenta),
        parameters=system.parameters,
        signals=present,
        conserved=hamiltonian_conserved(system),
        space=space,
        rates=rates,
        matrix=None,
        pairs=tuple((i, n + i) for i in range(n)),
        hamiltonian=system.hamiltonian,
        separable=frictionless and not depends(rates[:n], (*q, space.time, *signals)) and not depends(rates[n:], p),
        autonomous=not depends(rates, (space.time, *signals)),
        conservative=is_closed(system),
    )


def hamiltonian_balance(system: PhaseSpace, unknown: list[Any]) -> EnergyBalance | None:
    """dH/dt = -grad H . R grad H + grad H . u + dH/dt|explicit; `unknown` are input symbols not in the equations."""
    slopes = gradient(system.hamiltonian, system.state)
    outer = {s: rate for s, rate in system.space.total_derivative.items() if s not in system.state}
    (explicit,) = directional((system.hamiltonian,), outer)
    return port_balance(
        additive_terms(system.hamiltonian),
        sympy.Add(*(slope * lost for slope, lost in zip(slopes, _lost(system, slopes), strict=True))),
        sympy.Add(*(slope * push for slope, push in zip(slopes, system.pushes, strict=True))),
        explicit,
        unknown,
    )


def derive_flow_dynamics(flow: Flow, laws: tuple[ConservedQuantity, ...] | None = None) -> FirstOrder:
    """The dynamics of a vector field, of which nothing is known beyond its rates.

    laws: what is conserved, where that is known; by default it is searched for.
    """
    signals = _input_symbols(flow.space, flow.inputs)
    return FirstOrder(
        time=flow.space.time,
        state=flow.state,
        labels=flow.variables,
        parameters=flow.parameters,
        signals=_present(signals, flow.rates, flow.space),
        conserved=_flow_conserved(flow, signals) if laws is None else laws,
        space=flow.space,
        rates=flow.rates,
        matrix=None,
        pairs=(),
        hamiltonian=None,
        separable=False,
        autonomous=not depends(flow.rates, (flow.space.time, *signals)),
        conservative=False,
    )


def _flow_conserved(flow: Flow, signals: tuple[Any, ...]) -> tuple[ConservedQuantity, ...]:
    """Variables with rate zero, and `polynomial_laws`."""
    evident = [
        _quantity(name_of(x), (symbol,), flow)
        for x, symbol, constant in zip(flow.variables, flow.state, vanishing(flow.rates), strict=True)
        if constant
    ]
    return polynomial_laws(Motion(flow.space, flow.state, flow.rates, flow.parameters, signals), evident)


def hamiltonian_conserved(system: PhaseSpace) -> tuple[ConservedQuantity, ...]:
    """The energy if nothing depends on time, momenta and coordinates with rate zero, and `polynomial_laws`."""
    found = []
    closed = is_closed(system)
    if closed and not depends((system.hamiltonian,), (system.space.time,)):
        found.append(_quantity("energy", additive_terms(system.hamiltonian), system))
    names = [f"momentum {name_of(q)}" for q in system.positions]
    names = [f"coordinate {name_of(q)}" for q in system.positions] + names
    for name, symbol, constant in zip(names, system.state, vanishing(hamilton_rates(system)), strict=True):
        if constant:
            found.append(_quantity(name, (symbol,), system))
    return polynomial_laws(
        Motion(
            system.space,
            system.state,
            hamilton_rates(system),
            system.parameters,
            _input_symbols(system.space, system.inputs),
            system.hamiltonian,
            system.positions,
        ),
        found,
    )


def _quantity(name: str, terms: tuple[Any, ...], system: PhaseSpace | Flow) -> ConservedQuantity:
    jet = sympy.Add(*terms)
    return ConservedQuantity(name, from_jet(readable(jet), system.space), jet, tuple(terms))


def _input_symbols(space: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(space.symbol(function, order) for function in inputs for order in range(space.depth + 1))


def _present(signals: tuple[Any, ...], expressions: tuple[Any, ...], space: Any) -> tuple[tuple[Any, Any], ...]:
    present = free_symbols(expressions)
    return tuple((symbol, space.to_user[symbol]) for symbol in signals if symbol in present)
