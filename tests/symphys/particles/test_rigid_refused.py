"""Rigid bonds: what is refused or lost, by name and number, and what is shown and printed of what is held."""

import itertools

import numpy as np
import pytest

import symphys as ph
from codegen import emit_cuda, lift_roots, optimise_kernel
from symphys.integrators import METHODS
from symphys.lower.particles.layout import Layout
from symphys.lower.particles.plan import measure_program, plan_of
from symphys.simulate.particles.shapes import shape_of
from tests.symphys.particles.test_rigid import (
    CHAIN,
    START,
    VALUES,
    atoms,
    bent_chain,
    chain,
    k,
    kinetic,
    rods,
    springs,
    velocities,
)


def test_a_step_that_is_too_long_says_which_particles_were_lost() -> None:
    start = {atoms: bent_chain(5), ph.dot(atoms): 60 * velocities(5)}
    run = chain.compile().run(start, VALUES, t_span=(0, 10), dt=0.1, project_initial=True)
    assert not run.ok
    assert "smaller dt" in str(run.status)
    assert r"violate the constraint r_ij - 1 = 0" in str(run.status)
    assert np.isfinite(run[atoms]).all()


WRITTEN = [
    ([kinetic], "goes along no list of r"),
    ([springs], "goes along no list of r"),
    ([k - 1], "is no sum along a list"),
    ([rods([[0, 1]]) + rods([[1, 2]])], "is no sum along a list"),
    ([atoms.pairs(lambda a, b: a.distance(b) - ph.t, along=[[0, 1]])], "depends on the time"),
    ([atoms.pairs(lambda a, b: a.position[0], along=[[0, 1]])], "depends on places or velocities"),
    ([atoms.pairs(lambda a, b: k * atoms.mass(a), along=[[0, 1]])], "says nothing about places"),
]


@pytest.mark.parametrize(("constraints", "message"), WRITTEN, ids=[message for _, message in WRITTEN])
def test_what_is_no_constraint_is_refused(constraints: list, message: str) -> None:
    with pytest.raises(ph.SymphysError, match=message):
        ph.Lagrangian(kinetic - springs, constraints=constraints)


def test_starts_off_the_constraints_are_refused_with_their_numbers() -> None:
    simulator = chain.compile()
    moved = {**START, atoms: START[atoms] + 0.1 * np.outer(np.arange(5) == 0, START[atoms][0] - START[atoms][1])}
    with pytest.raises(ph.InputError, match=r"particles 0, 1 \(row 0\) violate the constraint r_ij - 1 = 0: .* 0\.1;"):
        simulator.run(moved, VALUES, t_span=(0, 1), dt=0.1)
    with pytest.raises(ph.InputError, match=r"move off the constraint r_ij - 1 = 0: its rate .*project_initial=True"):
        simulator.run(START, VALUES, t_span=(0, 1), dt=0.1)
    with pytest.raises(ph.InputError, match="could not be projected"):
        simulator.run({**START, atoms: np.zeros((5, 3))}, VALUES, t_span=(0, 1), dt=0.1, project_initial=True)
    with pytest.raises(ph.InputError, match="names particle 4, but there are 2"):
        simulator.run({atoms: np.eye(3)[:2], ph.dot(atoms): np.zeros((2, 3))}, {atoms.mass: 1.0, k: 1.0},
                      t_span=(0, 1), dt=0.1)  # fmt: skip


def test_options_that_do_not_go_with_constraints() -> None:
    with pytest.raises(ph.MethodError, match="would lose its order where constraints hold"):
        chain.compile(method="blanes_moan4")
    with pytest.raises(ph.MethodError, match="choose rattle, rattle4 or verlet"):
        chain.compile(method="rk4")
    with pytest.raises(ph.MethodError, match="take 'rattle' instead of 'rattle4'"):
        chain.compile(method="rattle4", thermostat=ph.Langevin(1, 1))
    with pytest.raises(ph.MethodError, match="choose a splitting"):
        ph.Lagrangian(kinetic - springs).compile(method="rattle")
    with pytest.raises(ph.UnsupportedError, match="takes part in accelerations, which are not fitted then"):
        chain.fit({atoms: np.zeros((1, 5, 3)), ph.ddot(atoms): np.zeros((1, 5, 3))})
    line = ph.particles("s", dim=1)
    rod = ph.Lagrangian(line.sum(lambda a: line.mass(a) * a.speed_squared / 2),
                        constraints=[line.pairs(lambda a, b: a.distance(b) - 1, along=[[0, 1]])])  # fmt: skip
    start = {line: np.array([[0.0], [1.0]]), ph.dot(line): np.ones((2, 1))}
    with pytest.raises(ph.InputError, match="leave nothing of the motion of 2 particles to a thermostat"):
        rod.compile(thermostat=ph.NoseHoover(1, 1)).run(start, {line.mass: 1.0}, t_span=(0, 1), dt=0.1)
    everyone = list(itertools.combinations(range(150), 2))
    with pytest.raises(ph.UnsupportedError, match="hold fewer"):
        shape_of(tuple(everyone), 2)


def test_the_mathematics_shows_the_multiplier() -> None:
    (equation,) = chain.equations
    assert str(equation.rhs).startswith("grad_i(Sum[(i, j)](lambda_ij*(r_ij - 1)))")
    assert chain.constraints == (rods(CHAIN),)
    assert r"\lambda_{ij}" in chain._repr_latex_()
    assert "Constraints are held by RATTLE" in chain.compile().explain()


def test_kernels_compile_for_a_gpu() -> None:
    pytest.importorskip("cuda.bindings.nvrtc")
    for layout in (Layout(chain.dynamics, False, 32, "triclinic", True, True), Layout(chain.dynamics, True, 32)):
        plan = plan_of(layout, METHODS["verlet"])
        kernels = {
            step.kernel.name: step.kernel
            for program in (plan.begin, plan.project, measure_program(layout))
            for step in program.body
        }
        kernels |= {step.kernel.name: step.kernel for step in plan.advance.body[0].body}
        for name in (
            "settle",
            "look_at_constraints",
            "project_places",
            "hold_places",
            "hold_rates",
            "virial_of_constraints",
        ):
            source = emit_cuda(lift_roots(optimise_kernel(kernels[name])), "float64")
            assert len(ph.check_cuda(source, architecture="sm_90")) > 1000
