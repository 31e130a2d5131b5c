"""Quantum states of finitely many levels: operators, the motion of density matrices, and what they tell."""

from symphys.language.spins import spins
from symphys.quantum.operators import annihilation, commutator, pauli, spin, tensor
from symphys.quantum.spin_lattice import SpinLattice
from symphys.statistics.density_matrices import (
    expectation,
    fidelity,
    partial_trace,
    pure_state,
    purity,
    relative_entropy,
    thermal_state,
    trace_distance,
    von_neumann_entropy,
)
from symphys.systems import VonNeumann

__all__ = [
    "SpinLattice",
    "VonNeumann",
    "annihilation",
    "commutator",
    "expectation",
    "fidelity",
    "partial_trace",
    "pauli",
    "pure_state",
    "purity",
    "relative_entropy",
    "spin",
    "spins",
    "tensor",
    "thermal_state",
    "trace_distance",
    "von_neumann_entropy",
]
