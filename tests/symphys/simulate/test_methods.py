"""Every registered method, on every backend, in both precisions, gives the same trajectories."""

import numpy as np
import pytest
import sympy

import symphys as ph
from symphys.integrators import METHODS, ExplicitTableau, External, Gauss, Splitting, Taylor, is_adaptive
from symphys.integrators.chebyshev import shifted_chebyshev
from symphys.simulate.result import Result
from tests.gpu import ON_GPU, ON_SHIM

q = ph.coordinates("q")
v = ph.dot(q)
m, k = ph.parameters("m k", positive=True)
OSCILLATOR = ph.Lagrangian(m * v**2 / 2 - k * q**4 / 4 + sympy.sin(q))
EXACT = OSCILLATOR.compile(method="dop853")
MEMBERS, STEPS, DT, RTOL = 17, 40, 0.05, 1e-6
START = {q: np.linspace(-1.0, 1.0, MEMBERS), v: 0.3}
VALUES = {m: 1.0, k: 2.0}
EPSILON = {"float64": 2.0**-52, "float32": 2.0**-23}
CASES = [
    (name, kind)
    for name, method in METHODS.items()
    for kind, suits in (
        ("dt", isinstance(method, ExplicitTableau | Splitting | Gauss)),
        ("rtol", is_adaptive(method)),
    )
    if suits
]
SHIMMED = {("rk4", "dt"), ("yoshida4", "dt"), ("gauss4", "dt"), ("dopri5", "rtol"), ("taylor", "rtol")}


def run(name: str, kind: str, backend: str, dtype: str) -> Result:
    settings = {"dt": DT, "save_every": STEPS // 4} if kind == "dt" else {"rtol": RTOL, "t_eval": np.linspace(0, 2, 5)}
    simulator = OSCILLATOR.compile(method=name, backend=backend, dtype=dtype)
    return simulator.run(START, VALUES, (0.0, STEPS * DT), **settings)


def allowance(name: str, kind: str, dtype: str) -> float:
    """How far apart two roundings of the same run may be.

    Fixed steps: each of 40 steps rounds by a few units, and the quartic well multiplies that by less than 4 until
    t = 2. Adaptive ones: the step lengths follow an error estimate of which only eps / rtol is known, so that local
    errors of size rtol change by as much (and in single precision altogether, those of some ten steps); dense output
    multiplies the rounding of the stages by the sum of its weights.
    """
    method, epsilon = METHODS[name], EPSILON[dtype]
    if kind == "dt":
        return 4 * STEPS * epsilon
    if isinstance(method, External | Taylor):
        return 100 * STEPS * epsilon
    assert isinstance(method, ExplicitTableau)
    spread = sum(abs(weight) for row in method.interpolant for weight in shifted_chebyshev(row))
    return 8 * spread * epsilon + (10 * RTOL if dtype == "float32" else 4e-3 * RTOL)


@pytest.fixture(scope="module", params=CASES, ids=" ".join)
def reference(request: pytest.FixtureRequest) -> tuple[str, str, Result]:
    name, kind = request.param
    return name, kind, run(name, kind, "reference", "float64")


def test_the_reference_is_right(reference: tuple[str, str, Result]) -> None:
    """Against dop853 at a tolerance far below. Yoshida's weights above 1 make the largest error constants."""
    name, kind, found = reference
    exact = EXACT.run(START, VALUES, (0.0, 2.0), rtol=1e-12, t_eval=found.t)
    bound = 50 * DT ** METHODS[name].order if kind == "dt" else 100 * RTOL
    assert np.abs(found[q] - exact[q]).max() < max(bound, 1e-10)
    assert found.method == name


@pytest.mark.parametrize(("backend", "dtype"), [("cpu", "float64"), ("cpu", "float32"), ("reference", "float32")])
def test_backends_and_precisions_agree(reference: tuple[str, str, Result], backend: str, dtype: str) -> None:
    name, kind, expected = reference
    found = run(name, kind, backend, dtype)
    assert found.ok.all()
    assert found[q].dtype == np.dtype(dtype)
    assert found[q].shape == (MEMBERS, 5)
    for s in (q, v):
        assert np.abs(found[s] - expected[s]).max() < allowance(name, kind, dtype)


@pytest.mark.parametrize("backend", [ON_SHIM, ON_GPU])
@pytest.mark.parametrize("case", sorted(SHIMMED), ids=" ".join)
def test_cuda_source_agrees(case: tuple[str, str], backend: str) -> None:
    name, kind = case
    expected, found = (run(name, kind, each, "float64") for each in ("reference", backend))
    assert found.ok.all()
    assert np.abs(found[q] - expected[q]).max() < allowance(name, kind, "float64")
