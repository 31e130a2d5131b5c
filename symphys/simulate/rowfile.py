"""Files that fill up while something runs: laid out whole at the start, then written in place.

A NetCDF file has all its room from the first row on, full of NaN, so that later rows change numbers and nothing of the
file's structure; a Zarr store gets a new chunk a row. Either can be read at any moment, also after the process died.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symphys.errors import InputError
from symphys.extras import optional
from symphys.simulate.save import NETCDF, ZARR, check_libraries, in_reals, plain_value
from symphys.simulate.table import Table, Variable

LARGE = ("state",)  # the roles of what is not laid out in memory


@dataclass(frozen=True)
class RowFile:
    """A file that is open for writing: `datasets` by role and symbol, in parts (real and imaginary)."""

    path: Path
    datasets: Mapping[tuple[str, str], Mapping[str, Any]]
    flush: Callable[[], None]
    close: Callable[[], None]

    def write(self, role: str, symbol: str, place: tuple[int, ...], values: Any) -> None:
        """Write the values at a place of the first axes of what a role and a symbol name."""
        for part, dataset in self.datasets[role, symbol].items():
            dataset[place] = getattr(values, part) if part else values


def check_row_path(path: str | Path) -> Path:
    """The path of a file that fills up; InputError for suffixes that cannot, and where there is no such folder."""
    path = Path(path)
    if path.suffix not in (*NETCDF, *ZARR):
        raise InputError(f"{path.name} cannot be written while running; give a path that ends in .nc or in .zarr")
    if not path.resolve().parent.is_dir():
        raise InputError(f"there is no folder {path.parent} for {path.name}; make it first")
    check_libraries(path)
    return path


def create_row_file(table: Table, path: Path, leading: int) -> RowFile:
    """Lay out a table in a file; variables of the role `state` have their shape alone, and are NaN everywhere.

    leading: how many axes in front number the rows of states.
    """
    real = in_reals(table)
    if path.suffix in NETCDF:
        _lay_out_netcdf(real, path)
    else:
        _lay_out_zarr(real, path, leading)
    return open_row_file(table, path)


def open_row_file(table: Table, path: Path) -> RowFile:
    """A file that was laid out for a table like this one, open for writing."""
    flush = close = _nothing
    if path.suffix in NETCDF:
        # rows stand still once they are written: no lock need keep readers out
        file = optional("h5py", "io", "a NetCDF file").File(path, "r+", locking=False)
        flush, close = file.flush, file.close
    else:
        file = optional("zarr", "zarr", "a Zarr store").open_group(path, mode="r+", zarr_format=2)
    datasets: dict[tuple[str, str], dict[str, Any]] = {}
    for name, v in in_reals(table).variables.items():
        datasets.setdefault((v.role, v.symbol), {})[str(v.attributes.get("part", ""))] = file[name]
    return RowFile(path, datasets, flush, close)


def _lay_out_netcdf(table: Table, path: Path) -> None:
    h5netcdf = optional("h5netcdf", "io", "a NetCDF file")
    with h5netcdf.File(path, "w") as made:
        made.attrs.update(table.attributes)
        for v in table.variables.values():
            for axis, length in zip(v.axes, v.values.shape, strict=True):
                if axis not in made.dimensions:
                    made.dimensions[axis] = length
        for name, v in table.variables.items():
            filled = {"fillvalue": np.nan} if v.role in LARGE else {"data": v.values}
            variable = made.create_variable(name, v.axes, dtype=v.values.dtype, **filled)
            variable.attrs.update(v.attributes)
            if coordinates := _coordinates(table, v):
                variable.attrs["coordinates"] = coordinates


def _coordinates(table: Table, variable: Variable) -> str:
    """What CF calls auxiliary coordinates: parameters and numbers of steps that belong to the axes of a variable."""
    if variable.role not in LARGE:
        return ""
    return " ".join(
        name
        for name, v in table.variables.items()
        if v.role in ("parameter", "step") and set(v.axes) <= set(variable.axes)
    )


def _lay_out_zarr(table: Table, path: Path, leading: int) -> None:
    zarr = optional("zarr", "zarr", "a Zarr store")
    group = zarr.open_group(path, mode="w", zarr_format=2, attributes=_plain(table.attributes))
    for name, v in table.variables.items():
        shape, large = v.values.shape, v.role in LARGE
        attributes = {**_plain(v.attributes), "_ARRAY_DIMENSIONS": list(v.axes)}
        if coordinates := _coordinates(table, v):
            attributes["coordinates"] = coordinates
        chunks = (1,) * leading + shape[leading:] if large else tuple(max(1, length) for length in shape)
        fill = np.nan if large else None
        packed = {} if large else {"compressors": None}  # small numbers are written often
        array = group.create_array(
            name, shape=shape, dtype=v.values.dtype, chunks=chunks, fill_value=fill, attributes=attributes, **packed
        )
        if not large:
            array[...] = v.values
    zarr.consolidate_metadata(group.store)


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: plain_value(value) for key, value in attributes.items()}


def _nothing() -> None:
    """A store of many files has nothing to flush."""
