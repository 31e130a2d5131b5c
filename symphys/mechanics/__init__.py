from symphys.mechanics.action import Action, read_action
from symphys.mechanics.constrained import Constrained
from symphys.mechanics.derive_lagrangian import derive_lagrangian_dynamics
from symphys.mechanics.dynamics import ConservedQuantity, Dynamics, FirstOrder, SecondOrder
from symphys.mechanics.jets import JetSpace, from_jet, jet_space, to_jet

__all__ = [
    "Action",
    "ConservedQuantity",
    "Constrained",
    "Dynamics",
    "FirstOrder",
    "JetSpace",
    "SecondOrder",
    "derive_lagrangian_dynamics",
    "from_jet",
    "jet_space",
    "read_action",
    "to_jet",
]
