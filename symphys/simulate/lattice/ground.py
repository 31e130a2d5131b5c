"""Ground states on a grid: the fields of least energy for given norms, or near a start where norms are free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from codegen import Backend, Program, get_backend
from symphys.discretise import Grid
from symphys.discretise.spectral import transform_of, wave_numbers, waves_along
from symphys.errors import InputError, UnsupportedError
from symphys.fields.dynamics import FieldDynamics, Law
from symphys.language.arrays import on_host
from symphys.lower.lattice.layout import Layout, layout_of
from symphys.lower.lattice.plan import Plan
from symphys.simulate.inputs import positive_number, whole_number
from symphys.simulate.lattice.descent import Fields, Minimum, Problem, descend
from symphys.simulate.lattice.given import Inputs, number_of, read_inputs
from symphys.simulate.lattice.machine import Machine, build_machine
from symphys.simulate.lattice.naming import field_name
from symphys.simulate.lattice.running import Run


@dataclass(frozen=True)
class GroundState:
    """Fields of least energy.

    energy: E[psi], the integral of the Hamiltonian density. chemical_potential: mu with dE/d(conj psi) = mu psi, one
    number, or {field: mu} for several fields with norms. norm: the integral of |psi|^2, likewise. residual: the L2 norm
    of dE/d(conj psi) - mu psi, divided by that of psi for one field. states: {field: [*grid]}. ok: whether the descent
    converged; steps: how many it took.
    """

    energy: float
    chemical_potential: Any
    norm: Any
    residual: float
    states: Mapping[Any, NDArray[Any]]
    grid: Grid
    steps: int
    ok: bool

    def __getitem__(self, label: Any) -> NDArray[Any]:
        for known, values in self.states.items():
            if known == label or field_name(known) == field_name(label):
                return values
        raise InputError(f"{label} is no part of this state; it has {', '.join(map(str, self.states))}")

    def wavefunction(self, points: Mapping[Any, Any], label: Any = None) -> NDArray[Any]:
        """The values of a field at points {coordinate: [n]}, by cubic splines between those of the grid; zero outside.

        Raises InputError for missing coordinates and an unknown field.
        """
        from scipy.interpolate import RegularGridInterpolator

        if missing := [x for x in self.grid.coordinates if x not in points]:
            raise InputError(f"the points lack the coordinate {missing[0]}; give {{{missing[0]}: array}}")
        values = next(iter(self.states.values())) if label is None else self[label]
        axes = [axis.points for axis in self.grid.axes]
        made = RegularGridInterpolator(axes, values, method="cubic", bounds_error=False, fill_value=0.0)
        where = np.broadcast_arrays(*(np.asarray(points[x], dtype=np.float64) for x in self.grid.coordinates))
        return np.asarray(made(np.stack(where, axis=-1)))

    def __repr__(self) -> str:
        ends = "converged" if self.ok else "not converged"
        return f"GroundState: energy {self.energy:.12g}, residual {self.residual:.1e}, {ends} after {self.steps} steps"


@dataclass(frozen=True)
class Energy:
    """What a ground state minimises: terms of the energy density and dE/d(conj psi) of each field, in jet symbols."""

    dynamics: FieldDynamics
    terms: tuple[Any, ...]
    gradients: tuple[Any, ...]


def find_ground_state(
    energy: Energy,
    grid: Grid,
    parameters: Mapping[Any, Any],
    norm: Any = 1.0,
    initial: Mapping[Any, Any] | None = None,
    seed: int = 0,
    tolerance: float = 1e-11,
    max_steps: int = 20_000,
    threads: int = 1,
    backend: str = "cpu",
) -> GroundState:
    """The state of least energy; see `LagrangianDensity.ground_state`."""
    d = energy.dynamics
    layout = layout_of(d, grid, None, True) if all(u.complex for u in d.unknowns) else layout_of(d, grid, 4)
    machine = _still_machine(layout, energy, get_backend(backend))
    labels = {u.label: 0.0 for u in d.unknowns} | {u.velocity_label: 0.0 for u in d.unknowns if u.order == 2}
    inputs = read_inputs(d, grid, {**labels, **(initial or {})}, parameters)
    if inputs.shape:
        raise InputError(f"a ground state is of one set of parameters, but the arrays have shape {inputs.shape}")
    numbers = {symbol: float(a) for symbol, a in inputs.numbers.items()}
    run = Run(machine, grid, numbers, inputs.functions, 1.0, 0.0, threads, inputs.weights)
    norms, wanted = _norms(d, norm), (positive_number("tolerance", tolerance), whole_number("max_steps", max_steps))
    start = [_inside(run, x[run.frame.inside]) for x in _start(run, inputs, initial, seed)]
    _put(run, start)
    with run.arrays.here():  # from here on nothing but numbers comes to the host
        problem = _problem(run, energy, norms)
        return _result(run, problem, descend(problem, [run.arrays.given(x) for x in start], *wanted))


def _still_machine(layout: Layout, energy: Energy, backend: Backend) -> Machine:
    """A machine that measures the energy and its gradient, and takes no steps."""
    still = Plan(Program("still", (), (), ()), (), {}, {}, {}, layout.packed, 0)
    law = (Law("energy", energy.terms, None),)
    return build_machine(layout, still, backend, "float64", law, energy.gradients)


def _norms(dynamics: FieldDynamics, norm: Any) -> list[float | None]:
    found: list[float | None] = []
    for unknown in dynamics.unknowns:
        if not unknown.complex or unknown.order == 2:
            found.append(None)
            continue
        wanted = norm.get(unknown.label) if isinstance(norm, Mapping) else norm
        if wanted is None or not np.isfinite(wanted) or wanted <= 0:
            raise InputError(f"the norm of {unknown.label} is {wanted!r}; give a positive number")
        found.append(float(wanted))
    return found


def _put(run: Run, psi: Fields) -> None:
    unknowns = run.machine.layout.dynamics.unknowns
    state = {u.label: x if u.complex else x.real for u, x in zip(unknowns, psi, strict=True)}
    state |= {u.velocity_label: np.zeros(run.grid.shape) for u in unknowns if u.order == 2}
    run.put(state)


def _renew(run: Run, psi: Fields) -> None:
    run.renew({u.label: x for u, x in zip(_unknowns(run), psi, strict=True)})


def _inside(run: Run, values: NDArray[Any]) -> NDArray[np.complex128]:
    out = np.zeros_like(values, np.complex128, shape=run.grid.shape)
    out[run.frame.inside] = values
    return out


def _problem(run: Run, energy: Energy, norms: list[float | None]) -> Problem:
    """Of fields that are where the launches are."""
    free = np.ones(run.grid.shape)
    for number, axis in enumerate(run.grid.axes):
        np.moveaxis(free, number, -1)[...] *= axis.free
    held, weights = run.arrays.given(free), run.arrays.given(run.grid.weights)

    def gradient(psi: Fields) -> Fields:
        _renew(run, psi)
        return [_inside(run, g) * held for g in run.probe_here(energy.gradients)]

    def value(psi: Fields) -> float:
        _renew(run, psi)
        return float(run.totals()[0][0])

    kinetic = [run.arrays.given(_kinetic(run, energy, number)) for number in range(len(norms))]
    local = [_local(energy, number) for number in range(len(norms))]

    def precondition(rest: Fields, psi: Fields) -> Fields:
        """P r with P = V^(-1/2) T^(-1) V^(-1/2): both parts of the Hessian's diagonal, in waves and in space."""
        _renew(run, psi)
        out = []
        for r, x, symbol, here in zip(rest, psi, kinetic, run.probe_here(local), strict=True):
            height = _inside(run, here.real - here.real.min()).real
            mean = _mean(symbol, _waves(run, x)) + _mean(height * weights, x) / _mean(weights, x)
            shift = mean if mean > 0.0 else float(symbol.max()) * 1e-3 or 1.0
            root = np.sqrt(shift / (height + shift))
            out.append(root * _unwaves(run, _waves(run, root * r) / (symbol + shift)) * held)
        return out

    return Problem(gradient, value, precondition, weights, norms)


