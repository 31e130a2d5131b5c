"""Liquid water learnt from density functional theory: an energy of surroundings, then 10 ps of 128 molecules.

Physics.  Each atom k sees its surroundings through sums of weights phi_m(k) = sum_j w_m(|r_k - r_j|) over oxygens and
over hydrogens, and has the energy A_m phi_m + B_mn phi_m phi_n / 2, with A and B of its species. This is the quadratic
form of "Molecular Learning Dynamics" (Gusev, Vanchurin), not as a loss that each atom descends for itself but as one
energy of all: forces are reciprocal, energy and momentum are kept. No bond and no angle is put in. The forces are
linear in A and B, so that the fit is one linear least-squares problem. No frame has an O-H distance between 1.15 and
1.3 angstrom: what it takes for a proton to change its molecule is not learnt, and the page counts how many did.

Scaling.  Angstrom, eV and u, as in ASE; one unit of time is 10.18 fs. Weights are Gaussians of width 0.4 to 0.8 that
end smoothly at 6 angstrom. Trained on 80 frames of 64 molecules, tested on 80 that were never seen
(examples/data/water says where they come from); run in a box of twice their size at 300 K, in steps of 0.5 fs.

Run time.  A minute on two cores, of which half is the fit and its compilation and half 1 ps of 128 molecules. --full
takes 10 ps and some four minutes.

    python examples/water.py [picture.png] [--full]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sympy import exp

import symphys as ph

SMALL = {"shells": 1, "frames": 2, "copies": 1, "picoseconds": 0.02}  # what the tests run
SHELLS = ((1.0, 0.4), (1.5, 0.45), (0.5, 0.5), (2.1, 0.5), (2.8, 0.6), (3.6, 0.7), (4.6, 0.8))  # middles and widths
CUTOFF, DT = 6.0, 0.5 * ph.units.fs
MASSES = {"O": 15.9994, "H": 1.00794}
KT = 300 * ph.units.kB
# peaks of liquid water in the infrared, 1/cm: Bertie, Lan, Appl. Spectrosc. 50 (1996) 1047
INFRARED = {"libration": 686, "bend": 1643.5, "O-H stretch": 3404}
FOLDER = Path(__file__).resolve().parent / "data" / "water"


def main(
    picture: str = "water.png", shells: int = 7, frames: int = 80, copies: int = 2, picoseconds: float = 1.0
) -> None:
    # --- write --------------------------------------------------------------------------------------------------
    atoms = ph.particles("r", dim=3, species=("O", "H"))
    lagrangian = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
    for kind in ("O", "H"):
        lagrangian -= atoms.sum(lambda a, kind=kind: energy(atoms, a, kind, shells), species=kind)
    water = ph.Lagrangian(lagrangian)

    # --- fit ------------------------------------------------------------------------------------------------------
    train, unseen = (ph.data.read_deepmd(FOLDER / name)[:frames] for name in ("data_0", "data_2"))
    mass = train.masses(MASSES)
    fit = water.fit(
        {atoms: train.positions, ph.ddot(atoms): train.accelerations(MASSES)},
        parameters={atoms.mass: MASSES},
        weights={ph.ddot(atoms): mass[:, None] ** 2},  # all forces count alike, whatever they move
        species=train.species,
        box=train.box,
        cutoff=CUTOFF,
        smoothing="switch",
    )
    print(fit.method, fit.status)
    error = fit.relative_error({atoms: unseen.positions, ph.ddot(atoms): unseen.accelerations(MASSES)}, box=unseen.box)
    print("relative error of forces on unseen frames:", {kind: round(value, 3) for kind, value in error.items()})

    # --- run ------------------------------------------------------------------------------------------------------
    side, count = unseen.box[0, 0, 0], len(mass)
    places = np.concatenate([unseen.positions[0] + [k * side, 0, 0] for k in range(copies)])
    species, steps = unseen.species * copies, round(picoseconds * ph.units.ps / DT)
    bath = ph.NoseHoover(temperature=KT, relaxation=50 * ph.units.fs)
    simulator = water.compile(box=[copies * side, side, side], cutoff=CUTOFF, smoothing="switch", thermostat=bath)
    run = simulator.run(
        {atoms: places, ph.dot(atoms): ph.maxwell_boltzmann(KT, MASSES, species, seed=0)},
        {**fit.parameters, atoms.mass: MASSES},
        t_span=(0, steps * DT),
        dt=DT,
        save_every=4,
        species=species,
        force_limit=20.0,
    )
    assert run.ok
    limited = run.counts["force limit"]
    kelvin = run.temperature / ph.units.kB
    print(f"{len(places) // 3} molecules, {picoseconds} ps at {kelvin.mean():.0f} K")
    print(f"the force limit acted {limited} times in {steps * count * copies} forces")
    print(f"drift of the energy of molecules and bath: {run.drift['invariant']:.1e}")

    # --- compare --------------------------------------------------------------------------------------------------
    # what the first fifth of the run forgets, or all of a short one
    seen = run.frames()[len(run.t) // 5 :]
    bonds = {name: ph.measure.find_bonds(each, 1.25, between=("O", "H")) for name, each in groups(seen, unseen)}
    lengths = {name: ph.measure.bond_lengths(each, bonds[name]) for name, each in groups(seen, unseen)}
    angles = {
        name: np.rad2deg(ph.measure.bond_angles(each, ph.measure.angles_of_bonds(bonds[name])))
        for name, each in groups(seen, unseen)
    }
    for name in lengths:
        print(
            f"{name}: O-H {lengths[name].mean():.4f} +- {lengths[name].std():.4f} angstrom, "
            f"H-O-H {angles[name].mean():.1f} +- {angles[name].std():.1f} degrees"
        )
    print("protons that changed their molecule:", int((lengths["run"] > 1.3).any(axis=0).sum()))
    if shells == len(SHELLS):  # the whole model, not a test of this page
        assert error["O"] < 0.28
        assert error["H"] < 0.22
        assert abs(lengths["run"].mean() - lengths["frames"].mean()) < 0.01
        assert abs(angles["run"].mean() - angles["frames"].mean()) < 2
    draw(picture, seen, unseen, lengths, angles)


def energy(atoms, a, kind, shells):
    """A phi + phi B phi / 2, with phi what an atom of that kind sees."""
    seen = [
        (of, atoms.environment(a, of=of, weight=lambda s, c=c, w=w: exp(-((s - c) ** 2) / (2 * w**2))))
        for of in ("O", "H")
        for c, w in SHELLS[:shells]
    ]
    A = ph.parameter_array(f"A_{kind}", len(seen))
    B = ph.parameter_array(f"B_{kind}", (len(seen), len(seen)), symmetric=True)
    # A of what H sees of O would repeat A of what O sees of H: both are sums over the same pairs
    linear = sum(A[i] * phi for i, (of, phi) in enumerate(seen) if (kind, of) != ("H", "O"))
    return linear + sum(B[i, j] * p * q / 2 for i, (_, p) in enumerate(seen) for j, (_, q) in enumerate(seen))


def groups(seen, unseen):
    """Both sets of frames by name."""
    return (("run", seen), ("frames", unseen))


def draw(picture, seen, unseen, lengths, angles):
    figure, axes = plt.subplots(2, 2, figsize=(11, 7), layout="constrained")
    for panel, values, label in ((axes[0, 0], lengths, "O-H (angstrom)"), (axes[0, 1], angles, "H-O-H (degrees)")):
        span = min(v.min() for v in values.values()), max(v.max() for v in values.values())
        for name, style in (("frames", "k--"), ("run", "C0-")):
            found = ph.measure.distribution(values[name], bins=60, span=span)
            panel.plot(found.x, found.density, style, label={"frames": "density functional", "run": "learnt"}[name])
        panel.set(xlabel=label, ylabel="density")
        panel.legend()
    panel = axes[1, 0]
    for frames, style in ((unseen, "k--"), (seen, "C0-")):
        structure = ph.measure.radial_distribution(
            frames[:: max(1, len(frames) // 100)], CUTOFF, bins=80, between=("O", "O")
        )
        panel.plot(structure.r, structure.g, style)
    panel.set(xlabel="O-O (angstrom)", ylabel="g(r)", xlim=(2, CUTOFF))
    panel = axes[1, 1]
    for kind in ("O", "H"):
        spectrum = ph.measure.vibrational_spectrum(seen, species=kind)
        panel.plot(spectrum.frequency / ph.units.per_cm, spectrum.density * ph.units.per_cm, label=kind)
    for name, peak in INFRARED.items():  # the spectrum at hand is that of hydrogen
        number = spectrum.frequency / ph.units.per_cm
        near = np.flatnonzero(abs(number - peak) < peak / 4)
        if len(near):
            found = number[near[spectrum.density[near].argmax()]]
            print(f"{name}: strongest at {found:.0f} 1/cm, in the infrared at {peak}")
        panel.axvline(peak, color="k", linestyle=":", linewidth=0.8)
        panel.text(peak, panel.get_ylim()[1], name, rotation=90, va="top", ha="right", fontsize=8)
    panel.set(xlabel="wave number (1/cm)", ylabel="density of vibrations", xlim=(0, 4500))
    panel.legend(loc="center right")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--full"]
    main(*words[:1], picoseconds=10.0 if "--full" in sys.argv else 1.0)
