"""Rodini's recursions for a dense network, written as they stand: the reference for everything that sweeps compute.

Values, first and second derivatives by the inputs run forward from layer to layer (Rodini, "Analytical derivatives of
Neural Networks", eq. 2-9), and so do their derivatives by every weight (eq. 10-21), one weight at a time. Slow, and
without a thought of its own. Activations are SymPy expressions, differentiated by SymPy.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import sympy

Z = sympy.Symbol("z", real=True)
EXPRESSIONS = {
    "tanh": sympy.tanh(Z),
    "sigmoid": 1 / (1 + sympy.exp(-Z)),
    "softplus": sympy.log(1 + sympy.exp(Z)),
    "squareplus": (Z + sympy.sqrt(Z**2 + 4)) / 2,
    "silu": Z / (1 + sympy.exp(-Z)),
    "gelu": Z / 2 * (1 + sympy.tanh(sympy.sqrt(2 / sympy.pi) * (Z + sympy.Rational(44715, 1000000) * Z**3))),
    "sin": sympy.sin(Z),
    "cos": sympy.cos(Z),
    "gaussian": sympy.exp(-(Z**2) / 2),
}


@cache
def slopes(activation):
    """s, s', s'', s''' as functions of arrays."""
    expression = EXPRESSIONS[activation]
    return [sympy.lambdify(Z, expression.diff(Z, k) if k else expression, "numpy") for k in range(4)]


@dataclass
class Jet:
    """y [n, units], first [n, units, d], second [n, units, d, d]."""

    y: np.ndarray
    first: np.ndarray
    second: np.ndarray

    def mapped(self, matrix, bias):
        """W y + b."""
        return Jet(
            self.y @ matrix.T + bias,
            np.einsum("ij,njk->nik", matrix, self.first),
            np.einsum("ij,njkl->nikl", matrix, self.second),
        )


def activated(z, s):
    """s(z): eq. 4, 6 and 8."""
    outer = z.first[..., :, None] * z.first[..., None, :]
    return Jet(
        s[0](z.y),
        s[1](z.y)[..., None] * z.first,
        s[2](z.y)[..., None, None] * outer + s[1](z.y)[..., None, None] * z.second,
    )


def activated_tangent(z, dot, s):
    """The derivative of s(z) along a change `dot` of z: eq. 13, 17 and 21."""
    outer = z.first[..., :, None] * z.first[..., None, :]
    change = dot.first[..., :, None] * z.first[..., None, :] + z.first[..., :, None] * dot.first[..., None, :]
    a, b = dot.y[..., None], dot.y[..., None, None]
    one, two, three = (s[k](z.y) for k in (1, 2, 3))
    return Jet(
        one * dot.y,
        two[..., None] * a * z.first + one[..., None] * dot.first,
        three[..., None, None] * b * outer
        + two[..., None, None] * (change + b * z.second)
        + one[..., None, None] * dot.second,
    )


def matrices(network, weights):
    """(W, b, activation) of every layer, the last one with None."""
    found, layers = [], (*network.layers, network.last)
    for layer in layers:
        matrix = weights[layer.weights : layer.bias].reshape(layer.outputs, layer.inputs)
        bias = weights[layer.bias : layer.bias + layer.outputs]
        found.append((matrix, bias, None if layer is layers[-1] else layer.activation))
    return found


def start(points):
    n, d = points.shape
    return Jet(points, np.broadcast_to(np.eye(d), (n, d, d)), np.zeros((n, d, d, d)))


def jets(network, weights, points):
    """Values [n, outputs], gradients [n, outputs, d], Hessians [n, outputs, d, d]."""
    jet = start(points)
    for matrix, bias, activation in matrices(network, weights):
        jet = jet.mapped(matrix, bias)
        if activation is not None:
            jet = activated(jet, slopes(activation))
    return jet


def weight_tangent(network, weights, points, direction):
    """The derivatives of the jets along a direction in the weights."""
    jet, dot = start(points), None
    layers = zip(matrices(network, weights), matrices(network, direction), strict=True)
    for (matrix, bias, activation), (change, shift, _) in layers:
        moved = jet.mapped(change, shift)
        if dot is not None:
            through = dot.mapped(matrix, 0.0)
            moved = Jet(moved.y + through.y, moved.first + through.first, moved.second + through.second)
        jet, dot = jet.mapped(matrix, bias), moved
        if activation is not None:
            s = slopes(activation)
            jet, dot = activated(jet, s), activated_tangent(jet, dot, s)
    return dot
