"""Convolutions with numbers: kernels at the displacements of a grid, and what the host convolves between launches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.fft
import sympy
from numpy.typing import NDArray
from sympy.core.function import AppliedUndef

from symphys.discretise import Axis, Grid
from symphys.errors import InputError
from symphys.fields.dynamics import Convolved, FieldDynamics
from symphys.simulate.lattice.given import sample

Numbers = Mapping[Any, float]


def padded_length(axis: Axis) -> int:
    """The points of a transform: those of the axis where it is periodic, else twice as many."""
    return axis.count if axis.periodic else 2 * axis.count


def kernel_waves(
    dynamics: FieldDynamics, grid: Grid, each: Convolved, values: Numbers, functions: Mapping[Any, Any]
) -> NDArray[np.complex128]:
    """The kernel of a convolution in wave numbers, times the volume of a cell and the derivative that is asked for."""
    kernel = displaced_kernel(dynamics, grid, each, values, functions)
    waves: NDArray[Any] = scipy.fft.fftn(kernel) * float(np.prod([axis.spacing for axis in grid.axes]))
    for position, (axis, order) in enumerate(zip(grid.axes, each.index[1:], strict=True)):
        if order:
            n = padded_length(axis)
            factor = (2j * np.pi * scipy.fft.fftfreq(n, d=axis.spacing)) ** order
            if order % 2 and n % 2 == 0:
                factor[n // 2] = 0.0
            waves = waves * factor.reshape([-1 if i == position else 1 for i in range(len(grid.axes))])
    return waves


def displaced_kernel(
    dynamics: FieldDynamics, grid: Grid, each: Convolved, values: Numbers, functions: Mapping[Any, Any]
) -> NDArray[Any]:
    """K at the displacements of the grid: the nearest image of each point on periodic axes, both signs on others.

    An external kernel is a function of the displacements, or an array of values at the points of a periodic grid, of
    which the one nearest to zero is no displacement; varying a kernel that is not even asks for its mirror image,
    W(-d), too. Raises InputError for an array on an axis with ends.
    """
    kernel = each.term.kernel
    lengths = [padded_length(axis) for axis in grid.axes]
    displacements = np.meshgrid(
        *(axis.spacing * n * scipy.fft.fftfreq(n) for axis, n in zip(grid.axes, lengths, strict=True)), indexing="ij"
    )
    stand_ins, sampled = {}, []
    for number, node in enumerate(sorted(kernel.expr.atoms(AppliedUndef), key=str)):
        function = node.func(*each.term.over)
        value = functions[function]
        stand_ins[node] = sympy.Symbol(f"external_{number}")
        mirrored = [i for i, (arg, d) in enumerate(zip(node.args, kernel.variables, strict=True)) if arg == -d]
        if callable(value):
            at = [-d if i in mirrored else d for i, d in enumerate(displacements)]
            sampled.append(np.asarray(value(*at), dtype=np.float64))
            continue
        if lengths != list(grid.shape):
            raise InputError(
                f"the kernel {function} is an array, which ends where the grid does; on axes with ends give a function "
                "of the displacement"
            )
        origin = [int(np.argmin(np.abs(axis.points))) for axis in grid.axes]
        whole = sample(dynamics, grid, function, value, 0.0)
        rolled = np.roll(whole, [-i for i in origin], axis=tuple(range(whole.ndim)))
        for i in mirrored:
            rolled = np.roll(np.flip(rolled, i), 1, axis=i)
        sampled.append(rolled)
    expression = kernel.expr.xreplace(stand_ins).subs(values)
    made = sympy.lambdify([*kernel.variables, *stand_ins.values()], expression, "numpy")(*displacements, *sampled)
    return np.asarray(np.broadcast_to(made, lengths))


def convolve(grid: Grid, waves: NDArray[np.complex128], argument: NDArray[Any]) -> NDArray[np.complex128]:
    """The convolution of an argument [*grid] with a kernel in wave numbers; axes with ends by the trapezoidal rule."""
    weighted = np.array(argument, dtype=np.complex128)
    for position, axis in enumerate(grid.axes):
        if not axis.periodic:
            shape = [-1 if i == position else 1 for i in range(len(grid.axes))]
            weighted *= (axis.weights / axis.spacing).reshape(shape)
    made = scipy.fft.ifftn(scipy.fft.fftn(weighted, s=waves.shape) * waves)
    return np.asarray(made[tuple(slice(n) for n in grid.shape)])
