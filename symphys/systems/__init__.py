from symphys.systems.hamiltonian import Hamiltonian
from symphys.systems.lagrangian import Lagrangian
from symphys.systems.lagrangian_density import LagrangianDensity
from symphys.systems.network import Network, network
from symphys.systems.vector_field import VectorField

__all__ = ["Hamiltonian", "Lagrangian", "LagrangianDensity", "Network", "VectorField", "network"]
