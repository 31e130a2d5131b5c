"""Optimised splittings of order 4 and 6 by Blanes and Moan: S for separable systems, SRKN for quadratic kinetic energy.

They have more stages than the order needs, spent on small error constants.
Digits: published to 15, projected onto the order conditions to 20.
"""

from symphys.integrators.splitting import Splitting, palindrome

SOURCE = "Blanes and Moan, J. Comput. Appl. Math. 142 (2002) 313, doi:10.1016/S0377-0427(01)00492-7"

BLANES_MOAN4 = Splitting(
    name="blanes_moan4",
    order=4,
    source=f"{SOURCE}, S6",
    stages=palindrome(
        "kick",
        (
            0.079203696431195669434,
            0.20951510661336202127,
            0.35317290604977398848,
            -0.14385177317981800828,
            -0.042065080357719535368,
            0.43433666656645598700,
            0.21937695575349975491,
        ),
    ),
)

BLANES_MOAN6 = Splitting(
    name="blanes_moan6",
    order=6,
    source=f"{SOURCE}, S10",
    stages=palindrome(
        "kick",
        (
            0.050262764400392686021,
            0.14881644790104323192,
            0.41351430042834381506,
            -0.13238586576778364745,
            0.045079889794398062969,
            0.067307604692184458150,
            -0.18805485381956891480,
            0.43266640257817359753,
            0.54196067845078013483,
            -0.016404589403617640150,
            -0.72552555850869156817,
        ),
    ),
)

SRKN6_4 = Splitting(
    name="srkn6_4",
    order=4,
    # Optimised for quadratic kinetic energy; for a symmetric method the order conditions differ only from order 5 on.
    source=f"{SOURCE}, SRKN 6 b",
    stages=palindrome(
        "kick",
        (
            0.082984406417405018838,
            0.24529895718427116260,
            0.39630980149836807710,
            0.60487266571107997496,
            -0.039056304922348435171,
            -0.35017162289535113757,
            0.11952419401315067848,
        ),
    ),
)

SRKN11_6 = Splitting(
    name="srkn11_6",
    order=6,
    source=f"{SOURCE}, SRKN 11 b",
    requires_quadratic_kinetic=True,
    stages=palindrome(
        "kick",
        (
            0.041464998518262843299,
            0.12322977594627115156,
            0.19812867191806654114,
            0.29055379779955827037,
            -0.040006192104152686889,
            -0.12704921262541691566,
            0.075253984301580341128,
            -0.24633176106207540420,
            -0.011511387420687770062,
            0.35720887279592775262,
            0.23666992478693073139,
            0.20477705429147029062,
        ),
    ),
)

SRKN14_6 = Splitting(
    name="srkn14_6",
    order=6,
    source=f"{SOURCE}, SRKN 14 a",
    requires_quadratic_kinetic=True,
    stages=palindrome(
        "drift",
        (
            0.037859319840610941447,
            0.091719152624462017981,
            0.10263563310243655285,
            0.18398317000500489849,
            -0.025867888266558333164,
            -0.056534365832889104395,
            0.31424140307144643415,
            0.0049146887747118856402,
            -0.13014445951741511385,
            0.14376112716836168239,
            0.10641770036954136802,
            0.32856769374680414020,
            -0.0087942431285102043941,
            -0.19641146648645552031,
            0.20730506905689670989,
        ),
    ),
)

METHODS = (BLANES_MOAN4, BLANES_MOAN6, SRKN6_4, SRKN11_6, SRKN14_6)
