"""RATTLE's compositions as data: their weights meet the conditions of their order, and bad ones are refused."""

import math

import pytest

from symphys.errors import MethodError
from symphys.integrators import METHODS, Rattle

COMPOSITIONS = [method for method in METHODS.values() if isinstance(method, Rattle)]


@pytest.mark.parametrize("method", COMPOSITIONS, ids=lambda method: method.name)
def test_weights_meet_the_order_conditions(method):
    """Symmetric steps of order 2 compose to order 4 if the cubes cancel (Yoshida 1990), to rounding of the cubes."""
    cubes = math.fsum(weight**3 for weight in method.weights)
    assert (abs(cubes) < 1e-15) == (method.order >= 4)
    assert math.fsum(method.weights) == pytest.approx(1.0, abs=2e-16)


@pytest.mark.parametrize(("weights", "message"), [((0.5, 0.4), "sum to 0.9"), ((0.4, 0.6), "palindrome")])
def test_weights_that_are_none_are_refused(weights, message):
    with pytest.raises(MethodError, match=message):
        Rattle("wrong", 2, "nowhere", weights)
