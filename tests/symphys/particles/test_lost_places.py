"""Places that are no numbers, or too far to have neighbours: tables and memory have bounds, runs say what happened."""

import numpy as np
import pytest

import symphys as ph
from codegen import Array, Builder, Intent, Kernel, apply, get_backend, integer
from symphys.errors import InputError
from symphys.lower.cells import cell_among
from symphys.lower.frame import SignalTable
from symphys.simulate.status import Outcome
from tests.gpu import ALL
from tests.symphys.particles.test_ewald import TRICLINIC, c, drop, ions, salt
from tests.symphys.particles.test_lists import atoms, crowd, lattice


@pytest.mark.parametrize("backend", ALL)
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


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_every_time_has_a_piece_of_a_signal(backend: str) -> None:
    """A table of two pieces, 1 + x and 5 + x: at no time is anything read but these."""
    table, b = SignalTable("u"), Builder()
    b.store("value", value=table.value(b, b.load("time", "times")))
    arrays = (table.array, Array("times", ()), Array("value", (), intent=Intent.OUT))
    kernel = Kernel("signal", "i", arrays, table.scalars, b.block())
    coefficients = np.array([[1.0, 1, 0, 0, 0, 0], [5.0, 1, 0, 0, 0, 0]])
    times = np.array([np.nan, -np.nan, np.inf, -np.inf, 1e300, -1e300, 0.5, 1.5, 2.0] + [0.0] * 55)
    values = {"times": times, "value": np.zeros(64), "table_u": coefficients}
    get_backend(backend).compile(kernel, "float64")(values, {"pieces_u": 2, "begin_u": 0.0, "per_time_u": 1.0}, (64,))
    assert not np.isfinite(values["value"][:4]).any()
    np.testing.assert_allclose(values["value"][4:9], [1e300, -1e300, 1.5, 5.5, 6.0])


@pytest.mark.parametrize("box", [None, [8.4] * 3], ids=["no box", "box"])
@pytest.mark.parametrize("dt", [1e9, 1e30])
def test_places_too_far_for_neighbours_end_a_run(box: list[float] | None, dt: float) -> None:
    """Steps far too long leave finite places at which no neighbour can be told: the run ends, and keeps its rows."""
    gas, g = crowd(lambda p: 0.0)
    x = 1.2 * lattice(7, 7 * np.eye(3))[:343]
    v = np.random.default_rng(3).normal(0, 1.0, x.shape)
    simulator = gas.compile(box=box, cutoff=2.0, smoothing="switch")
    run = simulator.run({atoms: x, ph.dot(atoms): v}, {atoms.mass: 1.0, g: 1e-2}, t_span=(0, 1e9 * dt), dt=dt,
                        t_eval=[0, 1e9 * dt])  # fmt: skip
    assert run.outcomes == Outcome.NOT_FINITE
    assert len(run.positions) == 1
    assert "float64 does not tell who is within 2" in str(run.status)
    np.testing.assert_array_equal(run.positions[0], x)


def test_starts_too_far_for_neighbours_are_refused() -> None:
    gas, g = crowd(lambda p: 0.0)
    x = lattice(7, 8.4 * np.eye(3))
    x[5, 1] = 1e17
    with pytest.raises(InputError, match=r"particle 5 is at .*1e\+17.*beyond 2.25e\+15.*start nearer to the origin"):
        gas.compile(box=[8.4] * 3, cutoff=2.0).run(
            {atoms: x, ph.dot(atoms): 0 * x}, {atoms.mass: 1.0, g: 1.0}, t_span=(0, 1), dt=0.01
        )


def test_a_cutoff_over_too_many_images_is_refused() -> None:
    gas, g = crowd(lambda p: 0.0)
    x = lattice(2, 2 * np.eye(3))
    with pytest.raises(InputError, match=r"images of \d+ clusters of particles in a box 2 x 2 x 2 wide; shorten"):
        gas.compile(box=[2.0] * 3, cutoff=1e4).run(
            {atoms: x, ph.dot(atoms): 0 * x}, {atoms.mass: 1.0, g: 1.0}, t_span=(0, 1), dt=0.01
        )
