from symphys.language.names import natural_order, read_names
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
    "canonical",
    "coordinates",
    "ddot",
    "dot",
    "input_signal",
    "is_function_of_time",
    "is_input_signal",
    "natural_order",
    "parameters",
    "read_names",
    "symbol",
    "t",
]
