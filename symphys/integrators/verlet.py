"""The Stoermer-Verlet method in its two forms, and symplectic Euler, of which they are made."""

from symphys.integrators.splitting import Splitting, alternating

SYMPLECTIC_EULER = Splitting(
    name="symplectic_euler",
    order=1,
    source="de Vogelaere (1956); Hairer, Lubich, Wanner, Geometric Numerical Integration, I.1.2",
    stages=alternating("kick", (1.0, 1.0)),
    symmetric=False,
)

VERLET = Splitting(
    name="verlet",
    order=2,
    source="Verlet, Physical Review 159 (1967) 98; Hairer, Lubich, Wanner, Acta Numerica 12 (2003) 399",
    stages=alternating("kick", (0.5, 1.0, 0.5)),
)

LEAPFROG = Splitting(
    name="leapfrog",
    order=2,
    source="Hairer, Lubich, Wanner, Acta Numerica 12 (2003) 399, the position form of Verlet's method",
    stages=alternating("drift", (0.5, 1.0, 0.5)),
)

METHODS = (SYMPLECTIC_EULER, VERLET, LEAPFROG)
