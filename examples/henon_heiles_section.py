"""Order and chaos in a galaxy: Poincare sections of the Henon-Heiles system.

Physics.  A star moves in the meridian plane of a galaxy.  Were there a third integral besides energy and angular
momentum, each orbit would draw a curve where it crosses the plane x = 0 upwards.  Henon and Heiles (1964) saw that at
the energy 1/12 all orbits seem to do so, that at 1/8 many do not, and that at 1/6, where the star may just leave, one
orbit covers nearly all of the section.

Scaling.  Lengths, times and the cubic term are scaled to 1; the energy is the only parameter left.

Run time.  Three ensembles of 80 orbits for 1500 units of time, about 230 crossings each: a few seconds.

    python examples/henon_heiles_section.py [picture.png]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import symphys as ph

SMALL = {"orbits": 8, "t_end": 100.0}  # what the tests run


def main(picture: str = "henon_heiles_section.png", orbits: int = 80, t_end: float = 1500.0) -> None:
    # --- write --------------------------------------------------------------------------------------------------
    x, px, y, py = ph.canonical("x p_x y p_y")
    potential = (x**2 + y**2) / 2 + x**2 * y - y**3 / 3
    galaxy = ph.Hamiltonian((px**2 + py**2) / 2 + potential, {x: px, y: py})
    print(galaxy)

    # --- run: every upward crossing of x = 0 is kept, and nothing else -----------------------------------------------
    simulator = galaxy.compile()
    crossing = ph.Event(x, direction=+1, record=round(t_end / 4))
    rng = np.random.default_rng(1964)
    figure, all_axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    for axes, (name, energy) in zip(all_axes, {"1/12": 1 / 12, "1/8": 1 / 8, "1/6": 1 / 6}.items(), strict=True):
        start = starts_on_section(rng, energy, orbits)
        initial = dict(zip((x, px, y, py), start, strict=True))
        run = simulator.run(initial, {}, (0.0, t_end), rtol=1e-10, t_eval=[0.0, t_end], events=crossing)
        print(f"E = {name}: {run.events[0].count.sum()} crossings, energy drift {run.drift['energy'].max():.1e}")
        assert run.ok.all()
        assert run.drift["energy"].max() < 1e-7

        # --- look ---------------------------------------------------------------------------------------------------
        section = run.events[0]
        for one in range(orbits):
            axes.plot(section[y][one], section[py][one], ".", markersize=1.2)
        axes.set(xlabel="$y$", ylabel="$p_y$", title=f"E = {name}")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def starts_on_section(rng: np.random.Generator, energy: float, orbits: int) -> tuple[np.ndarray, ...]:
    """x = 0, and y, p_y drawn evenly from where the energy leaves something for p_x: [orbits] each."""
    y, py = rng.uniform(-0.6, 1.0, 200 * orbits), rng.uniform(-0.6, 0.6, 200 * orbits)
    left = 2 * energy - py**2 - y**2 + 2 * y**3 / 3
    allowed = np.flatnonzero(left > 0)[:orbits]
    return np.zeros(orbits), np.sqrt(left[allowed]), y[allowed], py[allowed]


if __name__ == "__main__":
    main(*sys.argv[1:2])
