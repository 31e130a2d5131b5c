"""Row `accuracy_agents`: agents on water, after Gusev, Vanchurin, "Molecular Learning Dynamics".

320 frames of 64 water molecules from density functional theory (DeePMD-kit's water example), 240 for training, 80
unseen. Each kind of atom has a loss that is a quadratic form in the weighted numbers of its O and H neighbours, with
weights exp(-s^2 / 2 w^2) of twelve widths and a smooth end at 6 angstrom. Relative error: root of the squared errors of
forces over the squared forces, by species. Nothing is random there.

Then what each kind sees of pairs of its neighbours, exp(-r^2 / 2 w^2) exp(-s^2 / 2 u^2) cos^l, l = 1, 2, 3, of two
widths, beside 21 weights of single neighbours, as one energy of all: linear in these, by least squares, and with a
network of the sums over pairs for each kind added, by Levenberg and Marquardt's method, five seeds of first weights,
medians. Ten frames of the first 200 are learnt from; the widths (of six) and the step at which a network is taken are
those of least error on frames 200 to 239; frames 240 to 319 are unseen.
"""

from __future__ import annotations

import statistics
import time
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from sympy import exp

import symphys as ph
from benchmarks.harness import Case
from symphys.data.frames import joined

NAME = "accuracy_agents"
HERE = Path(__file__).resolve().parent.parent
SYSTEMS = ("examples/data/water/data_0", "benchmarks/data/water/data_1", "examples/data/water/data_2")
UNSEEN, JUDGES, LESSONS = 80, 40, 10
WIDTHS = (0.25, 0.35, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0)
MASSES = {"O": 15.9994, "H": 1.00794}
LIMITS = {"O": 0.28, "H": 0.22}
BENT = {"O": 0.14, "H": 0.11}  # with angles
SEEDS = range(5)
SHELLS = ((1.0, 0.4), (1.5, 0.45), (0.5, 0.5), (2.1, 0.5), (2.8, 0.6), (3.6, 0.7), (4.6, 0.8))  # middles and widths
SPREAD = np.geomspace(0.35, 2.0, 14)  # widths about the atom itself
NARROW, WIDE = 0.65, 1.2
# oxygens are never so near to each other that the narrow weight is felt
CHANNELS = {
    "O": (("H", NARROW), ("H", WIDE), ("O", WIDE)),
    "H": (("O", NARROW), ("O", WIDE), ("H", NARROW), ("H", WIDE)),
}
NEURONS, STEPS = 6, 10
PUBLISHED = {"O": 0.31, "H": 0.33}
END = {"cutoff": 6.0, "smoothing": "switch"}
ATOMS = ph.particles("r", dim=3, species=("O", "H"))


def invariants(kind: str) -> list:
    """The weighted numbers of neighbours that an agent sees."""
    return [
        ATOMS.environment(kind, of=other, weight=lambda s, w=w: exp(-(s**2) / (2 * w**2)))
        for other in ("O", "H")
        for w in WIDTHS
    ]


def quadratic(kind: str):
    """A_i phi_i + B_ij phi_i phi_j / 2."""
    phi = invariants(kind)
    n = len(phi)
    a = ph.parameter_array(f"A_{kind}", n)
    b = ph.parameter_array(f"B_{kind}", (n, n), symmetric=True)
    products = (b[i, j] * phi[i] * phi[j] / (1 + (i == j)) for i in range(n) for j in range(i + 1))
    return sum(a[i] * phi[i] for i in range(n)) + sum(products)


def samples(frames) -> dict:
    """What a fit takes."""
    return {ATOMS: frames.positions, ph.ddot(ATOMS): frames.accelerations(MASSES)}


def solve(train, test) -> tuple[dict, float]:
    """Relative errors on unseen frames, and the time of the fit."""
    system = ph.LearningDynamics(ATOMS, {kind: quadratic(kind) for kind in ("O", "H")})
    begin = time.perf_counter()
    fit = system.fit(samples(train), species=train.species, box=train.box, parameters={ATOMS.mass: MASSES}, **END)
    spent = time.perf_counter() - begin
    return fit.relative_error(samples(test), box=test.box), spent


def single(kind: str, a) -> list:
    """Weighted numbers of neighbours, as an energy needs them: what H sees of O repeats what O sees of H."""
    shells = [(float(c), float(w)) for c, w in (*SHELLS, *((0.0, w) for w in SPREAD))]
    return [
        ATOMS.environment(a, of=of, weight=lambda r, c=c, w=w: exp(-((r - c) ** 2) / (2 * w**2)))
        for of in ("O", "H")
        if (kind, of) != ("H", "O")
        for c, w in shells
    ]


