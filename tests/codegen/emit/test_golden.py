"""The printers write what they wrote; what a change does to the code is seen in review."""

from __future__ import annotations

import pytest

from tests.codegen.emit.golden import FOLDER, golden_texts


@pytest.mark.parametrize("name", golden_texts())
def test_the_code_is_as_it_was(name: str) -> None:
    remedy = "if the change is meant: python -m tests.codegen.emit.golden, and read the difference"
    assert golden_texts()[name] == (FOLDER / name).read_text(), remedy
