"""To and from ASE, which reads and writes the files of most programs of chemistry; optional, the extra `ase`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from symphys.data.frames import Frames, joined
from symphys.errors import InputError, UnsupportedError
from symphys.extras import optional


def read_ase(path: str | Path, *, index: str | int = ":", format: str | None = None) -> Frames:
    """Frames of any file that ASE reads, in its units: angstrom, eV, u.

    index: which frames, as ASE has it: ":" for all, "::10", -1. format: its name of the format; by default found from
    the file. Raises `InputError` where there is no such file or ASE cannot read it, `UnsupportedError` where ASE is
    missing, and as `from_ase` does.
    """
    io = optional("ase.io", "ase", "reading by ASE")
    path = Path(path)
    if not path.exists():
        raise InputError(f"there is no file {path}; give the path of what ASE reads")
    try:
        read = io.read(path, index=index, format=format)
    except Exception as error:
        raise InputError(f"ASE cannot read {path}: {type(error).__name__}: {error}") from error
    return from_ase(read)


def from_ase(atoms: Any) -> Frames:
    """Frames of ASE's `Atoms`, one or a sequence of them with the same atoms in the same order.

    Energies and forces are those that were computed before (nothing is computed here), velocities are taken where
    momenta are set. Raises `InputError` where there are none or atoms differ, `UnsupportedError` for boxes that are
    periodic along some of their edges alone.
    """
    many = list(atoms) if not hasattr(atoms, "get_positions") else [atoms]
    if not many:
        raise InputError("no atoms were given; give ASE's Atoms, one or several")
    return joined([_frame(each) for each in many], [f"frame {i} of ASE" for i in range(len(many))])


def to_ase(frames: Frames) -> list[Any]:
    """ASE's `Atoms` for each frame, with energies, forces and velocities where the frames hold them.

    Species must be symbols of elements. Raises `UnsupportedError` where ASE is missing, `InputError` for other names
    and for particles that are not in three dimensions.
    """
    ase = optional("ase", "ase", "ASE's Atoms")
    known = optional("ase.data", "ase", "ASE's Atoms").atomic_numbers
    calculators = optional("ase.calculators.singlepoint", "ase", "ASE's Atoms")
    if strange := sorted(set(frames.species) - set(known)):
        raise InputError(f"{strange[0]!r} is no element, and ASE knows elements alone; rename the species")
    if frames.positions.shape[2] != 3:
        raise InputError(f"ASE has three dimensions, these frames {frames.positions.shape[2]}; add components")
    made = []
    for i, places in enumerate(frames.positions):
        box = None if frames.box is None else frames.box[i]
        atoms = ase.Atoms(symbols=list(frames.species), positions=places, cell=box, pbc=box is not None)
        if frames.velocities is not None:
            atoms.set_velocities(frames.velocities[i])
        computed = {"energy": frames.energies, "forces": frames.forces}
        results = {name: values[i] for name, values in computed.items() if values is not None}
        if results:
            atoms.calc = calculators.SinglePointCalculator(atoms, **results)
        made.append(atoms)
    return made


def _frame(atoms: Any) -> Frames:
    along = np.asarray(atoms.pbc)
    if along.any() and not along.all():
        raise UnsupportedError(
            f"ASE's pbc is {along.tolist()}: boxes are periodic along all edges or none; add vacuum and set all"
        )
    held: dict[str, Any] = {"positions": atoms.get_positions()[None]}
    if along.all():
        held["box"] = np.asarray(atoms.cell)[None]
    if atoms.has("momenta"):
        held["velocities"] = atoms.get_velocities()[None]
    results = {} if atoms.calc is None else dict(atoms.calc.results)
    if "energy" in results:
        held["energies"] = np.array([results["energy"]])
    if "forces" in results:
        held["forces"] = np.asarray(results["forces"])[None]
    return Frames(species=tuple(atoms.get_chemical_symbols()), **held)
