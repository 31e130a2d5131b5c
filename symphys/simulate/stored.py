"""Arrays in files: what is asked for is read, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.extras import optional
from symphys.simulate.save import NETCDF, check_libraries, check_suffix, of_dataset
from symphys.simulate.table import Table, Variable


@dataclass(frozen=True, eq=False)
class StoredArray(NDArrayOperatorsMixin):
    """An array in a file, which is read where it is indexed; NumPy's functions and operators read all of it.

    real, imaginary: xarray Variables, the second None for real numbers. rows: how many entries of the first axis count.
    """

    real: Any
    imaginary: Any | None
    rows: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return (self.rows, *self.real.shape[1:])

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of entries."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the entries."""
        kind = self.real.dtype
        return np.dtype(kind if self.imaginary is None else np.result_type(kind, np.complex64))

    def first(self, rows: int) -> StoredArray:
        """The first entries of the first axis, unread."""
        return StoredArray(self.real, self.imaginary, rows)

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, key: Any) -> NDArray[Any]:
        places = key if isinstance(key, tuple) else (key,)
        if not all(isinstance(place, int | np.integer | slice) for place in places) or not places:
            return np.asarray(self.__array__()[key])
        head = range(self.rows)[places[0]]  # negative places count from the last row that there is
        if isinstance(head, int):
            start: Any = head
        else:
            start = slice(head.start, head.stop if head.stop >= 0 else None, head.step)
        rest = (start, *places[1:])
        real = np.asarray(self.real[rest].values)
        if self.imaginary is None:
            return real
        whole = np.empty(real.shape, dtype=self.dtype)
        whole.real = real
        whole.imag = self.imaginary[rest].values
        return whole

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("an array in a file cannot be used without a copy in memory")
        return np.asarray(self[:], dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        read = [np.asarray(each) if isinstance(each, StoredArray) else each for each in inputs]
        return getattr(ufunc, method)(*read, **options)

    def __repr__(self) -> str:
        return f"StoredArray({'x'.join(map(str, self.shape))}, {self.dtype})"


def open_table(path: str | Path) -> Table:
    """The table of a file, whose variables of the role `state` are read when they are asked for.

    Raises InputError where there is no such file or it cannot be read, UnsupportedError where libraries are missing.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"there is no file {path}; give the path of a saved result")
    check_suffix(path)
    check_libraries(path)
    xarray = optional("xarray", "io", "a NetCDF file")
    engine = "h5netcdf" if path.suffix in NETCDF else "zarr"
    try:
        dataset = xarray.open_dataset(path, decode_times=False, mask_and_scale=False, cache=False, engine=engine)
        stored = {str(n): v for n, v in dataset.variables.items() if v.attrs.get("role") == "state"}
        table = of_dataset(dataset.drop_vars(list(stored)))
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return Table({**_joined(stored), **table.variables}, table.attributes)


def _joined(stored: dict[str, Any]) -> dict[str, Variable]:
    """Arrays in a file by name, real and imaginary parts together."""
    parts: dict[str, dict[str, Any]] = {}
    for name, v in stored.items():
        parts.setdefault(str(v.attrs.get("whole", name)), {})[str(v.attrs.get("part", "real"))] = v
    found = {}
    for name, pair in parts.items():
        real = pair["real"]
        values: Any = StoredArray(real, pair.get("imag"), real.shape[0])
        kept = {key: value for key, value in real.attrs.items() if key not in ("part", "whole")}
        found[name] = Variable(tuple(map(str, real.dims)), values, kept)
    return found
