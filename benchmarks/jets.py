"""Row `jets`: value, gradient and full Hessian of a tanh network by its inputs, and a gradient by its weights.

The gradient is that of the sum of all these derivatives, each with a weight of its own. Batches of 1024 points in
double precision, all cores on both sides. JAX differentiates by forward over reverse, jitted, as its manual advises.
"""

from __future__ import annotations

import numpy as np

from benchmarks import peer_networks
from benchmarks.harness import Case, interleaved, threads
from benchmarks.jet_kernels import derivatives, drawn, our_jets
from codegen import Dense

NAME = "jets"
BATCH = 1024
CASES = (  # inputs, hidden layers, times faster than JAX
    (2, (10,) * 2, 4.0),
    (4, (32,) * 2, 4.0),
    (4, (64,) * 3, 8.0),
    (8, (64,) * 3, 8.0),
    (10, (10,) * 5, 4.0),
    (16, (64,) * 3, 8.0),
    (8, (128,) * 6, 4.0),
)
LIMIT = (10, (10,) * 5, 10.0)  # microseconds a sample


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """One case for each network, and one against an absolute limit."""
    cases = []
    for inputs, hidden, bar in CASES:
        network = Dense("N", inputs, hidden, 1, "tanh")
        random = np.random.default_rng(1)
        points = random.normal(size=(BATCH, inputs))
        wanted = derivatives(network)
        seeds = random.normal(size=(len(wanted), BATCH))
        curvatures = np.zeros((BATCH, inputs, inputs))
        for (i, j), row in zip(wanted[1 + inputs :], seeds[1 + inputs :], strict=True):
            curvatures[:, i, j] = row
        given = (seeds[0], np.ascontiguousarray(seeds[1 : 1 + inputs].T), curvatures)
        contestants = {}
        if with_ours:
            contestants["symphys"] = our_jets(network, points, seeds, threads())
        if peer_networks.jax_available():
            contestants["jax"] = peer_networks.jax_jets(drawn(network)[1], points, given)
        notes = agreement(contestants)
        times = {name: 1e6 * value / BATCH for name, value in interleaved(contestants, rounds=11).items()}
        mine = times.pop("symphys", None)
        shape = f"{inputs} inputs, {len(hidden)} x {hidden[0]}"
        cases.append(Case(shape, "us/sample", mine, times, bar=bar, notes=notes))
        if (inputs, hidden) == LIMIT[:2]:
            cases.append(Case(f"{shape}, at most {LIMIT[2]:g} us", "us/sample", mine, limit=LIMIT[2]))
    return cases, [] if peer_networks.jax_available() else ["JAX is not installed"]


def agreement(contestants: dict) -> dict[str, object]:
    """The largest difference of the two gradients by the weights, relative to the largest entry."""
    if set(contestants) != {"symphys", "jax"}:
        return {}
    mine = contestants["symphys"]().copy()
    (_, _), slopes = contestants["jax"]()
    theirs = np.concatenate([np.asarray(part).reshape(-1) for layer in slopes for part in layer])
    return {"difference": float(np.abs(mine - theirs).max() / np.abs(theirs).max())}
