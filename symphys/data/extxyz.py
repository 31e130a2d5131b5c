"""Extended XYZ: text with the number of atoms, a line of `key=value`, and a line for each atom, frame after frame.

Other keys and columns are left out; nothing in a file is evaluated.
The format: https://github.com/libAtoms/extxyz, and ASE's module `ase.io.extxyz`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from symphys.data.frames import Frames, joined
from symphys.errors import InputError, UnsupportedError

_PAIR = re.compile(r"""([A-Za-z_][\w-]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|\{([^}]*)\}|(\S+))""")
_PLAIN = "species:S:1:pos:R:3"
# the columns and keys that are read, by the names under which they are found
_COLUMNS = {
    "forces": "forces",
    "force": "forces",
    "velo": "velocities",
    "vel": "velocities",
    "velocities": "velocities",
}
_TOTALS = {"energy": "energies", "time": "times"}


def read_extxyz(path: str | Path) -> Frames:
    """All frames of a file, as [frames, n, 3]: positions, and of the rest what it has.

    Read are the columns `species`, `pos`, `forces`, `velo` and the keys `Lattice`, `pbc`, `energy`, `time`. Raises
    `InputError` with the number of the line where the text is no extended XYZ and where atoms change from frame to
    frame, `UnsupportedError` for boxes that are periodic along some of their edges alone.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"there is no file {path}; give the path of an extended XYZ file")
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text: {error}") from error
    parts = list(_frames(lines, path))
    if not parts:
        raise InputError(f"{path} holds no frame")
    return joined(parts, [f"{path}, frame {i}" for i in range(len(parts))])


def write_extxyz(path: str | Path, frames: Frames) -> None:
    """Write frames so that reading gives the same numbers again, to the last bit.

    Particles in one or two dimensions get zeros as further components. Raises `UnsupportedError` beyond three.
    """
    dim = frames.positions.shape[2]
    if dim > 3:
        raise UnsupportedError(f"extended XYZ holds three components a particle, not {dim}; save a data set instead")
    names = {"pos": frames.positions, "forces": frames.forces, "velo": frames.velocities}
    columns = {name: _in_space(array) for name, array in names.items() if array is not None}
    table = np.concatenate(list(columns.values()), axis=2)
    properties = ":".join(["species:S:1", *(f"{name}:R:3" for name in columns)])
    with Path(path).open("w") as file:
        for i, rows in enumerate(table):
            file.write(f"{len(rows)}\n{_comment(frames, i, properties)}\n")
            for name, row in zip(frames.species, rows.tolist(), strict=True):
                file.write(f"{name} {' '.join(map(repr, row))}\n")


def _in_space(array: Any) -> Any:
    return np.pad(array, ((0, 0), (0, 0), (0, 3 - array.shape[2])))


def _comment(frames: Frames, i: int, properties: str) -> str:
    found = [f"Properties={properties}"]
    if frames.box is not None:
        dim = frames.box.shape[1]
        edges = np.eye(3)
        edges[:dim, :dim] = frames.box[i]
        found.insert(0, f'Lattice="{" ".join(map(repr, edges.ravel().tolist()))}"')
    for key, what in _TOTALS.items():
        if (values := getattr(frames, what)) is not None:
            found.append(f"{key}={float(values[i])!r}")
    return " ".join([*found, f'pbc="{" ".join(["F" if frames.box is None else "T"] * 3)}"'])


def _frames(lines: list[str], path: Path) -> Iterator[Frames]:
    at = 0
    while at < len(lines):
        if not lines[at].strip():  # blank lines may end a file
            at += 1
            continue
        try:
            count = int(lines[at])
        except ValueError:
            raise InputError(f"{path}, line {at + 1}: {lines[at][:40]!r} is no number of atoms") from None
        if count < 1 or at + 2 + count > len(lines):
            raise InputError(f"{path}, line {at + 1}: {count} atoms were announced, {len(lines) - at - 2} lines follow")
        try:
            yield _frame(lines[at + 1], [line.split() for line in lines[at + 2 : at + 2 + count]])
        except ValueError as error:
            raise InputError(f"{path}, the frame of line {at + 1}: {error}") from error
        at += 2 + count


def _frame(comment: str, rows: list[list[str]]) -> Frames:
    pairs = {match[1]: next(v for v in match.groups()[1:] if v is not None) for match in _PAIR.finditer(comment)}
    places = _places(pairs.get("Properties", _PLAIN))
    width = max(end for _, end in places.values())
    if short := [row for row in rows if len(row) < width]:
        raise InputError(f"{' '.join(short[0])!r} has {len(short[0])} columns, not {width}")
    held: dict[str, Any] = {}
    for name, (first, end) in places.items():
        what = _COLUMNS.get(name, "positions" if name == "pos" else "")
        if what and end - first == 3:
            held[what] = np.array([[row[first:end] for row in rows]], dtype=np.float64)
    for key, what in _TOTALS.items():
        if key in pairs:
            held[what] = np.array([float(pairs[key])])
    if "Lattice" in pairs and (box := _box(pairs["Lattice"], pairs.get("pbc", "T T T"))) is not None:
        held["box"] = box
    return Frames(species=tuple(row[places["species"][0]] for row in rows), **held)


def _places(properties: str) -> dict[str, tuple[int, int]]:
    """{column: (first, end)} of a text like species:S:1:pos:R:3."""
    words = properties.split(":")
    if len(words) % 3:
        raise InputError(f"Properties={properties} is no list of name:kind:width")
    found, at = {}, 0
    for name, width in zip(words[::3], words[2::3], strict=True):
        found[name] = (at, at + int(width))
        at += int(width)
    if missing := [name for name in ("species", "pos") if name not in found]:
        raise InputError(f"Properties={properties} has no column {missing[0]}")
    if found["pos"][1] - found["pos"][0] != 3:
        raise InputError(f"Properties={properties} gives pos other than three components")
    return found


def _box(lattice: str, periodic: str) -> Any:
    edges = np.array(lattice.split(), dtype=np.float64)
    if edges.size != 9:
        raise InputError(f'Lattice="{lattice}" holds {edges.size} numbers, not 9')
    along = [word[0].upper() in "T1" for word in periodic.split()]
    if any(along) and not all(along):
        raise UnsupportedError(f'pbc="{periodic}": boxes are periodic along all edges or none; set all, with vacuum')
    return edges.reshape(1, 3, 3) if any(along) else None
