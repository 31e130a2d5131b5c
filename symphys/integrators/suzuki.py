"""Suzuki's fractal composition of five Verlet steps: order 4 with smaller weights than Yoshida's three."""

from symphys.integrators.splitting import Splitting, verlet_composition

# 1 / (4 - 4^(1/3)), twice on either side; the middle step makes the sum one.
SUZUKI4 = Splitting(
    name="suzuki4",
    order=4,
    source="Suzuki, Physics Letters A 146 (1990) 319, doi:10.1016/0375-9601(90)90962-N",
    stages=verlet_composition((0.41449077179437573714, 0.41449077179437573714, -0.65796308717750294857)),
)

METHODS = (SUZUKI4,)
