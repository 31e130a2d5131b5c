"""The Henon-Heiles system: a star in the potential of a galaxy, regular and chaotic; dimensionless."""

from symphys.language import canonical, parameters
from symphys.models.model import Model, Setting
from symphys.systems import Hamiltonian


def build() -> Setting:
    """H = (p_x^2 + p_y^2 + x^2 + y^2) / 2 + b (x^2 y - y^3 / 3); with b = 1 the motion is bounded below H = 1/6."""
    x, px, y, py = canonical("x p_x y p_y")
    b = parameters("b")
    return Setting(
        Hamiltonian((px**2 + py**2 + x**2 + y**2) / 2 + b * (x**2 * y - y**3 / 3), {x: px, y: py}),
        {b: 1.0},
        {x: 0.0, px: 0.42, y: 0.1, py: 0.1},
        positions=((x, y),),
    )


MODEL = Model(
    name="henon_heiles",
    title="Henon-Heiles: order and chaos in a galaxy",
    source="Henon, Heiles, Astron. J. 69 (1964) 73, doi:10.1086/109234",
    build=build,
    t_span=(0.0, 200.0),
    dt=0.05,
)
