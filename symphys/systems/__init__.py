from symphys.systems.lagrangian import Lagrangian

__all__ = ["Lagrangian"]
