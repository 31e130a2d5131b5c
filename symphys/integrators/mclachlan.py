"""McLachlan's splittings: five stages of order 4, and the fifteen Verlet steps of order 8."""

from symphys.integrators.splitting import Splitting, palindrome, verlet_composition

MCLACHLAN4 = Splitting(
    name="mclachlan4",
    order=4,
    source="McLachlan, SIAM J. Sci. Comput. 16 (1995) 151, method S of 5 stages, doi:10.1137/0916010",
    stages=palindrome(
        "kick",
        (0.089269454226475244887, 0.4, -0.097336042636895508015, -0.1, 0.50806658841042026313, 0.4),
    ),
)

MCLACHLAN8 = Splitting(
    name="mclachlan8",
    order=8,
    source="Suzuki and Umeno (1993); McLachlan, SIAM J. Sci. Comput. 16 (1995) 151, method SS of 15 stages",
    stages=verlet_composition(
        (
            0.74167036435061295345,
            -0.40910082580003159400,
            0.19075471029623837995,
            -0.57386247111608226666,
            0.29906418130365592384,
            0.33462491824529818378,
            0.31529309239676659663,
            -0.79688793935291635402,
        )
    ),
)

METHODS = (MCLACHLAN4, MCLACHLAN8)
