from symphys.systems.hamiltonian import Hamiltonian
from symphys.systems.lagrangian import Lagrangian
from symphys.systems.lagrangian_density import LagrangianDensity
from symphys.systems.learning_dynamics import LearningDynamics
from symphys.systems.network import Network, network
from symphys.systems.particle_lagrangian import ParticleLagrangian
from symphys.systems.relation import Relation
from symphys.systems.vector_field import VectorField
from symphys.systems.von_neumann import VonNeumann
from symphys.systems.waves import plane_waves

__all__ = [
    "Hamiltonian",
    "Lagrangian",
    "LagrangianDensity",
    "LearningDynamics",
    "Network",
    "ParticleLagrangian",
    "Relation",
    "VectorField",
    "VonNeumann",
    "network",
    "plane_waves",
]
