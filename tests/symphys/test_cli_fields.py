"""The command line for fields on grids: files and models run, save, draw, and are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from symphys import models
from symphys.cli import main
from symphys.simulate.lattice.result import FieldResult

KINK = '''"""A kink of phi^4."""
import numpy as np
import symphys as ph

t, x = ph.spacetime("t x")
phi = ph.scalar_field("phi", (t, x))
lam = ph.parameters("lam", positive=True)
V = ph.external("V", (x,))
theory = ph.LagrangianDensity(phi.diff(t) ** 2 / 2 - phi.diff(x) ** 2 / 2 - lam * (phi**2 - 1) ** 2 / 4 - V * phi)
grid = ph.Grid({x: (-10, 10, 100)}, boundary={x: "neumann"})
parameters = {"lam": 2.0, "V": lambda s: 0.0 * s}
initial = {phi: np.tanh, "phi_t": 0.0}
t_span = (0, 1)
dt = 0.05
'''


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def printed(*arguments: object) -> str:
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*arguments: object) -> str:
    """The one line that a command prints that does not accept its arguments."""
    done = run(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture
def kink(tmp_path: Path) -> Path:
    path = tmp_path / "kink.py"
    path.write_text(KINK)
    return path


@pytest.mark.parametrize("suffix", [".npz", ".nc"])
def test_a_density_in_a_file_is_run(kink: Path, tmp_path: Path, suffix: str) -> None:
    """tanh x is at rest for lam = 2; differences of order 4 at dx = 0.2 move it by dx^4 / 90 times its derivatives."""
    target = tmp_path / f"run{suffix}"
    shown = printed("run", kink, "--out", target, "--samples", 5)
    assert "1 run went where sent, in steps of 0.05 of blanes_moan4" in shown
    assert "phi from -1 to 1" in shown
    assert "drift of energy" in shown
    result = FieldResult.load(target)
    assert result["phi"].shape == (6, 100)
    assert result.grid.axes[0].boundary == "neumann"
    np.testing.assert_allclose(result["phi"][-1], np.tanh(result.grid.axes[0].points), atol=1e-3)


def test_numbers_on_the_command_line_take_precedence(kink: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.npz"
    numbers = ("--set", "lam=1", "--initial", "phi=1", "--points", 32, "--t-end", 0.4, "--dt", 0.1)
    printed("run", kink, *numbers, "--out", target)
    result = FieldResult.load(target)
    assert result.parameters["lam"] == 1.0
    assert result.grid.shape == (32,)
    assert np.array_equal(result.t, [0.0, 0.1, 0.2, 0.1 * 3, 0.4])
    assert np.array_equal(result["phi"][-1], np.ones(32))  # the vacuum


def test_pictures_and_films(kink: Path, tmp_path: Path) -> None:
    printed("run", kink, "--samples", 3, "--plot", tmp_path / "kink.png", "--animate", tmp_path / "kink.gif")
    assert (tmp_path / "kink.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "kink.gif").read_bytes().startswith(b"GIF8")


def test_models_of_fields_run(tmp_path: Path) -> None:
    shown = printed("run", "sine_gordon", "--t-end", 0.1, "--out", tmp_path / "run.npz")
    assert "1 run went where sent" in shown
    assert FieldResult.load(tmp_path / "run.npz").method in shown


def test_kernels_of_fields_are_printed(kink: Path) -> None:
    assert "def kick" in printed("emit", kink)
    assert "__global__ void" in printed("emit", "wave", "--backend", "cuda")
    assert "define" in printed("emit", "schroedinger", "--backend", "llvm")
    assert "--adaptive is for trajectories" in refused("emit", kink, "--adaptive")


def test_a_run_that_fails_exits_with_one(kink: Path) -> None:
    done = run("run", kink, "--set", "lam=1e6", "--dt", 0.5, "--t-end", 20)
    assert done.exit_code == 1
    assert "no run went where sent" in done.stdout
    assert "no longer finite" in done.stderr


def test_what_is_missing_in_a_file_is_named(kink: Path, tmp_path: Path) -> None:
    def without(line: str, instead: str = "") -> Path:
        path = tmp_path / "other.py"
        path.write_text("\n".join(instead if each.startswith(line) else each for each in KINK.splitlines()))
        return path

    assert "other.py defines no grid; write grid = Grid({x:" in refused("run", without("grid"))
    assert "grid in" in refused("run", without("grid", "grid = 7"))
    assert "gives no step; define dt there, or give --dt" in refused("run", without("dt"))
    assert "no initial values for phi; the state is phi, phi_t" in refused("run", without("initial"))
    assert "no value for the parameter lam" in refused("run", without("parameters", "parameters = {V: 0.0}"))
    assert "mu is unknown here" in refused("run", without("parameters", "parameters = {'mu': 0.0}"))
    assert "phi_t" in printed("derive", without("grid"))  # reading asks for no grid


def test_options_that_mean_nothing_are_refused(kink: Path) -> None:
    assert "--rtol is for trajectories" in refused("run", kink, "--rtol", 1e-6)
    assert "--ensemble is for trajectories" in refused("run", kink, "--ensemble", 3)
    assert "--points is for fields" in refused("run", models.names()[0], "--points", 3)
