"""The table of activations: one row each, with derivatives to third order.

A row says what is kept of a neuron (`state`, of its input z, the value first) and what the derivatives are in terms of
that, so that sweeps back need no exponential of their own. The second derivative must not vanish identically, for it
carries the Hessian of a network by its inputs: functions that are linear piece by piece are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import pi, sqrt
from types import MappingProxyType

from ..ir import Node, real
from ..primitives import apply

State = tuple[Node, ...]
Slopes = tuple[Node, Node, Node]


@dataclass(frozen=True)
class Activation:
    """An activation s: of z the kept `state` (s(z), ...), and of that s', s'' and s'''.

    Weights that are drawn with standard deviation `gain` / sqrt(inputs) keep the size of signals from layer to layer.
    `source` says where the function comes from.
    """

    name: str
    state: Callable[[Node], State]
    derivatives: Callable[[State], Slopes]
    gain: float
    source: str


def _tanh(kept: State) -> Slopes:
    y = kept[0]
    slope = 1.0 - y * y
    return slope, -2.0 * (y * slope), slope * (6.0 * (y * y) - 2.0)


def _sigmoid(kept: State) -> Slopes:
    y = kept[0]
    slope = y * (1.0 - y)
    return slope, slope * (1.0 - 2.0 * y), slope * (1.0 - 6.0 * slope)


def _logistic(z: Node) -> Node:
    """1 / (1 + exp(-z)), by a form that neither overflows nor cancels."""
    small = apply("exp", -apply("abs", z))
    return apply("select", apply("lt", z, 0.0), small, 1.0) / (1.0 + small)


def _softplus_state(z: Node) -> State:
    """log(1 + exp(z)), by a form that does not overflow, and its derivative."""
    return apply("max", z, 0.0) + apply("log1p", apply("exp", -apply("abs", z))), _logistic(z)


def _softplus(kept: State) -> Slopes:
    first, second, _ = _sigmoid(kept[1:])
    return kept[1], first, second


def _silu_state(z: Node) -> State:
    y = _logistic(z)
    return z * y, z, y


def _silu(kept: State) -> Slopes:
    _, z, y = kept
    first, second, third = _sigmoid((y,))
    return y + z * first, 2.0 * first + z * second, 3.0 * second + z * third


def _squareplus_state(z: Node) -> State:
    """Its value, z and 1 / sqrt(z^2 + 4), which lanes find fast: all derivatives are products with it."""
    square = z * z + 4.0
    reciprocal = 1.0 / apply("sqrt", square)
    return 0.5 * (z + square * reciprocal), z, reciprocal


def _squareplus(kept: State) -> Slopes:
    _, z, reciprocal = kept
    part = z * reciprocal
    cube = reciprocal * reciprocal * reciprocal
    return 0.5 * (1.0 + part), 2.0 * cube, -6.0 * (cube * (part * reciprocal))


def _gelu_state(z: Node) -> State:
    inner = apply("tanh", sqrt(2 / pi) * (z + 0.044715 * (z * z * z)))
    return 0.5 * (z * (1.0 + inner)), z, inner


def _gelu(kept: State) -> Slopes:
    _, z, inner = kept
    s1, s2, s3 = _tanh((inner,))
    a, b = sqrt(2 / pi), 0.044715
    u1, u2, u3 = a * (1.0 + 3.0 * b * (z * z)), (6.0 * a * b) * z, real(6.0 * a * b)
    first = s1 * u1
    second = s2 * (u1 * u1) + s1 * u2
    third = s3 * (u1 * u1 * u1) + 3.0 * (s2 * (u1 * u2)) + s1 * u3
    return 0.5 * (1.0 + inner + z * first), first + 0.5 * (z * second), 1.5 * second + 0.5 * (z * third)


def _gaussian(kept: State) -> Slopes:
    y, z = kept
    return -(z * y), (z * z - 1.0) * y, (3.0 - z * z) * (z * y)


ROWS = (
    Activation("tanh", lambda z: (apply("tanh", z),), _tanh, 5 / 3,
               "LeCun et al., Efficient BackProp (1998)"),
    Activation("sigmoid", lambda z: (_logistic(z),), _sigmoid, 4.0,
               "Verhulst (1838), the logistic function"),
    Activation("softplus", _softplus_state, _softplus, 1.6,
               "Dugas et al., NIPS 13 (2001)"),
    Activation("squareplus", _squareplus_state, _squareplus, 1.6,
               "Barron, arXiv:2112.11687"),
    Activation("silu", _silu_state, _silu, 1.7,
               "Elfwing et al., Neural Networks 107 (2018) 3"),
    Activation("gelu", _gelu_state, _gelu, 1.7,
               "Hendrycks, Gimpel, arXiv:1606.08415, its form with tanh"),
    Activation("sin", lambda z: (apply("sin", z), apply("cos", z)), lambda kept: (kept[1], -kept[0], -kept[1]), 1.4,
               "Sitzmann et al., NeurIPS 33 (2020)"),
    Activation("cos", lambda z: (apply("cos", z), apply("sin", z)), lambda kept: (-kept[1], -kept[0], kept[1]), 1.4,
               "Rahimi, Recht, NIPS 20 (2007)"),
    Activation("gaussian", lambda z: (apply("exp", -0.5 * (z * z)), z), _gaussian, 1.6,
               "Broomhead, Lowe, Complex Systems 2 (1988) 321"),
)  # fmt: skip

ACTIVATIONS: Mapping[str, Activation] = MappingProxyType({row.name: row for row in ROWS})
