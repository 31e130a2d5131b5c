"""The peers of the network rows, JAX and PyTorch: the same networks by nested automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np

Arrays = Sequence[np.ndarray]
Layers = Sequence[tuple[np.ndarray, np.ndarray]]  # (W [outputs, inputs], b [outputs]) of each layer


def jax_available() -> bool:
    """Whether JAX is installed."""
    return find_spec("jax") is not None


def torch_available() -> bool:
    """Whether PyTorch is installed."""
    return find_spec("torch") is not None


def _jax():
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def _network(jnp, layers, x):
    for matrix, bias in layers[:-1]:
        x = jnp.tanh(matrix @ x + bias)
    matrix, bias = layers[-1]
    return (matrix @ x + bias)[0]


def jax_jets(layers: Layers, points: np.ndarray, seeds: Arrays) -> Callable[[], object]:
    """Value, gradient, Hessian at points [n, d], and the gradient by all weights of their sum weighted by `seeds`."""
    jax = _jax()
    jnp = jax.numpy

    def loss(weights, x, values, slopes, curvatures):
        f = lambda at: _network(jnp, weights, at)  # noqa: E731
        jets = jax.vmap(lambda at: (f(at), jax.grad(f)(at), jax.hessian(f)(at)))(x)
        total = sum((seed * jet).sum() for seed, jet in zip((values, slopes, curvatures), jets, strict=True))
        return total, jets

    step = jax.jit(jax.value_and_grad(loss, has_aux=True))
    weights = [(jnp.asarray(w), jnp.asarray(b)) for w, b in layers]
    given = tuple(jnp.asarray(array) for array in (points, *seeds))
    return lambda: jax.block_until_ready(step(weights, *given))


def jax_line(layers: Layers, points: np.ndarray, seeds: Arrays) -> Callable[[], object]:
    """u, u', u'' at points [n] by two tangents, and the gradient by all weights of their sum weighted by `seeds`."""
    jax = _jax()
    jnp = jax.numpy

    def loss(weights, x, *weighing):
        f = lambda at: _network(jnp, weights, at[None])  # noqa: E731
        first = lambda at: jax.jvp(f, (at,), (1.0,))[1]  # noqa: E731
        jets = jax.vmap(lambda at: (f(at), first(at), jax.jvp(first, (at,), (1.0,))[1]))(x)
        return sum((seed * jet).sum() for seed, jet in zip(weighing, jets, strict=True)), jets

    step = jax.jit(jax.value_and_grad(loss, has_aux=True))
    weights = [(jnp.asarray(w), jnp.asarray(b)) for w, b in layers]
    given = tuple(jnp.asarray(array) for array in (points, *seeds))
    return lambda: jax.block_until_ready(step(weights, *given))


def torch_line(layers: Layers, points: np.ndarray, seeds: Arrays) -> Callable[[], object]:
    """The same by PyTorch: two reverse sweeps by the input, one by the weights."""
    import torch

    weights = [torch.tensor(part, requires_grad=True) for layer in layers for part in layer]
    weighing = [torch.tensor(seed) for seed in seeds]

    def step() -> object:
        x = torch.tensor(points, requires_grad=True)
        y = x[:, None]
        for matrix, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            y = torch.tanh(y @ matrix.T + bias)
        u = (y @ weights[-2].T + weights[-1])[:, 0]
        (first,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), x, create_graph=True)
        loss = sum((seed * jet).sum() for seed, jet in zip(weighing, (u, first, second), strict=True))
        return torch.autograd.grad(loss, weights)

    return step


def jax_accelerations(layers: Layers, states: np.ndarray, measured: np.ndarray) -> Callable[[], object]:
    """The loss mean |q'' - measured|^2 of the Lagrangian q'^2 / 2 + N(q, q') on [n, 2 k] states, and its gradient.

    Cranmer et al., "Lagrangian Neural Networks" (2020), eq. 6, with the mass matrix solved, not inverted.
    """
    jax = _jax()
    jnp = jax.numpy
    k = states.shape[1] // 2

    def acceleration(weights, x):
        def lagrangian(q, v):
            return (v @ v) / 2 + _network(jnp, weights, jnp.concatenate([q, v]))

        q, v = x[:k], x[k:]
        force = jax.grad(lagrangian, 0)(q, v)
        mass = jax.hessian(lagrangian, 1)(q, v)
        coupling = jax.jacfwd(jax.grad(lagrangian, 1), 0)(q, v)
        return jnp.linalg.solve(mass, force - coupling @ v)

    def loss(weights, x, y):
        return ((jax.vmap(lambda at: acceleration(weights, at))(x) - y) ** 2).mean()

    step = jax.jit(jax.value_and_grad(loss))
    weights = [(jnp.asarray(w), jnp.asarray(b)) for w, b in layers]
    given = jnp.asarray(states), jnp.asarray(measured)
    return lambda: jax.block_until_ready(step(weights, *given))
