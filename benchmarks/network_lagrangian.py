"""Row `network_lagrangian`: one step of training L = q'^2 / 2 + N(q, q') on accelerations, the loss and its gradient.

Two coordinates (four inputs), tanh, batches of 1024 states in double precision, all cores on both sides. Ours is what
`fit` evaluates in every step, from arrays to arrays.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import symphys as ph
from benchmarks import peer_networks
from benchmarks.harness import Case, interleaved, threads
from symphys.learn.samples import SampleObjective, sample_objective
from symphys.learn.unknowns import read_unknowns
from symphys.simulate.compiled import Kernels, kernels_for

NAME = "network_lagrangian"
BATCH, COORDINATES = 1024, 2
CASES = (((32,) * 2, 5.0), ((64,) * 3, 8.0))  # hidden layers, times faster than JAX


def objective(
    network: ph.Network, states: np.ndarray, measured: np.ndarray, kernels: Kernels
) -> tuple[SampleObjective, np.ndarray]:
    """The loss mean |q'' - measured|^2 on states [n, 4], by `kernels`, and weights at which it is taken."""
    q = ph.coordinates(f"q1:{COORDINATES + 1}")
    v = [ph.dot(each) for each in q]
    system = ph.Lagrangian(sum(rate**2 for rate in v) / 2 + network(*q, *v))
    data = dict(zip((*q, *v), states.T, strict=True)) | dict(zip(map(ph.ddot, q), measured.T, strict=True))
    unknowns = read_unknowns((), (network,), None, {}, {}, {})
    return sample_objective(system.dynamics, kernels, data, unknowns, {}), unknowns.guess


def drawn(hidden: tuple[int, ...], batch: int, dtype: str) -> tuple[ph.Network, np.ndarray, np.ndarray]:
    """A network of such layers, and states [batch, 4] and accelerations [batch, 2] drawn at random."""
    random = np.random.default_rng(1)
    states, measured = (random.normal(size=(batch, n)).astype(dtype) for n in (2 * COORDINATES, COORDINATES))
    return ph.network("N", 2 * COORDINATES, hidden=hidden), states, measured


def ours(network: ph.Network, states: np.ndarray, measured: np.ndarray) -> Callable[[], tuple[float, np.ndarray]]:
    """A call that gives the loss and its gradient [P]."""
    loss, weights = objective(network, states, measured, kernels_for("cpu", "float64"))
    return lambda: loss.gradient(weights)


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """One case for each network."""
    cases = []
    for hidden, bar in CASES:
        network = ph.network("N", 2 * COORDINATES, hidden=hidden)
        random = np.random.default_rng(1)
        states = random.normal(size=(BATCH, 2 * COORDINATES))
        measured = random.normal(size=(BATCH, COORDINATES))
        contestants: dict[str, Callable[[], object]] = {}
        notes: dict[str, object] = {"threads": threads()}
        if with_ours:
            contestants["symphys"] = ours(network, states, measured)
        if peer_networks.jax_available():
            layers = network.layers(network.initialise(seed=0))
            contestants["jax"] = peer_networks.jax_accelerations(layers, states, measured)
        if len(contestants) == 2:
            (mine, slope), (theirs, slopes) = contestants["symphys"](), contestants["jax"]()
            flat = np.concatenate([np.asarray(part).reshape(-1) for layer in slopes for part in layer])
            notes["loss difference"] = abs(mine / float(theirs) - 1)
            notes["gradient difference"] = float(np.abs(slope - flat).max() / np.abs(flat).max())
        times = {name: 1e3 * value for name, value in interleaved(contestants, rounds=11).items()}
        own = times.pop("symphys", None)
        cases.append(Case(f"4 inputs, {len(hidden)} x {hidden[0]}", "ms/step", own, times, bar=bar, notes=notes))
    return cases, [] if peer_networks.jax_available() else ["JAX is not installed"]
