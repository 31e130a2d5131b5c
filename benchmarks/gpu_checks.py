"""What has to be right on a GPU: rows of `python -m benchmarks.gpu` that take the host's time, not the device's.

The tests that need a GPU, those of backend "cpu" on it, programs as they stand, and whatever is ready-made, against the
CPU or the interpreter.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import numpy as np

import symphys as ph
from benchmarks.gpu_fits import differences
from benchmarks.harness import Case, threads

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 270.0  # seconds that a run of tests or programs may take
PATIENCE = 20.0  # seconds that it may take to report when it is interrupted
ABSENT = "which is not installed"  # as errors say that an optional library is missing


def tests() -> list[Case]:
    """The tests marked `gpu`: kernels, programs and runs on the device against the interpreter."""
    return [run_tests("pytest -m gpu", ("-m", "gpu", "tests"), min(8, threads()))]


def survey() -> list[Case]:
    """All tests of symphys, and the examples, with the GPU in the place of the CPU."""
    tests = ("tests/test_examples.py", "tests/symphys")  # the longest first
    return [run_tests("tests of the CPU", ("--backend", "cuda", *tests), max(1, threads() - 2))]


def run_tests(name: str, arguments: Sequence[str], workers: int, longest: float = LONGEST) -> Case:
    """A run of the tests: how many failed, and which; those that miss an optional library are counted apart. No number
    where no test had anything to say."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "-p", "no:cacheprovider", "--tb=short"]
        command += ["--timeout=120"] if find_spec("pytest_timeout") else []
        command += [f"--junitxml={report}", *arguments]
        with (Path(folder) / "said").open("w+") as said:
            with subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT) as run:
                ended = ended_within(run, longest)
            if not report.exists():
                said.seek(0)
                raise RuntimeError(f"pytest reports nothing:\n{said.read()[-2000:]}")
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    failed, absent = [], 0
    for case in cases:
        trouble = [part.text or "" for part in case if part.tag in ("failure", "error")]
        if any(ABSENT in text for text in trouble):
            absent += 1
        elif trouble:
            failed.append(f"{case.get('classname')}::{case.get('name')}")
            print(failed[-1], *trouble, sep="\n", flush=True)
    skipped = sum(case.find("skipped") is not None for case in cases)
    if not ended:
        failed.append(f"not done after {longest:.0f} s")
    notes = {"tests": len(cases), "skipped": skipped, "miss a library": absent, "failed": failed}
    nothing = not failed and len(cases) == skipped + absent
    return Case(name, "failures", None if nothing else float(len(failed)), limit=0.0, notes=notes)


def ended_within(run: subprocess.Popen[bytes], longest: float) -> bool:
    """Whether a process ends by itself; one that does not is interrupted, so that it can say how far it came."""
    for limit, give_up in ((longest, lambda: run.send_signal(signal.SIGINT)), (PATIENCE, run.kill)):
        try:
            run.wait(limit)
        except subprocess.TimeoutExpired:
            give_up()
        else:
            return limit == longest
    return False


def programs(folder: Path, backend: str = "cuda", pattern: str = "c[0-9]*.py") -> list[Case]:
    """The programs of a folder with a backend in the place of the CPU, side by side; each has assertions of its own."""
    found = sorted(folder.glob(pattern))
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))

    def run(program: Path) -> tuple[bool, str]:
        begin = time.perf_counter()
        command = [sys.executable, "-m", "tests.elsewhere", backend, str(program.resolve())]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": path},
                capture_output=True,
                text=True,
                check=False,
                timeout=LONGEST,
            )
        except subprocess.TimeoutExpired:
            return False, f"not done after {LONGEST:.0f} s"
        fine = done.returncode == 0
        last = (done.stdout if fine else done.stderr).strip().splitlines()[-1:]
        if not fine:
            print(program.name, done.stderr[-3000:], sep="\n", flush=True)
        return fine, f"{'ok' if fine else 'FAILED'}, {time.perf_counter() - begin:.1f} s: {' '.join(last)[:160]}"

    with ThreadPoolExecutor(max(1, threads())) as pool:
        said = dict(zip((program.stem for program in found), pool.map(run, found), strict=True))
    failed = sum(not fine for fine, _ in said.values())
    notes = {name: text for name, (_, text) in said.items()}
    ours = float(failed) if found else None
    return [Case(f"{len(found)} programs on {backend}", "failures", ours, limit=0.0, notes=notes)]


def agreement() -> list[Case]:
    """Every ready system on the GPU and on the CPU, from the same start for a short time."""
    from symphys import models

    def trajectory(model: models.Model, backend: str) -> np.ndarray:
        h = model.dt or (model.t_span[1] - model.t_span[0]) / 1000
        simulator = model.system.compile(backend=backend)
        result = simulator.run(model.initial, model.parameters, t_span=(0.0, 50 * h), dt=h, save_every=50)
        return np.array([np.ravel(result[label])[-1] for label in model.initial])

    def fields(model: models.FieldModel, backend: str) -> np.ndarray:
        setting = model.setting
        grid = ph.Grid({x: (low, high, min(n, 32)) for x, (low, high, n) in setting.domain.items()}, setting.boundary)
        points = dict(zip(setting.domain, grid.mesh, strict=True))
        start = {label: np.broadcast_to(a, grid.shape) for label, a in setting.initial(points).items()}
        h = 0.25 * model.dt
        simulator = model.system.compile(grid=grid, backend=backend)
        result = simulator.run(start, setting.parameters, t_span=(0.0, 20 * h), dt=h, save_every=20)
        return np.concatenate([np.ravel(result[label][-1]) for label in start])

    def particles(model: models.ParticleModel, backend: str) -> np.ndarray:
        setting = model.setting
        simulator = model.system.compile(method="verlet", backend=backend, **setting.options)
        run = simulator.run(
            setting.initial, setting.parameters, t_span=(0.0, 20 * model.dt), dt=model.dt, save_every=20
        )
        return np.concatenate([np.ravel(run[label][-1]) for label in setting.initial])

    kinds = ((models.MODELS, trajectory), (models.FIELD_MODELS, fields), (models.PARTICLE_MODELS, particles))
    found: dict[str, object] = {}
    for registry, ending in kinds:
        for name, model in registry.items():
            try:
                ends = [ending(model, backend) for backend in ("cpu", "cuda")]
            except Exception as error:  # noqa: BLE001 - told, and the rest go on
                found[name] = f"{type(error).__name__}: {error}"
                traceback.print_exc()
                continue
            found[name] = float(np.abs(ends[0] - ends[1]).max() / np.abs(ends[0]).max())
    worst = max((value for value in found.values() if isinstance(value, float)), default=None)
    broken = len(found) > sum(isinstance(value, float) for value in found.values())
    return [
        Case(f"{len(found)} ready systems", "largest difference", None if broken else worst, limit=1e-9, notes=found)
    ]


def fits() -> list[Case]:
    """Fits from samples, along trajectories, of fields and of particles: what the GPU finds against the CPU."""
    found = differences("cuda")
    return [Case(f"{len(found)} fits", "largest difference", max(found.values()), limit=1e-6, notes=dict(found))]
