"""What primitives mean in arithmetic of any precision, so that a derivative can be checked against the function."""

import mpmath

from codegen.ir import walk

MEANINGS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "neg": lambda a: -a,
    "abs": abs,
    "round": mpmath.nint,
    "lt": lambda a, b: a < b,
    "add_exact": lambda a, b: a + b,
    "sub_exact": lambda a, b: a - b,
    "expm1": mpmath.expm1,
    "log1p": lambda a: mpmath.log(1 + a),
    "rsqrt": lambda a: 1 / mpmath.sqrt(a),
    "min": min,
    "max": max,
    "select": lambda c, a, b: a if c else b,
}


def mp_evaluate(root, point, names="abc"):
    """The value of a node in mpmath's present precision, by its function of the same name where there is one."""
    done = {}
    for n in walk([root]):
        if n.op == "constant":
            done[n] = mpmath.mpf(n.attribute)
        elif n.op == "variable":
            done[n] = mpmath.mpf(point[names.index(str(n.attribute))])
        else:
            done[n] = (MEANINGS.get(n.op) or getattr(mpmath, n.op))(*(done[a] for a in n.args))
    return done[root]
