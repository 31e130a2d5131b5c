"""Places that stop being numbers: what is looked up by them stays within its tables, and the run says what happened."""

import numpy as np
import pytest

import symphys as ph
from codegen import Array, Builder, Intent, Kernel, apply, get_backend, integer
from symphys.lower.particles.site import cell_among
from symphys.simulate.status import Outcome
from tests.symphys.particles.test_ewald import TRICLINIC, c, drop, ions, salt


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_place_has_a_cell(backend: str, dtype: str) -> None:
    b = Builder()
    b.store("cell", value=cell_among(b.load("place", "places"), apply("to_real", integer(7))))
    kernel = Kernel("cells", "i", (Array("places", ()), Array("cell", (), intent=Intent.OUT)), (), b.block())
    places = np.array([np.nan, -np.nan, np.inf, -np.inf, 1e30, -1e30, -0.5, 0.0, 6.999, 7.0, 3.2] + [0.0] * 53, dtype)
    arrays = {"places": places, "cell": np.full_like(places, -1)}
    get_backend(backend).compile(kernel, dtype)(arrays, {}, (len(places),))
    np.testing.assert_array_equal(arrays["cell"][:11], [0, 0, 6, 0, 6, 0, 0, 0, 6, 6, 3])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n", [60, 61])
def test_a_mesh_outlives_places_that_are_no_numbers(dtype: str, n: int) -> None:
    """The first step is far too long: the run ends with the row it has."""
    x, q = drop(n)
    simulator = salt.compile(box=TRICLINIC, cutoff=1.6, long_range=ph.Ewald(accuracy=1e-3, mesh=True), dtype=dtype)
    values = {ions.mass: 1.0, ions.charge: q, c: 1.0}
    for dt in (1e10, 1e20):
        run = simulator.run({ions: x, ph.dot(ions): 0 * x}, values, t_span=(0, 5 * dt), dt=dt, save_every=5)
        assert (run.outcomes, run.times_reached, len(run.positions)) == (Outcome.NOT_FINITE, 0.0, 1)
        np.testing.assert_allclose(run.positions[0], x, rtol=1e-6)
