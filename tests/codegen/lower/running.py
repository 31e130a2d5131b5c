"""Functions applied by the interpreter."""

import numpy as np

from codegen.interpret import run_kernel
from codegen.ir import integer, variable
from codegen.program import Array, Call, Intent, Kernel, Load, Store


def run(function, inputs, dtype=np.float64):
    """Apply a function to columns of numbers, lane by lane."""
    lanes = inputs.shape[1]
    loads = tuple(Load(variable(f"in_{i}"), "inputs", (integer(i),)) for i in range(len(inputs)))
    targets = tuple(variable(f"out_{i}") for i in range(len(function.results)))
    call = Call(targets, function, tuple(load.target for load in loads))
    stores = tuple(Store("outputs", (integer(i),), t) for i, t in enumerate(targets))
    arrays = (Array("inputs", (len(inputs), "n")), Array("outputs", (len(targets), "n"), intent=Intent.OUT))
    outputs = np.zeros((len(targets), lanes), dtype)
    kernel = Kernel("apply", "lane", arrays, (), (*loads, call, *stores))
    run_kernel(kernel, {"inputs": inputs, "outputs": outputs}, {}, (lanes,), dtype)
    return outputs
