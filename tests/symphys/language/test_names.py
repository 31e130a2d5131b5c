"""How names are read and ordered."""

import pytest

from symphys.errors import InputError
from symphys.language import natural_order, read_names


@pytest.mark.parametrize(
    ("names", "read"),
    [
        ("q", ("q",)),
        ("a b", ("a", "b")),
        ("a, b,c", ("a", "b", "c")),
        ("theta1:4", ("theta1", "theta2", "theta3")),
        ("m_1 \\alpha", ("m_1", "\\alpha")),
    ],
)
def test_names_are_read_as_sympy_reads_them(names, read):
    assert read_names(names, "coordinates") == read


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("", "No name for parameters"),
        (" , ", "No name for parameters"),
        ("a b a", "'a' stands twice"),
        (("a", "b"), "named by a string"),
        ("a,,b", "cannot be read"),
    ],
)
def test_bad_names_are_refused(names, message):
    with pytest.raises(InputError, match=message):
        read_names(names, "parameters")


def test_numbers_in_names_are_ordered_as_numbers():
    names = ["theta10", "theta2", "x", "theta1", "p_theta2", "p_theta10"]
    assert sorted(names, key=natural_order) == ["p_theta2", "p_theta10", "theta1", "theta2", "theta10", "x"]
