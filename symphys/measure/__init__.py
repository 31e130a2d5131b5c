"""What is read off frames of particles: structure, motion, vibration, and averages with their error bars."""

from symphys.measure.estimate import Estimate, average, heat_capacity
from symphys.measure.geometry import (
    Distribution,
    angles_of_bonds,
    bond_angles,
    bond_lengths,
    distribution,
    find_bonds,
)
from symphys.measure.motion import MeanSquareDisplacement, diffusion, mean_square_displacement, unwrap
from symphys.measure.structure import RadialDistribution, radial_distribution
from symphys.measure.vibration import Spectrum, VelocityCorrelation, velocity_autocorrelation, vibrational_spectrum

__all__ = [
    "Distribution",
    "Estimate",
    "MeanSquareDisplacement",
    "RadialDistribution",
    "Spectrum",
    "VelocityCorrelation",
    "angles_of_bonds",
    "average",
    "bond_angles",
    "bond_lengths",
    "diffusion",
    "distribution",
    "find_bonds",
    "heat_capacity",
    "mean_square_displacement",
    "radial_distribution",
    "unwrap",
    "velocity_autocorrelation",
    "vibrational_spectrum",
]
