"""Results in data sets and files: what is written comes back, and nothing in a file is evaluated."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import symphys as ph
from symphys.simulate.naming import latex_name, plain_name
from symphys.simulate.result import EventRecord, Result
from symphys.simulate.status import Outcome

theta1, q = ph.coordinates("theta1 q")
m, steps = ph.parameters("m steps", positive=True)
LABELS = (theta1, q, ph.dot(theta1), ph.dot(q))


def made(shape: tuple[int, ...], rows: int, own_times: bool, crossings: int, dtype: str, seed: int) -> Result:
    """A result with random contents: NaN beyond some ends, all kinds of outcomes."""
    rng = np.random.default_rng(seed)

    def some(*more: int) -> np.ndarray:
        values = rng.normal(size=(*shape, *more)).astype(dtype)
        return np.where(rng.random(values.shape) < 0.2, np.nan, values).astype(dtype)

    outcomes = np.empty(shape, dtype=object)
    outcomes[...] = rng.choice(np.array(list(Outcome), dtype=object), size=shape or None)
    if crossings:
        count = rng.integers(0, crossings + 1, size=shape)
        count = np.asarray(np.maximum(count, crossings * (np.arange(count.size).reshape(shape) == 0)))
    else:
        count = np.zeros(shape, dtype=np.int64)
    record = EventRecord(some(crossings), {label: some(crossings) for label in LABELS}, count)
    return Result(
        t=some(rows) if own_times else np.sort(rng.normal(size=rows)),
        states={label: some(rows) for label in LABELS},
        parameters={m: rng.random(shape), steps: np.full(shape, 2.0)},
        drift={"energy": rng.random(shape), "momentum q": rng.random(shape)},
        outcomes=outcomes,
        times_reached=rng.random(shape),
        steps=rng.integers(0, 99, size=shape),
        rejected=rng.integers(0, 99, size=shape),
        events=(record,) * int(rng.integers(0, 3)),
        method="yoshida4",
        conserved={"energy": m * ph.dot(q) ** 2, "momentum q": m * ph.dot(q)},
        pairs=((theta1, ph.dot(theta1)), (q, ph.dot(q))),
    )


@given(
    st.lists(st.integers(1, 3), max_size=3),
    st.integers(1, 4),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from(["float32", "float64"]),
    st.integers(0, 2**32),
    st.sampled_from([".nc", ".npz"]),
)
@settings(max_examples=25)
def test_what_is_saved_comes_back(
    shape: list[int], rows: int, own: bool, crossings: int, dtype: str, seed: int, suffix: str
) -> None:
    """Bit for bit: files hold the numbers themselves."""
    first = made(tuple(shape), rows, own and bool(shape), crossings, dtype, seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"run{suffix}"
        first.save(path)
        second = Result.load(path)
    assert np.array_equal(first.t, second.t, equal_nan=True)
    for label in LABELS:
        assert np.array_equal(first[label], second[label], equal_nan=True)
        assert second[label].dtype == dtype
    for symbol, values in first.parameters.items():
        assert np.array_equal(values, second.parameters[symbol.name])
    for name, values in first.drift.items():
        assert np.array_equal(values, second.drift[name])
    assert second.shape == tuple(shape)
    assert (first.outcomes == second.outcomes).all()
    assert str(first.status) == str(second.status)
    assert np.array_equal(first.steps, second.steps)
    assert np.array_equal(first.rejected, second.rejected)
    assert len(first.events) == len(second.events)
    for one, other in zip(first.events, second.events, strict=True):
        assert np.array_equal(one.times, other.times, equal_nan=True)
        assert np.array_equal(one.count, other.count)
        assert all(np.array_equal(one[label], other[label], equal_nan=True) for label in LABELS)
    assert second.method == "yoshida4"
    assert second.conserved["energy"] == str(first.conserved["energy"])
    assert second.pairs == (("theta1", "theta1_dot"), ("q", "q_dot"))


def test_a_loaded_result_can_be_saved_and_shown_again(tmp_path: Path) -> None:
    first = made((3,), 4, False, 2, "float64", 1)
    first.save(tmp_path / "one.nc")
    Result.load(tmp_path / "one.nc").save(tmp_path / "two.npz")
    again = Result.load(tmp_path / "two.npz")
    assert np.array_equal(again["theta1_dot"], first[ph.dot(theta1)], equal_nan=True)
    assert "3 trajectories of theta1, q" in repr(again)


@pytest.mark.parametrize(
    ("shape", "own", "axes"),
    [
        ((), False, ("t",)),
        ((5,), False, ("trajectory", "t")),
        ((5,), True, ("trajectory", "step")),
        ((2, 3), False, ("axis_0", "axis_1", "t")),
    ],
)
def test_data_sets_name_their_axes(shape: tuple[int, ...], own: bool, axes: tuple[str, ...]) -> None:
    data = made(shape, 4, own, 1, "float64", 2).to_xarray()
    assert data["theta1"].dims == axes
    assert data["theta1_dot"].attrs["long_name"] == r"$\dot{\theta}_{1}$"
    assert data["t"].dims == (axes if own else ("t",))
    assert data["drift_energy"].dims == axes[:-1]
    assert data["drift_momentum_q"].attrs["expression"] == "m*Derivative(q(t), t)"
    assert data.attrs["method"] == "yoshida4"
    assert "energy: " in data.attrs["drift"]
    assert data["m"].dims == axes[:-1]  # a coordinate that varies over the ensemble
    assert {"t", "m"} <= set(data.coords)
    assert data["status"].attrs["flag_meanings"].split()[int(data["status"].values.flat[0])] in Outcome.__members__


def test_names_of_the_system_go_before_names_of_the_run() -> None:
    """The parameter `steps` keeps its name; the number of steps makes way."""
    data = made((2,), 3, False, 0, "float64", 3).to_xarray()
    assert data["steps"].attrs["role"] == "parameter"
    assert float(data["steps"]) == 2.0  # the same for all: one number
    assert data["steps_"].attrs["role"] == "steps"


def test_a_real_run_survives_both_formats(tmp_path: Path) -> None:
    system = ph.Lagrangian(m * ph.dot(q) ** 2 / 2 - q**2 / 2)
    run = system.compile(backend="reference", method="yoshida4").run(
        {q: [1.0, 2.0], ph.dot(q): 0.0}, {m: 1.0}, t_span=(0.0, 3.0), dt=0.05, save_every=10, events=ph.Event(q)
    )
    for name in ("run.nc", "run.npz"):
        run.save(tmp_path / name)
        loaded = Result.load(tmp_path / name)
        assert np.array_equal(loaded[q], run[q])
        assert np.array_equal(loaded["q_dot"], run[ph.dot(q)])
        assert loaded.ok.all()
        assert loaded.events[0].times == pytest.approx(run.events[0].times)
        assert loaded.drift["energy"] == pytest.approx(run.drift["energy"])


def test_xarray_selects_by_time(tmp_path: Path) -> None:
    import xarray

    run = made((2,), 4, False, 0, "float64", 4)
    run.save(tmp_path / "run.nc")
    with xarray.open_dataset(tmp_path / "run.nc") as data:
        assert data["theta1"].sel(t=run.t[2], trajectory=1).item() == pytest.approx(run[theta1][1, 2], nan_ok=True)


@pytest.mark.parametrize("name", ["run.csv", "run", "run.pkl"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    result = made((), 2, False, 0, "float64", 5)
    with pytest.raises(ph.InputError, match=r"give a path that ends in \.nc or in \.npz"):
        result.save(tmp_path / name)
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(ph.InputError, match="give a path that ends in"):
        Result.load(tmp_path / name)


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_missing_and_foreign_files_are_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(ph.InputError, match="there is no file"):
        Result.load(tmp_path / f"nothing{suffix}")
    (tmp_path / f"noise{suffix}").write_bytes(b"no file of this format at all")
    with pytest.raises(ph.InputError, match="cannot be read"):
        Result.load(tmp_path / f"noise{suffix}")


def test_foreign_archives_and_damaged_results_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ph.InputError, match="cannot be read as a result of symphys"):
        Result.load(tmp_path / "other.npz")
    np.savez(tmp_path / "other.npz", header=np.array(json.dumps({"attributes": {}, "variables": []})))
    with pytest.raises(ph.InputError, match="no result of symphys: its format is None"):
        Result.load(tmp_path / "other.npz")
    made((), 2, False, 0, "float64", 6).save(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as arrays:
        kept = dict(arrays)
    header = json.loads(str(kept["header"]))
    header["attributes"].pop("ensemble")
    kept["header"] = np.array(json.dumps(header))
    np.savez(tmp_path / "run.npz", **kept)
    with pytest.raises(ph.InputError, match="damaged"):
        Result.load(tmp_path / "run.npz")


def test_pickles_in_archives_are_not_opened(tmp_path: Path) -> None:
    """A pickle runs code when it is opened: the one planted here would raise SystemExit."""

    class Trap:
        def __reduce__(self) -> tuple:
            return sys.exit, ("a pickle was opened",)

    np.savez(tmp_path / "trap.npz", header=np.array([Trap()], dtype=object))
    with pytest.raises(ph.InputError, match="cannot be read"):
        Result.load(tmp_path / "trap.npz")


def test_laws_in_files_are_text(tmp_path: Path) -> None:
    """What SymPy would evaluate stays a string."""
    result = made((), 2, False, 0, "float64", 7)
    object.__setattr__(result, "conserved", {"energy": "__import__('os').abort()"})
    for name in ("run.nc", "run.npz"):
        result.save(tmp_path / name)
        loaded = Result.load(tmp_path / name)
        assert loaded.conserved == {"energy": "__import__('os').abort()"}
        assert loaded.plot().axes


@pytest.mark.parametrize(("module", "extra"), [("xarray", "io"), ("h5netcdf", "io"), ("h5py", "io")])
def test_missing_libraries_name_their_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    result = made((), 2, False, 0, "float64", 8)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ph.UnsupportedError, match=rf"needs {module}.*pip install 'symphys\[{extra}\]'"):
        result.save(tmp_path / "run.nc")
    result.save(tmp_path / "run.npz")
    assert np.array_equal(Result.load(tmp_path / "run.npz").t, result.t)


@pytest.mark.parametrize(
    ("label", "name", "latex"),
    [
        (theta1, "theta1", r"\theta_{1}"),
        (ph.dot(theta1), "theta1_dot", r"\dot{\theta}_{1}"),
        (ph.ddot(q), "q_ddot", r"\ddot{q}"),
        (ph.dot(ph.ddot(q)), "q_d3", r"\dddot{q}"),
        (m, "m", "m"),
        (sympy.Function("phi")(ph.t), "phi", r"\phi"),
    ],
)
def test_names_of_symbols_and_of_their_texts(label: object, name: str, latex: str) -> None:
    """The text of a symbol, and the name itself, have the same name; so has the LaTeX."""
    assert plain_name(label) == plain_name(str(label)) == plain_name(name) == name
    assert latex_name(label) == latex_name(name) == latex
