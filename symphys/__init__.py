"""symphys, a physics compiler: write a Lagrangian, read its equations, run it fast."""

from codegen import check_cuda, cuda_available
from symphys import data, measure, models, quantum, statistics, units
from symphys.discretise import Grid
from symphys.discretise.ewald import Ewald
from symphys.errors import (
    BackendUnavailableError,
    CompilerBug,
    DegenerateLagrangianError,
    InputError,
    LegendreTransformError,
    MethodError,
    NotASymmetryError,
    SymphysError,
    UnsupportedError,
)
from symphys.fields.symmetry import FieldSymmetry
from symphys.fields.variation import functional_derivative
from symphys.language import (
    canonical,
    complex_field,
    convolution,
    coordinates,
    covariant_difference,
    curl,
    dalembertian,
    ddot,
    divergence,
    dot,
    external,
    gradient,
    input_signal,
    laplacian,
    parameter_array,
    parameters,
    particles,
    plaquettes,
    predicted,
    scalar_field,
    shift,
    spacetime,
    symbol,
    t,
    vector_field,
)
from symphys.language.forms import positive, positive_matrix
from symphys.learn import Distillation, Elimination, Fit, Trajectories, distill
from symphys.mechanics.canonical import CanonicalTransformation
from symphys.mechanics.symmetries import Symmetry
from symphys.simulate.density import PhaseDensity
from symphys.simulate.events import Event
from symphys.simulate.kept import limit_kernel_cache
from symphys.simulate.lattice.result import FieldResult
from symphys.simulate.lattice.simulator import FieldSimulator
from symphys.simulate.ledger import EnergyLedger
from symphys.simulate.particles.result import ParticleResult
from symphys.simulate.particles.simulator import ParticleSimulator
from symphys.simulate.result import Result
from symphys.simulate.simulator import Simulator
from symphys.simulate.tangents import LyapunovSpectrum, Variations
from symphys.statistics import Berendsen, Langevin, NoseHoover, maxwell_boltzmann
from symphys.systems import (
    Hamiltonian,
    Lagrangian,
    LagrangianDensity,
    LearningDynamics,
    Network,
    ParticleLagrangian,
    Relation,
    VectorField,
    network,
    plane_waves,
)

__all__ = [
    "BackendUnavailableError",
    "Berendsen",
    "CanonicalTransformation",
    "CompilerBug",
    "DegenerateLagrangianError",
    "Distillation",
    "Elimination",
    "EnergyLedger",
    "Event",
    "Ewald",
    "FieldResult",
    "FieldSimulator",
    "FieldSymmetry",
    "Fit",
    "Grid",
    "Hamiltonian",
    "InputError",
    "Lagrangian",
    "LagrangianDensity",
    "Langevin",
    "LearningDynamics",
    "LegendreTransformError",
    "LyapunovSpectrum",
    "MethodError",
    "Network",
    "NoseHoover",
    "NotASymmetryError",
    "ParticleLagrangian",
    "ParticleResult",
    "ParticleSimulator",
    "PhaseDensity",
    "Relation",
    "Result",
    "Simulator",
    "Symmetry",
    "SymphysError",
    "Trajectories",
    "UnsupportedError",
    "Variations",
    "VectorField",
    "canonical",
    "check_cuda",
    "complex_field",
    "convolution",
    "coordinates",
    "covariant_difference",
    "cuda_available",
    "curl",
    "dalembertian",
    "data",
    "ddot",
    "distill",
    "divergence",
    "dot",
    "external",
    "functional_derivative",
    "gradient",
    "input_signal",
    "laplacian",
    "limit_kernel_cache",
    "maxwell_boltzmann",
    "measure",
    "models",
    "network",
    "parameter_array",
    "parameters",
    "particles",
    "plane_waves",
    "plaquettes",
    "positive",
    "positive_matrix",
    "predicted",
    "quantum",
    "scalar_field",
    "shift",
    "spacetime",
    "statistics",
    "symbol",
    "t",
    "units",
    "vector_field",
]
