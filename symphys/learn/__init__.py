from symphys.learn.result import Fit
from symphys.learn.trajectories import Trajectories

__all__ = ["Fit", "Trajectories"]
