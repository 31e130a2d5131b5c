"""Row `long_orbits`: the Sun and five outer planets for 1e6 days, one thread.

The energy error is |E(T) / E(0) - 1| at T = 1e6 days in extended precision. That of a symplectic method oscillates
along the way, so the largest of twenty samples stands in the notes beside it. Data: Hairer, Lubich, Wanner, Geometric
Numerical Integration, I.2.4, moved to the centre of mass.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from benchmarks import peer_heyoka
from benchmarks.harness import Case, interleaved
from benchmarks.peer_splitting import solar
from benchmarks.problems import SOLAR_GRAVITY, SOLAR_MASSES, solar_energy, solar_start, solar_symphys
from benchmarks.solar_split import Heliocentric, Jacobi, Split

NAME = "long_orbits"
DAYS = 1e6
SAMPLES = 20
TARGETS = ((1e-12, 3.0), (2e-14, 1.0))  # energy error, times faster than heyoka
STEPS = tuple(DAYS / (20 * round(60 * 1.07**k)) for k in range(36))  # 833 to 78 days, each a divisor of every sample
TOLERANCES = tuple(10.0**-k for k in np.arange(9.0, 17.1, 0.5))

Path = tuple[np.ndarray, np.ndarray]  # positions and velocities [samples, body, 3]
Contestant = Callable[[int], Path]  # how many evenly spaced samples of the run to give


def energy_errors(path: Path) -> tuple[float, float]:
    """At the end, and the largest of the samples."""
    error = np.abs(solar_energy(*path) / solar_energy(*solar_start()) - 1)
    return float(error[-1]), float(error.max())


def ours(method: str) -> Callable[[float], Contestant]:
    """A whole run through symphys; what is tuned is the step of a splitting, the tolerance of an adaptive method."""
    system, positions, velocities = solar_symphys()
    simulator = system.compile(method=method)
    r, v = solar_start()
    initial = {**dict(zip(positions, r.ravel(), strict=True)), **dict(zip(velocities, v.ravel(), strict=True))}
    adaptive = method in ADAPTIVE

    def at(tuning: float) -> Contestant:
        def run(samples: int) -> Path:
            times = np.linspace(0.0, DAYS, samples + 1)[1:]
            accuracy = {"rtol": tuning} if adaptive else {"dt": tuning}
            result = simulator.run(initial, {}, t_span=(0.0, DAYS), t_eval=times, watch_every=0, threads=1, **accuracy)
            return (
                np.stack([result[q] for q in positions], -1).reshape(-1, *r.shape),
                np.stack([result[q] for q in velocities], -1).reshape(-1, *v.shape),
            )

        return run

    return at


def ours_split(coordinates: type[Split], method: str) -> Callable[[float], Contestant]:
    """A whole run of a near-integrable split, in coordinates that are moved back at the samples."""
    split = coordinates()
    simulator, initial = split.system.compile(method=method, split=split.parts), split.start()

    def at(step: float) -> Contestant:
        def run(samples: int) -> Path:
            times = np.linspace(0.0, DAYS, samples + 1)[1:]
            result = simulator.run(initial, {}, t_span=(0.0, DAYS), t_eval=times, watch_every=0, threads=1, dt=step)
            return split.path(result)

        return run

    return at


def heyoka() -> Callable[[float], Contestant]:
    """heyoka's scalar adaptive Taylor integrator on its own N-body model."""
    import heyoka as hy

    system = hy.model.nbody(len(SOLAR_MASSES), masses=list(SOLAR_MASSES), Gconst=SOLAR_GRAVITY)
    start = np.concatenate(solar_start(), axis=1).ravel()

    def at(tolerance: float) -> Contestant:
        machine = hy.taylor_adaptive(system, start.copy(), tol=tolerance)
        state = machine.state

        def run(samples: int) -> Path:
            state[:] = start
            machine.time = 0.0
            path = np.empty((samples, len(SOLAR_MASSES), 6))
            for k in range(samples):
                machine.propagate_until(DAYS * (k + 1) / samples)
                path[k] = state.reshape(-1, 6)
            return path[..., :3], path[..., 3:]

        return run

    return at


