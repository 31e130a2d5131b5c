"""The pipeline of a fit: read the data, write the loss, choose an optimiser, let it work, report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from symphys.errors import InputError
from symphys.language import array_of, spread_arrays
from symphys.learn.descent import adam, lbfgs
from symphys.learn.eliminate import Elimination, eliminate
from symphys.learn.frames_objective import FramesObjective
from symphys.learn.identify import MOST, combinations, determine
from symphys.learn.least_squares import LinearObjective, solve_linear_least_squares
from symphys.learn.levenberg_marquardt import levenberg_marquardt
from symphys.learn.objective import Objective, Regularised
from symphys.learn.observations import RunsObjective
from symphys.learn.options import (
    ADAM,
    BOTH,
    LARGE,
    LEAST_SQUARES,
    MARQUARDT,
    SMALL_ENOUGH,
    STEPS,
    LossOptions,
    rate_schedule,
)
from symphys.learn.pair_frames import PairFramesObjective
from symphys.learn.resolve import ACCURACY, error_at, resolve
from symphys.learn.result import Fit
from symphys.learn.samples import SampleObjective
from symphys.learn.status import FitOutcome, FitStatus
from symphys.learn.store import load_fit
from symphys.learn.system import Data, System, by_symbol, free_labels
from symphys.learn.trajectories import Trajectories
from symphys.learn.unknowns import Unknowns, read_unknowns
from symphys.learn.watch import Watch
from symphys.simulate.naming import plain_name
from symphys.simulate.progress import progress_report

Floats = NDArray[np.float64]
TRIAL = 10  # a part so large of the steps is taken from each start where several are tried
FAR = 1000  # between seeds of several starts: more than networks, each of which has one
ROUNDS = 3  # of fits with finer steps, where the found motion needs finer ones than the guessed one
LISTED = 8  # parameters of an open combination that are named
FINER = 3  # halvings a round at most: what is far from the data may move wildly


@dataclass(frozen=True)
class _Ask:
    """A system, what is unknown and what is given: all that data need to become a loss."""

    system: System
    unknowns: Unknowns
    given: Mapping[Any, Any]
    options: LossOptions

    def objective(self, data: Any, given: Mapping[Any, Any] | None = None, plain: bool = False) -> Data:
        """The loss of some data; `plain`: the default one, without weights."""
        known = {**self.given, **(given or {})}
        return self.system.objective(data, self.unknowns, known, self.options, plain)


def fit(
    system: System,
    data: Any,
    unknowns: Iterable[Any] | None,
    parameters: Mapping[Any, Any],
    options: LossOptions,
) -> Fit:
    """Find the unknown parameters of a system; see `Runnable.fit`."""
    owned = (*system.parameters, *(array_of(s) for s in system.parameters), *system.networks)
    given = spread_arrays(by_symbol(parameters, owned))
    begun = _begun(options)
    fixed = {key: value for key, value in given.items() if key not in system.inputs}
    guess = {**(_named(begun, system) if begun is not None else {}), **by_symbol(options["guess"] or {}, owned)}
    guess = {key: value for key, value in guess.items() if key not in system.labels}
    wanted = tuple(by_symbol(dict.fromkeys(unknowns), owned)) if unknowns is not None else None
    bounds = by_symbol(options["bounds"] or {}, owned)
    drawn = [
        read_unknowns(system.parameters, system.networks, wanted, fixed, guess, bounds, options["seed"] + k * FAR)
        for k in range(options["tries"])
    ]
    if options["tries"] > 1 and all(network in guess for network in drawn[0].networks):
        raise InputError(f"tries = {options['tries']} draws first weights, and no network without a guess is unknown")
    ask = _Ask(system, drawn[0], given, options)
    whole = ask.objective(data)
    objective, validation = _split(ask, whole, options)
    report, finish = progress_report(options["progress"], "fit")
    try:
        # BLAS threads wait for each other busily, on small matrices longer than they compute
        with threadpool_limits(1 if objective.size < LARGE else None, user_api="blas"):
            return _fitted(ask, objective, validation, begun, report, [each.guess for each in drawn])
    finally:
        finish()


def _fitted(
    ask: _Ask,
    objective: Data,
    validation: Objective | None,
    begun: Fit | None,
    report: Callable[[float], None],
    drawn: Sequence[Floats],
) -> Fit:
    options, unknowns = ask.options, ask.unknowns
    firsts = [objective.begin(g) if isinstance(objective, RunsObjective) else unknowns.free(g) for g in drawn]
    u = firsts[0]
    notes: list[str] = []
    if isinstance(objective, RunsObjective) and options["dt"] is None:
        objective, _ = resolve(objective, u)
        validation = _as_fine(validation, objective)
    method = _method(objective, options)
    if method == LEAST_SQUARES:
        return _solved(ask, objective, validation)
    steps = options["steps"] or STEPS[method]
    watch = Watch(steps, validation, options["patience"], report)
    watch.memory = dict(begun.memory) if begun is not None else {}
    if len(firsts) > 1:
        u, watch = _tried(objective, firsts, method, watch, options)
    _check_guess(objective, u)
    if options["checkpoint"] is not None:
        watch.keep = partial(_keep, ask, objective, method, Path(options["checkpoint"]))
    outcome = _optimise(method, objective, u, watch, options)
    if isinstance(objective, RunsObjective) and options["dt"] is None:
        for _ in range(ROUNDS):
            if not outcome.ok or error_at(objective, watch.best) <= 30 * _accuracy(ask):
                break
            objective, _ = resolve(objective, watch.best, FINER)
            watch.validation = _as_fine(validation, objective)
            watch.lowest, watch.memory = np.inf, {}
            outcome = _optimise(method, objective, watch.best, watch, options)
        if (rest := error_at(objective, watch.best)) > 30 * _accuracy(ask):
            notes.append(f"halving the steps changes the states by {rest:.1e} of their range; give a smaller dt")
    found = _report(ask, objective, watch.best, method, outcome, watch, notes)
    if options["checkpoint"] is not None:
        found.save(options["checkpoint"])
    return found


def _tried(
    objective: Data, firsts: Sequence[Floats], method: str, watch: Watch, options: LossOptions
) -> tuple[Floats, Watch]:
    """A tenth of the steps from each of several starts; the best of them, to go on from, and what it saw."""
    short = max(watch.steps // TRIAL, 1)
    found: list[tuple[float, Floats, Watch]] = []
    for u in firsts:
        trial = replace(watch, steps=short, best=np.empty(0), losses=[], checked=[])
        if np.isfinite(objective.loss(u)):
            _optimise(method, objective, u, trial, options)
            found.append((trial.lowest, trial.best, trial))
    if not found:
        return firsts[0], watch
    _, u, best = min(found, key=lambda each: each[0])
    best.steps, best.since = max(watch.steps - short, 1), 0
    return u, best


def _optimise(method: str, objective: Data, u: Floats, watch: Watch, options: LossOptions) -> FitOutcome:
    """Run an optimiser; an interrupt ends it, and what was found until then is kept."""
    loss: Objective = objective
    if options["regularisation"]:
        loss = Regularised(objective, options["regularisation"], u.copy())
    rng = np.random.default_rng(options["seed"])
    try:
        if method == MARQUARDT:
            return levenberg_marquardt(loss, u, watch)
        if method in (ADAM, BOTH):
            schedule = rate_schedule(options["schedule"])
            outcome = adam(loss, u, watch, options["learning_rate"], schedule, options["batch"], rng)
            if method == ADAM or not outcome.ok:
                return outcome
        return lbfgs(loss, watch.best if watch.best.size else u, watch)
    except KeyboardInterrupt:
        if not watch.best.size:
            raise
        return FitOutcome.INTERRUPTED


def _method(objective: Data, options: LossOptions) -> str:
    """The optimiser that was asked for, or the one that suits."""
    linear = not isinstance(objective, RunsObjective) and objective.linear
    wanted = options["optimizer"]
    if wanted == LEAST_SQUARES and not linear:
        raise InputError("the residuals are not linear in the unknowns; choose optimizer='levenberg_marquardt'")
    if wanted == MARQUARDT and not objective.squared:
        raise InputError("the loss is no sum of squares; choose optimizer='adam', 'lbfgs' or 'adam_lbfgs'")
    if options["batch"] is not None and wanted not in (ADAM, BOTH):
        raise InputError(f"batch = {options['batch']} is for optimizer='adam' or 'adam_lbfgs'; name one of them")
    if wanted:
        return wanted
    if linear:
        return LEAST_SQUARES
    return MARQUARDT if objective.squared and objective.size <= SMALL_ENOUGH else BOTH


def _solved(ask: _Ask, objective: Data, validation: Objective | None) -> Fit:
    assert not isinstance(objective, RunsObjective)
    unknowns = ask.unknowns
    centre = unknowns.guess / unknowns.scale
    solution = solve_linear_least_squares(objective, ask.options["regularisation"], centre)
    u = unknowns.free(solution.theta)
    watch = Watch(1, validation)
    watch.told(u, objective.loss(u))
    held = [str(s) for s, at in zip(unknowns.symbols, solution.held, strict=True) if at]
    notes = [f"the data push {', '.join(held)} to the bound of what is allowed"] if held else []
    found = _report(ask, objective, u, LEAST_SQUARES, FitOutcome.SOLVED, watch, notes)
    found = replace(found, without=partial(_eliminate, ask, objective))
    if ask.options["checkpoint"] is not None:
        found.save(ask.options["checkpoint"])
    return found


def _report(
    ask: _Ask, objective: Data, u: Floats, method: str, outcome: FitOutcome, watch: Watch, notes: list[str]
) -> Fit:
    unknowns = ask.unknowns
    many = unknowns.size
    theta = unknowns.values(u[:many])
    uncertainties: dict[Any, Any] = {}
    open_: tuple[dict[Any, float], ...] = ()
    if objective.squared and objective.size <= MOST and outcome is not FitOutcome.INTERRUPTED:
        normal = objective.normal(u)
        if np.isfinite(normal.matrix).all():
            known = determine(normal, objective.weight, objective.terms)
            with np.errstate(invalid="ignore"):
                spread = known.deviations[:many] * np.abs(unknowns.slopes(u[:many]))
            found = unknowns.by_key(np.where(np.isfinite(known.deviations[:many]), spread, np.inf))
            uncertainties = {key: value for key, value in found.items() if key not in unknowns.networks}
            open_ = combinations(known, unknowns, u)
    if open_:
        notes = [*notes, *map(_says_open, open_[:4])]
    history = {"loss": np.array(watch.losses)}
    if watch.checked:
        history["validation"] = np.array(watch.checked)
    start = {}
    if isinstance(objective, RunsObjective) and objective.free:
        start = ask.system.starts(objective, objective.starts(u))
    status = FitStatus(outcome, len(watch.losses), tuple(notes))
    return Fit(
        unknowns.by_key(theta),
        method,
        objective.loss(u),
        history,
        status,
        uncertainties,
        open_,
        start,
        dict(watch.memory),
        partial(_judge, ask),
    )


def _says_open(direction: Mapping[Any, float]) -> str:
    if len(direction) == 1:
        return f"the data say nothing about {next(iter(direction))}"
    few = list(direction.items())[:LISTED]
    left = f" and {len(direction) - LISTED} others" if len(direction) > LISTED else ""
    names, listed = ", ".join(str(s) for s, _ in few) + left, ", ".join(f"d {s} = {d:.4g}" for s, d in few) + left
    return f"the data do not determine {names} one by one: ({listed}) changes nothing"


def _judge(ask: _Ask, data: Any, found: Fit, parameters: Mapping[Any, Any], species: Any, box: Any) -> dict[Any, float]:
    """See `Fit.relative_error`."""
    ask = replace(ask, system=ask.system.elsewhere(species, box))
    objective = ask.objective(data, spread_arrays(parameters), plain=True)
    u = ask.unknowns.free(ask.unknowns.vector(found.parameters))
    if isinstance(objective, RunsObjective):
        if objective.free:
            missing = next(iter(free_labels(ask.system, objective)))
            raise InputError(f"the start of {missing} is not known; give Trajectories(..., start={{{missing}: ...}})")
        if ask.options["dt"] is None:
            objective, _ = resolve(objective, u)
    return objective.relative(u)


def _eliminate(
    ask: _Ask, objective: LinearObjective, terms: Mapping[Any, Any], validation: Any, least: int
) -> Elimination:
    """See `Fit.eliminate`."""
    judge = ask.objective(validation, plain=True)
    if isinstance(judge, RunsObjective):
        raise InputError("linear least squares are validated by samples, not by trajectories; give {symbol: values}")
    return eliminate(objective, judge, terms, least)


def _keep(ask: _Ask, objective: Data, method: str, path: Path, watch: Watch) -> None:
    """Write a checkpoint: the best so far, as a fit that was interrupted."""
    _report(ask, objective, watch.best, method, FitOutcome.INTERRUPTED, watch, []).save(path)


def _split(ask: _Ask, whole: Data, options: LossOptions) -> tuple[Data, Objective | None]:
    """What is fitted, and what validates: other data, or a share of the samples or runs drawn by the seed."""
    wanted = options["validation"]
    if wanted is None:
        if options["patience"] is not None:
            raise InputError("patience counts steps without a lower validation loss; give validation, too")
        return whole, None
    if isinstance(wanted, Mapping | Trajectories):
        validation = ask.objective(wanted)
    else:
        share = float(wanted)
        count = round(share * whole.samples)
        if not (0.0 < share < 1.0 and 0 < count < whole.samples):
            what = "runs" if isinstance(whole, RunsObjective) else "samples"
            raise InputError(
                f"validation = {wanted} leaves {count} of {whole.samples} {what} to validate with; "
                "give a share between 0 and 1 that leaves some on both sides, or other data"
            )
        order = np.random.default_rng(options["seed"]).permutation(whole.samples)
        taken = whole.part(np.sort(order[count:]))
        validation = whole.part(np.sort(order[:count]))  # type: ignore[assignment]
        assert isinstance(taken, SampleObjective | RunsObjective | FramesObjective | PairFramesObjective)
        whole = taken
    if isinstance(validation, RunsObjective) and validation.free:
        raise InputError("runs whose start is unknown cannot validate; give Trajectories(..., start={...})")
    return whole, validation


def _as_fine(validation: Objective | None, objective: RunsObjective) -> Objective | None:
    """Validation with steps as fine as those of the fit."""
    if not isinstance(validation, RunsObjective):
        return validation
    mine, theirs = objective.rows_in_time, validation.rows_in_time
    longest = float((np.diff(mine.times, axis=0).max(axis=1) / mine.steps).max())
    steps = np.maximum(np.ceil(np.diff(theirs.times, axis=0).max(axis=1) / longest - 1e-6), 1).astype(np.int64)
    return replace(validation, rows_in_time=replace(theirs, steps=steps))


def _accuracy(ask: _Ask) -> float:
    return max(ACCURACY, 1e4 * float(np.finfo(ask.system.dtype).eps))


def _check_guess(objective: Data, u: Floats) -> None:
    if np.isfinite(objective.loss(u)):
        return
    raise InputError(
        f"the loss is no finite number at the guess {objective.unknowns.shown(u)} (a singular mass matrix, or a motion "
        "that leaves the finite world); give another guess"
    )


def _begun(options: LossOptions) -> Fit | None:
    if options["start"] is None or isinstance(options["start"], Fit):
        return options["start"]
    if isinstance(options["start"], str | Path):
        return load_fit(options["start"])
    raise InputError(f"start is of type {type(options['start']).__name__}; give a Fit or the path of a saved one")


def _named(begun: Fit, system: System) -> dict[Any, Any]:
    """The parameters of an earlier fit by symbol; one that was loaded knows their names alone."""
    found: dict[Any, Any] = {}
    everything = (*system.parameters, *system.networks)
    by_name = {plain_name(key): key for s in everything for key in {s, array_of(s)}}
    for key, value in begun.parameters.items():
        found |= spread_arrays({by_name.get(plain_name(key), key): value})
    return found