def angular(kind: str, a) -> list:
    """Sums over pairs of neighbours, with powers of the cosine of the angle between them."""
    return [
        ATOMS.environment(
            a,
            of=(first, second),
            weight=lambda r, s, c, v=v, w=w, n=n: exp(-(r**2) / (2 * v**2) - s**2 / (2 * w**2)) * c**n,
        )
        for (first, v), (second, w) in combinations_with_replacement(CHANNELS[kind], 2)
        for n in (1, 2, 3)
    ]


STRENGTHS = {kind: ph.parameter_array(f"A_{kind}", len(single(kind, kind) + angular(kind, kind))) for kind in "OH"}


def energies(networks: dict | None = None):
    """Energies linear in all sums, with networks of those over pairs of neighbours added."""
    total = ATOMS.sum(lambda a: ATOMS.mass(a) * a.speed_squared / 2)
    for kind, strengths in STRENGTHS.items():

        def energy(a, kind=kind, strengths=strengths):
            seen = single(kind, a) + angular(kind, a)
            bent = networks[kind](*angular(kind, a)) if networks else 0
            return sum(strengths[i] * x for i, x in enumerate(seen)) + bent

        total -= ATOMS.sum(energy, species=kind)
    return ph.Lagrangian(total)


def scaled_networks(system, train) -> dict:
    """A network of each kind's angular sums, whose inputs have mean 0 and deviation 1 in the frames."""
    known = {ATOMS.mass: MASSES}
    seen = system.surroundings(train.positions, known, species=train.species, box=train.box[0], **END)
    found = {}
    for kind in STRENGTHS:
        mine = np.array(train.species) == kind
        values = np.array([seen[each][:, mine].ravel() for each in angular(kind, kind)])
        found[kind] = ph.network(
            f"N_{kind}",
            inputs=len(values),
            hidden=(NEURONS,),
            activation="tanh",
            input_shift=values.mean(axis=1),
            input_scale=values.std(axis=1),
        )
    return found


def lessons(count: int) -> np.ndarray:
    """Ten frames evenly from those of training that are no judges."""
    return np.linspace(0, count - JUDGES, LESSONS, endpoint=False).astype(int)


def solve_angles(train, validation, test) -> dict[str, tuple[list[dict], float]]:
    """Relative errors on unseen frames and seconds of a fit: of the linear energy, and of networks for each seed."""
    mass = train.masses(MASSES)
    options = {"species": train.species, "box": train.box[0], "weights": {ph.ddot(ATOMS): mass[:, None] ** 2}, **END}
    linear = energies()
    begin = time.perf_counter()
    first = linear.fit(samples(train), parameters={ATOMS.mass: MASSES}, **options)
    spent = time.perf_counter() - begin
    known = {ATOMS.mass: MASSES, **{a: first.parameters[a] for a in STRENGTHS.values()}}
    system = energies(scaled_networks(linear, train))
    found, begin = [], time.perf_counter()
    for seed in SEEDS:
        fit = system.fit(
            samples(train), parameters=known, steps=STEPS, seed=seed, validation=samples(validation), **options
        )
        found.append(fit.relative_error(samples(test)))
    later = (time.perf_counter() - begin) / len(SEEDS)
    return {"linear in": ([first.relative_error(samples(test))], spent), "networks of": (found, later)}


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Cases of both species."""
    if not with_ours:
        return [], []
    frames = joined([ph.data.read_deepmd(HERE / system) for system in SYSTEMS], list(SYSTEMS))
    train, test = frames[:-UNSEEN], frames[-UNSEEN:]
    error, spent = solve(train, test)
    cases = [
        Case(
            f"quadratic forms, {kind}",
            "relative force error",
            error[kind],
            limit=LIMITS[kind],
            notes={"published, other water": PUBLISHED[kind], "seconds": spent},
        )
        for kind in LIMITS
    ]
    angles = solve_angles(train[lessons(len(train.positions))], train[-JUDGES::4], test)
    cases += [
        Case(
            f"{name} sums over angles, {kind}",
            "relative force error",
            statistics.median(each[kind] for each in errors),
            limit=BENT[kind],
            notes={"largest of the seeds": max(each[kind] for each in errors), "seconds a fit": spent},
        )
        for name, (errors, spent) in angles.items()
        for kind in BENT
    ]
    return cases, []
