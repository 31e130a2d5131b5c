"""Splittings of high order in the small part of H = A + epsilon B: errors O(eps h^10 + eps^2 h^6 + eps^3 h^4).

The drift stands for the flow of the large part A (free motion, or Kepler's), the kick for that of the perturbation. The
names give the orders. In those with an H, the flow of B may itself be a leapfrog of two exactly solvable parts, as in
heliocentric coordinates, and the orders stay.
"""

from symphys.integrators.splitting import Splitting, palindrome

SOURCE = "Blanes, Casas, Farres, Laskar, Makazaga, Murua, Applied Numerical Mathematics 68 (2013) 58"

ABA104 = Splitting(
    name="aba104",
    order=4,
    source=SOURCE,
    epsilon_orders=(10, 4),
    stages=palindrome(
        "drift",
        (
            0.047067100645972506130,
            0.11888191736819701995,
            0.18475693541708810693,
            0.24105046055150156574,
            0.28270600567983620532,
            -0.27328666670532380605,
            -0.014530041742896818379,
            0.82670857757125044073,
        ),
    ),
)

ABA864 = Splitting(
    name="aba864",
    order=4,
    source=SOURCE,
    epsilon_orders=(8, 6, 4),
    stages=palindrome(
        "drift",
        (
            0.071133426498223117778,
            0.18308368747219722196,
            0.24115342795664009874,
            0.31078285989857486951,
            0.52141176177281478921,
            -0.026564618511958800697,
            -0.33369861622767800573,
            0.065396142282373418456,
        ),
    ),
)

ABA1064 = Splitting(
    name="aba1064",
    order=4,
    source=SOURCE,
    epsilon_orders=(10, 6, 4),
    stages=palindrome(
        "drift",
        (
            0.038094497422412195457,
            0.095858880837075210611,
            0.14529871611691374929,
            0.20444615314299878068,
            0.20762769572554125072,
            0.21707034797899110171,
            0.43590970365152615922,
            -0.017375381959065093006,
            -0.65386122583278670938,
        ),
    ),
)

ABAH844 = Splitting(
    name="abah844",
    order=4,
    source=SOURCE,
    epsilon_orders=(8, 4),
    stages=palindrome(
        "drift",
        (
            0.27414026894340187616,
            0.64088579516251271773,
            -0.10756843844016423063,
            -0.85857544895678285659,
            -0.048018502590601692691,
            0.71768965379427013886,
            0.76289334417472809430,
        ),
    ),
)

ABAH864 = Splitting(
    name="abah864",
    order=4,
    source=SOURCE,
    epsilon_orders=(8, 6, 4),
    stages=palindrome(
        "drift",
        (
            0.068102356516583720847,
            0.16844325936189545343,
            0.25113603872210332331,
            0.42431771737426772243,
            -0.075072649572165625160,
            -0.58581096946817568123,
            -0.0095447197017450078115,
            0.49304999273201250537,
            0.53075794807044717763,
        ),
    ),
)

ABAH1064 = Splitting(
    name="abah1064",
    order=4,
    source=SOURCE,
    epsilon_orders=(10, 6, 4),
    stages=palindrome(
        "drift",
        (
            0.047319086976533822704,
            0.11968846245853220353,
            0.26511052357487851595,
            0.37529558553793742504,
            -0.0099765228838112408433,
            -0.46845934183259937836,
            -0.059929199734941551264,
            0.33513973427558970104,
            0.25747611206734045345,
            0.27667111912108009750,
        ),
    ),
)

METHODS = (ABA104, ABA864, ABA1064, ABAH844, ABAH864, ABAH1064)
