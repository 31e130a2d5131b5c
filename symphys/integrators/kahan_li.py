"""Kahan and Li's compositions of Verlet steps: nine for order 6, seventeen for order 8.

Their small weights make them the choice for long orbits at high accuracy; the one of order 8 costs 17 forces a step.
"""

from symphys.integrators.splitting import Splitting, verlet_composition

SOURCE = "Kahan and Li, Mathematics of Computation 66 (1997) 1089, doi:10.1090/S0025-5718-97-00873-9"

KAHAN_LI6 = Splitting(
    name="kahan_li6",
    order=6,
    source=SOURCE,
    stages=verlet_composition(
        (
            0.39216144400731413928,
            0.33259913678935943860,
            -0.70624617255763935981,
            0.082213596293550800231,
            0.79854399093482996340,
        )
    ),
)

KAHAN_LI8 = Splitting(
    name="kahan_li8",
    order=8,
    source=SOURCE,
    stages=verlet_composition(
        (
            0.13020248308889008088,
            0.56116298177510838456,
            -0.38947496264484728641,
            0.15884190655515560090,
            -0.39590389413323757734,
            0.18453964097831570709,
            0.25837438768632204729,
            0.29501172360931029887,
            -0.60550853383003451170,
        )
    ),
)

METHODS = (KAHAN_LI6, KAHAN_LI8)
