"""Statistics: entropies and the distributions that maximise them, thermostats, velocities at a temperature."""

from symphys.statistics.entropy import MaximumEntropy, maximum_entropy, relative_entropy, shannon_entropy
from symphys.statistics.maxwell_boltzmann import maxwell_boltzmann
from symphys.statistics.thermostats import Berendsen, Langevin, NoseHoover, Thermostat

__all__ = [
    "Berendsen",
    "Langevin",
    "MaximumEntropy",
    "NoseHoover",
    "Thermostat",
    "maximum_entropy",
    "maxwell_boltzmann",
    "relative_entropy",
    "shannon_entropy",
]
