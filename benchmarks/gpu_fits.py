"""Fits, ground states and solutions of every kind on one backend: what was planted, or what a few steps reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from sympy import Eq, cos

import symphys as ph

Found = dict[str, float]


def samples(backend: str) -> Found:
    """A network beside a mass, from accelerations: ten steps of Levenberg and Marquardt's method."""
    q = ph.coordinates("q")
    m = ph.parameters("m", positive=True)
    V = ph.network("V", inputs=1, hidden=(6,))
    random = np.random.default_rng(1)
    x, rate = random.uniform(-2, 2, (2, 200))
    data = {q: x, ph.dot(q): rate, ph.ddot(q): -2.0 * np.sin(x)}
    system = ph.Lagrangian(m * ph.dot(q) ** 2 / 2 - V(q))
    return {"loss": system.fit(data, parameters={m: 1.0}, steps=10, backend=backend).loss}


def trajectories(backend: str) -> Found:
    """The length of a pendulum from places along runs."""
    theta = ph.coordinates("theta")
    g, l = ph.parameters("g l", positive=True)
    system = ph.Lagrangian(l**2 * ph.dot(theta) ** 2 / 2 + g * l * cos(theta))
    times = np.linspace(0.0, 2.0, 11)
    start = {theta: np.linspace(0.2, 2.0, 6), ph.dot(theta): 0.1}
    truth = system.compile("verlet").run(start, {g: 9.81, l: 1.3}, (0.0, 2.0), dt=0.02, t_eval=times)
    rates = np.full(6, 0.1)
    data = ph.Trajectories(times, {theta: truth[theta]}, start={ph.dot(theta): rates})
    fit = system.fit(data, parameters={g: 9.81}, guess={l: 1.0}, method="verlet", dt=0.02, backend=backend)
    return {"l": float(fit.parameters[l])}


def fields(backend: str) -> Found:
    """The speed of waves on a ring from frames in time."""
    t, x = ph.spacetime("t x")
    phi = ph.scalar_field("phi", (t, x))
    c = ph.parameters("c", positive=True)
    theory = ph.LagrangianDensity((phi.diff(t) ** 2 - c**2 * phi.diff(x) ** 2) / 2)
    grid = ph.Grid({x: (0.0, 6.0, 24)})
    place = grid.points[x]
    humps = np.array([np.exp(-((place - middle) ** 2)) for middle in (2.0, 3.0, 4.0)])
    start = {phi: humps, phi.diff(t): np.zeros_like(humps)}
    times = np.array([0.0, 0.5, 1.0])
    truth = theory.compile(grid, "verlet").run(start, {c: 0.9}, (0.0, 1.0), dt=0.05, t_eval=times)
    data = ph.Trajectories(times, {phi: truth[phi]}, start={phi.diff(t): start[phi.diff(t)]})
    fit = theory.fit(data, grid=grid, guess={c: 0.7}, method="verlet", dt=0.05, backend=backend)
    return {"c": float(fit.parameters[c])}


def particles(backend: str) -> Found:
    """Springs between three balls from their places in time."""
    balls = ph.particles("r", dim=2)
    k, r0 = ph.parameters("k r0", positive=True)
    system = ph.Lagrangian(
        balls.sum(lambda a: balls.mass(a) * a.speed_squared / 2)
        - balls.pairs(lambda a, b: k * (a.distance(b) - r0) ** 2 / 2)
    )
    random = np.random.default_rng(2)
    places = random.uniform(-0.3, 0.3, (4, 3, 2)) + np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    rates = random.normal(0.0, 0.3, (4, 3, 2))
    times = np.linspace(0.0, 1.0, 6)
    given = {k: 1.2, r0: 0.9, balls.mass: 1.0}
    truth = system.compile("verlet").run({balls: places, ph.dot(balls): rates}, given, (0, 1), dt=0.05, t_eval=times)
    data = ph.Trajectories(times, {balls: truth[balls]}, start={ph.dot(balls): rates})
    fit = system.fit(
        data, parameters={balls.mass: 1.0}, guess={k: 1.0, r0: 1.0}, method="verlet", dt=0.05, backend=backend
    )
    return {"k": float(fit.parameters[k]), "r0": float(fit.parameters[r0])}


