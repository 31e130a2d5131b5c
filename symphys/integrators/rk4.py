"""The classical Runge-Kutta method."""

from symphys.integrators.tableau import ExplicitTableau

RK4 = ExplicitTableau(
    name="rk4",
    order=4,
    source="Kutta, Zeitschrift fuer Mathematik und Physik 46 (1901) 435; Hairer, Norsett, Wanner I, table II.1.2",
    a=((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)),
    b=(1 / 6, 1 / 3, 1 / 3, 1 / 6),
    c=(0.0, 1 / 2, 1 / 2, 1.0),
)

METHODS = (RK4,)
