"""Results in files and data sets: NetCDF, Zarr and xarray where they are installed, NumPy's own format everywhere.

Files hold real numbers and text alone, which every tool reads: complex numbers are two variables, called `..._real` and
`..._imag`.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from symphys.errors import InputError
from symphys.extras import optional
from symphys.simulate.table import Table, Variable

NETCDF = (".nc", ".nc4", ".netcdf")
ZARR = (".zarr",)
COORDINATES = ("time", "space", "step", "parameter")  # the roles that data sets take as coordinates


def to_dataset(table: Table) -> Any:
    """An xarray Dataset; times, places and parameters are its coordinates."""
    xarray = optional("xarray", "io", "a data set")
    made = {name: xarray.Variable(v.axes, v.values, dict(v.attributes)) for name, v in table.variables.items()}
    coordinates = {name for name, v in table.variables.items() if v.role in COORDINATES}
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


def in_reals(table: Table) -> Table:
    """The same table with two real variables for each complex one."""
    found: dict[str, Variable] = {}
    for name, v in table.variables.items():
        if not np.iscomplexobj(v.values):
            found[name] = v
            continue
        for part, values in (("real", v.values.real), ("imag", v.values.imag)):
            own = f"{name}_{part}"
            while own in table.variables or own in found:
                own += "_"
            found[own] = Variable(v.axes, values, {**v.attributes, "part": part, "whole": name})
    return Table(found, table.attributes)


def in_complex(table: Table) -> Table:
    """The table of which `in_reals` made this one."""
    found: dict[str, Variable] = {}
    for name, v in table.variables.items():
        if "whole" not in v.attributes:
            found[name] = v
            continue
        whole = str(v.attributes["whole"])
        if whole not in found:
            kept = {key: value for key, value in v.attributes.items() if key not in ("part", "whole")}
            zeros = np.zeros(v.values.shape, dtype=np.result_type(v.values.dtype, np.complex64))
            found[whole] = Variable(v.axes, zeros, kept)
        target = found[whole].values
        (target.real if v.attributes["part"] == "real" else target.imag)[...] = v.values
    return Table(found, table.attributes)


def save_table(table: Table, path: str | Path, compressed: bool = True) -> None:
    """Write NetCDF where the suffix is .nc, a Zarr store where it is .zarr, NumPy's .npz where it is .npz.

    compressed: whether .npz is, which takes longer. Raises InputError for another suffix, UnsupportedError where what
    NetCDF or Zarr need is not installed.
    """
    path = Path(path)
    check_suffix(path)
    check_libraries(path)
    table = in_reals(table)
    if path.suffix in NETCDF:
        to_dataset(table).to_netcdf(path, engine="h5netcdf", encoding=_without_fill(table))
        return
    if path.suffix in ZARR:
        plain = Table({n: _without_arrays(v) for n, v in table.variables.items()}, table.attributes)
        to_dataset(plain).to_zarr(path, mode="w", zarr_format=2, encoding=_without_fill(table))
        return
    described = [
        {"name": name, "axes": v.axes, "attributes": {key: plain_value(value) for key, value in v.attributes.items()}}
        for name, v in table.variables.items()
    ]
    attributes = {k: plain_value(v) for k, v in table.attributes.items()}
    header = json.dumps({"attributes": attributes, "variables": described})
    arrays: dict[str, Any] = {f"values_{i}": v.values for i, v in enumerate(table.variables.values())}
    with path.open("wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, header=np.array(header), **arrays)


def load_table(path: str | Path) -> Table:
    """Read what `save_table` wrote; nothing in a file is evaluated.

    Raises InputError where there is no such file or it is no result, UnsupportedError where xarray, h5netcdf or zarr
    are missing.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"there is no file {path}; give the path of a saved result")
    check_suffix(path)
    if path.suffix != ".npz":
        check_libraries(path)
        xarray = optional("xarray", "io", "a NetCDF file")
        engine, kind = ("h5netcdf", "NetCDF") if path.suffix in NETCDF else ("zarr", "Zarr")
        try:
            with xarray.open_dataset(path, engine=engine, decode_times=False, mask_and_scale=False) as dataset:
                return in_complex(of_dataset(dataset.load()))
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path} cannot be read as {kind}: {error}") from error
    try:
        with np.load(path, allow_pickle=False) as arrays:
            header = json.loads(str(arrays["header"]))
            variables = {
                str(v["name"]): Variable(tuple(v["axes"]), arrays[f"values_{i}"], dict(v["attributes"]))
                for i, v in enumerate(header["variables"])
            }
            return in_complex(Table(variables, dict(header["attributes"])))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as a result of symphys: {error}") from error


def check_libraries(path: Path) -> None:
    """Raise UnsupportedError where a file of that suffix needs what is not installed."""
    if path.suffix in NETCDF:
        for module in ("h5netcdf", "h5py"):
            optional(module, "io", "a NetCDF file")
    if path.suffix in ZARR:
        optional("zarr", "zarr", "a Zarr store")


def check_suffix(path: Path) -> None:
    """Raise InputError for a file of which it is not known what to put in."""
    if path.suffix not in (*NETCDF, *ZARR, ".npz"):
        raise InputError(
            f"{path.name} has the suffix {path.suffix!r}; give a path that ends in .nc or in .npz (or in .zarr)"
        )


def plain_value(value: Any) -> Any:
    """A value as JSON knows it."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _without_arrays(variable: Variable) -> Variable:
    return Variable(variable.axes, variable.values, {k: plain_value(v) for k, v in variable.attributes.items()})


def _without_fill(table: Table) -> dict[str, dict[str, None]]:
    return {name: {"_FillValue": None} for name in table.variables}
