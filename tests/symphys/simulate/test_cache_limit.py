"""The limit of the kernel cache as users set it."""

from pathlib import Path

import pytest

import symphys as ph
from codegen import KernelCache, default_directory


def test_the_limit_is_kept_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert KernelCache(default_directory()).limit == 2**30
    ph.limit_kernel_cache(0.5)
    assert KernelCache(default_directory()).limit == 2**29
    with pytest.raises(ph.InputError, match=r"gibibytes = -1 must not be below 0"):
        ph.limit_kernel_cache(-1)
