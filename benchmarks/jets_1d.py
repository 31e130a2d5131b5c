"""Row `jets_1d`: u, u' and u'' of a network of one input, and a gradient by its weights: what a ground state needs.

Six tanh layers, batches of 1024 points in double precision, all cores on every side.
"""

from __future__ import annotations

import numpy as np

from benchmarks import peer_networks
from benchmarks.harness import Case, interleaved, threads
from benchmarks.jet_kernels import drawn, our_jets
from benchmarks.jets import agreement
from codegen import Dense

NAME = "jets_1d"
BATCH, LAYERS = 1024, 6
WIDTHS = ((10, 2.5), (32, 2.5), (64, 2.0))  # neurons of a layer, times faster than the better peer


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """One case for each width."""
    cases = []
    for width, bar in WIDTHS:
        network = Dense("N", 1, (width,) * LAYERS, 1, "tanh")
        random = np.random.default_rng(1)
        points, seeds = random.normal(size=(BATCH, 1)), random.normal(size=(3, BATCH))
        layers = drawn(network)[1]
        contestants = {}
        if with_ours:
            contestants["symphys"] = our_jets(network, points, seeds, threads())
        if peer_networks.jax_available():
            contestants["jax"] = peer_networks.jax_line(layers, points[:, 0], tuple(seeds))
        notes = agreement(contestants)
        if peer_networks.torch_available():
            contestants["torch"] = peer_networks.torch_line(layers, points[:, 0], tuple(seeds))
        times = {name: 1e6 * value / BATCH for name, value in interleaved(contestants, rounds=11).items()}
        mine = times.pop("symphys", None)
        cases.append(Case(f"{LAYERS} x {width}", "us/sample", mine, times, bar=bar, notes=notes))
    skipped = [] if peer_networks.jax_available() else ["JAX is not installed"]
    return cases, skipped + ([] if peer_networks.torch_available() else ["PyTorch is not installed"])
