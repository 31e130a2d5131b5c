"""Parameters in arrays: one name for many real symbols, and one array for their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language.symbols import parameters


class ParameterElement(sympy.Symbol):
    """One element of a parameter array, which knows the array that it belongs to."""

    home: tuple[str, tuple[int, ...], bool]

    def __new__(cls, name: str, home: tuple[str, tuple[int, ...], bool], **assumptions: Any) -> Any:
        """A symbol of its own, outside of SymPy's cache: what it knows of its array belongs to it alone."""
        made = sympy.Symbol.__xnew__(cls, name, **assumptions)
        made.home = home
        return made

    def __getnewargs_ex__(self) -> Any:
        return (self.name, self.home), self._assumptions_orig

    def _hashable_content(self) -> Any:
        return (*super()._hashable_content(), self.home)


@dataclass(frozen=True)
class ParameterArray:
    """Parameters A[i, j, ...] of one name; indexed as NumPy indexes, each element is a symbol of its own.

    shape: at least one axis. symmetric: A[i, j] and A[j, i] are one symbol. Values are given and found under the array
    itself, {A: values [..., *shape]}; leading axes are those of an ensemble.
    """

    name: str
    shape: tuple[int, ...]
    symmetric: bool = False
    elements: NDArray[Any] = field(repr=False, compare=False, default_factory=lambda: np.empty(0, dtype=object))

    def __getitem__(self, index: Any) -> Any:
        return self.elements[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.elements)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.elements, dtype=object if dtype is None else dtype, copy=copy)

    def __str__(self) -> str:
        return self.name

    @property
    def symbols(self) -> tuple[Any, ...]:
        """The distinct symbols, row by row; of a symmetric array the upper triangle."""
        return tuple(dict.fromkeys(self.elements.reshape(-1)))

    @property
    def matrix(self) -> Any:
        """The elements as a SymPy matrix (one column for one axis). Raises `InputError` for more than two axes."""
        if len(self.shape) > 2:
            raise InputError(f"{self.name} has {len(self.shape)} axes and is no matrix; index it instead.")
        return sympy.ImmutableMatrix(self.elements.tolist())

    def gather(self, values: Mapping[Any, Any]) -> NDArray[np.float64]:
        """The array [*shape] of the values of its symbols."""
        flat = [values[symbol] for symbol in self.elements.reshape(-1)]
        return np.array(flat, dtype=np.float64).reshape(self.shape)


def parameter_array(name: str, shape: int | tuple[int, ...], *, symmetric: bool = False, **assumptions: bool) -> Any:
    """An array of real parameters, with any further SymPy assumptions for all of them.

    `parameter_array("B", (3, 3), symmetric=True)[0, 2]` is the symbol B_0_2, and so is `[2, 0]`. Raises `InputError`
    for a shape without elements, a symmetric array that is no square matrix, and what `parameters` refuses.
    """
    read = tuple(int(n) for n in np.atleast_1d(np.asarray(shape)))
    if not read or min(read) < 1:
        raise InputError(f"The parameter array {name!r} has the shape {shape}; give positive numbers of elements.")
    if symmetric and (len(read) != 2 or read[0] != read[1]):
        raise InputError(f"The parameter array {name!r} of shape {read} cannot be symmetric; only square matrices can.")
    elements = np.empty(read, dtype=object)
    made: dict[tuple[int, ...], Any] = {}
    for index in np.ndindex(*read):
        place = tuple(sorted(index)) if symmetric else index
        if place not in made:
            element = parameters("_".join([name, *map(str, place)]), **assumptions)  # checks name and assumptions
            made[place] = ParameterElement(element.name, (name, read, symmetric), **{"real": True, **assumptions})
        elements[index] = made[place]
    elements.flags.writeable = False
    return ParameterArray(name, read, symmetric, elements)


def array_of(element: Any) -> Any:
    """The array that a symbol is an element of; the symbol itself if it is of none."""
    if not isinstance(element, ParameterElement):
        return element
    return _home(*element.home, tuple(sorted(element._assumptions_orig.items())))


@lru_cache(maxsize=64)
def _home(name: str, shape: tuple[int, ...], symmetric: bool, assumptions: tuple[tuple[str, bool], ...]) -> Any:
    """The array of an element, made once for all of its elements."""
    return parameter_array(name, shape, symmetric=symmetric, **dict(assumptions))


def on_host(value: Any) -> Any:
    """A CuPy array as one of NumPy, which does not read it by itself; anything else as it is."""
    return value.get() if hasattr(value, "__cuda_array_interface__") else value


def spread_arrays(values: Mapping[Any, Any]) -> dict[Any, Any]:
    """{symbol: values} with every parameter array replaced by its elements; everything else as it is.

    Raises `InputError` for values of another shape, and for a symmetric array whose values are not symmetric.
    """
    found: dict[Any, Any] = {}
    for key, value in values.items():
        if not isinstance(key, ParameterArray):
            found[key] = value
            continue
        array, axes = np.asarray(on_host(value)), len(key.shape)
        if array.shape[array.ndim - axes :] != key.shape:
            raise InputError(
                f"The values of the parameter array {key.name} have the shape {array.shape}; it needs {key.shape}, "
                "after the axes of an ensemble if there are any."
            )
        if key.symmetric and not np.allclose(array, np.swapaxes(array, -1, -2), rtol=1e-12, atol=0):
            raise InputError(f"The values of {key.name} are not symmetric, and it was declared symmetric.")
        found |= {symbol: array[(..., *place)] for place, symbol in np.ndenumerate(key.elements)}
    return found
