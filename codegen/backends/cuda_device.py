"""CuPy and the device it finds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from codegen.errors import BackendUnavailableError

INSTALL = "install symphys[cuda] (symphys[cuda13] for drivers of CUDA 13)"


def cuda_available() -> bool:
    """Whether CuPy is installed and sees a device; never raises."""
    try:
        load_cupy()
    except BackendUnavailableError:
        return False
    return True


def load_cupy() -> Any:
    """CuPy, once it has found a device; BackendUnavailableError, with the remedy, where it is missing or finds none."""
    try:
        import cupy
    except ImportError as error:
        raise BackendUnavailableError(
            f'backend "cuda" needs CuPy ({error}); {INSTALL}, or choose backend="cpu"'
        ) from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except (RuntimeError, OSError, ImportError) as error:  # CuPy's errors of runtime and driver are RuntimeErrors
        raise BackendUnavailableError(
            f'backend "cuda" finds no usable NVIDIA driver ({error}); install one, or choose backend="cpu"'
        ) from error
    if not count:
        raise BackendUnavailableError('backend "cuda" finds no NVIDIA device; choose backend="cpu"')
    return cupy


def attributes_here(cupy: Any) -> Mapping[str, int]:
    """The attributes of the current device."""
    return _attributes(cupy, cupy.cuda.Device().id)


@lru_cache(maxsize=16)  # CuPy asks the driver for a hundred of them each time, which takes longer than a launch
def _attributes(cupy: Any, device: int) -> Mapping[str, int]:
    found: Mapping[str, int] = cupy.cuda.Device(device).attributes
    return found
