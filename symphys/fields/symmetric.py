"""The symmetric stress-energy tensor of scalars and vector fields (Belinfante's, rewritten on shell).

With T^mu_nu = sum P^mu(Q_nu) - delta^mu_nu L + sum A_nu dL/dA_mu, where Q_nu is du/dx^nu for scalars and
F_nu,sigma = d_nu A_sigma - d_sigma A_nu for vectors, Maxwell's tensor comes out gauge invariant.  Belinfante, Physica 7
(1940) 449; Landau, Lifshitz, "The Classical Theory of Fields", sections 32, 33 and 94.
"""

from collections.abc import Sequence
from typing import Any

from symphys.errors import InputError, UnsupportedError
from symphys.fields.calculus import slopes
from symphys.fields.currents import boundary_current, translation
from symphys.fields.read import Density
from symphys.mechanics.probe import vanishes

Vector = tuple[Any, ...]


def symmetric_stress_energy(density: Density, vectors: Sequence[Vector], metric: Any) -> tuple[tuple[Any, ...], ...]:
    """T^mu^nu, rows mu and columns nu, both upper.

    vectors: which fields are the components (with upper index) of vectors; metric: eta, diagonal.
    Raises `InputError` for vectors with another number of components than spacetime, or that do not vary; and
    `UnsupportedError` if the tensor is not symmetric on these terms, as where space and time are not alike.
    """
    jets, size = density.jets, len(density.coordinates)
    for vector in vectors:
        missing = [each for each in vector if each not in density.fields]
        if len(vector) != size or missing:
            raise InputError(
                f"A vector field has one component that varies for each of the {size} coordinates of spacetime; "
                + (f"{missing[0]} does not vary here." if missing else f"{vector} has {len(vector)}.")
            )
    eta = [metric[k, k] for k in range(size)]
    columns = []
    for nu in range(size):
        turn = dict(translation(density, nu))
        for vector in vectors:
            for sigma, component in enumerate(vector):
                # A_nu = eta_nu A^nu; the variation of A^sigma is eta^sigma F_nu,sigma
                lowered = eta[nu] * jets.symbol(vector[nu], jets.axis(sigma))
                turn[component, False] = turn[component, False] - lowered / eta[sigma]
        column = list(boundary_current(density.lagrangian, turn, jets))
        column[nu] -= density.lagrangian
        by_jet = slopes(density.lagrangian, jets)
        for vector in vectors:
            for mu, component in enumerate(vector):
                slope = sum(s for j, s in by_jet.items() if j.function == component and not any(j.index))
                column[mu] += eta[nu] * jets.symbol(vector[nu]) * slope / eta[mu]
        columns.append([entry / eta[nu] for entry in column])
    rows = tuple(tuple(columns[nu][mu] for nu in range(size)) for mu in range(size))
    if not vanishes(rows[i][j] - rows[j][i] for i in range(size) for j in range(i)):
        raise UnsupportedError(
            "The stress-energy tensor of this density is not symmetric: with the metric "
            f"diag({', '.join(map(str, eta))}) it is not Lorentz invariant, or fields that are components of "
            f"vectors were not named in vectors=."
        )
    return rows