def by_hand() -> Callable[[float], Contestant]:
    """Kahan-Li of order 8, written by hand."""
    carry = solar("kahan_li8", SOLAR_MASSES, SOLAR_GRAVITY)

    def at(step: float) -> Contestant:
        def run(samples: int) -> Path:
            r, v = solar_start()
            path = []
            for _ in range(samples):
                r, v = carry(r, v, DAYS / samples, step)
                path.append((r, v))
            return np.stack([r for r, _ in path]), np.stack([v for _, v in path])

        return run

    return at


def rebound(integrator: str) -> Callable[[float], Contestant]:
    """rebound's IAS15 (tuning ignored: its error is rounding) or SABA(10,6,4)."""
    import rebound as rb

    def at(step: float) -> Contestant:
        def run(samples: int) -> Path:
            simulation = rb.Simulation()
            simulation.G = SOLAR_GRAVITY
            for mass, (x, y, z), (vx, vy, vz) in zip(SOLAR_MASSES, *solar_start(), strict=True):
                simulation.add(m=mass, x=x, y=y, z=z, vx=vx, vy=vy, vz=vz)
            simulation.integrator = integrator
            if integrator == "saba":
                simulation.ri_saba.type = "(10,6,4)"
                simulation.ri_saba.safe_mode = 0
                simulation.dt = step
            path = np.empty((samples, len(SOLAR_MASSES), 6))
            for k in range(samples):
                simulation.integrate(DAYS * (k + 1) / samples)
                path[k] = [[p.x, p.y, p.z, p.vx, p.vy, p.vz] for p in simulation.particles]
            return path[..., :3], path[..., 3:]

        return run

    return at


ADAPTIVE = ("taylor", "dop853")
SPLIT = {
    "aba104, Jacobi": (Jacobi, "aba104"),
    "aba1064, Jacobi": (Jacobi, "aba1064"),
    "abah1064, heliocentric": (Heliocentric, "abah1064"),
}
OURS = ("kahan_li8", "srkn14_6")  # series of 36 components compile for 12 s at each of the orders, and are slower


def fastest(make: Callable[[float], Contestant], tunings: tuple[float, ...], target: float) -> tuple[float, Contestant]:
    """The loosest tuning that reaches the target at the end; tunings run from loose to tight."""
    for tuning in tunings:
        contestant = make(tuning)
        if energy_errors(contestant(1))[0] <= target:
            return tuning, contestant
    raise ValueError(f"no tuning down to {tunings[-1]:g} reaches an energy error of {target:g}")


def run(with_ours: bool = True) -> tuple[list[Case], list[str]]:
    """Milliseconds for 1e6 days at each energy error."""
    field = {"by hand, kahan_li8": (by_hand(), STEPS)}
    skipped = []
    if peer_heyoka.available():
        field["heyoka"] = (heyoka(), TOLERANCES)
    else:
        skipped.append("heyoka is not installed")
    if find_spec("rebound"):
        field["rebound saba(10,6,4)"] = (rebound("saba"), STEPS)
        field["rebound ias15"] = (rebound("ias15"), (0.0,))
    else:
        skipped.append("rebound is not installed")
    if with_ours:
        field |= {f"symphys {method}": (ours(method), TOLERANCES if method in ADAPTIVE else STEPS) for method in OURS}
        field |= {f"symphys {name}": (ours_split(*made), STEPS) for name, made in SPLIT.items()}
    cases = []
    for target, bar in TARGETS:
        runs: dict[str, Callable[[], object]] = {}
        notes: dict[str, object] = {}
        for name, (make, tunings) in field.items():
            try:
                tuning, contestant = fastest(make, tunings, target)
            except ValueError as error:
                notes[name] = str(error)
                continue
            runs[name] = lambda contestant=contestant: contestant(1)
            end, largest = energy_errors(contestant(SAMPLES))
            notes[name] = {"step or tolerance": tuning, "energy error": end, "largest of 20 samples": largest}
        times = {name: 1e3 * value for name, value in interleaved(runs, rounds=9).items()}
        notes["all ms"] = times
        mine = [value for name, value in times.items() if name.startswith("symphys")]
        cases.append(
            Case(
                name=f"1e6 days, energy error {target:g}",
                unit="ms",
                ours=min(mine, default=None),
                peers={name: value for name, value in times.items() if name == "heyoka"},
                bar=bar,
                notes=notes,
            )
        )
    return cases, skipped
