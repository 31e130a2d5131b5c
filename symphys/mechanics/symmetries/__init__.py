from symphys.mechanics.symmetries.find import find_laws
from symphys.mechanics.symmetries.noether import noether
from symphys.mechanics.symmetries.symmetry import Symmetry

__all__ = ["Symmetry", "find_laws", "noether"]
