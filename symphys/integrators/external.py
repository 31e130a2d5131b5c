"""Stiff methods: SciPy's implicit integrators, driven by the generated right-hand side and Jacobian."""

from dataclasses import dataclass


@dataclass(frozen=True)
class External:
    """A method of `scipy.integrate.solve_ivp`, by the name that SciPy gives it; adaptive in its step.

    `order` is the highest that the method reaches. Source: `source`; Virtanen et al., Nature Methods 17 (2020) 261.
    """

    name: str
    scipy_name: str
    order: int
    source: str

    @property
    def adaptive(self) -> bool:
        """Always: SciPy's integrators choose their steps."""
        return True


RADAU = External(
    name="radau",
    scipy_name="Radau",
    order=5,
    source="Hairer and Wanner, Solving Ordinary Differential Equations II, IV.8",
)

BDF = External(
    name="bdf",
    scipy_name="BDF",
    order=5,
    source="Shampine and Reichelt, SIAM Journal on Scientific Computing 18 (1997) 1",
)

LSODA = External(
    name="lsoda",
    scipy_name="LSODA",
    order=12,
    source="Petzold, SIAM Journal on Scientific and Statistical Computing 4 (1983) 136",
)

METHODS = (RADAU, BDF, LSODA)
