"""Derivatives of functions with loops, conditions, memory and calls: against the complex step, and against each other.

The complex step f(x + i h v) / h with h = 1e-30 has no truncation error, so that all tolerances are roundings: 1e-11 of
the largest number for random programs of some hundred operations that neither grow nor divide by small numbers.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen.builder import Builder
from codegen.errors import CompilerBug
from codegen.ir import Kind, integer, real, variable
from codegen.lower.forward_statements import jvp_function
from codegen.lower.reverse_statements import vjp_function
from codegen.primitives import apply
from codegen.program import Accumulate, Function, Store
from codegen.spec import check_function
from tests.codegen.lower.running import run

PARAMETERS = tuple(variable(name) for name in "abc")
A, B, C = PARAMETERS


class Writer:
    """Writes a random program: every choice by one generator."""

    def __init__(self, seed, loops_only):
        self.rng, self.loops_only = np.random.default_rng(seed), loops_only
        self.b = Builder()
        self.arrays = []

    def pick(self, values):
        return values[self.rng.integers(len(values))]

    def expression(self, values):
        x, y = self.pick(values), self.pick(values)
        kinds = [
            lambda: apply("sin", x) + y * 0.5,
            lambda: x * apply("tanh", y),
            lambda: x / (y * y + 1.0),
            lambda: apply("sqrt", x * x + y * y + 0.3),
            lambda: apply("select", apply("lt", x, y), x * 0.7, y - 0.1),
            lambda: apply("tanh", x - y),
            lambda: y,
        ]
        return self.pick(kinds)()

    def block(self, values, registers, counters, depth):
        values = list(values)
        for _ in range(self.rng.integers(2, 5)):
            self.pick(
                [
                    self.let,
                    self.let,
                    self.assign,
                    self.assign,
                    self.register,
                    self.store,
                    self.load,
                    self.call,
                    *([self.loop, self.where, self.repeat] if depth < 2 else []),
                ]
            )(values, registers, counters, depth)
        self.assign(values, registers, counters, depth)

    def let(self, values, registers, counters, depth):
        values.append(self.b.let("v", self.expression([*values, *registers])))

    def register(self, values, registers, counters, depth):
        if not depth:
            registers.append(self.b.register("r", self.expression([*values, *registers])))

    def assign(self, values, registers, counters, depth):
        if registers:
            self.b.assign(self.pick(registers), self.expression([*values, *registers]))

    def index(self, counters):
        return apply("remainder", self.pick(counters), integer(3)) if counters else integer(self.rng.integers(3))

    def store(self, values, registers, counters, depth):
        self.b.store(self.pick(self.arrays), self.index(counters), value=self.expression([*values, *registers]))

    def load(self, values, registers, counters, depth):
        values.append(self.b.load("l", self.pick(self.arrays), self.index(counters)))

    def call(self, values, registers, counters, depth):
        x, y = variable("x"), variable("y")
        inner = Builder()
        z = inner.register("z", x)
        with inner.loop("k", 0, 2):
            inner.assign(z, apply("sin", z) + y)
        function = Function("inner", (x, y), inner.block(), (z, x * 0.5))
        values += self.b.call(function, [self.expression([*values, *registers]), self.pick([*values, real(0.3)])])

    def loop(self, values, registers, counters, depth):
        first = int(self.rng.integers(0, 2))
        with self.b.loop("i", first, first + int(self.rng.integers(0, 4))) as i:
            self.block(values, registers, [*counters, i], depth + 1)

    def where(self, values, registers, counters, depth):
        with self.b.where(apply("lt", *(self.expression([*values, *registers]) for _ in range(2)))):
            self.block(values, registers, counters, depth + 1)

    def repeat(self, values, registers, counters, depth):
        if self.loops_only:
            return
        n = self.b.register("n", integer(0))
        limit = self.b.let("limit", self.expression([*values, *registers]))
        with self.b.repeat_while(apply("and", apply("lt", n, 4), apply("lt", apply("to_real", n) * 0.4, limit))):
            self.block(values, registers, counters, depth + 1)
            self.b.assign(n, n + integer(1))

    def function(self):
        self.arrays = [self.b.local("m", (3,)) for _ in range(2)]
        for array in self.arrays:
            for i in range(3):
                self.b.store(array, i, value=self.expression(PARAMETERS))
        registers = [self.b.register("r", A), self.b.register("r", B * C)]
        self.block(PARAMETERS, registers, [], 0)
        last = self.b.load("last", self.arrays[0], 1)
        return Function("f", PARAMETERS, self.b.block(), (*registers[:2], last + A))


SEEDS = st.integers(0, 2**32 - 1)
LANES = 5


def complex_step(function, point, direction):
    h = 1e-30
    return run(function, point + 1j * h * direction, np.complex128).imag / h


def draws(seed, *rows):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, LANES)) for n in rows]


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11 * (1 + np.abs(expected).max()))


@given(SEEDS)
def test_jvp_is_the_complex_step(seed):
    function = Writer(seed, loops_only=False).function()
    derived = jvp_function(function)
    check_function(derived)
    point, direction = draws(seed, 3, 3)
    found = run(derived, np.vstack([point, direction]))
    np.testing.assert_array_equal(found[:3], run(function, point))
    close(found[3:], complex_step(function, point, direction))


@given(SEEDS)
def test_vjp_is_the_transpose_of_jvp(seed):
    """<J v, w> = <v, J^T w>, lane by lane."""
    function = Writer(seed, loops_only=True).function()
    derived = vjp_function(function)
    check_function(derived)
    point, direction, weights = draws(seed, 3, 3, 3)
    found = run(derived, np.vstack([point, weights]))
    np.testing.assert_array_equal(found[:3], run(function, point))
    products = weights * complex_step(function, point, direction)
    scale = 1 + np.abs(products).max() + np.abs(found[3:] * direction).max()
    assert np.abs(products.sum(0) - (found[3:] * direction).sum(0)).max() <= 1e-11 * scale


@given(SEEDS)
def test_several_directions_and_chosen_parameters(seed):
    function = Writer(seed, loops_only=False).function()
    point, first, second = draws(seed, 3, 2, 2)
    found = run(jvp_function(function, (C, A), directions=2), np.vstack([point, first, second]))[3:]
    for direction, dots in ((first, found[:3]), (second, found[3:])):
        close(dots, complex_step(function, point, np.array([direction[1], np.zeros(LANES), direction[0]])))


@given(SEEDS)
def test_second_derivatives(seed):
    """Forward over reverse: the tangent of the pulled-back cotangent along v is symmetric in two directions."""
    function = Writer(seed, loops_only=True).function()
    twice = jvp_function(vjp_function(function, with_results=False), PARAMETERS)
    check_function(twice)
    point, weights, u, v = draws(seed, 3, 3, 3, 3)
    along = [run(twice, np.vstack([point, weights, d]))[3:] for d in (u, v)]
    left, right = (along[0] * v).sum(0), (along[1] * u).sum(0)
    scale = 1 + max(np.abs(along[0] * v).max(), np.abs(along[1] * u).max())
    assert np.abs(left - right).max() <= 1e-9 * scale


def test_lanes_take_their_own_paths():
    """x is doubled until it exceeds 10: the derivative is the power of two that each lane took."""
    b = Builder()
    x = b.register("x", A)
    with b.repeat_while(apply("lt", x, 10.0)):
        b.assign(x, x * 2.0)
    found = run(jvp_function(Function("f", (A,), b.block(), (x,))), np.array([[1.0, 3.0, 20.0], [1.0, 1.0, 1.0]]))
    np.testing.assert_array_equal(found, [[16.0, 12.0, 20.0], [16.0, 4.0, 1.0]])


def test_inactive_work_is_not_differentiated():
    """What does not depend on the chosen parameter is not repeated for tangents."""
    b = Builder()
    slow = b.register("slow", B)
    with b.loop("i", 0, 5):
        b.assign(slow, apply("sin", slow))
    function = Function("f", (A, B), b.block(), (A * slow,))
    assert len(jvp_function(function, (A,)).body) == len(function.body)


def test_while_cannot_be_reversed():
    b = Builder()
    x = b.register("x", A)
    with b.repeat_while(apply("lt", x, 10.0)):
        b.assign(x, x * 2.0)
    with pytest.raises(CompilerBug, match=r"While.*rounds is unknown"):
        vjp_function(Function("f", (A,), b.block(), (x,)))


def test_loops_of_variable_length_cannot_be_reversed():
    b, n = Builder(), variable("n", Kind.INT)
    x = b.register("x", A)
    with b.loop("i", 0, n):
        b.assign(x, x * 2.0)
    with pytest.raises(CompilerBug, match=r"from 0 to n.*constant"):
        vjp_function(Function("f", (A, n), b.block(), (x,)))


@pytest.mark.parametrize("transform", [jvp_function, vjp_function])
def test_sums_over_instances_have_no_derivative_inside_a_function(transform):
    function = Function("f", (A,), (Accumulate("total", (), A),), (A,))
    with pytest.raises(CompilerBug, match="Accumulate"):
        transform(function)


def test_foreign_memory_is_refused():
    with pytest.raises(CompilerBug, match=r"'m'.*own"):
        vjp_function(Function("f", (A,), (Store("m", (), A),), (A,)))


@pytest.mark.parametrize("transform", [jvp_function, vjp_function])
def test_only_real_parameters_are_differentiated_by(transform):
    with pytest.raises(CompilerBug, match="not all real parameters"):
        transform(Function("f", (A,), (), (A,)), (B,))
