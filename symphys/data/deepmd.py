"""The folders of DeePMD-kit: `type.raw`, `type_map.raw` and `set.*/{coord,force,energy,box}.npy`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.data.frames import Frames, joined
from symphys.errors import InputError

_OPTIONAL = {"force": "forces", "energy": "energies"}


def read_deepmd(folder: str | Path, *, species: Sequence[str] | None = None) -> Frames:
    """The frames of a system, or of all systems below a folder in the order of their names; angstrom and eV.

    species: names of the types 0, 1, ...; by default those of `type_map.raw`. Numbers are read as numbers: nothing in a
    file is evaluated. Raises `InputError` where there is no such data, where its shapes do not fit each other or are
    damaged, and where systems hold different atoms. The format: DeePMD-kit, section "System" of its documentation
    (Wang et al., Comput. Phys. Commun. 228 (2018) 178).
    """
    folder = Path(folder)
    systems = sorted(path.parent for path in folder.rglob("type.raw"))
    if not systems:
        raise InputError(f"there is no type.raw in or below {folder}; give the folder of a DeePMD system")
    return joined([_system(each, species) for each in systems], [str(each) for each in systems])


def _system(folder: Path, species: Sequence[str] | None) -> Frames:
    types = _types(folder / "type.raw")
    names = _names(folder, species, int(types.max()))
    sets = sorted(path for path in folder.glob("set.*") if path.is_dir())
    if not sets:
        raise InputError(f"{folder} has no set.*; give a system with sets of .npy files")
    kinds = tuple(names[i] for i in types)
    periodic = not (folder / "nopbc").exists()
    return joined([_set(each, kinds, periodic) for each in sets], [str(each) for each in sets])


def _types(path: Path) -> NDArray[np.int64]:
    try:
        types = np.array(path.read_text().split(), dtype=np.int64)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path} holds something else than whole numbers: {error}") from error
    if not len(types) or types.min() < 0:
        raise InputError(f"{path} names no atoms, or a type below 0; it holds a number for each atom")
    return types


def _names(folder: Path, species: Sequence[str] | None, largest: int) -> list[str]:
    table = folder / "type_map.raw"
    if species is None and not table.exists():
        raise InputError(f"{folder} has no type_map.raw; give species=[...], a name for each of its types")
    names = [str(name) for name in species] if species is not None else table.read_text().split()
    if len(names) <= largest:
        raise InputError(f"{folder} has atoms of type {largest}, but {len(names)} species are named: {names}")
    return names


def _set(folder: Path, kinds: tuple[str, ...], periodic: bool) -> Frames:
    coordinates = _numbers(folder / "coord.npy")
    count, n = len(coordinates), len(kinds)
    held: dict[str, Any] = {"positions": _shaped(coordinates, (count, n, 3), folder / "coord.npy")}
    shapes = {"force": (count, n, 3), "energy": (count,)}
    for name, what in _OPTIONAL.items():
        if (path := folder / f"{name}.npy").exists():
            held[what] = _shaped(_numbers(path), shapes[name], path)
    if periodic:
        path = folder / "box.npy"
        held["box"] = _shaped(_numbers(path), (count, 3, 3), path)
    return Frames(species=kinds, **held)


def _numbers(path: Path) -> NDArray[np.float64]:
    if not path.exists():
        remedy = "; a system without a box has a file `nopbc`" if path.name == "box.npy" else ""
        raise InputError(f"there is no {path}{remedy}")
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
    except (ValueError, OSError, EOFError, TypeError) as error:
        raise InputError(f"{path} cannot be read as an array of numbers: {error}") from error


def _shaped(array: NDArray[np.float64], shape: tuple[int, ...], path: Path) -> NDArray[np.float64]:
    if array.size != np.prod(shape) or (array.ndim and len(array) != shape[0]):
        raise InputError(f"{path} has the shape {array.shape}, which does not fit {shape}")
    return array.reshape(shape)
