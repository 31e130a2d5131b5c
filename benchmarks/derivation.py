"""Row `derivation`: field theories in 3 + 1 dimensions, from the density to what is derived of it.

Scalar electrodynamics with the electromagnetic field dynamical: equations, momenta, Hamiltonian density and current,
with the continuity equation checked on shell. Yang-Mills SU(2): the equations of its twelve fields. Each figure is the
median of processes of their own, imports apart, for SymPy remembers what it has derived once. The peer is SymPy's
`euler_equations`, which gives the equations alone.
"""

from __future__ import annotations

import json
import statistics
import sys
from typing import Any

from benchmarks.fresh import empty_cache, measure
from benchmarks.harness import Case, seconds

NAME = "derivation"
LIMITS = {"electrodynamics": 1.0, "yang_mills": 0.5}
ROUNDS = 5


def setting() -> tuple[Any, Any, Any]:
    """Spacetime, the metric, and field strengths of a vector potential with upper index."""
    import sympy

    import symphys as ph

    where = ph.spacetime("t x y z")
    eta = sympy.diag(1, -1, -1, -1)

    def strength(potential: Any, a: int, b: int) -> Any:
        return eta[b, b] * potential[b].diff(where[a]) - eta[a, a] * potential[a].diff(where[b])

    return where, eta, strength


def electrodynamics() -> tuple[Any, Any, Any, Any]:
    """(free charged field, its density, potential, Maxwell's density)."""
    from sympy import conjugate

    import symphys as ph

    where, eta, strength = setting()
    potential, phi = ph.vector_field("A", where), ph.complex_field("phi", where)
    mass = ph.parameters("M", positive=True)
    slopes = sum(eta[a, a] * conjugate(phi).diff(where[a]) * phi.diff(where[a]) for a in range(4))
    squares = [eta[a, a] * eta[b, b] * strength(potential, a, b) ** 2 for a in range(4) for b in range(4)]
    return phi, slopes - mass**2 * conjugate(phi) * phi, potential, -sum(squares) / 4


def yang_mills() -> tuple[Any, list[Any]]:
    """(density, fields) of SU(2) with structure constants eps_abc."""
    from sympy import LeviCivita

    import symphys as ph

    where, eta, strength = setting()
    fields = [ph.vector_field(name, where) for name in "ABC"]
    coupling = ph.parameters("g", positive=True)

    def curved(a: int, m: int, n: int) -> Any:
        product = sum(
            LeviCivita(a, b, c) * eta[m, m] * fields[b][m] * eta[n, n] * fields[c][n]
            for b in range(3)
            for c in range(3)
        )
        return strength(fields[a], m, n) + coupling * product

    squares = [eta[m, m] * eta[n, n] * curved(a, m, n) ** 2 for a in range(3) for m in range(4) for n in range(4)]
    return -sum(squares) / 4, [component for field in fields for component in field]


def electrodynamics_symphys() -> float:
    """Seconds for equations, momenta, Hamiltonian density, current and continuity on shell, coupling included."""
    import symphys as ph

    phi, matter, potential, light = electrodynamics()
    charge = ph.parameters("q", positive=True)

    def work() -> None:
        coupled = ph.LagrangianDensity(matter, fields=[phi]).minimal_coupling(potential, charge=charge)
        theory = coupled + ph.LagrangianDensity(light, fields=potential)
        current = theory.gauge_current(charge)
        assert theory.equations
        assert theory.momenta
        assert theory.hamiltonian_density != 0
        assert theory.is_conserved_on_shell((current.density, *current.flux))

    return seconds(work)


def yang_mills_symphys() -> float:
    """Seconds for the equations of twelve fields."""
    import symphys as ph

    density, _ = yang_mills()

    def work() -> None:
        assert len(ph.LagrangianDensity(density).equations) == 12

    return seconds(work)


def electrodynamics_sympy() -> float:
    """Seconds for the equations alone, of real and imaginary parts, since SymPy varies no conjugates."""
    from sympy import I, conjugate
    from sympy.calculus.euler import euler_equations

    import symphys as ph

    phi, matter, potential, light = electrodynamics()
    charge = ph.parameters("q", positive=True)
    theory = ph.LagrangianDensity(matter, fields=[phi]).minimal_coupling(potential, charge=charge)
    real, imaginary = ph.scalar_field("u v", phi.args)
    density = (
        (theory.expression + light).subs(conjugate(phi), real - I * imaginary).subs(phi, real + I * imaginary).doit()
    )
    return seconds(lambda: euler_equations(density, [real, imaginary, *potential], list(phi.args)))


def yang_mills_sympy() -> float:
    """Seconds for the same equations."""
    from sympy.calculus.euler import euler_equations

    density, fields = yang_mills()
    return seconds(lambda: euler_equations(density, fields, list(fields[0].args)))


TASKS = {
    ("electrodynamics", "symphys"): electrodynamics_symphys,
    ("electrodynamics", "sympy"): electrodynamics_sympy,
    ("yang_mills", "symphys"): yang_mills_symphys,
    ("yang_mills", "sympy"): yang_mills_sympy,
}


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Both theories, each in fresh processes, the two contestants in turn."""
    labels = {
        "electrodynamics": "scalar electrodynamics, all of it (SymPy: equations alone)",
        "yang_mills": "Yang-Mills SU(2), equations",
    }
    cases = []
    with empty_cache() as home:
        for task, label in labels.items():
            figures: dict[str, list[float]] = {}
            for _ in range(ROUNDS):
                for who in ("symphys", "sympy") if with_ours else ("sympy",):
                    figures.setdefault(who, []).append(measure("benchmarks.derivation", task, who, 0, home=home))
            medians = {who: statistics.median(values) for who, values in figures.items()}
            ours = medians.pop("symphys", None)
            cases.append(Case(label, "s", ours, medians, limit=LIMITS[task]))
    return cases, []


if __name__ == "__main__":
    task, who, _ = sys.argv[1:]
    print(json.dumps(TASKS[task, who]()))
