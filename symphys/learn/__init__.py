from symphys.learn.distill import Distillation, distill
from symphys.learn.eliminate import Elimination
from symphys.learn.result import Fit
from symphys.learn.trajectories import Trajectories

__all__ = ["Distillation", "Elimination", "Fit", "Trajectories", "distill"]
