"""Peers of row `stencil`: pystencils with AVX-512 and OpenMP, and rows that one writes by hand in Numba.

All take the leapfrog step u_next = 2 u - u_prev + c lap u - d (u^3 - u) in place of u_prev (without d in three
dimensions), on arrays with ghost cells that the peers do not refresh: what is timed is the sweep alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

WEIGHTS = {2: (-2.0, 1.0), 4: (-5 / 2, 4 / 3, -1 / 12), 8: (-205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560)}


def padded(shape: tuple[int, ...], reach: int, dtype: str) -> np.ndarray:
    """Random numbers with ghost cells, rows a multiple of a cache line long and the first site of each on a line."""
    per = 64 // np.dtype(dtype).itemsize
    width = -(-(shape[-1] + 2 * reach) // per) * per
    rows = tuple(n + 2 * reach for n in shape[:-1])
    raw = np.zeros(int(np.prod(rows)) * width + per, dtype=dtype)
    lead = (-(raw.ctypes.data // raw.itemsize) - reach) % per
    array = raw[lead : lead + int(np.prod(rows)) * width].reshape(*rows, width)[..., : shape[-1] + 2 * reach]
    array[...] = 0.01 * np.random.default_rng(0).random(array.shape)
    return array


def numba_rows(shape: tuple[int, ...], order: int, dtype: str, threads: int) -> Callable[[int], None]:
    """Steps by a hand-written loop over rows, vectorised by LLVM along each."""
    import numba

    r, w = order // 2, tuple(np.dtype(dtype).type(x) for x in WEIGHTS[order])
    c, d, two = (np.dtype(dtype).type(x) for x in (0.1, 0.001, 2.0))
    numba.set_num_threads(threads)

    if len(shape) == 2:

        @numba.njit(parallel=True, fastmath=True)
        def sweep(u, v):
            for i in numba.prange(r, u.shape[0] - r):
                for j in range(r, u.shape[1] - r):
                    lap = two * w[0] * u[i, j]
                    for k in range(1, r + 1):
                        lap += w[k] * (u[i + k, j] + u[i - k, j] + u[i, j + k] + u[i, j - k])
                    v[i, j] = two * u[i, j] - v[i, j] + c * lap - d * (u[i, j] * u[i, j] * u[i, j] - u[i, j])

    else:

        @numba.njit(parallel=True, fastmath=True)
        def sweep(u, v):
            for i in numba.prange(r, u.shape[0] - r):
                for m in range(r, u.shape[1] - r):
                    for j in range(r, u.shape[2] - r):
                        near = u[i + 1, m, j] + u[i - 1, m, j] + u[i, m + 1, j] + u[i, m - 1, j]
                        lap = near + u[i, m, j + 1] + u[i, m, j - 1] - (two + two + two) * u[i, m, j]
                        v[i, m, j] = two * u[i, m, j] - v[i, m, j] + c * lap

    pair = [padded(shape, r, dtype), padded(shape, r, dtype)]

    def steps(count: int) -> None:
        for _ in range(count):
            sweep(pair[0], pair[1])
            pair.reverse()

    return steps


def pystencils_sweep(shape: tuple[int, ...], order: int, dtype: str, threads: int) -> Callable[[int], None]:
    """Steps by pystencils 2."""
    import pystencils as ps
    import sympy

    r, n = order // 2, len(shape)
    u, v = ps.fields(f"u, v: {dtype}[{n}D]")
    c, d = sympy.symbols("c d")
    weights = [sympy.Float(w) for w in WEIGHTS[order]]
    origin = (0,) * n
    lap = n * weights[0] * u[origin]
    for k in range(1, r + 1):
        for axis in range(n):
            for sign in (-1, 1):
                place = tuple(sign * k if a == axis else 0 for a in range(n))
                lap += weights[k] * u[place]
    force = c * lap - (d * (u[origin] ** 3 - u[origin]) if n == 2 else 0)
    configuration = ps.CreateKernelConfig(target=ps.Target.X86_AVX512, default_dtype=dtype)
    configuration.cpu.openmp.enable = threads > 1
    if threads > 1:
        configuration.cpu.openmp.num_threads = threads
    configuration.cpu.vectorize.enable = True
    configuration.cpu.vectorize.assume_inner_stride_one = True
    step = ps.Assignment(v[origin], 2 * u[origin] - v[origin] + force)
    kernel = ps.create_kernel([step], configuration).compile()
    pair = [padded(shape, r, dtype), padded(shape, r, dtype)]
    numbers = {"c": 0.1, "d": 0.001} if n == 2 else {"c": 0.1}

    def steps(count: int) -> None:
        for _ in range(count):
            kernel(u=pair[0], v=pair[1], **numbers)
            pair.reverse()

    return steps
