"""Space as numbers: grids with their boundaries, finite differences, transforms and wave numbers."""

from symphys.discretise.grid import Axis, Grid
from symphys.discretise.neighbours import Neighbours, neighbours
from symphys.discretise.stencil import ORDERS, central_weights, reach_of

__all__ = ["ORDERS", "Axis", "Grid", "Neighbours", "central_weights", "neighbours", "reach_of"]
