"""Which integrator suits a system, and why: `method="auto"` holds one for fixed steps and one for tolerances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy

from codegen import walk
from symphys.errors import MethodError
from symphys.integrators import (
    METHODS,
    ExplicitTableau,
    External,
    Gauss,
    Method,
    Rattle,
    Splitting,
    Taylor,
    is_adaptive,
    method_named,
)
from symphys.lower.flow import Flow
from symphys.mechanics.constrained import Constrained
from symphys.mechanics.dynamics import Dynamics, FirstOrder, SecondOrder
from symphys.mechanics.jets import from_jet

TAYLOR_NODES = 60  # costly operations of the rates up to which unrolled Taylor series compile in about two seconds
_KINKS = (sympy.Piecewise, sympy.Abs, sympy.sign, sympy.Min, sympy.Max, sympy.Heaviside, sympy.floor, sympy.ceiling)
_CHEAP = frozenset({"constant", "variable", "add", "sub", "neg"})


@dataclass(frozen=True)
class Choice:
    """The method for fixed steps, the one for tolerances (None where the named one has no such form), and why."""

    fixed: Method | None
    adaptive: Method | None
    reason: str

    def explain(self) -> str:
        """The choice in words."""
        lines = [self.reason]
        if self.fixed is not None:
            lines.append(f"with dt: {_describe(self.fixed)}")
        if self.adaptive is not None:
            lines.append(f"with rtol: {_describe(self.adaptive)}")
        return "\n".join(lines)


def _describe(method: Method) -> str:
    order = f" of order {method.order}" if isinstance(method, ExplicitTableau | Splitting | Gauss | Rattle) else ""
    return f"{method.name}, {kind_words(method)}{order} ({method.source})"


def kind_words(method: Method) -> str:
    """What kind of method it is, in a few words."""
    words = {
        ExplicitTableau: "explicit Runge-Kutta",
        Splitting: "symplectic splitting",
        Gauss: "implicit symplectic Gauss collocation",
        Rattle: "RATTLE, symplectic with constraints,",
        Taylor: "Taylor series, of an order that follows from the tolerance",
        External: "stiff, through SciPy",
    }
    return words[type(method)]


def choose(dynamics: Dynamics, flow: Flow, name: str) -> Choice:
    """The methods that `name` stands for; MethodError where it is unknown or does not suit the system."""
    if name == "auto":
        return _automatic(dynamics, flow)
    method = method_named(name, METHODS)
    check_suits(dynamics, flow, method)
    adaptive = method if is_adaptive(method) else None
    fixed = method if isinstance(method, Splitting | Gauss | Rattle | ExplicitTableau) else None
    return Choice(fixed, adaptive, f"method {name!r} was asked for.")


def check_suits(dynamics: Dynamics, flow: Flow, method: Method) -> None:
    """MethodError, with the reason, where a method cannot integrate a system."""
    constrained = isinstance(dynamics, Constrained)
    if isinstance(method, Rattle) and (reason := why_no_rattle(dynamics)):
        raise MethodError(f"method {method.name!r} does not suit this system: {reason}. Choose 'gauss4' or 'auto'.")
    if constrained and isinstance(method, Splitting | External):
        raise MethodError(
            f"method {method.name!r} ({kind_words(method)}) does not hold constraints; choose 'rattle', 'gauss4', "
            "'dop853', or 'auto'."
        )
    if isinstance(method, Splitting):
        if not flow.q:
            raise MethodError(
                f"method {method.name!r} is a splitting and needs a separable system, H = T(p) + V(q): "
                f"{why_not_separable(dynamics)}. Choose 'gauss4' (symplectic, any system), 'rk4', or 'auto'."
            )
        if method.requires_quadratic_kinetic and flow.damping is not None:
            raise MethodError(
                f"method {method.name!r} needs kicks by forces of the coordinates alone, and here friction takes part "
                "in them; choose 'yoshida6' or 'auto'"
            )
        if method.requires_quadratic_kinetic and not isinstance(dynamics, SecondOrder) and not _linear_drift(flow):
            raise MethodError(
                f"method {method.name!r} needs a kinetic energy quadratic in the momenta; choose 'yoshida6' or 'auto'"
            )
    if isinstance(method, Taylor) and (reason := why_no_taylor(dynamics, flow)):
        raise MethodError(f"method 'taylor' does not suit this system: {reason}. Choose 'dop853' or 'auto'.")


def why_no_rattle(dynamics: Dynamics) -> str:
    """Why RATTLE cannot integrate a system; empty where it can."""
    if not isinstance(dynamics, Constrained):
        return "it has no constraints"
    if len(dynamics.holonomic) < len(dynamics.constraints):
        return "it has constraints on velocities, which no symplectic method holds"
    if not dynamics.separable:
        return why_not_separable(dynamics)[len("here ") :]
    return "" if dynamics.positive else "its mass matrix is not positive definite"


def _linear_drift(flow: Flow) -> bool:
    """Whether q' is linear in p with constant coefficients: no operation of the drift is non-linear in p."""
    assert flow.drift is not None
    momenta = {flow.arguments.state[i] for i in flow.p}
    touched: set[bytes] = set()
    roots = [n for s in flow.drift.body for n in (getattr(s, "value", None),) if n is not None] + list(
        flow.drift.results
    )
    for n in walk(roots):
        if n in momenta:
            touched.add(n.key)
        hit = [a for a in n.args if a.key in touched]
        if not hit:
            continue
        linear = (
            n.op in ("add", "sub", "neg")
            or (n.op == "mul" and len(hit) == 1)
            or (n.op == "div" and n.args[1] not in hit)
        )
        if not linear:
            return False
        touched.add(n.key)
    return True


