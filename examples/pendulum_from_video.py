"""The parameters of a double pendulum from a film of it: positions alone, noisy, with frames missing.

Physics.  Two bobs on rigid rods, friction in both joints (Rayleigh function c1 theta1'^2 / 2 + c2 (theta2' - theta1')^2
/ 2).  A camera sees where the bobs are, to 3 mm, in sixty frames a second, and misses one in seven.  Lengths, the
second mass, friction and all initial states are unknown; the first mass is given, for positions tell ratios alone.

Scaling.  Metres, seconds, kilograms; g = 9.81.  Three throws of two seconds: long enough for friction to show, short
enough for chaos not to hide it.

Run time.  A few seconds: five unknowns and twelve initial values by Levenberg and Marquardt's method, with derivatives
that are pushed through the integrator.

    python examples/pendulum_from_video.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import cos, sin

import symphys as ph

SMALL = {"throws": 2, "seconds": 1.0}  # what the tests run
TRUTH = {"l1": 0.42, "l2": 0.31, "m2": 0.75, "c1": 0.02, "c2": 0.008}


def main(picture: str = "pendulum_from_video.png", throws: int = 3, seconds: float = 2.0) -> None:
    # --- write --------------------------------------------------------------------------------------------------
    a, b = ph.coordinates("theta1 theta2")
    u, w = ph.dot(a), ph.dot(b)
    m1, m2, l1, l2, c1, c2, g = ph.parameters("m1 m2 l1 l2 c1 c2 g", positive=True)
    speed = l1**2 * u**2 + l2**2 * w**2 + 2 * l1 * l2 * u * w * cos(a - b)
    kinetic = m1 * l1**2 * u**2 / 2 + m2 * speed / 2
    potential = -(m1 + m2) * g * l1 * cos(a) - m2 * g * l2 * cos(b)
    pendulum = ph.Lagrangian(kinetic - potential, dissipation=c1 * u**2 / 2 + c2 * (w - u) ** 2 / 2)
    seen = {"x1": l1 * sin(a), "y1": -l1 * cos(a), "x2": l1 * sin(a) + l2 * sin(b), "y2": -l1 * cos(a) - l2 * cos(b)}

    # --- a film ---------------------------------------------------------------------------------------------------
    rng = np.random.default_rng(3)
    values = {m1: 1.0, g: 9.81, **{ph.parameters(name, positive=True): value for name, value in TRUTH.items()}}
    start = {s: rng.uniform(-x, x, throws) for s, x in ((a, 1.5), (b, 1.5), (u, 2.0), (w, 2.0))}
    frames = np.arange(0.0, seconds, 1 / 60)
    motion = pendulum.compile().run(start, values, (0.0, seconds), rtol=1e-10, t_eval=frames)
    states = {s: motion[s] for s in (a, b, u, w)}
    film = {}
    missed = rng.random((throws, len(frames))) < 1 / 7
    for expression in seen.values():
        place = pendulum.evaluate(expression, states, values) + rng.normal(0, 0.003, missed.shape)
        film[expression] = np.where(missed, np.nan, place)

    # --- fit ------------------------------------------------------------------------------------------------------
    data = ph.Trajectories(frames, film, unknown_start=True)
    x1, y1, x2, y2 = (film[expression] for expression in seen.values())
    angles = {a: np.arctan2(x1, -y1), b: np.arctan2(x2 - x1, y1 - y2)}
    first = {angle: values[np.arange(throws), (~missed).argmax(axis=1)] for angle, values in angles.items()}
    guess = {l1: 0.5, l2: 0.5, c1: 0.05, c2: 0.05, **first}
    fit = pendulum.fit(data, parameters={m1: 1.0, g: 9.81}, guess=guess)
    print(fit.status)
    for symbol, value in fit.parameters.items():
        true = TRUTH[str(symbol)]
        print(f"{symbol} = {value:.5f} +- {fit.uncertainties[symbol]:.5f}, in truth {true}")
        assert abs(value - true) < 4 * fit.uncertainties[symbol]

    # --- look -----------------------------------------------------------------------------------------------------
    again = pendulum.compile().run(
        fit.start, {m1: 1.0, g: 9.81, **fit.parameters}, (0.0, seconds), rtol=1e-9, t_eval=frames
    )
    found = {s: again[s] for s in (a, b, u, w)}
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    known = {m1: 1.0, g: 9.81, **fit.parameters}
    x, y = (pendulum.evaluate(seen[name], found, known) for name in ("x2", "y2"))
    axes.plot(film[seen["x2"]].T, film[seen["y2"]].T, "k.", markersize=2)
    axes.plot(x.T, y.T, linewidth=0.9)
    axes.set(xlabel="x / m", ylabel="y / m", aspect="equal", title="The second bob: frames, and what was fitted")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main(*sys.argv[1:2])
