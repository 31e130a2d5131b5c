"""The command line: what it prints and writes, and how it refuses."""

import re

import numpy as np
import pytest
from click.testing import CliRunner

from symphys import models
from symphys.cli import main
from symphys.cli.run import spread_out
from symphys.simulate.result import Result

SPRING = '''"""A mass on a spring."""
import symphys as ph

q = ph.coordinates("q")
m, k = ph.parameters("m k", positive=True)
spring = ph.Lagrangian(m * ph.dot(q) ** 2 / 2 - k * q**2 / 2)
parameters = {m: 1.0, "k": 4.0}
initial = {q: 1.0, "q_dot": 0.0}
t_span = (0, 1)
dt = 0.01
'''


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


def printed(*arguments):
    """What a command prints that succeeds."""
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*arguments):
    """The one line that a command prints that does not accept its arguments."""
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture
def spring(tmp_path):
    path = tmp_path / "spring.py"
    path.write_text(SPRING)
    return path


# --- models -------------------------------------------------------------------------------------------------


def test_models_are_listed_one_a_line():
    lines = printed("models").splitlines()
    assert [line.split()[0] for line in lines] == [*models.names(), *models.field_names()]
    titles = [*(model.title for model in models.MODELS.values()), *(m.title for m in models.FIELD_MODELS.values())]
    assert all(title in line for title, line in zip(titles, lines, strict=True))
    assert "Hairer, Lubich, Wanner" in printed("models", "--sources")


def test_methods_are_listed_by_kind_with_their_orders():
    shown = printed("methods")
    assert "symplectic splitting:" in shown
    assert re.search(r"rk4 +order 4 +dt\n", shown)
    assert re.search(r"dop853 +order 8 +dt or rtol\n", shown)
    assert re.search(r"taylor +order by tolerance +rtol\n", shown)
    assert "doi:" in printed("methods", "--sources")


# --- derive -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", models.names())
def test_every_model_can_be_read(name):
    shown = printed("derive", name)
    assert shown.startswith(models.get(name).title)
    assert "Equations of motion" in shown
    assert "Conserved quantities" in shown


@pytest.mark.parametrize("name", models.field_names())
def test_every_field_theory_can_be_read(name):
    shown = printed("derive", name)
    assert shown.startswith(models.field(name).title)
    assert "Field equations" in shown
    assert "energy: density = " in shown


@pytest.mark.parametrize("form", ["latex", "markdown"])
@pytest.mark.parametrize("name", ["double_pendulum", "henon_heiles", "guiding_centre"])
def test_formulas_are_set_in_other_forms(name, form):
    shown = printed("derive", name, "--format", form)
    assert shown.count("&=") >= 4
    assert "Equations of motion" in shown
    assert "Conserved quantities" in shown


def test_a_pendulum_reads_as_in_a_book():
    shown = printed("derive", "pendulum")
    assert "g*l*m*sin(theta) + l**2*m*theta'' = 0" in shown
    assert "p_theta = l**2*m*theta'" in shown
    assert "H = -g*l*m*cos(theta) + p_theta**2/(2*l**2*m)" in shown
    latex = printed("derive", "pendulum", "--format", "latex")
    assert r"\begin{align*}" in latex
    assert r"\ddot{\theta}" in latex
    assert r"p_{\theta} &=" in latex


def test_a_field_reads_as_in_a_book(tmp_path):
    shown = printed("derive", "complex_klein_gordon")
    assert "m**2*phi + phi_tt - phi_xx = 0" in shown
    assert "pi_phi = conjugate(phi_t)" in shown
    assert "charge: density = -I*phi*conjugate(phi_t) + I*phi_t*conjugate(phi)" in shown
    assert r"\overline{\phi_{t}}" in printed("derive", "complex_klein_gordon", "--format", "latex")
    assert "convolution(dx**2*k/2, psi*conjugate(psi))" in printed("derive", "hartree")
    assert r"\int" in printed("derive", "hartree", "--format", "markdown")
    path = tmp_path / "chain.py"
    path.write_text(
        "import symphys as ph\n"
        "t, x = ph.spacetime('t x')\n"
        "u = ph.scalar_field('u', (t, x))\n"
        "chain = ph.LagrangianDensity(u.diff(t)**2/2 - u.diff(x)**2/2 + u.diff(x, 2)**2/24)\n"
    )
    assert "u_tt - u_xx - u_xxxx/12 = 0" in printed("derive", path)


def test_a_hamiltonian_shows_its_lagrangian_and_a_vector_field_its_equations(tmp_path):
    assert "L = " in printed("derive", "henon_heiles")
    path = tmp_path / "lorenz.py"
    path.write_text(
        "import symphys as ph\n"
        "x, y, z = ph.coordinates('x y z')\n"
        "system = ph.VectorField({x: 10 * (y - x), y: x * (28 - z) - y, z: x * y - 8 * z / 3})\n"
    )
    assert "x' = -10*x + 10*y" in printed("derive", path)


def test_where_there_is_no_hamiltonian_the_reason_stands():
    assert "singular" in printed("derive", "guiding_centre")


# --- run ----------------------------------------------------------------------------------------------------


def test_a_file_is_run_with_its_own_numbers(spring, tmp_path):
    """q = cos 2t at t = 1; tolerance: the default 1e-9 a step, over a few steps."""
    target = tmp_path / "run.npz"
    shown = printed("run", spring, "--out", target, "--samples", 10)
    assert "1 trajectory went where sent" in shown
    assert "drift of energy" in shown
    result = Result.load(target)
    assert result.t.shape == (11,)
    assert result["q"][-1] == pytest.approx(np.cos(2.0), abs=1e-7)
    assert result["q_dot"][-1] == pytest.approx(-2 * np.sin(2.0), abs=1e-7)


