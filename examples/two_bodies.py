"""The law of gravity from orbits of two bodies: learnt as a network, read back as 1/r, and used for three.

Physics.  Two unit masses in a plane on nearly circular orbits, G = 1, after Greydanus et al., "Hamiltonian neural
networks" (2019). Known: momenta are masses times velocities, and forces act along the line between bodies, H = sum p^2
/ 2 + V(r). V is a network of the distance. What it has learnt is a potential up to a constant; `distill` finds that a
single function of a dozen explains it.

Scaling.  Distances 1 to 4, periods about 20.

Run time.  A few seconds: 37 weights by Levenberg and Marquardt's method.

    python examples/two_bodies.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import sqrt

import symphys as ph

SMALL = {"orbits": 15, "steps": 60}  # what the tests run


def main(picture: str = "two_bodies.png", orbits: int = 40, steps: int = 100) -> None:
    # --- write ----------------------------------------------------------------------------------------------------
    x1, x2, y1, y2, u1, u2, v1, v2 = ph.canonical("x1 x2 y1 y2 u1 u2 v1 v2")
    pairs = {x1: u1, x2: u2, y1: v1, y2: v2}
    symbols = [*pairs, *pairs.values()]
    kinetic = (u1**2 + u2**2 + v1**2 + v2**2) / 2
    distance = sqrt((x1 - x2) ** 2 + (y1 - y2) ** 2)
    V = ph.network("V", inputs=1, hidden=(12,))
    bodies = ph.Hamiltonian(kinetic + V(distance), pairs)
    truth = ph.Hamiltonian(kinetic - 1 / distance, pairs)

    # --- data: states along orbits, with their rates --------------------------------------------------------------
    rng = np.random.default_rng(2)
    x, y = rng.uniform(0.5, 1.5, (2, orbits))
    push = (1 + 0.05 * rng.normal(size=orbits)) / (2 * np.hypot(x, y) ** 1.5)
    start = dict(zip(symbols, (x, -x, y, -y, -push * y, push * y, push * x, -push * x), strict=True))
    motion = truth.compile().run(start, {}, (0.0, 20.0), rtol=1e-10, t_eval=np.linspace(0, 20, 50))
    data = {s: motion[s].reshape(-1) for s in symbols}
    rates = [ph.dot(s) for s in symbols]
    data |= dict(zip(rates, truth.evaluate(rates, data), strict=True))

    # --- fit ------------------------------------------------------------------------------------------------------
    fit = bodies.fit(data, steps=steps, seed=0)
    print(fit.status)
    print(f"mean squared error of the rates: {fit.loss:.1e} (published, with nothing known: 2.8e-6)")

    # --- read back ------------------------------------------------------------------------------------------------
    r = ph.symbol("r", positive=True)
    seen = np.hypot(data[x1] - data[x2], data[y1] - data[y2])
    formula = ph.distill(V, fit.parameters[V], (r,), [(seen.min(), seen.max())], gauge=[1], report=True)
    print(f"V = {formula}")
    assert set(formula.terms) == {1 / r}
    assert abs(formula.terms[1 / r] + 1) < 1e-3

    # --- run: the same V between three ----------------------------------------------------------------------------
    X, Y = ph.coordinates("X1 X2 X3"), ph.coordinates("Y1 Y2 Y3")
    energy = sum(ph.dot(s) ** 2 for s in (*X, *Y)) / 2
    apart = [sqrt((X[i] - X[j]) ** 2 + (Y[i] - Y[j]) ** 2) for i, j in ((0, 1), (0, 2), (1, 2))]
    three = ph.Lagrangian(energy - sum(map(V, apart)))
    known = ph.Lagrangian(energy - sum(formula.formula.subs(r, each) for each in apart))
    angles = 2 * np.pi * np.arange(3) / 3
    begin = dict(zip((*X, *Y), 1.8 * np.concatenate([np.cos(angles), np.sin(angles)]), strict=True))
    speeds = 0.57 * np.concatenate([-np.sin(angles), np.cos(angles)]) * [1, 1.05, 1, 1, 0.97, 1]
    begin |= dict(zip(map(ph.dot, (*X, *Y)), speeds, strict=True))
    times = np.linspace(0.0, 15.0, 301)
    learnt = three.compile().run(begin, fit.parameters, (0.0, 15.0), rtol=1e-9, t_eval=times)
    read = known.compile().run(begin, {}, (0.0, 15.0), rtol=1e-9, t_eval=times)
    print(f"the learnt energy of three drifts by {learnt.drift['energy']:.1e}")
    assert learnt.drift["energy"] < 1e-6

    # --- look -----------------------------------------------------------------------------------------------------
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    at = np.linspace(seen.min(), seen.max(), 200)
    values = V.evaluate(fit.parameters[V], at) - formula.gauge[1]
    left.plot(at, -1 / at, "k", linewidth=0.8, label="-1 / r")
    left.plot(at, values, "--", label="learnt, up to a constant")
    left.set(xlabel="r", ylabel="V", title="Of two bodies")
    left.legend()
    for i in range(3):
        right.plot(read[X[i]], read[Y[i]], "k", linewidth=0.8)
        right.plot(learnt[X[i]], learnt[Y[i]], "--")
    right.set(xlabel="x", ylabel="y", aspect="equal", title="Of three: by the formula, and as learnt (dashed)")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
