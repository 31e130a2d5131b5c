"""Molten table salt: ions that attract and repel each other across all images of a box, through a mesh.

Physics.  Ions of sodium and chlorine have the energy q_a q_b / r + A exp((sigma - r) / rho) - C / r^6 - D / r^8, with
numbers that Fumi and Tosi took from the crystals (J. Phys. Chem. Solids 25 (1964) 31 and 45); the melt of such ions is
that of Lewis and Singer, J. Chem. Soc. Faraday Trans. 2, 71 (1975) 41.  Charges order it: about an ion stands a shell
of the other kind, then one of its own, and so on, alternately.  Neutrons see those shells at about 2.8 angstrom, and
about 3.9 to 4.0 for like ions (Edwards, Enderby, Howe and Page, J. Phys. C 8 (1975) 3483; the numbers here are rough);
X-rays see the first at about 2.7 (Urakawa et al., American Mineralogist 84 (1999) 341).  The ions of this model cannot
be polarised; they stand a little closer to the other kind and farther from their own.

Scaling.  Angstrom, eV and u; one unit of time is 10.18 fs.  1148 K, at the density of the melt at normal pressure,
2.1393 - 5.430e-4 T g/cm^3 (Janz, J. Phys. Chem. Ref. Data 17, supplement 2 (1988)).  Near forces end at 9 angstrom.

Run time.  1000 ions for 4 ps in steps of 1 fs: half a minute.  --full takes 4096 ions.

    python examples/molten_salt.py [picture.png] [--full]
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sympy import exp

import symphys as ph

SMALL = {"edge": 4, "picoseconds": 0.1}  # what the tests run
KT, DT, CUTOFF = 1148 * ph.units.kB, ph.units.fs, 9.0
MASSES, CHARGES = {"Na": 22.98977, "Cl": 35.453}, {"Na": 1.0, "Cl": -1.0}
COULOMB = 14.399645  # e^2 / (4 pi epsilon_0) in eV angstrom
RHO, UNIT = 0.317, ph.units.kJ / ph.units.mol
# A, C, D in kJ/mol and powers of angstrom, and sigma in angstrom
REPULSION = {
    ("Na", "Na"): (25.4435, 101.1719, 48.1771, 2.340),
    ("Na", "Cl"): (20.3548, 674.4793, 837.0770, 2.755),
    ("Cl", "Cl"): (15.2661, 6985.6786, 14031.5785, 3.170),
}
# rough: angstrom, after Edwards et al.
NEUTRONS = {("Na", "Cl"): 2.8, ("Na", "Na"): 3.95, ("Cl", "Cl"): 3.9}


def main(picture: str = "molten_salt.png", edge: int = 10, picoseconds: float = 4.0) -> None:
    # --- write --------------------------------------------------------------------------------------------------
    ions = ph.particles("r", dim=3, species=("Na", "Cl"), attributes=("charge",))
    energy = ions.pairs(lambda a, b: COULOMB * ions.charge(a) * ions.charge(b) / a.distance(b))
    for kinds, (A, C, D, sigma) in REPULSION.items():
        energy += ions.pairs(
            lambda a, b, A=A, C=C, D=D, sigma=sigma: (
                UNIT * (A * exp((sigma - a.distance(b)) / RHO) - C / a.distance(b) ** 6 - D / a.distance(b) ** 8)
            ),
            between=kinds,
        )
    salt = ph.Lagrangian(ions.sum(lambda a: ions.mass(a) * a.speed_squared / 2) - energy)

    # --- run: a crystal too hot to last, a bath, and then no bath -----------------------------------------------------
    places = np.stack(np.meshgrid(*[np.arange(edge)] * 3, indexing="ij"), -1).reshape(-1, 3)
    species = ["Na" if place.sum() % 2 == 0 else "Cl" for place in places]
    density = (2.1393 - 5.430e-4 * 1148) * 0.602214  # g/cm^3 in u / angstrom^3
    length = (len(places) / 2 * sum(MASSES.values()) / density) ** (1 / 3)
    options = {
        "box": [length] * 3, "cutoff": CUTOFF, "smoothing": "shift force",
        "long_range": ph.Ewald(accuracy=1e-4, mesh=True),
    }  # fmt: skip
    values = {ions.mass: MASSES, ions.charge: CHARGES}
    state = {ions: places * length / edge, ph.dot(ions): ph.maxwell_boltzmann(6 * KT, MASSES, species, seed=0)}
    bath = ph.Langevin(temperature=KT, relaxation=100 * ph.units.fs)
    steps = round(0.5 * picoseconds * ph.units.ps / DT)
    melt = salt.compile(**options, thermostat=bath)
    heated = melt.run(state, values, t_span=(0, steps * DT), dt=DT, save_every=steps, species=species, seed=1)
    # a bath leaves the melt some momentum, which a temperature of 3 n - 3 degrees of freedom must not count
    masses, v = np.array([MASSES[kind] for kind in species]), heated[ph.dot(ions)][-1]
    state = {ions: heated[ions][-1], ph.dot(ions): v - masses @ v / masses.sum()}
    free, steps = salt.compile(**options), round(0.5 * picoseconds * ph.units.ps / DT)
    run = free.run(state, values, t_span=(0, steps * DT), dt=DT, save_every=20, species=species)
    assert run.ok
    print(free.explain().splitlines()[-1])
    print(f"{len(places)} ions at {run.temperature.mean() / ph.units.kB:.0f} K", end=", ")
    print(f"{run.pressure.mean() / ph.units.GPa:.2f} GPa, energy {run.energy[0] / len(places):.4f} eV an ion")
    total = float(np.abs(run.energy - run.energy[0]).max()) / (1.5 * len(places) * KT)
    print(f"drift of the energy {total:.1e} of the kinetic energy, of momenta {float(run.drift['momentum']):.1e}")
    assert total < 1e-3
    assert run.drift["momentum"] < 1e-12

    # --- look: shells of the other kind, and of the own ---------------------------------------------------------------
    frames = run.frames()[1 :: max(1, len(run.t) // 60)]
    reach = min(CUTOFF, length / 2)
    found = {kinds: ph.measure.radial_distribution(frames, reach, bins=150, between=kinds) for kinds in REPULSION}
    peaks = {kinds: first_peak(each.r, each.g) for kinds, each in found.items()}
    for kinds, peak in peaks.items():
        print(f"{'-'.join(kinds)}: first shell at {peak:.2f} angstrom, by neutrons at about {NEUTRONS[kinds]}")
    if edge >= 8:  # a melt, not a test of this page
        assert 2.55 < peaks["Na", "Cl"] < 2.85
        assert all(3.7 < peaks[kind, kind] < 4.4 for kind in MASSES)
        assert found["Na", "Cl"].g.max() > 3

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for number, (kinds, each) in enumerate(found.items()):
        left.plot(each.r, each.g, f"C{number}", label="-".join(kinds))
        left.axvline(NEUTRONS[kinds], color=f"C{number}", linestyle=":", linewidth=0.8)
    left.set(xlabel="r (angstrom)", ylabel="g(r)", xlim=(1.5, reach), title="dotted: shells by neutrons, about")
    left.legend()
    right.plot(run.t / ph.units.ps, (run.energy - run.energy[0]) / (1.5 * len(places) * KT))
    right.set(xlabel="t (ps)", ylabel="change of the energy by the kinetic energy")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def first_peak(r: np.ndarray, g: np.ndarray) -> float:
    """Where g is largest, by a parabola through the points about it."""
    top = int(g.argmax())
    near = slice(max(top - 4, 0), top + 5)
    a, b, _ = np.polyfit(r[near] - r[top], g[near], 2)
    return float(r[top] - b / (2 * a)) if a < 0 else float(r[top])


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--full"]
    main(*words[:1], edge=16 if "--full" in sys.argv else 10)
