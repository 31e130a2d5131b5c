"""Functions of networks and their derivatives, called in kernels and run."""

import numpy as np

from codegen.builder import Builder
from codegen.ir import Kind
from codegen.optimise.inline import inline
from codegen.program import Array, Intent, Kernel, Launch, Program, Scalar


def run_both(run, network, forward, reverse, weights, points, dots, weight_dot, seeds):
    """The tangents [n] of one result along dots [inputs, n], and its cotangents: of inputs [inputs, n] and weights."""
    d, count = network.inputs, len(points)
    b = Builder()
    x = [b.load(f"x{i}", "points", i) for i in range(d)]
    along = [b.load(f"dot{i}", "dots", i) for i in range(d)]
    seed = b.load("seed", "seeds")
    _, tangent = b.call(forward, (*x, *along))
    b.store("tangents", value=tangent)
    for i, bar in enumerate(b.call(reverse, (*x, seed))):
        b.store("bars", i, value=bar)
    own = [
        Array("points", (d,)),
        Array("dots", (d,)),
        Array("seeds", ()),
        Array("tangents", (), intent=Intent.OUT),
        Array("bars", (d,), intent=Intent.OUT),
    ]
    shared = {a.name: a for f in (forward, reverse) for a in f.arrays}
    kernel = inline(Kernel("both", "sample", (*own, *shared.values()), (), b.block()))
    program = Program("test", kernel.arrays, (Scalar("samples", Kind.INT),), (Launch(kernel, ("samples",)),))
    arrays = {
        "points": np.ascontiguousarray(points.T),
        "dots": dots,
        "seeds": seeds,
        "tangents": np.zeros(count),
        "bars": np.zeros((d, count)),
        "slope": np.zeros(network.count),
        network.array.name: weights,
        f"{network.array.name}_dot": weight_dot,
    }
    run(program, arrays, {"samples": count})
    return arrays["tangents"], arrays["bars"], arrays["slope"]
