"""Results in files and data sets: NetCDF and xarray where they are installed, NumPy's own format everywhere."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from symphys.errors import InputError
from symphys.simulate.extras import optional
from symphys.simulate.table import Table, Variable

NETCDF = (".nc", ".nc4", ".netcdf")


def to_dataset(table: Table) -> Any:
    """An xarray Dataset; times and parameters are its coordinates."""
    xarray = optional("xarray", "io", "a data set")
    made = {name: xarray.Variable(v.axes, v.values, dict(v.attributes)) for name, v in table.variables.items()}
    coordinates = {name for name, v in table.variables.items() if v.role in ("time", "parameter")}
    return xarray.Dataset(
        {name: variable for name, variable in made.items() if name not in coordinates},
        {name: variable for name, variable in made.items() if name in coordinates},
        dict(table.attributes),
    )


def of_dataset(dataset: Any) -> Table:
    """The table of a Dataset."""
    variables = {
        str(name): Variable(tuple(map(str, v.dims)), np.asarray(v.values), dict(v.attrs))
        for name, v in dataset.variables.items()
    }
    return Table(variables, dict(dataset.attrs))


def save_table(table: Table, path: str | Path) -> None:
    """Write NetCDF where the suffix is .nc, NumPy's .npz where it is .npz.

    Raises InputError for another suffix, UnsupportedError where NetCDF is asked for and xarray or h5netcdf is missing.
    """
    path = Path(path)
    if path.suffix in NETCDF:
        _check_netcdf()
        encoding = {name: {"_FillValue": None} for name in table.variables}
        to_dataset(table).to_netcdf(path, engine="h5netcdf", encoding=encoding)
        return
    _check_suffix(path)
    described = [
        {"name": name, "axes": v.axes, "attributes": {key: _plain(value) for key, value in v.attributes.items()}}
        for name, v in table.variables.items()
    ]
    header = json.dumps({"attributes": {k: _plain(v) for k, v in table.attributes.items()}, "variables": described})
    arrays: dict[str, Any] = {f"values_{i}": v.values for i, v in enumerate(table.variables.values())}
    with path.open("wb") as file:
        np.savez_compressed(file, header=np.array(header), **arrays)


def load_table(path: str | Path) -> Table:
    """Read what `save_table` wrote; nothing in a file is evaluated.

    Raises InputError where there is no such file or it is no result, UnsupportedError where xarray or h5netcdf is
    missing.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}; give the path of a saved result")
    if path.suffix in NETCDF:
        _check_netcdf()
        xarray = optional("xarray", "io", "a NetCDF file")
        try:
            with xarray.open_dataset(path, engine="h5netcdf", decode_times=False, mask_and_scale=False) as dataset:
                return of_dataset(dataset.load())
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read as NetCDF: {error}") from error
    _check_suffix(path)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            header = json.loads(str(arrays["header"]))
            variables = {
                str(v["name"]): Variable(tuple(v["axes"]), arrays[f"values_{i}"], dict(v["attributes"]))
                for i, v in enumerate(header["variables"])
            }
            return Table(variables, dict(header["attributes"]))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as a result of symphys: {error}") from error


def _check_netcdf() -> None:
    for module in ("h5netcdf", "h5py"):
        optional(module, "io", "a NetCDF file")


def _check_suffix(path: Path) -> None:
    if path.suffix != ".npz":
        raise InputError(f"{path.name} has the suffix {path.suffix!r}; give a path that ends in .nc or in .npz")


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
