"""Which integrator suits a system, and why: `method="auto"` holds one for fixed steps and one for tolerances."""

from __future__ import annotations

from dataclasses import dataclass

from codegen import walk
from symphys.errors import MethodError
from symphys.integrators import (
    METHODS,
    ExplicitTableau,
    External,
    Gauss,
    Method,
    Splitting,
    Taylor,
    is_adaptive,
    method_named,
)
from symphys.lower.flow import Flow
from symphys.mechanics.dynamics import Dynamics, SecondOrder

TAYLOR_NODES = 60  # costly operations of the rates up to which unrolled Taylor series compile in about two seconds
_CHEAP = frozenset({"constant", "variable", "add", "sub", "neg"})


@dataclass(frozen=True)
class Choice:
    """The method for fixed steps, the one for tolerances (None where the named method has no such form), and the reason."""

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
    order = f" of order {method.order}" if isinstance(method, ExplicitTableau | Splitting | Gauss) else ""
    return f"{method.name}, {kind_words(method)}{order} ({method.source})"


def kind_words(method: Method) -> str:
    """What kind of method it is, in a few words."""
    words = {
        ExplicitTableau: "explicit Runge-Kutta",
        Splitting: "symplectic splitting",
        Gauss: "implicit symplectic Gauss collocation",
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
    fixed = method if isinstance(method, Splitting | Gauss | ExplicitTableau) else None
    return Choice(fixed, adaptive, f"method {name!r} was asked for.")


def check_suits(dynamics: Dynamics, flow: Flow, method: Method) -> None:
    """MethodError, with the reason, where a method cannot integrate a system."""
    if isinstance(method, Splitting):
        if not flow.q:
            raise MethodError(
                f"method {method.name!r} is a splitting and needs a separable system, H = T(p) + V(q): {why_not_separable(dynamics)}. "
                "Choose 'gauss4' (symplectic, any system), 'rk4', or 'auto'."
            )
        if method.requires_quadratic_kinetic and not isinstance(dynamics, SecondOrder) and not _linear_drift(flow):
            raise MethodError(
                f"method {method.name!r} needs a kinetic energy quadratic in the momenta; choose 'yoshida6' or 'auto'"
            )
    if isinstance(method, Taylor) and (reason := why_no_taylor(flow)):
        raise MethodError(f"method 'taylor' does not suit this system: {reason}. Choose 'dop853' or 'auto'.")


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


def why_no_taylor(flow: Flow) -> str:
    """Why Taylor mode cannot be unrolled for a system; empty where it can."""
    if flow.arguments.signals:
        return "input signals are piecewise, and have no Taylor series"
    if any(not hasattr(s, "value") for s in flow.rates.body):
        return "its mass matrix is solved by a loop"
    return ""


def work(flow: Flow) -> int:
    """The multiplications, divisions and functions of the right-hand side."""
    roots = [s.value for s in flow.rates.body if hasattr(s, "value")] + list(flow.rates.results)
    return sum(n.op not in _CHEAP for n in walk(roots))


def _automatic(dynamics: Dynamics, flow: Flow) -> Choice:
    conservative = bool(getattr(dynamics, "conservative", False))
    if flow.q and conservative:
        quadratic = isinstance(dynamics, SecondOrder) or _linear_drift(flow)
        fixed: Method = METHODS["srkn6_4" if quadratic else "blanes_moan4"]
        reason = (
            "The system is separable (kinetic energy of the velocities, potential of the coordinates): it is split."
        )
    elif conservative and (isinstance(dynamics, SecondOrder) or getattr(dynamics, "hamiltonian", None) is not None):
        fixed = METHODS["gauss4"]
        reason = f"The system is conservative but not separable: {why_not_separable(dynamics)}."
    else:
        fixed = METHODS["rk4"]
        reason = "The system is not conservative, or has no Hamiltonian: nothing symplectic is to be kept."
    if not why_no_taylor(flow) and work(flow) <= TAYLOR_NODES:
        adaptive: Method = METHODS["taylor"]
    else:
        adaptive = METHODS["dop853"]
    return Choice(fixed, adaptive, reason)
