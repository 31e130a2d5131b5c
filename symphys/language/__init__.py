from symphys.language.arrays import ParameterArray, array_of, parameter_array, spread_arrays
from symphys.language.convolution import Convolution, convolution
from symphys.language.fields import (
    complex_field,
    external,
    is_complex_field,
    is_external,
    is_field,
    scalar_field,
    spacetime,
    vector_field,
)
from symphys.language.links import covariant_difference, plaquettes
from symphys.language.names import natural_order, read_names
from symphys.language.operators import curl, dalembertian, divergence, gradient, laplacian
from symphys.language.particles import Particles, particles
from symphys.language.predicted import predicted
from symphys.language.shifts import Shifted, shift
from symphys.language.symbols import (
    canonical,
    coordinates,
    ddot,
    dot,
    input_signal,
    is_function_of_time,
    is_input_signal,
    parameters,
    symbol,
    t,
)

__all__ = [
    "Convolution",
    "ParameterArray",
    "Particles",
    "Shifted",
    "array_of",
    "canonical",
    "complex_field",
    "convolution",
    "coordinates",
    "covariant_difference",
    "curl",
    "dalembertian",
    "ddot",
    "divergence",
    "dot",
    "external",
    "gradient",
    "input_signal",
    "is_complex_field",
    "is_external",
    "is_field",
    "is_function_of_time",
    "is_input_signal",
    "laplacian",
    "natural_order",
    "parameter_array",
    "parameters",
    "particles",
    "plaquettes",
    "predicted",
    "read_names",
    "scalar_field",
    "shift",
    "spacetime",
    "spread_arrays",
    "symbol",
    "t",
    "vector_field",
]
