"""Row `split_step`: Strang steps of the Gross-Pitaevskii equation on 512^2 and on 1024 sites, complex128, g = 100.

The peers are what one writes by hand: two fused Numba kernels for the phases around a Fourier transform by MKL, FFTW
(patiently planned) or SciPy. Times are those of one step with half kicks of neighbouring steps joined on both sides.
The norm is compared over one unit of time, a thousand steps; its drift grows with the steps, and over twice that time
it is 1.2e-13 in 1-D.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sympy import I, conjugate

import symphys as ph
from benchmarks.harness import Case, interleaved, threads
from symphys.simulate.lattice.given import read_inputs

NAME = "split_step"
DT, G, LENGTH = 1e-3, 100.0, 24.0
CASES = (((512, 512), 2, 40), ((1024,), 1, 2000))  # shape, threads, steps of a turn
UNIT = 1000  # steps over which the norm is compared: t = 1


def start_of(shape: tuple[int, ...]) -> tuple[list[np.ndarray], np.ndarray]:
    """The points of each axis, and the ground state of the harmonic oscillator."""
    axes = [-LENGTH / 2 + LENGTH / n * np.arange(n) for n in shape]
    square = sum(a**2 for a in np.meshgrid(*axes, indexing="ij"))
    return axes, np.exp(-square / 2) / np.pi ** (len(shape) / 4) + 0j


def ours(shape: tuple[int, ...], workers: int, backend: str = "cpu") -> Any:
    """A run in memory."""
    coordinates = ph.spacetime("t x y"[: 2 * len(shape) + 1])
    t, *axes = coordinates
    psi = ph.complex_field("psi", coordinates)
    g = ph.parameters("g", real=True)
    bar = conjugate(psi)
    slopes = sum(bar.diff(a) * psi.diff(a) for a in axes)
    well = sum(a**2 for a in axes) / 2
    time = I / 2 * (bar * psi.diff(t) - psi * bar.diff(t))
    theory = ph.LagrangianDensity(time - slopes / 2 - well * bar * psi - g / 2 * (bar * psi) ** 2)
    grid = ph.Grid({a: (-LENGTH / 2, LENGTH / 2, n) for a, n in zip(axes, shape, strict=True)})
    simulator = theory.compile(grid=grid, backend=backend)
    inputs = read_inputs(theory.dynamics, grid, {psi: start_of(shape)[1]}, {g: G})
    return simulator.start(inputs, (), 0.0, DT, workers)


def by_hand(shape: tuple[int, ...], library: str, workers: int) -> Callable[[int], None]:
    """Steps with phases fused in Numba and transforms by a library, in place."""
    import numba

    numba.set_num_threads(workers)
    axes, psi = start_of(shape)
    k = [2 * np.pi * np.fft.fftfreq(n, d=LENGTH / n) for n in shape]
    square = sum(a**2 for a in np.meshgrid(*axes, indexing="ij")) / 2
    kinetic = np.exp(-0.5j * DT * sum(a**2 for a in np.meshgrid(*k, indexing="ij"))).ravel() / psi.size
    well = square.ravel()

    @numba.njit(parallel=workers > 1, fastmath=True)
    def phases(values, potential):
        for i in numba.prange(values.size):
            z = values[i]
            angle = -DT * (potential[i] + G * (z.real * z.real + z.imag * z.imag))
            values[i] = z * complex(np.cos(angle), np.sin(angle))

    @numba.njit(parallel=workers > 1, fastmath=True)
    def waves(values, factor):
        for i in numba.prange(values.size):
            values[i] *= factor[i]

    there, back, values = transforms(psi, library, workers)

    def steps(count: int) -> None:
        flat = values.reshape(-1)
        for _ in range(count):
            there()
            waves(flat, kinetic)
            back()
            phases(flat, well)

    return steps


def transforms(psi: np.ndarray, library: str, workers: int) -> tuple[Callable[[], Any], Callable[[], Any], np.ndarray]:
    """Forward and unscaled backward transform in place, and the array that they act on."""
    if library == "mkl_fft":
        import mkl_fft

        return (
            lambda: mkl_fft.fftn(psi, out=psi),
            lambda: mkl_fft.ifftn(psi, out=psi, norm="forward"),
            psi,
        )
    if library == "pyFFTW":
        import pyfftw

        values = pyfftw.empty_aligned(psi.shape, dtype=complex)
        axes = tuple(range(psi.ndim))
        plans = [
            pyfftw.FFTW(values, values, axes, way, ("FFTW_PATIENT",), workers, 60.0)
            for way in ("FFTW_FORWARD", "FFTW_BACKWARD")
        ]
        values[...] = psi
        return plans[0].execute, plans[1].execute, values
    import scipy.fft

    def there() -> None:
        psi[...] = scipy.fft.fftn(psi, workers=workers)

    def back() -> None:
        psi[...] = scipy.fft.ifftn(psi, workers=workers, norm="forward")

    return there, back, psi


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Seconds of one step, and how well the norm is kept."""
    cases, skipped = [], set()
    for shape, wanted, steps in CASES:
        workers = min(wanted, threads())
        contestants: dict[str, Callable[[], object]] = {}
        for library in ("mkl_fft", "pyFFTW", "scipy.fft"):
            try:
                sweep = by_hand(shape, library, workers)
            except ImportError as missing:
                skipped.add(f"{library}: {missing}")
                continue
            contestants[library] = partial(sweep, steps)
        if with_ours:
            mine = ours(shape, workers)
            contestants["symphys"] = partial(mine.go, steps)
        times = {name: 1e6 * value / steps for name, value in interleaved(contestants, rounds=5).items()}
        own, size = times.pop("symphys", None), "x".join(map(str, shape))
        cases.append(Case(f"{size}, one Strang step, {workers} threads", "us", own, times, bar=1 / 1.05))
        if with_ours:
            fresh = ours(shape, workers)
            charge = [law.name for law in fresh.machine.laws].index("charge")
            before = fresh.totals()[0][charge]
            fresh.go(UNIT)
            drift = abs(fresh.totals()[0][charge] / before - 1)
            cases.append(Case(f"{size}, drift of the norm over {UNIT} steps", "", max(drift, 1e-17), limit=1e-13))
    return cases, sorted(skipped)
