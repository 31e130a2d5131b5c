"""CuPy and the device it finds."""

from __future__ import annotations

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
