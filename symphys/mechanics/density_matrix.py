"""The equation of motion of a density matrix, as rates of real components.

A Hermitian matrix of n states has n^2 real components: the diagonal, and the real and imaginary parts above it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from symphys.errors import InputError
from symphys.language.symbols import coordinates, t
from symphys.mechanics.derive_hamiltonian import derive_flow_dynamics
from symphys.mechanics.dynamics import ConservedQuantity, FirstOrder
from symphys.mechanics.energy import additive_terms
from symphys.mechanics.jets import to_jet
from symphys.mechanics.phase_space import Flow, read_flow

ROUNDING = 1e-12  # of the largest entry; how far given numbers may be from Hermitian
Parts = tuple[Any, Any]  # the real and the imaginary part of a matrix


@dataclass(frozen=True)
class MasterEquation:
    """i hbar rho' = [H, rho] + i hbar sum_k g_k (L_k rho L_k^+ - (L_k^+ L_k rho + rho L_k^+ L_k) / 2).

    hamiltonian: [n, n] Hermitian. jumps: (g_k, L_k). Without jumps it is von Neumann's equation; with them Lindblad's.
    """

    hamiltonian: Any
    jumps: tuple[tuple[Any, Any], ...]
    hbar: Any
    name: str

    @property
    def size(self) -> int:
        """The number of states."""
        return int(self.hamiltonian.rows)

    @cached_property
    def components(self) -> tuple[Any, ...]:
        """[n^2], real functions of time, in the order of `entries`."""
        words = {"diagonal": "", "real": "_re", "imaginary": "_im"}
        names = [f"{self.name}_{i}_{j}{words[part]}" for i, j, part in entries(self.size)]
        return tuple(coordinates(name) for name in names)

    @cached_property
    def parts(self) -> Parts:
        """The symmetric real part and the antisymmetric imaginary part of rho."""
        n = self.size
        x, y = sympy.zeros(n, n), sympy.zeros(n, n)
        for (i, j, part), symbol in zip(entries(n), self.components, strict=True):
            if part == "imaginary":
                y[i, j], y[j, i] = symbol, -symbol
            else:
                x[i, j] = x[j, i] = symbol
        return sympy.ImmutableMatrix(x), sympy.ImmutableMatrix(y)

    @property
    def rho(self) -> Any:
        """[n, n], the density matrix as an expression of its components."""
        return joined(self.parts)

    @cached_property
    def rates(self) -> dict[Any, Any]:
        """{component: rate}."""
        real, imaginary = self._commutator
        rate = (imaginary / self.hbar, -real / self.hbar)
        for strength, jump in self.jumps:
            rate = _sum(rate, _scaled(_dissipated(jump, self.parts), strength))
        where = {"diagonal": rate[0], "real": rate[0], "imaginary": rate[1]}
        chosen = [where[part][i, j] for i, j, part in entries(self.size)]
        return dict(zip(self.components, chosen, strict=True))

    @property
    def _commutator(self) -> Parts:
        h = split(self.hamiltonian)
        forth, back = _product(h, self.parts), _product(self.parts, h)
        return forth[0] - back[0], forth[1] - back[1]

    @property
    def equation(self) -> Any:
        """The equation of motion as one of matrices."""
        right = joined(self._commutator)
        for strength, jump in self.jumps:
            right += sympy.I * self.hbar * joined(_scaled(_dissipated(jump, self.parts), strength))
        left = sympy.I * self.hbar * self.rho.diff(t)
        return sympy.Eq(sympy.ImmutableMatrix(left), sympy.ImmutableMatrix(right), evaluate=False)

    def expectation(self, operator: Any) -> Any:
        """tr(rho A) as an expression of the components, real where A is Hermitian."""
        real, imaginary = _product(self.parts, split(operator))
        return sympy.expand(real.trace() + sympy.I * imaginary.trace())

    @cached_property
    def flow(self) -> Flow:
        """The rates in jet symbols."""
        return read_flow(self.rates)

    @cached_property
    def dynamics(self) -> FirstOrder:
        """The rates as lowering takes them, with the laws that hold: trace, and without jumps purity and energy."""
        laws = [self._law("trace", [self.parts[0][i, i] for i in range(self.size)])]
        if not self.jumps:
            weights = {"diagonal": 1, "real": 2, "imaginary": 2}
            kinds = [part for _, _, part in entries(self.size)]
            laws.append(self._law("purity", [weights[k] * x**2 for k, x in zip(kinds, self.components, strict=True)]))
            if not self.hamiltonian.atoms(AppliedUndef) and t not in self.hamiltonian.free_symbols:
                laws.append(self._law("energy", additive_terms(self.expectation(self.hamiltonian))))
        return derive_flow_dynamics(self.flow, tuple(laws))

    def _law(self, name: str, terms: Iterable[Any]) -> ConservedQuantity:
        terms = tuple(terms)
        jets = tuple(to_jet(term, self.flow.space) for term in terms)
        return ConservedQuantity(name, sympy.Add(*terms), sympy.Add(*jets), jets)


def entries(n: int) -> list[tuple[int, int, str]]:
    """[n^2], which real number of a Hermitian matrix each component is: (row, column, part)."""
    above = [(i, j, part) for i in range(n) for j in range(i + 1, n) for part in ("real", "imaginary")]
    return [*((i, i, "diagonal") for i in range(n)), *above]


def master_equation(hamiltonian: Any, jumps: Any, hbar: Any, name: str) -> MasterEquation:
    """What a user wrote, checked.

    Raises `InputError` for what is no square matrix of scalars, a Hamiltonian that is not Hermitian (with the entry),
    jumps that are no pairs of a rate and a matrix of the same size, and negative rates.
    """
    h = hermitian(operator(hamiltonian, "Hamiltonian"))
    read = []
    for each in jumps:
        if not isinstance(each, tuple | list) or len(each) != 2:
            raise InputError(f"a jump is (rate, operator), but {each!r} was given")
        strength, jump = sympy.sympify(each[0]), operator(each[1], "jump operator")
        if jump.shape != h.shape:
            raise InputError(f"a jump operator is {jump.rows} x {jump.cols}, the Hamiltonian {h.rows} x {h.cols}")
        if strength.is_negative or strength.is_extended_real is False:
            raise InputError(f"the rate {strength} of a jump must not be negative; put signs into the operator")
        read.append((strength, jump))
    return MasterEquation(h, tuple(read), sympy.sympify(hbar), name)


def operator(given: Any, what: str) -> Any:
    """A square SymPy matrix from one, from an array or from rows; InputError for what is none."""
    try:
        matrix = sympy.ImmutableMatrix(given)
    except (TypeError, ValueError, sympy.SympifyError) as error:
        raise InputError(f"the {what} must be a square matrix, but {given!r} was given") from error
    if matrix.rows != matrix.cols or matrix.rows < 1:
        raise InputError(f"the {what} is {matrix.rows} x {matrix.cols}; give a square matrix")
    for entry in matrix:
        if not isinstance(entry, sympy.Expr) or not entry.is_commutative or entry.has(sympy.nan, sympy.oo, sympy.zoo):
            raise InputError(f"the {what} holds {entry}; its entries must be finite scalars")
    return matrix


def hermitian(matrix: Any) -> Any:
    """The matrix, Hermitian to the last bit where it was so to rounding; InputError that names the entry else."""
    real, imaginary = split(matrix)
    sizes = [abs(entry) for entry in matrix if entry.is_number]
    allowed = ROUNDING * float(max(map(sympy.N, sizes), default=0.0))
    made = matrix.as_mutable()
    for i in range(matrix.rows):
        for j in range(i, matrix.cols):
            for left in (real[i, j] - real[j, i], imaginary[i, j] + imaginary[j, i]):
                left = sympy.expand(left)
                if left != 0 and not (left.is_number and abs(left) <= allowed) and sympy.simplify(left) != 0:
                    raise InputError(
                        f"the Hamiltonian is not Hermitian: entry ({i}, {j}) is {matrix[i, j]}, and entry ({j}, {i}) "
                        f"is {matrix[j, i]}, where its conjugate must stand"
                    )
            made[i, j] = real[i, j] + (sympy.I * imaginary[i, j] if i != j else 0)
            made[j, i] = real[i, j] - (sympy.I * imaginary[i, j] if i != j else 0)
    return sympy.ImmutableMatrix(made)


def split(matrix: Any) -> Parts:
    """The real and imaginary parts of a matrix whose symbols and functions of time are all real."""
    pairs = [_split_scalar(entry) for entry in matrix]
    shape = (matrix.rows, matrix.cols)
    return tuple(sympy.ImmutableMatrix(*shape, [pair[k] for pair in pairs]) for k in (0, 1))


def _split_scalar(entry: Any) -> Parts:
    if entry.is_extended_real:
        return entry, sympy.S.Zero
    loose = [s for s in entry.atoms(sympy.Symbol, AppliedUndef) if not s.is_extended_real]
    reals = {s: sympy.Dummy(str(s), real=True) for s in loose}
    back = {dummy: s for s, dummy in reals.items()}
    real, imaginary = entry.xreplace(reals).as_real_imag()
    return real.xreplace(back), imaginary.xreplace(back)


def joined(parts: Parts) -> Any:
    """A + i B."""
    return sympy.ImmutableMatrix(parts[0] + sympy.I * parts[1])


def _product(a: Parts, b: Parts) -> Parts:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _sum(a: Parts, b: Parts) -> Parts:
    return a[0] + b[0], a[1] + b[1]


def _scaled(a: Parts, factor: Any) -> Parts:
    return a[0] * factor, a[1] * factor


def _dissipated(jump: Any, rho: Parts) -> Parts:
    """L rho L^+ - (L^+ L rho + rho L^+ L) / 2: Lindblad, Comm. Math. Phys. 48 (1976) 119."""
    forth = split(jump)
    back = forth[0].T, -forth[1].T
    counted = _product(back, forth)
    lost = _sum(_product(counted, rho), _product(rho, counted))
    return _sum(_product(_product(forth, rho), back), _scaled(lost, -sympy.Rational(1, 2)))