def relation(backend: str) -> Found:
    """A network in an equation without time, and the equation solved for what stands inside."""
    y, s = ph.parameters("y s")
    N = ph.network("N", inputs=1, hidden=(5,))
    law = ph.Relation(Eq(y, s + N(s)))
    data = {s: np.linspace(-1.0, 1.0, 60)}
    data[y] = 1.5 * data[s] + 0.1 * np.sin(data[s])
    fit = law.fit(data, steps=3, backend=backend)
    at = {y: np.array([0.3, 0.9])}
    known = {N: N.initialise(1)}
    inside = law.solve([s], at, known, {s: at[y]}, backend=backend)
    slope = law.jacobian([s], [y], {**at, **inside}, known, backend=backend)
    again = law.evaluate(s + N(s), inside, known, backend=backend)
    return {"loss": fit.loss, "s": float(inside[s][1]), "ds/dy": float(slope[1, 0, 0]), "y": float(again[1])}


def formula(backend: str) -> Found:
    """A fresh network as a cubic."""
    x = sympy.Symbol("x", real=True)
    N = ph.network("N", inputs=1, hidden=(5,))
    basis = [sympy.Integer(1), x, x**2, x**3]
    density = sympy.exp(-(x**2))
    options = {"basis": basis, "density": density, "gain": 1.5, "report": True, "backend": backend}
    read = ph.distill(N, N.initialise(1), [x], [(-0.3, 0.3)], **options)
    return {"error": read.error, **{str(f): c for f, c in read.terms.items()}}


def trap() -> tuple[ph.LagrangianDensity, Any, Any]:
    """One particle in a harmonic trap."""
    t, x = ph.spacetime("t x")
    psi = ph.complex_field("psi", (t, x))
    star = sympy.conjugate(psi)
    motion = sympy.I * (star * psi.diff(t) - psi * star.diff(t)) / 2
    return ph.LagrangianDensity(motion - psi.diff(x) * star.diff(x) / 2 - x**2 * star * psi / 2), psi, x


def ground_states(backend: str) -> Found:
    """Of a trap on a grid and as a network, and of spins; the density of the first."""
    theory, psi, x = trap()
    grid = ph.Grid({x: (-6.0, 6.0, 48)})
    still = theory.ground_state(grid, seed=1, backend=backend)
    density = theory.evaluate(sympy.conjugate(psi) * psi, {psi: still[psi]}, grid=grid, backend=backend)
    N = ph.network("N", inputs=1, hidden=(6,))
    options = {"domain": {x: (-6.0, 6.0)}, "max_steps": 8, "points": 40, "backend": backend}
    varied = theory.ground_state(ansatz={psi: sympy.exp(N(x) - x**2 / 4)}, **options)
    X, _, Z = ph.quantum.spins(6)
    ring = ph.quantum.SpinLattice(-sum(Z[i] * Z[(i + 1) % 6] for i in range(6)) - sum(X))
    A = ph.network("A", inputs=1, hidden=(4,))
    spins = ring.ground_state(ansatz=lambda s: sympy.exp(A(s[0] * s[1])), max_steps=5, backend=backend)
    return {
        "grid": still.energy,
        "density": float(density.max()),
        "network": varied.energy,
        "spins": spins.energy,
    }


def solution(backend: str) -> Found:
    """Waves on an interval by a network that makes their residual small."""
    t, x = ph.spacetime("t x")
    phi = ph.scalar_field("phi", (t, x))
    theory = ph.LagrangianDensity((phi.diff(t) ** 2 - phi.diff(x) ** 2) / 2)
    N = ph.network("N", inputs=2, hidden=(6,))
    conditions = {phi.subs(t, 0): sympy.sin(x), phi.diff(t).subs(t, 0): 0}
    domain = {t: (0.0, 1.0), x: (0.0, 3.0)}
    found = theory.solve({phi: N(t, x)}, domain, conditions, points=8, steps=10, backend=backend)
    return {"loss": found.loss}


FITS: dict[str, Callable[[str], Found]] = {
    "samples": samples,
    "trajectories": trajectories,
    "fields": fields,
    "particles": particles,
    "relation": relation,
    "formula": formula,
    "ground states": ground_states,
    "solution": solution,
}


def differences(backend: str) -> dict[str, float]:
    """By kind of fit, the largest relative difference between what a backend finds and what the CPU finds."""
    found = {}
    for name, fit in FITS.items():
        here, there = fit("cpu"), fit(backend)
        found[name] = max(abs(there[key] / value - 1) for key, value in here.items())
    return found
