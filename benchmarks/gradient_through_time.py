"""Row `gradient_through_time`: value and gradient of a squared error of motions, by the weights of a network in H.

H = (p^2 + q^2) / 2 + a tanh network of its four variables, weights N(0, 0.1^2), classical Runge-Kutta with h = 0.05,
100 steps, batch 64, double precision, squared error of the last states. JAX: lax.scan, jitted, reverse mode. All cores
on both sides. Besides, reversible Gauss collocation at ten times the steps: the memory of its adjoint does not grow.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import symphys as ph
from benchmarks import peer_networks
from benchmarks.harness import Case, interleaved
from symphys.integrators import METHODS
from symphys.learn.passage import Passage, Rows
from symphys.simulate.compiled import kernels_for, lower

NAME = "gradient_through_time"
BATCH, COUNT, STEP = 64, 100, 0.05
CASES = ((32, 32), (64, 64))


def ours(hidden: tuple[int, ...], start: np.ndarray, target: np.ndarray, method: str = "rk4", count: int = COUNT):
    """(weights, a function of them that gives value and gradient)."""
    q1, p1, q2, p2 = ph.canonical("q1 p1 q2 p2")
    network = ph.network("N", inputs=4, hidden=hidden, activation="tanh")
    system = ph.Hamiltonian((p1**2 + p2**2 + q1**2 + q2**2) / 2 + network(q1, q2, p1, p2), {q1: p1, q2: p2})
    way = Passage(lower(system.dynamics), kernels_for("cpu", "float64"), METHODS[method], (), (network,), {}, {})
    rows = Rows(np.tile(np.array([[0.0], [count * STEP]]), (1, BATCH)), np.array([count]))
    parameters = np.zeros((0, BATCH))
    weights = np.random.default_rng(2).normal(0, 0.1, network.count)

    def step() -> tuple[float, np.ndarray]:
        off = np.empty(0)

        def seeds(states: np.ndarray) -> np.ndarray:
            nonlocal off
            off = states[:, 1] - target
            return np.stack([np.zeros_like(off), 2 * off], axis=1)

        _, slope = way.differentiate(start, parameters, {network: weights}, rows, seeds)
        return float((off**2).sum()), slope

    return network, weights, step


def jax_step(layers: list, start: np.ndarray, target: np.ndarray) -> Callable[[], object]:
    """The same in JAX: RK4 under lax.scan."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    def energy(weights, x):
        y = x
        for matrix, bias in weights[:-1]:
            y = jnp.tanh(matrix @ y + bias)
        return (x**2).sum() / 2 + (weights[-1][0] @ y + weights[-1][1])[0]

    def rates(weights, x):
        slope = jax.grad(energy, argnums=1)(weights, x)
        return jnp.concatenate([slope[2:], -slope[:2]])

    def loss(weights):
        def advance(x, _):
            k1 = rates(weights, x)
            k2 = rates(weights, x + STEP / 2 * k1)
            k3 = rates(weights, x + STEP / 2 * k2)
            k4 = rates(weights, x + STEP * k3)
            return x + STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        final = jax.vmap(lambda x: jax.lax.scan(advance, x, None, length=COUNT)[0])(jnp.asarray(start.T))
        return ((final - jnp.asarray(target.T)) ** 2).sum()

    step = jax.jit(jax.value_and_grad(loss))
    given = [(jnp.asarray(w), jnp.asarray(b)) for w, b in layers]
    return lambda: jax.block_until_ready(step(given))


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """A case for each network."""
    cases = []
    random = np.random.default_rng(1)
    start, target = random.normal(size=(4, BATCH)), random.normal(size=(4, BATCH))
    for hidden in CASES:
        network, weights, step = ours(hidden, start, target)
        contestants: dict[str, Callable[[], object]] = {"symphys": step} if with_ours else {}
        notes: dict[str, object] = {}
        if peer_networks.jax_available():
            contestants["jax"] = jax_step(list(network.layers(weights)), start, target)
            value, _ = contestants["jax"]()
            notes["relative difference of the values"] = abs(float(value) - step()[0]) / float(value)
        times = {name: 1e3 * value for name, value in interleaved(contestants).items()}
        mine = times.pop("symphys", None)
        cases.append(Case(f"4 inputs, {len(hidden)} x {hidden[0]}", "ms", mine, times, bar=5.0, notes=notes))
    return cases, [] if peer_networks.jax_available() else ["JAX is not installed"]
