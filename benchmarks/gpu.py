"""`python -m benchmarks.gpu`: everything that needs an NVIDIA GPU, in one go.

First what has to be right, in processes side by side: every CUDA kernel of the tests against the interpreter
(`pytest -m gpu`), the tests of symphys on the GPU instead of the CPU, every ready system and every kind of fit on both,
and the programs of a folder (`--programs FOLDER`). Then, alone, the bars of the GPU with their peers on the same card.
Figures are printed as they come, and kept in `benchmarks/results/gpu_*.json` with machine and date. Times of kernels
are taken by events on the device.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

import symphys as ph
from benchmarks import gpu_checks
from benchmarks.gpu_clock import copy_bandwidth, device_clock, device_seconds, on_device, per_step
from benchmarks.gpu_host import calls, recording
from benchmarks.gpu_variants import LENGTHS, gravity, kernel_times, pair_variants, phi_fourth, stencil_variants
from benchmarks.harness import Case, write
from benchmarks.table import describe


def ensemble() -> list[Case]:
    """Lorenz, 8 388 608 trajectories, f32, Tsit5, 1000 steps of 1e-3 to one end; and adaptive at 1e-5."""
    count, limit = 8_388_608, 33.0 / 0.75
    x, y, z = ph.coordinates("x y z")
    sigma, rho, beta = ph.parameters("sigma rho beta")
    system = ph.VectorField({x: sigma * (y - x), y: x * (rho - z) - y, z: x * y - beta * z})
    simulator = system.compile(method="tsit5", dtype="float32", backend="cuda")
    random = np.random.default_rng(0).random((3, count), dtype=np.float32)
    start = dict(zip((x, y, z), random, strict=True))
    values = {sigma: 10.0, rho: np.linspace(0.0, 21.0, count, dtype=np.float32), beta: 8 / 3}
    cases = []
    for name, pace, bar in (("1000 steps of 1e-3", {"dt": 1e-3}, 1.0), ("rtol 1e-5", {"rtol": 1e-5}, None)):

        def run(pace: dict[str, float] = pace) -> None:
            simulator.run(start, values, t_span=(0.0, 1.0), t_eval=[1.0], watch_every=0, **pace)

        run()
        with device_clock() as clock:
            begin = time.perf_counter()
            run()
            whole = time.perf_counter() - begin
        kernels = {kernel: float(np.sum(times)) for kernel, times in clock.items()}
        notes = {"kernels, ms": kernels, "whole call with transfers, s": whole}
        cases.append(
            Case(f"Lorenz f32, {name}", "ms", max(kernels.values()), bar=bar, limit=limit if bar else None, notes=notes)
        )
    return cases


def stencil(size: int = 1024) -> list[Case]:
    """phi^4 on 1024^3 sites in single precision, leapfrog with differences of second and fourth order."""
    from symphys.simulate.lattice.running import Run

    theory, grid = phi_fourth(size)
    bandwidth = copy_bandwidth()
    cases = []
    for order in (2, 4):
        simulator = theory.compile(grid=grid, method="verlet", order=order, dtype="float32", backend="cuda")
        run = Run(simulator.machine, grid, {}, {}, 0.03, 0.0, 1)
        names = tuple(component.name for component in simulator.machine.layout.components)
        steps = on_device(run, names)
        seconds = per_step(steps, *LENGTHS)
        with device_clock() as clock:
            steps(LENGTHS[0])
        notes = {name: float(np.median(times)) for name, times in clock.items()}
        share = 3 * 4 * size**3 / seconds / bandwidth
        notes |= {"step, ms": 1e3 * seconds, "copy, TB/s": bandwidth / 1e12}
        cases.append(
            Case(
                f"phi^4 {size}^3 f32, order {order}",
                "share of copy",
                share,
                bar=1.0,
                limit=0.85,
                better="higher",
                notes=notes,
            )
        )
        del run, steps
    return cases


def split_step(size: int = 2048) -> list[Case]:
    """Strang steps of the Gross-Pitaevskii equation against the pair of transforms alone."""
    import cupy

    from benchmarks.split_step import ours

    run = ours((size, size), 1, backend="cuda")
    (name,) = [a.name for a in run.machine.advance.program.arrays if a.components == 2 and a.name.startswith("psi")]
    steps = on_device(run, (name,))
    seconds = per_step(steps, 20, 120)
    square = (size, size)
    values = cupy.random.random(square) + 0j
    plan = cupy.cuda.cufft.PlanNd(square, square, 1, 1, square, 1, 1, cupy.cuda.cufft.CUFFT_Z2Z, 1, "C", 1, None)

    def pure(count: int) -> None:
        for _ in range(count):
            plan.fft(values, values, cupy.cuda.cufft.CUFFT_FORWARD)
            plan.fft(values, values, cupy.cuda.cufft.CUFFT_INVERSE)

    values *= 1e-3
    pair = per_step(pure, 2, 22)
    with device_clock() as clock:
        steps(20)
    notes = {f"{kernel}, ms": float(np.median(times)) for kernel, times in clock.items()}
    notes |= {"step, ms": 1e3 * seconds, "cuFFT pair, ms": 1e3 * pair}
    return [Case(f"{size}^2 complex128", "cuFFT pairs", seconds / pair, bar=1.0, limit=1.6, notes=notes)]


def pairs(bodies: int = 65_536) -> list[Case]:
    """Softened gravity, all pairs, f32, at 20 operations a pair, against the peak of fused products."""
    import cupy

    simulator, start, values = gravity(bodies)
    times = kernel_times(simulator, start, values)
    pull = next(value for name, value in times.items() if name.startswith("pull"))
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    clock_rate = cupy.cuda.Device().attributes["ClockRate"] * 1e3
    peak = properties["multiProcessorCount"] * 128 * 2 * clock_rate
    rate = 20 * bodies**2 / (1e-3 * pull)
    notes = {**{f"{name}, ms": value for name, value in times.items()}, "peak, TFLOP/s": peak / 1e12}
    return [
        Case(
            f"gravity, {bodies} bodies, f32",
            "share of peak",
            rate / peak,
            bar=1.0,
            limit=0.5,
            better="higher",
            notes=notes,
        )
    ]


def network_lagrangian(batch: int = 65_536) -> list[Case]:
    """Loss and gradient of a network Lagrangian, 4 inputs, 3 x 64, against JAX on the same card."""
    from benchmarks.network_lagrangian import drawn, objective
    from benchmarks.peer_networks import jax_accelerations, jax_available
    from symphys.simulate.compiled import kernels_for

    cases = []
    for dtype in ("float32", "float64"):
        network, states, measured = drawn((64,) * 3, batch, dtype)
        loss, weights = objective(network, states, measured, kernels_for("cuda", dtype))
        value, slope = loss.gradient(weights)
        whole = device_seconds(partial(loss.gradient, weights))
        with device_clock() as clock:
            loss.gradient(weights)
        kernels = {name: float(np.sum(times)) for name, times in clock.items()}
        notes: dict[str, object] = {"kernels, ms": kernels, "whole call with transfers, ms": 1e3 * whole}
        peers = {}
        if jax_available():
            import jax

            layers = network.layers(network.initialise(seed=0))
            layers = [tuple(part.astype(dtype) for part in layer) for layer in layers]
            for precision in ("default", "highest"):  # by default products of single precision are rounded to ten bits
                with jax.default_matmul_precision(precision):
                    step = jax_accelerations(layers, states, measured)
                    theirs, slopes = step()
                    milliseconds = 1e3 * device_seconds(step, 5)
                flat = np.concatenate([np.asarray(part).reshape(-1) for layer in slopes for part in layer])
                notes[f"jax {precision}, ms"] = milliseconds
                notes[f"jax {precision}, loss difference"] = abs(value / float(theirs) - 1)
                notes[f"jax {precision}, gradient difference"] = float(np.abs(slope - flat).max() / np.abs(flat).max())
            peers = {"jax": milliseconds}
        ours = sum(kernels.values())
        cases.append(Case(f"4 inputs, 3 x 64, {batch}, {dtype}", "ms/step", ours, peers, bar=3.0, notes=notes))
    return cases


def wide_networks(work: int = 1 << 29) -> list[Case]:
    """Loss and gradient of network Lagrangians of many widths: products that a block makes together, against those that
    each thread makes for itself; `work` numbers the neurons of all samples times their inputs."""
    from benchmarks.network_lagrangian import drawn, objective
    from codegen.backends.cuda import CudaBackend
    from codegen.backends.cuda_schedule import Schedule
    from symphys.simulate.compiled import Kernels

    cases = []
    for hidden in ((8, 8), (16, 16), (32, 32), (64,) * 3, (128,) * 3, (256,) * 3):
        batch = min(65_536, work // sum(n * n for n in hidden) // 1024 * 1024)
        for dtype in ("float32", "float64"):
            network, states, measured = drawn(hidden, batch, dtype)
            times: dict[str, float] = {}
            slopes: dict[str, np.ndarray] = {}
            for name, together in (("together", True), ("alone", False)):
                loss, weights = objective(
                    network, states, measured, Kernels(CudaBackend(schedule=Schedule(together=together)), dtype)
                )
                _, slopes[name] = loss.gradient(weights)
                with device_clock() as clock:
                    for _ in range(3):
                        loss.gradient(weights)
                times[name] = sum(float(np.median(each)) for each in clock.values())
            off = np.abs(slopes["together"] - slopes["alone"]).max() / np.abs(slopes["alone"]).max()
            case = f"4 inputs, {' x '.join(map(str, hidden))}, {batch}, {dtype}"
            peers = {"a thread a sample": times["alone"]}
            notes: dict[str, object] = {"gradient difference": float(off)}
            cases.append(Case(case, "ms/step", times["together"], peers, notes=notes))
            print(f"  {case}: {times['together']:.3f} ms together, {times['alone']:.3f} alone", flush=True)
    return cases


def variants(size: int = 1024, bodies: int = 65_536) -> list[Case]:
    """The layouts of launches that there are, against the usual one: stencils and all pairs."""
    return [*(stencil_variants(size, order) for order in (2, 4)), pair_variants(bodies)]


CHECKS: dict[str, Callable[[], list[Case]]] = {
    "tests": gpu_checks.tests,
    "survey": gpu_checks.survey,
    "agreement": gpu_checks.agreement,
    "fits": gpu_checks.fits,
}
TIMES: dict[str, Callable[[], list[Case]]] = {
    "recording": recording,
    "calls": calls,
    "ensemble": ensemble,
    "stencil": stencil,
    "split_step": split_step,
    "pairs": pairs,
    "variants": variants,
    "network_lagrangian": network_lagrangian,
    "wide_networks": wide_networks,
}
UNKEPT = ("tests", "survey", "programs")  # they have no figures, they pass or do not


def device() -> str:
    """The name of the card."""
    import cupy

    return str(cupy.cuda.runtime.getDeviceProperties(0)["name"].decode())


def done(row: str, cases_of: Callable[[], list[Case]]) -> bool:
    """Run a row, show and keep what it finds; False where it breaks, or where a check is not met."""
    begin = time.perf_counter()
    print(f"{row} ...", flush=True)
    try:
        cases = cases_of()
    except Exception:  # noqa: BLE001 - one row must not take the others with it
        traceback.print_exc()
        return False
    print(describe(cases, ()), f"\n  ({time.perf_counter() - begin:.1f} s)", flush=True)
    if row not in UNKEPT:
        write(f"gpu_{row}", cases, (), {"gpu": device()})
    return row in TIMES or all(case.ours is not None and case.met is not False for case in cases)


def side_by_side(rows: Sequence[str], options: Sequence[str]) -> list[str]:
    """Run rows as processes of their own and print what they say as they end; those that failed."""

    def run(row: str) -> int:
        command = [sys.executable, "-m", "benchmarks.gpu", row, *options]
        made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        print(made.stdout, end="", flush=True)
        return made.returncode

    with ThreadPoolExecutor(len(rows) or 1) as pool:
        return [row for row, status in zip(rows, pool.map(run, rows), strict=True) if status]


def main() -> int:
    """Run what is asked for, or all: checks side by side, then what is timed, alone; what breaks stops nothing else."""
    names = (*CHECKS, "programs", *TIMES)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"of {', '.join(names)} (all if none is named)")
    parser.add_argument("--programs", type=Path, metavar="FOLDER", help="programs that the row of that name runs")
    options = parser.parse_args()
    rows = list(options.rows or names)
    if "programs" in rows and not (options.programs and options.programs.is_dir()):
        print("programs: left out; --programs FOLDER says where they are", flush=True)
        rows.remove("programs")
    known = {**CHECKS, "programs": partial(gpu_checks.programs, options.programs), **TIMES}
    checks = [row for row in rows if row not in TIMES]
    if len(checks) > 1:
        broken = side_by_side(checks, () if options.programs is None else ("--programs", str(options.programs)))
        rows = [row for row in rows if row in TIMES]
    else:
        broken = []
    broken += [row for row in rows if not done(row, known[row])]
    if broken:
        print(f"broken: {', '.join(broken)}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
