from symphys.statistics.maxwell_boltzmann import maxwell_boltzmann
from symphys.statistics.thermostats import Berendsen, Langevin, NoseHoover, Thermostat

__all__ = ["Berendsen", "Langevin", "NoseHoover", "Thermostat", "maxwell_boltzmann"]
