"""Row `accuracy_agents`: agents on water, after Gusev, Vanchurin, "Molecular Learning Dynamics".

320 frames of 64 water molecules from density functional theory (DeePMD-kit's water example), 240 for training, 80
unseen. Each kind of atom has a loss that is a quadratic form in the weighted numbers of its O and H neighbours, with
weights exp(-s^2 / 2 w^2) of twelve widths and a smooth end at 6 angstrom. Relative error: root of the squared errors of
forces over the squared forces, by species. Nothing is random. Skipped where there are no frames.
"""

from __future__ import annotations

import time
from pathlib import Path

from sympy import exp

import symphys as ph
from benchmarks.harness import Case

NAME = "accuracy_agents"
HERE = Path(__file__).resolve().parent.parent
FOLDERS = (HERE / "examples" / "data" / "water", HERE.parent / "shared" / "data" / "water")
WIDTHS = (0.25, 0.35, 0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0)
MASSES = {"O": 15.9994, "H": 1.00794}
LIMITS = {"O": 0.28, "H": 0.22}
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


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Cases of both species."""
    folder = next((f for f in FOLDERS if f.exists()), None)
    if folder is None:
        return [], [f"no water frames in {FOLDERS[0]}"]
    if not with_ours:
        return [], []
    frames = ph.data.read_deepmd(folder)
    train, test = frames[:240], frames[240:]
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
    return cases, []