def _kinetic(run: Run, energy: Energy, number: int) -> NDArray[np.float64]:
    """[modes], what the part of the gradient linear in derivatives multiplies each wave by, where that is positive."""
    d = energy.dynamics
    unknown, total = d.unknowns[number], np.zeros(run.frame.shape)
    slopes = [s for s in d.jets.present((energy.gradients[number],)) if _own(d, unknown, s)]
    for symbol in slopes:
        jet = d.jets.jet(symbol)
        assert jet is not None
        coefficient = sympy.diff(energy.gradients[number], symbol)
        if coefficient.free_symbols - set(d.parameters) or any(order % 2 for order in jet.index[1:]):
            continue
        term = np.full((), number_of(coefficient, run.values).real)
        for axis, order in zip(run.grid.axes, jet.index[1:], strict=True):
            term = np.multiply.outer(term, (-(wave_numbers(axis) ** 2)) ** (order // 2))
        total = total + term
    return np.maximum(total, 0.0)


def _local(energy: Energy, number: int) -> Any:
    """The diagonal of the Hessian in space, dg/d(psi): of a condensate V + 2 g |psi|^2."""
    d = energy.dynamics
    return sympy.diff(energy.gradients[number], d.jets.symbol(d.unknowns[number].field))


def _mean(values: NDArray[Any], psi: NDArray[Any]) -> float:
    """The mean of values, weighted by |psi|^2."""
    weights = np.abs(psi) ** 2
    return float((weights * values).sum() / max(weights.sum(), 1e-300))


def _own(dynamics: FieldDynamics, unknown: Any, symbol: Any) -> bool:
    jet = dynamics.jets.jet(symbol)
    return jet is not None and jet.function == unknown.field and not jet.conjugated and any(jet.index[1:])


def _waves(run: Run, values: NDArray[Any]) -> NDArray[np.complex128]:
    made = values[_spectral_inside(run)]
    for number, axis in enumerate(run.grid.axes):
        made = waves_along(made, transform_of(axis), number)
    return made


def _unwaves(run: Run, waves: NDArray[Any]) -> NDArray[np.complex128]:
    made = waves
    for number, axis in enumerate(run.grid.axes):
        made = waves_along(made, transform_of(axis), number, back=True)
    out = np.zeros_like(made, shape=run.grid.shape)
    out[_spectral_inside(run)] = made
    return out


def _spectral_inside(run: Run) -> tuple[slice, ...]:
    return tuple(slice(1, -1) if transform_of(axis) == "sine" else slice(None) for axis in run.grid.axes)


def _start(run: Run, inputs: Inputs, initial: Mapping[Any, Any] | None, seed: int) -> Fields:
    """The user's start, or a hump in the middle with a hundredth of noise, so that no symmetry holds it back."""
    rng = np.random.default_rng(seed)
    hump = np.ones(())
    for axis in run.grid.axes:
        length, middle = axis.stop - axis.start, (axis.start + axis.stop) / 2
        near = np.exp(-(((axis.points - middle) / (length / 6)) ** 2) / 2)
        hump = np.multiply.outer(hump, near)
    out = []
    for unknown in _unknowns(run):
        if initial and unknown.label in initial:
            out.append(np.asarray(inputs.state[unknown.label], dtype=np.complex128))
            continue
        noise = rng.normal(size=(2, *run.grid.shape))
        out.append(hump * (1.0 + 0.01 * (noise[0] + (1j * noise[1] if unknown.complex else 0.0))))
    return out


def _unknowns(run: Run) -> tuple[Any, ...]:
    return run.machine.layout.dynamics.unknowns


def _result(run: Run, problem: Problem, found: Minimum) -> GroundState:
    unknowns = _unknowns(run)
    states = {}
    for u, x in zip(unknowns, found.fields, strict=True):
        phase = np.exp(-1j * np.angle(np.sum(x * np.abs(x)))) if u.complex and u.order == 1 else 1.0
        states[u.label] = on_host(x * phase if u.complex else x.real)
    norms = [problem.dot(x, x) for x in found.fields]
    mus = dict(zip((u.label for u in unknowns), found.multipliers, strict=True))
    single = len(unknowns) == 1
    return GroundState(
        problem.energy(found.fields),
        found.multipliers[0] if single else mus,
        norms[0] if single else dict(zip(mus, norms, strict=True)),
        found.residual / (np.sqrt(norms[0]) if single and norms[0] > 0 else 1.0),
        states,
        run.grid,
        found.steps,
        found.converged,
    )


def energy_of(dynamics: FieldDynamics, gradients: Mapping[Any, Any]) -> Energy:
    """The energy of fields at rest, and its gradient; UnsupportedError where fields are not evolved by themselves."""
    if any(u.index != dynamics.jets.zero for u in dynamics.unknowns):
        raise UnsupportedError("the fields of this theory are potentials of what evolves; they have no ground state")
    terms = tuple(_at_rest(dynamics, term) for term in dynamics.energy)
    wanted = tuple(_at_rest(dynamics, gradients[u.field]) for u in dynamics.unknowns)
    return Energy(dynamics, tuple(term for term in terms if term != 0), wanted)


def _at_rest(dynamics: FieldDynamics, expression: Any) -> Any:
    """An expression in jet symbols with all derivatives by time zero."""
    moving = [s for s in dynamics.jets.present((expression,)) if (j := dynamics.jets.jet(s)) and j.time_order]
    return sympy.sympify(expression).xreplace(dict.fromkeys(moving, sympy.S.Zero))
