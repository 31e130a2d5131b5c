"""Yoshida's compositions of Verlet steps, of order 4, 6 (solution A) and 8 (solution D).

Digits: the cube-root formula for order 4; for 6 and 8 the published solutions, carried to 20 digits by Newton's method
on the order conditions.
"""

from symphys.integrators.splitting import Splitting, verlet_composition

SOURCE = "Yoshida, Physics Letters A 150 (1990) 262, doi:10.1016/0375-9601(90)90092-3"

YOSHIDA4 = Splitting(
    name="yoshida4",
    order=4,
    source=SOURCE,
    stages=verlet_composition((1.3512071919596576340, -1.7024143839193152681)),
)

YOSHIDA6 = Splitting(
    name="yoshida6",
    order=6,
    source=SOURCE,
    stages=verlet_composition(
        (0.78451361047755726382, 0.23557321335935813369, -1.1776799841788710070, 1.3151863206839112189)
    ),
)

YOSHIDA8 = Splitting(
    name="yoshida8",
    order=8,
    source=SOURCE,
    stages=verlet_composition(
        (
            0.91484424622979156675,
            0.25369333656621135415,
            -1.4448522368606051577,
            -0.15824063536805017520,
            1.9381391376225259866,
            -1.9606102329753108076,
            0.10279984939179644070,
            1.7084530707872815847,
        )
    ),
)

METHODS = (YOSHIDA4, YOSHIDA6, YOSHIDA8)
