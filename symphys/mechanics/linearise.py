"""Small motions about an equilibrium: the linear system, its stability, normal modes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg
import scipy.optimize
import sympy
from numpy.typing import NDArray
from sympy.core.function import AppliedUndef

from symphys.errors import InputError, UnsupportedError
from symphys.mechanics.dynamics import Dynamics, FirstOrder, SecondOrder
from symphys.mechanics.graph import is_opaque, postorder
from symphys.mechanics.read import name_of
from symphys.mechanics.symmetries.sample import Sampler

Matrix = NDArray[np.float64]

_EQUILIBRIUM = 1e-6  # of the largest terms: a point is given in a few digits
_MARGINAL = 1e-6  # of the fastest rate: a double eigenvalue is met to the root of rounding only


@dataclass(frozen=True)
class Linearisation:
    """d x' = A d x about an equilibrium.

    labels: [n], the components of the state.  point: [n], the equilibrium.  matrix: [n, n], A.
    """

    labels: tuple[Any, ...]
    point: Matrix
    matrix: Matrix

    @cached_property
    def eigenvalues(self) -> NDArray[np.complex128]:
        """[n], the rates lambda of exp(lambda t), largest real part first."""
        values = np.asarray(np.linalg.eigvals(self.matrix), dtype=np.complex128)
        return values[np.lexsort((values.imag, -values.real))]

    @property
    def stable(self) -> bool:
        """Whether nothing grows exponentially in the linear system (up to 1e-6 of the fastest rate).

        Where eigenvalues are imaginary, terms of higher order may still make the motion unstable.
        """
        fastest = float(np.abs(self.eigenvalues).max(initial=0.0))
        return bool((self.eigenvalues.real <= _MARGINAL * fastest).all())


@dataclass(frozen=True)
class NormalModes:
    """Harmonic motions q = q0 + modes[:, k] cos(frequencies[k] t + phase) about an equilibrium.

    squares: [n], omega^2 in ascending order; negative ones belong to motions that grow.
    modes: [n, n], in columns, with modes^T M modes = 1.
    """

    coordinates: tuple[Any, ...]
    squares: Matrix
    modes: Matrix

    def __repr__(self) -> str:
        names = ", ".join(map(name_of, self.coordinates))
        grows = "" if self.stable else f"; growth rates {np.array2string(self.growth_rates, precision=6)}"
        return f"NormalModes of {names}: frequencies {np.array2string(self.frequencies, precision=6)}{grows}"

    @property
    def frequencies(self) -> Matrix:
        """[n], omega in radians per time, ascending; 0 where omega^2 is not positive."""
        return np.sqrt(np.maximum(self.squares, 0.0))

    @property
    def growth_rates(self) -> Matrix:
        """[n], the exponential rates of unstable modes; 0 for the others."""
        return np.sqrt(np.maximum(-self.squares, 0.0))

    @property
    def stable(self) -> bool:
        """Whether no omega^2 is negative (beyond 1e-10 of the largest)."""
        return bool((self.squares >= -1e-10 * np.abs(self.squares).max(initial=0.0)).all())


def linearise(dynamics: Dynamics, point: Mapping[Any, float], parameters: Mapping[Any, float]) -> Linearisation:
    """The linear system about an equilibrium of an autonomous system.

    point: {label: value}; velocities that are not given are 0.  parameters: {symbol: value}.  Raises `UnsupportedError`
    for constrained systems, `InputError` for systems that depend on time, missing or unknown values, and if the point
    is no equilibrium (the message shows the largest force that is left).
    """
    state = _state(dynamics, point)
    if isinstance(dynamics, SecondOrder):
        n = len(dynamics.coordinates)
        mass, slopes = _newton(dynamics, state, parameters)
        lower = np.linalg.solve(mass, slopes)
        matrix = np.block([[np.zeros((n, n)), np.eye(n)], [lower]])
        return Linearisation(dynamics.labels, state, np.asarray(matrix, dtype=np.float64))
    assert isinstance(dynamics, FirstOrder)
    n = len(dynamics.state)
    entries = [entry for row in dynamics.matrix or () for entry in row]
    values, rows = _numbers(dynamics, (*dynamics.rates, *entries), state, parameters)
    _check_equilibrium(dynamics, values[:n], rows[:n])
    left = values[n:].reshape(n, n) if entries else np.eye(n)
    return Linearisation(dynamics.labels, state, np.asarray(np.linalg.solve(left, rows[:n]), dtype=np.float64))


def normal_modes(dynamics: Dynamics, point: Mapping[Any, float], parameters: Mapping[Any, float]) -> NormalModes:
    """The normal modes of a Lagrangian system: (K - omega^2 M) a = 0, K = -dF/dq (Goldstein, section 6.2).

    Raises, besides what `linearise` does, `UnsupportedError` for forces that depend on velocities at the equilibrium
    (friction, Coriolis and magnetic forces), where only `linearise` helps, and for a mass matrix that is not positive.
    """
    if not isinstance(dynamics, SecondOrder):
        raise UnsupportedError("Normal modes need accelerations; linearise() tells the rates of a first-order system.")
    state = _state(dynamics, point)
    n = len(dynamics.coordinates)
    mass, slopes = _newton(dynamics, state, parameters)
    stiffness, friction = -slopes[:, :n], -slopes[:, n:]
    if np.abs(friction).max() > 1e-12 * max(np.abs(stiffness).max(), np.abs(mass).max()):
        raise UnsupportedError(
            "Forces at the equilibrium depend on velocities (friction, Coriolis or magnetic forces), so that there are "
            "no normal modes; linearise(...).eigenvalues gives frequencies and decay rates."
        )
    try:
        squares, modes = scipy.linalg.eigh((stiffness + stiffness.T) / 2, (mass + mass.T) / 2)
    except np.linalg.LinAlgError as error:
        raise UnsupportedError(
            "The mass matrix is not positive definite at the equilibrium; use linearise()."
        ) from error
    return NormalModes(dynamics.labels[:n], np.asarray(squares), np.asarray(modes))


def equilibrium(dynamics: Dynamics, guess: Mapping[Any, float], parameters: Mapping[Any, float]) -> dict[Any, float]:
    """The equilibrium near a guess, {label: value} (of the coordinates alone for a system of second order).

    Found by Powell's hybrid method (More, Garbow, Hillstrom, "User Guide for MINPACK-1", 1980).  Raises `InputError` if
    it does not converge, and as `linearise` does.
    """
    start = _state(dynamics, guess)
    second = isinstance(dynamics, SecondOrder)
    n = len(dynamics.labels) // 2 if second else len(dynamics.labels)
    forces = dynamics.forcing if isinstance(dynamics, SecondOrder) else getattr(dynamics, "rates", ())

    def residual(x: Matrix) -> tuple[Matrix, Matrix]:
        values, rows = _numbers(dynamics, forces, np.concatenate([x, start[n:]]), parameters)
        return values, rows[:, :n]

    found = scipy.optimize.root(residual, start[:n], jac=True, tol=1e-13)
    values, rows = residual(found.x)
    step = np.linalg.lstsq(rows, values)[0]
    if np.abs(step).max() > _EQUILIBRIUM * (1 + np.abs(found.x).max()) or np.abs(rows @ step - values).max() > 1e-6:
        raise InputError(f"No equilibrium was found from this guess ({found.message}); start closer to one.")
    return dict(zip(dynamics.labels[:n], map(float, found.x), strict=True))


def _state(dynamics: Dynamics, point: Mapping[Any, float]) -> Matrix:
    if type(dynamics) not in (SecondOrder, FirstOrder):
        raise UnsupportedError(
            "Systems with constraints are not linearised; write them in coordinates that fulfil these."
        )
    if not getattr(dynamics, "autonomous", False):
        raise InputError("The system depends on time, so it has no equilibrium to be linearised about.")
    known = {sympy.sympify(key): float(value) for key, value in point.items()}
    unknown = [key for key in known if key not in dynamics.labels]
    if unknown:
        raise InputError(f"{unknown[0]} is no component of the state, which is {', '.join(map(str, dynamics.labels))}.")
    still = set(dynamics.labels[len(dynamics.labels) // 2 :]) if isinstance(dynamics, SecondOrder) else set()
    missing = [label for label in dynamics.labels if label not in known and label not in still]
    if missing:
        raise InputError(f"No value was given for {', '.join(map(str, missing))} of the equilibrium.")
    return np.array([known.get(label, 0.0) for label in dynamics.labels])


def _newton(dynamics: SecondOrder, state: Matrix, parameters: Mapping[Any, float]) -> tuple[Matrix, Matrix]:
    """The mass matrix [n, n] and the slopes of the forces by (q, v), [n, 2 n], at an equilibrium."""
    n = len(dynamics.coordinates)
    if np.any(state[n:] != 0.0):
        raise InputError("An equilibrium has no velocities; give coordinates alone, or velocities of 0.")
    entries = [entry for row in dynamics.mass_matrix for entry in row]
    values, rows = _numbers(dynamics, (*dynamics.forcing, *entries), state, parameters)
    _check_equilibrium(dynamics, values[:n], rows[:n])
    return values[n:].reshape(n, n), rows[:n]


def _numbers(
    dynamics: Dynamics, expressions: Any, state: Matrix, parameters: Mapping[Any, float]
) -> tuple[Matrix, Matrix]:
    """Values [E] and slopes [E, n] by the state."""
    given = {sympy.sympify(key): float(value) for key, value in parameters.items()}
    missing = [symbol for symbol in dynamics.parameters if symbol not in given]
    if missing:
        raise InputError(f"No value was given for the parameter {', '.join(map(str, missing))}.")
    nodes = postorder(tuple(expressions))
    unknown = [
        f for node in nodes if is_opaque(node) or isinstance(node, AppliedUndef) for f in node.atoms(AppliedUndef)
    ]
    if unknown:
        raise InputError(f"{unknown[0].func} is undetermined, so forces have no numbers; put a function in its place.")
    values = {symbol: np.array([complex(value)]) for symbol, value in given.items()}
    values |= {symbol: np.array([complex(x)]) for symbol, x in zip(dynamics.state, state, strict=True)}
    values[dynamics.time] = np.zeros(1, complex)
    directions = np.eye(len(state), dtype=complex)
    tangents = {symbol: directions[:, i : i + 1] for i, symbol in enumerate(dynamics.state)}
    found, slopes = Sampler(values, tangents)(tuple(expressions), 1)
    if not (np.isfinite(found).all() and np.isfinite(slopes).all()) or np.any(found.imag != 0):
        raise InputError("The forces are not defined at this point, or not smooth.")
    return found[:, 0].real, slopes[:, :, 0].real


def _check_equilibrium(dynamics: Dynamics, forces: Matrix, slopes: Matrix) -> None:
    worst = int(np.argmax(np.abs(forces)))
    if np.abs(forces[worst]) > _EQUILIBRIUM * max(np.abs(slopes).max(initial=0.0), 1e-300):
        raise InputError(
            f"The point is no equilibrium: along {dynamics.labels[worst]} a force of {forces[worst]:.6g} is left; "
            "equilibrium(guess, parameters) finds one."
        )
