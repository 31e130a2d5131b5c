"""Laskar and Robutel's SABA_n, for H = A + epsilon B with a small perturbation: errors O(epsilon h^2n + epsilon^2 h^2).

The drift stands for the flow of the large part A (free motion, or Kepler's), the kick for that of the perturbation.
All weights are positive: Gauss quadrature along the unperturbed orbit.
"""

from symphys.integrators.splitting import Splitting, palindrome

SOURCE = "Laskar and Robutel, Celestial Mechanics 80 (2001) 39, doi:10.1023/A:1012098603882"

SABA1 = Splitting(name="saba1", order=2, source=SOURCE, epsilon_orders=(2,), stages=palindrome("drift", (0.5, 1.0)))

SABA2 = Splitting(
    name="saba2",
    order=2,
    source=SOURCE,
    epsilon_orders=(4, 2),
    stages=palindrome("drift", (0.21132486540518711775, 0.5, 0.57735026918962576451)),
)

SABA3 = Splitting(
    name="saba3",
    order=2,
    source=SOURCE,
    epsilon_orders=(6, 2),
    stages=palindrome(
        "drift", (0.11270166537925831148, 0.27777777777777777778, 0.38729833462074168852, 0.44444444444444444444)
    ),
)

SABA4 = Splitting(
    name="saba4",
    order=2,
    source=SOURCE,
    epsilon_orders=(8, 2),
    stages=palindrome(
        "drift",
        (
            0.069431844202973712388,
            0.17392742256872692869,
            0.26057763400459815521,
            0.32607257743127307131,
            0.33998104358485626480,
        ),
    ),
)

METHODS = (SABA1, SABA2, SABA3, SABA4)
