"""Euler's method and the explicit midpoint rule: the plainest methods, for teaching and for reference."""

from symphys.integrators.tableau import ExplicitTableau

EULER = ExplicitTableau(
    name="euler",
    order=1,
    source="Euler, Institutionum calculi integralis I (1768); Hairer, Norsett, Wanner I, I.7",
    a=((),),
    b=(1.0,),
    c=(0.0,),
)

MIDPOINT = ExplicitTableau(
    name="midpoint",
    order=2,
    source="Runge, Mathematische Annalen 46 (1895) 167; Hairer, Norsett, Wanner I, II.1",
    a=((), (0.5,)),
    b=(0.0, 1.0),
    c=(0.0, 0.5),
)

METHODS = (EULER, MIDPOINT)