def test_numbers_on_the_command_line_take_precedence(spring, tmp_path):
    """q = 3 cos t at t = 2."""
    target = tmp_path / "run.npz"
    printed("run", spring, "--set", "k=1", "--initial", "q=3", "--initial", "q'=0", "--t-end", 2, "--out", target)
    assert Result.load(target)["q"][-1] == pytest.approx(3 * np.cos(2.0), abs=1e-7)


def test_a_method_of_fixed_steps_takes_the_step_of_the_file(spring, tmp_path):
    target = tmp_path / "run.npz"
    printed("run", spring, "--method", "verlet", "--samples", 10, "--out", target)
    result = Result.load(target)
    assert int(result.steps) == 100
    assert result.t == pytest.approx(np.linspace(0, 1, 11))


def test_an_ensemble_is_spread_and_saved(spring, tmp_path):
    pytest.importorskip("h5netcdf")
    target = tmp_path / "run.nc"
    shown = printed("run", spring, "--ensemble", 20, "--spread", 0.1, "--seed", 3, "--samples", 4, "--out", target)
    assert "20 of 20 trajectories" in shown
    result = Result.load(target)
    assert result["q"].shape == (20, 5)
    assert result["q"][:, 0] == pytest.approx(1 + 0.1 * np.random.default_rng(3).standard_normal(20))


def test_zeros_stay_zero_in_an_ensemble():
    drawn = spread_out({"a": 2.0, "b": 0.0}, 5, 0.1, 0)
    assert np.std(drawn["a"]) > 0
    assert (drawn["b"] == 0).all()


def test_pictures_and_films_are_written(spring, tmp_path):
    pytest.importorskip("matplotlib")
    picture, film = tmp_path / "run.png", tmp_path / "run.gif"
    printed("run", spring, "--samples", 4, "--plot", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    printed("run", "pendulum", "--samples", 4, "--t-end", 0.1, "--animate", film)
    assert film.read_bytes().startswith(b"GIF")


def test_a_run_that_leaves_the_finite_world_is_kept_and_told(tmp_path):
    path, target = tmp_path / "runaway.py", tmp_path / "run.npz"
    path.write_text(
        "import symphys as ph\n"
        "x = ph.coordinates('x')\n"
        "system = ph.Lagrangian(ph.dot(x) ** 2 / 2 + x**4 / 4)\n"
        "initial = {x: 1.0, ph.dot(x): 1.0}\n"
    )
    done = run("run", path, "--method", "rk4", "--dt", 0.01, "--out", target)
    assert done.exit_code == 1
    assert "finite" in done.stderr
    assert 0 < Result.load(target).t[-1] < 10


# --- emit ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("backend", "sign"), [("cpu", "def "), ("cuda", "__global__"), ("llvm", "define ")])
def test_kernels_are_printed_for_each_backend(spring, backend, sign):
    assert sign in printed("emit", spring, "--backend", backend, "--method", "verlet")


# --- refusals -----------------------------------------------------------------------------------------------


def test_unknown_names_are_answered_with_those_that_come_close(spring):
    assert "did you mean pendulum" in refused("derive", "pendulun")
    assert "there are k, m" in refused("run", spring, "--set", "xyz=1")
    assert "did you mean q_dot" in refused("run", spring, "--initial", "q_dott=1")
    assert "verlet" in refused("run", spring, "--method", "velvet")
    assert "cpu" in refused("run", spring, "--backend", "abacus")


def test_only_numbers_are_numbers(spring):
    assert "'1/2' in 'm=1/2' is no number" in refused("run", spring, "--set", "m=1/2")
    assert "__import__" in refused("run", spring, "--set", "m=__import__('os')")
    assert "no assignment" in refused("run", spring, "--set", "m")


def test_what_the_simulator_refuses_is_one_line(spring):
    assert "positive" in refused("run", spring, "--set", "m=-1")
    assert "dt" in refused("run", spring, "--dt", 0.1, "--rtol", 1e-6)


def test_targets_are_checked_before_the_work(spring, tmp_path):
    assert ".png, .pdf, .svg" in refused("run", spring, "--plot", tmp_path / "run.txt")
    assert "no folder" in refused("run", spring, "--out", tmp_path / "missing" / "run.nc")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "defines no Lagrangian"),
        ("x = ", r"line 1: SyntaxError"),
        ("x = 1\ny = z", r"line 2: NameError: name 'z'"),
        (SPRING + "other = ph.Lagrangian(ph.dot(q) ** 2)\n", "several systems, spring, other"),
        (SPRING + "initial = 3\n", "initial in .* is a int"),
        (SPRING + "t_span = 5\n", "t_span is 5; give two numbers"),
        (SPRING + "parameters = {'r': 3}\n", "r is unknown"),
        (SPRING + "parameters = {m: 1}\n", r"value missing for k"),
    ],
)
def test_a_file_that_is_wrong_is_told_where(tmp_path, text, message):
    path = tmp_path / "wrong.py"
    path.write_text(text)
    assert re.search(message, refused("run", path))


def test_a_missing_file_is_told(tmp_path):
    assert "There is no file" in refused("derive", tmp_path / "none.py")


def test_a_file_may_import_its_neighbours_and_name_the_system(tmp_path):
    (tmp_path / "springs_of_mine.py").write_text(SPRING)
    path = tmp_path / "main.py"
    path.write_text("from springs_of_mine import m, ph, q\nsystem = ph.Lagrangian(m * ph.dot(q) ** 2 / 2)\n")
    assert "m*q'' = 0" in printed("derive", path)
