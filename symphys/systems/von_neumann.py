"""Density matrices as users hold them: von Neumann's equation, and Lindblad's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symphys.errors import InputError
from symphys.language.symbols import dot
from symphys.mechanics.density_matrix import MasterEquation, master_equation, operator
from symphys.mechanics.dynamics import ConservedQuantity, FirstOrder
from symphys.mechanics.notation import latex, text
from symphys.simulate.density_matrix import DensitySimulator, components_of
from symphys.systems.running import Runnable


@dataclass(frozen=True, init=False, repr=False)
class VonNeumann(Runnable):
    """A density matrix moves along i hbar rho' = [H, rho].

    hamiltonian: [n, n], Hermitian, in numbers, parameters, input signals and `symphys.t`; all symbols are real.
    jumps: (g, L) for each process that leads out of the closed world, with its rate g and operator L; then
        i hbar rho' = [H, rho] + i hbar sum g (L rho L^+ - (L^+ L rho + rho L^+ L) / 2), Lindblad's equation.
    hbar: 1, or what the units ask for. name: of the components, rho_0_0, rho_0_1_re, rho_0_1_im, ....

    Raises `InputError` for a Hamiltonian that is not Hermitian, with the entry, matrices that do not fit each other,
    and negative rates. Breuer, Petruccione, "The Theory of Open Quantum Systems", sections 2.3.1 and 3.2.
    """

    master: MasterEquation

    def __init__(
        self, hamiltonian: Any, jumps: Iterable[tuple[Any, Any]] = (), *, hbar: Any = 1, name: str = "rho"
    ) -> None:
        object.__setattr__(self, "master", master_equation(hamiltonian, jumps, hbar, name))

    @property
    def rho(self) -> Any:
        """[n, n], the density matrix in its real components, which are functions of time."""
        return self.master.rho

    @property
    def components(self) -> tuple[Any, ...]:
        """[n^2], the diagonal, then the real and imaginary parts of each entry above it."""
        return self.master.components

    @property
    def hamiltonian(self) -> Any:
        """[n, n], as given."""
        return self.master.hamiltonian

    @property
    def equations(self) -> Any:
        """The equation of motion, an Eq of matrices."""
        return self.master.equation

    @property
    def parameters(self) -> tuple[Any, ...]:
        """Every symbol but the time, sorted by name."""
        return self.master.flow.parameters

    @property
    def conserved(self) -> tuple[ConservedQuantity, ...]:
        """Trace; without jumps purity; and without time in H the energy."""
        return self.dynamics.conserved

    @property
    def dynamics(self) -> FirstOrder:
        """The rates of the components, as lowering takes them."""
        return self.master.dynamics

    def expectation(self, observable: Any) -> Any:
        """tr(rho A) as an expression of the components, which data of a fit may be given for."""
        return self.master.expectation(self._fitting(observable))

    def ehrenfest(self, observable: Any) -> Any:
        """Eq(d<A>/dt, ...): the rate of an expectation, by the equation of motion. Ehrenfest's theorem."""
        mean = self.expectation(observable)
        rates = {dot(x): rate for x, rate in self.master.rates.items()}
        return sympy.Eq(dot(mean), sympy.expand(dot(mean).xreplace(rates)), evaluate=False)

    def state(self, rho: Any) -> dict[Any, NDArray[np.float64]]:
        """{component: [...]} of density matrices [..., n, n]; raises `InputError` for what is none."""
        return components_of(rho, self.components)

    def compile(
        self, method: str = "auto", *, backend: str = "cpu", dtype: str = "float64", split: Sequence[Any] = ()
    ) -> DensitySimulator:
        """A simulator of this system, whose `run` takes a density matrix; the options are those of every system."""
        return DensitySimulator(**vars(super().compile(method, backend=backend, dtype=dtype, split=split)))

    def _fitting(self, observable: Any) -> Any:
        matrix = operator(observable, "observable")
        if matrix.shape != self.hamiltonian.shape:
            raise InputError(f"the observable is {matrix.rows} x {matrix.cols}, the state {self.master.size} squared")
        return matrix

    def __str__(self) -> str:
        lines = [f"  {text(dot(x))} = {text(rate)}" for x, rate in self.master.rates.items()]
        return f"Density matrix of {self.master.size} states:\n" + "\n".join(lines)

    def __repr__(self) -> str:
        return f"VonNeumann({self.hamiltonian.tolist()}, {len(self.master.jumps)} jumps)"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {latex(self.equations.lhs)} = {latex(self.equations.rhs)}$"
