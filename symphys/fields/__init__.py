from symphys.fields.derive import derive_dynamics
from symphys.fields.dynamics import Constraint, Convolved, FieldDynamics, Law, Structure, Unknown
from symphys.fields.jets import FieldJets, Jet, Nonlocal
from symphys.fields.read import Density, read_density

__all__ = [
    "Constraint",
    "Convolved",
    "Density",
    "FieldDynamics",
    "FieldJets",
    "Jet",
    "Law",
    "Nonlocal",
    "Structure",
    "Unknown",
    "derive_dynamics",
    "read_density",
]
