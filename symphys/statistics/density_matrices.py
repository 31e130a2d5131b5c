"""What density matrices [..., n, n] tell: entropies, distances, parts of compounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symphys.errors import InputError

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]
TOLERANCE = 1e-6  # how far a state may be from Hermitian, positive and of trace one: what loose integration leaves


def density_matrix(given: Any, what: str = "density matrix") -> Complexes:
    """[..., n, n] complex numbers; InputError with the number that shows it to be no density matrix."""
    try:
        rho = np.asarray(given, dtype=np.complex128)
    except (TypeError, ValueError) as error:
        raise InputError(f"the {what} is no array of numbers: {error}") from error
    if rho.ndim < 2 or rho.shape[-1] != rho.shape[-2] or rho.size == 0:
        raise InputError(f"the {what} has the shape {rho.shape}; give [..., n, n]")
    if not np.isfinite(rho).all():
        raise InputError(f"the {what} is not finite")
    skew = float(np.abs(rho - rho.conj().swapaxes(-1, -2)).max())
    if skew > TOLERANCE:
        raise InputError(f"the {what} is not Hermitian: entries differ from their conjugates by up to {skew:.3g}")
    trace = np.trace(rho, axis1=-2, axis2=-1).real
    worst = float(trace.flat[np.abs(trace - 1).argmax()])
    if abs(worst - 1) > TOLERANCE:
        raise InputError(f"the {what} has the trace {worst:.9g}, not 1; divide by it")
    least = float(np.linalg.eigvalsh(rho).min())
    if least < -TOLERANCE:
        raise InputError(f"the {what} has the eigenvalue {least:.3g}; probabilities are not negative")
    return rho


def pure_state(amplitudes: Any) -> Complexes:
    """[..., n, n], |psi><psi| of amplitudes [..., n], normalised; InputError where they vanish."""
    psi = np.asarray(amplitudes, dtype=np.complex128)
    norm = np.linalg.norm(psi, axis=-1, keepdims=True) if psi.ndim else np.zeros(1)
    if not psi.ndim or not np.isfinite(psi).all() or not (norm > 0).all():
        raise InputError(f"the amplitudes {amplitudes} make no state; give [..., n] finite numbers, not all zero")
    psi = psi / norm
    return np.asarray(psi[..., :, None] * psi[..., None, :].conj())


def thermal_state(hamiltonian: Any, temperature: float) -> Complexes:
    """[..., n, n], exp(-H / k_B T) / Z of a Hermitian matrix of numbers; temperature: k_B T as an energy.

    Raises `InputError` for a temperature that is not positive and a matrix that is not Hermitian.
    """
    h = np.asarray(hamiltonian, dtype=np.complex128)
    if not 0 < temperature < math.inf:
        raise InputError(f"the temperature is {temperature}; give k_B T as a positive energy")
    if h.ndim < 2 or h.shape[-1] != h.shape[-2] or not np.allclose(h, h.conj().swapaxes(-1, -2), rtol=0, atol=1e-9):
        raise InputError("the Hamiltonian is no Hermitian matrix [..., n, n]")
    energies, states = np.linalg.eigh(h)
    weights = np.exp(-(energies - energies[..., :1]) / temperature)
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.asarray((states * weights[..., None, :]) @ states.conj().swapaxes(-1, -2))


def expectation(rho: Any, operator: Any) -> NDArray[Any]:
    """[...], tr(rho A), real where A is Hermitian. Raises `InputError` for sizes that do not fit."""
    states, a = np.asarray(rho), np.asarray(operator, dtype=np.complex128)
    if a.ndim != 2 or states.ndim < 2 or states.shape[-2:] != a.shape:
        raise InputError(f"an operator of the shape {a.shape} does not fit states of the shape {states.shape}")
    value = np.asarray(np.einsum("...ij,ji->...", states, a))
    return value.real if np.array_equal(a, a.conj().T) else value


def purity(rho: Any) -> Floats:
    """[...], tr rho^2: one for pure states, 1 / n at least."""
    state = density_matrix(rho)
    return np.asarray((np.abs(state) ** 2).sum(axis=(-2, -1)))


def von_neumann_entropy(rho: Any, *, base: float | None = None) -> Floats:
    """[...], S = -tr rho ln rho; base: of the logarithm, e by default.

    Eigenvalues that rounding made negative count as zero. Raises `InputError` for what is no density matrix. Nielsen,
    Chuang, "Quantum Computation and Quantum Information", section 11.3.
    """
    p = np.maximum(np.linalg.eigvalsh(density_matrix(rho)), 0.0)
    return np.asarray(-(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1) / unit(base))


def relative_entropy(rho: Any, sigma: Any, *, base: float | None = None) -> Floats:
    """[...], S(rho | sigma) = tr rho (ln rho - ln sigma) >= 0; infinite where sigma excludes what rho has.

    Raises `InputError` for what is no density matrix and sizes that do not fit. Nielsen, Chuang, section 11.3.1.
    """
    states = density_matrix(rho)
    q, basis = np.linalg.eigh(density_matrix(sigma, "second density matrix"))
    _same_size(states, basis)
    inside = np.einsum("...ai,...ab,...bi->...i", basis.conj(), states, basis).real  # rho's weight on sigma's states
    floor = np.finfo(np.float64).eps * states.shape[-1]
    excluded = (q <= floor) & (inside > floor)
    crossed = (np.where(excluded, 0.0, inside) * np.log(np.where(q > floor, q, 1.0))).sum(axis=-1)
    value = np.maximum(-von_neumann_entropy(states) - crossed, 0.0) / unit(base)
    return np.asarray(np.where(excluded.any(axis=-1), np.inf, value))


def fidelity(rho: Any, sigma: Any) -> Floats:
    """[...], F = (tr sqrt(sqrt(rho) sigma sqrt(rho)))^2, between 0 and 1; |<phi|psi>|^2 for pure states.

    As the square of the sum of the singular values of sqrt(rho) sqrt(sigma). Jozsa, J. Mod. Opt. 41 (1994) 2315.
    """
    a, b = _root(density_matrix(rho)), _root(density_matrix(sigma, "second density matrix"))
    _same_size(a, b)
    return np.asarray(np.linalg.svd(a @ b, compute_uv=False).sum(axis=-1) ** 2)


def trace_distance(rho: Any, sigma: Any) -> Floats:
    """[...], tr |rho - sigma| / 2: how well one measurement can tell two states. Nielsen, Chuang, section 9.2.1."""
    a, b = density_matrix(rho), density_matrix(sigma, "second density matrix")
    _same_size(a, b)
    return np.asarray(np.abs(np.linalg.eigvalsh(a - b)).sum(axis=-1) / 2)


def partial_trace(rho: Any, dims: Sequence[int], keep: int | Sequence[int]) -> Complexes:
    """[..., k, k], the state of some parts of a compound, the others traced out.

    dims: numbers of states of the parts, as the Kronecker product has them. keep: which parts, in ascending order.
    Raises `InputError` for dims whose product is not n and parts that there are not. Nielsen, Chuang, section 2.4.3.
    """
    state = np.asarray(rho, dtype=np.complex128)
    sizes = tuple(int(each) for each in dims)
    kept = sorted({keep} if isinstance(keep, int | np.integer) else set(keep))
    if state.ndim < 2 or state.shape[-2:] != (math.prod(sizes),) * 2:
        raise InputError(f"dims = {sizes} multiply to {math.prod(sizes)}, the state has the shape {state.shape}")
    if not kept or kept[0] < 0 or kept[-1] >= len(sizes):
        raise InputError(f"keep = {keep}; there are the parts 0 to {len(sizes) - 1}")
    split = state.reshape(*state.shape[:-2], *sizes, *sizes)
    for i in reversed([i for i in range(len(sizes)) if i not in kept]):
        left = (split.ndim - state.ndim + 2) // 2  # parts that are not traced out yet
        split = np.trace(split, axis1=state.ndim - 2 + i, axis2=state.ndim - 2 + i + left)
    size = math.prod(sizes[i] for i in kept)
    return np.asarray(split).reshape(*state.shape[:-2], size, size)


def unit(base: float | None) -> float:
    """The logarithm of the base of logarithms; InputError for a base that is none."""
    if base is None:
        return 1.0
    if not base > 1:
        raise InputError(f"base = {base}; logarithms have a base above 1")
    return math.log(base)


def _root(rho: Complexes) -> Complexes:
    p, states = np.linalg.eigh(rho)
    return np.asarray((states * np.sqrt(np.maximum(p, 0.0))[..., None, :]) @ states.conj().swapaxes(-1, -2))


def _same_size(a: Any, b: Any) -> None:
    if a.shape[-1] != b.shape[-1]:
        raise InputError(f"the states have {a.shape[-1]} and {b.shape[-1]} levels; both must have the same")
