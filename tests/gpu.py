"""The parameter of tests that run on an NVIDIA GPU too, by `pytest -m gpu`."""

from __future__ import annotations

import pytest

ON_GPU = pytest.param("cuda", marks=pytest.mark.gpu)
