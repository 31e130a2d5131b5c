"""`symphys run`: integrate a system, one trajectory or an ensemble; print how it went, save it, draw it."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from symphys.cli.names import read_assignments, state_names, value_names
from symphys.cli.run_fields import refuse_options, run_fields
from symphys.cli.source import load
from symphys.errors import InputError
from symphys.mechanics.notation import text
from symphys.models import FieldModel, Model
from symphys.simulate.lattice.result import FieldResult
from symphys.simulate.result import Result
from symphys.simulate.simulator import Simulator

DATA, PICTURES, FILMS = (".nc", ".npz", ".zarr"), (".png", ".pdf", ".svg"), (".gif",)
FRAMES = 200  # of a film, where so many times were saved
SHOWN = 12  # components of a state that a terminal shows


@click.command()
@click.argument("system", metavar="FILE|MODEL")
@click.option("--set", "assignments", multiple=True, metavar="NAME=NUMBER", help="The value of a parameter.")
@click.option("--initial", "starts", multiple=True, metavar="NAME=NUMBER",
              help="A component of the initial state; theta_dot (or theta') is the velocity of theta.")  # fmt: skip
@click.option("--t-end", type=float, help="When to stop; the default is the model's own, or 10.")
@click.option("--dt", type=float, help="A fixed step.")
@click.option(
    "--rtol", type=float, help="The tolerance of a step that adapts; the default, if no dt is given, is 1e-9."
)
@click.option("--method", default="auto", show_default=True, help="The integrator.")
@click.option("--backend", default="cpu", show_default=True, help="cpu, cuda or reference.")
@click.option("--samples", type=click.IntRange(min=1), help="How many times to save: 1000, or 100 of an ensemble.")
@click.option("--ensemble", type=click.IntRange(min=1), help="Run that many trajectories from spread initial values.")
@click.option("--spread", type=click.FloatRange(min=0.0), default=0.01, show_default=True,
              help="Standard deviation of the initial values in an ensemble, relative to each value.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="The seed of the spread.")
@click.option("--points", type=click.IntRange(min=1), help="Of fields: the points along every axis of the grid.")
@click.option("--out", type=click.Path(path_type=Path), help="Save the result (.nc, .npz or .zarr).")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw the result (.png, .pdf, .svg).")
@click.option("--animate", type=click.Path(path_type=Path, dir_okay=False), help="Film the result (.gif).")
def run(
    system: str, assignments: tuple[str, ...], starts: tuple[str, ...], t_end: float | None, dt: float | None,
    rtol: float | None, method: str, backend: str, samples: int | None, ensemble: int | None, spread: float, seed: int,
    points: int | None, out: Path | None, plot: Path | None, animate: Path | None,
) -> None:  # fmt: skip
    """Integrate a system, or fields, and say what was kept; exit code 1 if a run did not reach its end."""
    for path, suffixes in ((out, DATA), (plot, PICTURES), (animate, FILMS)):
        check_target(path, suffixes)  # before the work, not after it
    model = load(system)
    if isinstance(model, FieldModel):
        refuse_options({"--rtol": rtol}, "is for trajectories; fields take fixed steps: --dt.")
        refuse_options({"--ensemble": ensemble}, "is for trajectories; give fields an axis in front of the grid's.")
        end_of(run_fields(
            model, assignments, starts, t_end, dt, method, backend, samples, points, out, plot, animate
        ))  # fmt: skip
        return
    refuse_options({"--points": points}, "is for fields; this system has no grid.")
    parameters = {**model.parameters, **read_assignments(assignments, value_names(model.system))}
    initial: dict[Any, Any] = {**model.initial, **read_assignments(starts, state_names(model.system))}
    if ensemble is not None:
        initial = spread_out(initial, ensemble, spread, seed)
    simulator = model.system.compile(method, backend=backend)
    click.echo(simulator.explain())
    begun = time.perf_counter()
    span = (model.t_span[0], model.t_span[1] if t_end is None else t_end)
    result = integrate(
        simulator, model, initial, parameters, span, dt, rtol, samples or (1000 if ensemble is None else 100)
    )
    click.echo(f"\n{summary(result)}\n{time.perf_counter() - begun:.2f} s, compilation included")
    if out is not None:
        result.save(out)
    if plot is not None:
        result.plot().savefig(plot)
    if animate is not None:
        frames = max(2, min(FRAMES, result.t.shape[-1]))
        animation = result.animate(model.setting.positions or None, frames=frames, joined=model.setting.joined)
        animation.save(animate, writer="pillow")
    end_of(result)


def end_of(result: Result | FieldResult) -> None:
    """Exit code 1, and a line that says why, where a run did not reach its end."""
    if not np.all(result.ok):
        click.echo(f"Error: {first_failure(result)}", err=True)
        raise SystemExit(1)


def integrate(
    simulator: Simulator, model: Model, initial: Mapping[Any, Any], parameters: Mapping[Any, Any],
    span: tuple[float, float], dt: float | None, rtol: float | None, samples: int,
) -> Result:  # fmt: skip
    """Run with what was asked for: a step, a tolerance, or what suits the method; about `samples` times are saved."""
    if dt is None and rtol is None and simulator.choice.adaptive is None:
        dt = model.dt
    if dt is None:
        times = np.linspace(*span, samples + 1)
        return simulator.run(initial, parameters, t_span=span, rtol=rtol, t_eval=times)
    every = max(1, round(abs(span[1] - span[0]) / abs(dt)) // samples) if dt else 1
    return simulator.run(initial, parameters, t_span=span, dt=dt, rtol=rtol, save_every=every)


def spread_out(initial: Mapping[Any, float], count: int, spread: float, seed: int) -> dict[Any, Any]:
    """[count] values for each label, drawn around its own: x (1 + spread xi), xi standard normal; zeros stay zero."""
    if not any(initial.values()):
        raise InputError(
            "every initial value is zero, so that a relative spread changes nothing; give --initial values"
        )
    rng = np.random.default_rng(seed)
    return {label: value * (1 + spread * rng.standard_normal(count)) for label, value in initial.items()}


def check_target(path: Path | None, suffixes: tuple[str, ...]) -> None:
    """Whether a file can be written there in a form that is known; raises `InputError` if not."""
    if path is None:
        return
    if path.suffix not in suffixes:
        raise InputError(f"{path} ends in {path.suffix or 'nothing'}; choose one of {', '.join(suffixes)}.")
    if not path.resolve().parent.is_dir():
        raise InputError(f"There is no folder {path.parent} for {path.name}; make it first.")


def summary(result: Result) -> str:
    """How the run ended and what it kept: the last state of one trajectory, the worst drift of all."""
    ok, reached = np.asarray(result.ok), np.asarray(result.times_reached)
    many = f"{ok.sum()} of {ok.size} trajectories" if result.shape else "1 trajectory" if ok else "no trajectory"
    lines = [f"{many} went where sent, in {np.median(result.steps):.0f} steps of {result.method}"]
    if not result.shape:
        labels = list(result.states)
        lines += [f"  {text(label)} = {result[label][-1]:.12g}" for label in labels[:SHOWN]]
        lines += [f"  and {len(labels) - SHOWN} more"] * (len(labels) > SHOWN)
        lines[1:1] = [f"at t = {reached:.12g}"]
    worst = ((name, np.nanmax(drift)) for name, drift in result.drift.items() if np.size(drift))
    lines += [f"drift of {name}: {value:.2g}" for name, value in worst]
    return "\n".join(lines)


def first_failure(result: Result | FieldResult) -> str:
    """How many trajectories did not reach the end, and why the first of them did not."""
    if not result.shape:
        return str(result.status)
    failed = np.flatnonzero(~np.asarray(result.ok).reshape(-1))
    why = f"number {failed[0]}: {result.status.flat[failed[0]]}"
    return f"{len(failed)} of {result.ok.size} trajectories ended early; {why}"
