"""Tests of backend "cpu" run where they are sent."""

from __future__ import annotations

import pytest

import symphys as ph
from codegen import get_backend


@pytest.mark.everywhere
def test_a_backend_takes_the_place_of_the_cpu(request: pytest.FixtureRequest) -> None:
    sent = request.config.getoption("--backend")
    if sent == "cpu":
        sent = request.node.callspec.params["place"]
    assert get_backend("cpu").name == {"stand-in": "cuda"}.get(sent, sent)
    q = ph.coordinates("q")
    simulator = ph.Lagrangian(ph.dot(q) ** 2 / 2 - q**2 / 2).compile("verlet")
    run = simulator.run({q: 1.0, ph.dot(q): 0.0}, {}, (0.0, 1.0), dt=0.1)
    assert run[q][-1] == pytest.approx(0.5403, abs=1e-2)