def why_not_separable(dynamics: Dynamics) -> str:
    """What couples coordinates and momenta."""
    if isinstance(dynamics, SecondOrder):
        if not dynamics.constant_mass:
            return "here the mass matrix depends on the coordinates"
        return "here the forces depend on the velocities"
    return "here the rates of the coordinates depend on the coordinates, or those of the momenta on the momenta"


def why_no_taylor(dynamics: Dynamics, flow: Flow) -> str:
    """Why Taylor mode cannot be unrolled for a system; empty where it can."""
    if flow.arguments.signals:
        return "input signals are piecewise, and have no Taylor series"
    if dynamics.networks:
        return f"the Taylor series of the network {dynamics.networks[0]} in time is not written"
    if any(not hasattr(s, "value") for s in flow.rates.body):
        return "its mass matrix is solved by a loop"
    atoms = {atom for part in _expanded(dynamics) for atom in sympy.sympify(part).atoms(*_KINKS)}
    if atoms:
        names = ", ".join(sorted({atom.func.__name__ for atom in atoms}))
        return f"{names} in its equations make kinks or jumps, beyond which a series does not see"
    return ""


def _expanded(dynamics: Dynamics) -> tuple[Any, ...]:
    """The expressions that a Taylor series expands."""
    if isinstance(dynamics, SecondOrder):
        return (*(e for row in dynamics.mass_matrix for e in row), *dynamics.forcing)
    if isinstance(dynamics, FirstOrder):
        return (*dynamics.rates, *(e for row in dynamics.matrix or () for e in row))
    return ()


def work(flow: Flow) -> int:
    """The multiplications, divisions and functions of the right-hand side."""
    roots = [s.value for s in flow.rates.body if hasattr(s, "value")] + list(flow.rates.results)
    return sum(n.op not in _CHEAP for n in walk(roots))


def _automatic(dynamics: Dynamics, flow: Flow) -> Choice:
    conservative = bool(getattr(dynamics, "conservative", False))
    if isinstance(dynamics, Constrained):
        fixed, reason = _constrained(dynamics)
    elif flow.q and conservative:
        quadratic = isinstance(dynamics, SecondOrder) or _linear_drift(flow)
        fixed = METHODS["srkn6_4" if quadratic else "blanes_moan4"]
        reason = (
            "The system is separable (kinetic energy of the velocities, potential of the coordinates): it is split."
        )
    elif conservative and (isinstance(dynamics, SecondOrder) or getattr(dynamics, "hamiltonian", None) is not None):
        fixed = METHODS["gauss4"]
        reason = f"The system is conservative but not separable: {why_not_separable(dynamics)}."
    elif flow.damping is not None:
        fixed = METHODS["blanes_moan4"]
        reason = (
            "The system is separable but for linear friction with constant coefficients: it is split, and the friction "
            "solved exactly with the kicks (conformal symplectic where friction is proportional to mass)."
        )
    else:
        fixed = METHODS["rk4"]
        reason = "The system is not conservative, or has no Hamiltonian: nothing symplectic is to be kept."
    if not why_no_taylor(dynamics, flow) and work(flow) <= TAYLOR_NODES:
        adaptive: Method = METHODS["taylor"]
    else:
        adaptive = METHODS["dop853"]
    return Choice(fixed, adaptive, reason)


def _constrained(dynamics: Constrained) -> tuple[Method, str]:
    """The method for fixed steps of a constrained system, and why."""
    many, positions = len(dynamics.constraints), len(dynamics.holonomic)
    kinds = "" if positions == many else f", {many - positions} of them on velocities"
    listed = f"{many} constraint{'s' if many > 1 else ''}{kinds}"
    held = f"The system is constrained ({listed}, held to rounding at every step): "
    if not (why_not := why_no_rattle(dynamics)):
        name, why = "rattle", "forces of the coordinates alone and a constant mass matrix, so that RATTLE suits."
    else:
        name = "gauss4" if dynamics.conservative else "rk4"
        why = f"{why_not}, so that steps of the index-reduced equations are projected."
    if dynamics.redundant:
        set_aside = ", ".join(f"{from_jet(each, dynamics.space)} = 0" for each in dynamics.redundant)
        why += f"\nSet aside, for it follows from the others: {set_aside}; its multiplier is 0."
    return METHODS[name], held + why
