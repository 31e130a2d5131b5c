"""What bad input gets: errors that name what is wrong and what to do."""

import numpy as np
import pytest
import sympy

import symphys as ph

atoms = ph.particles("r", dim=3, attributes=("charge",))
water = ph.particles("w", dim=3, species=("O", "H"))
k = ph.parameters("k", positive=True)
kinetic = atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)
springs = ph.Lagrangian(kinetic - atoms.pairs(lambda a, b: k * a.distance(b) ** 2 / 2))
wet = ph.Lagrangian(
    water.sum(lambda a: water.mass(a) * a.speed_squared / 2) - water.pairs(lambda a, b: k * a.distance(b) ** 2)
)


def near(a):
    return atoms.environment(a, weight=lambda r: sympy.exp(-r))


START = {atoms: np.eye(3), ph.dot(atoms): np.zeros((3, 3))}
VALUES = {atoms.mass: 1.0, k: 1.0}

WRITTEN = [
    (lambda: ph.particles("a b", dim=3), "makes one family"),
    (lambda: ph.particles("a", dim=0), "at least 1, not 0"),
    (lambda: ph.particles("a", dim=3, species=("O", "O")), "give different names"),
    (lambda: ph.particles("a", dim=3, attributes=("sum",)), "cannot be called 'sum'"),
    (lambda: atoms.pairs(lambda a, b: atoms.mass(a) * a.distance(b)), "nothing says which is which"),
    (lambda: atoms.pairs(lambda a, b: a.distance(a)), "from itself"),
    (lambda: water.pairs(lambda a, b: a.distance(b), between=("O", "N")), "no species 'N'; it has O, H"),
    (lambda: atoms.pairs(lambda a, b: a.distance(b), along=[[0, 0]]), "one particle twice"),
    (lambda: atoms.pairs(lambda a, b: a.distance(b), along=np.zeros((2, 3))), r"give indices \[m, 2\]"),
    (lambda: ph.Lagrangian(kinetic + k), "belongs to no particle"),
    (lambda: ph.Lagrangian(-atoms.pairs(lambda a, b: a.distance(b))), "holds no velocities of r"),
    (lambda: ph.Lagrangian(kinetic**2), "no multiple of one sum"),
    (lambda: ph.Lagrangian(kinetic + atoms.sum(lambda a: a.speed_squared**2)), "not quadratic in the speed"),
    (lambda: ph.Lagrangian(kinetic - atoms.pairs(lambda a, b: a.distance(b) * a.speed_squared * b.speed_squared)),
     "depends on velocities"),
    (lambda: ph.Lagrangian(kinetic + wet.expression), "two families"),
    (lambda: ph.Lagrangian(kinetic, dissipation=k), "the dissipation k is no sum over particles"),
    (lambda: ph.Lagrangian(kinetic + atoms.sum(lambda a: near(a) * a.speed_squared)), "the mass .* or on other"),
    (lambda: ph.Lagrangian(kinetic * ph.t), "the mass .* on the time or on other particles; masses are constant"),
    (lambda: ph.Lagrangian(kinetic + atoms.sum(lambda a: near(a) * a.velocity[0])),
     r"depends on other particles; A in A\(r, t\) . v may hold the time, the place, attributes and parameters of one"),
    (lambda: ph.LearningDynamics(atoms, k, memory=1 + ph.t), r"the memory t \+ 1 depends on the time; write"),
    (lambda: ph.Lagrangian(kinetic, dissipation=atoms.sum(lambda a: ph.t * a.speed_squared / 2)),
     "c of parameters and attributes"),
    (lambda: ph.Lagrangian(kinetic, dissipation=atoms.sum(lambda a: near(a) * a.speed_squared / 2)),
     "with c of parameters and attributes"),
    (lambda: ph.Lagrangian(kinetic, dissipation=atoms.sum(lambda a: k * a.speed_squared**2)),
     "the dissipation .* is no sum over particles of c"),
    (lambda: ph.Lagrangian(wet.expression, dissipation=water.sum(lambda a: k * a.speed_squared / 2, species="O")),
     "the dissipation .* 0 for those that nothing slows"),
    (lambda: ph.Lagrangian(kinetic, constraints=atoms.pairs(lambda a, b: a.distance(b) - 1, along=[[0, 1]])),
     "constraints must be a sequence of expressions that vanish"),
    (lambda: atoms.sum(lambda a: atoms.environment(a, weight=lambda r, s: r)), "is called with 1 arguments here"),
    (lambda: water.sum(lambda a: water.environment(a, of=("O", "H"), weight=lambda r: r)),
     r"called with 3 arguments here; .* lambda r, s, c: \.\.\. with of=\(first, second\)"),
    (lambda: water.sum(lambda a: water.environment(a, of=("O",), weight=lambda r: r)),
     r"of = \('O',\) names 1 kinds of neighbours; give one, or a pair \(first, second\)"),
    (lambda: ph.LearningDynamics(water, {"O": water.environment("O", weight=lambda s: 1 / s)}), "'H' of w has no loss"),
    (lambda: ph.NoseHoover(temperature=-1, relaxation=1), "temperature of NoseHoover is -1"),
    (lambda: ph.maxwell_boltzmann(1.0, {"O": 1.0}, ["O", "H"]), "species H has no mass"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), WRITTEN, ids=[message[:24] for _, message in WRITTEN])
def test_what_is_written(make, message: str) -> None:
    with pytest.raises(ph.SymphysError, match=message):
        make()


COMPILED = [
    ({"method": "rk4"}, "choose a splitting"),
    ({"method": "velvet"}, "no method 'velvet'"),
    ({"box": [1, 2]}, r"give \[3\] lengths"),
    ({"box": [1, 2, -3]}, "not positive"),
    ({"box": np.ones((3, 3))}, "span no volume"),
    ({"cutoff": -1}, "above 0"),
    ({"smoothing": "shift"}, "give cutoff"),
    ({"cutoff": 1, "smoothing": "smooth"}, "choose None, 'shift'"),
    ({"thermostat": 300.0}, "give a NoseHoover"),
    ({"thermostat": ph.Langevin(1, 1), "method": "yoshida4"}, "take 'verlet' instead"),
    ({"dtype": "float16"}, "choose 'float64'"),
    ({"backend": "abacus"}, "no backend is called 'abacus'"),
]


@pytest.mark.parametrize(("options", "message"), COMPILED, ids=[message for _, message in COMPILED])
def test_what_is_compiled(options: dict, message: str) -> None:
    with pytest.raises(ph.SymphysError, match=message):
        springs.compile(**options)


RUN = [
    ({}, {}, {"dt": None}, "give dt"),
    ({atoms: np.eye(4)}, {}, {}, r"give \[n, 3\]"),
    ({atoms: np.eye(3)[:2]}, {}, {}, "sizes do not fit"),
    ({atoms: np.full((3, 3), np.nan)}, {}, {}, "not finite"),
    ({"q": 1}, {}, {}, "q is no initial value"),
    ({}, {k: -1.0}, {}, "positive"),
    ({}, {"z": 1.0}, {}, "z is no parameter"),
    ({}, {atoms.mass: [1.0, 2.0]}, {}, "2 values for 3 particles"),
    ({}, {atoms.mass: 0.0}, {}, "masses are positive"),
    ({}, {k: np.ones(4), atoms.mass: np.ones((2, 3))}, {}, "ensembles do not fit"),
    ({}, {}, {"species": ["O"] * 3}, "made without"),
    ({}, {}, {"force_limit": 0}, "above 0"),
    ({}, {}, {"t_eval": [0.55]}, "between two steps"),
]


@pytest.mark.parametrize(("start", "values", "options", "message"), RUN, ids=[case[-1] for case in RUN])
def test_what_is_run(start: dict, values: dict, options: dict, message: str) -> None:
    with pytest.raises(ph.SymphysError, match=message):
        springs.compile().run({**START, **start}, {**VALUES, **values}, **{"t_span": (0, 1), "dt": 0.1, **options})


def test_what_is_missing() -> None:
    simulator = springs.compile()
    with pytest.raises(ph.SymphysError, match="initial value missing for r_dot"):
        simulator.run({atoms: np.eye(3)}, VALUES, t_span=(0, 1), dt=0.1)
    with pytest.raises(ph.SymphysError, match=r"value missing for r\.mass"):
        simulator.run(START, {k: 1.0}, t_span=(0, 1), dt=0.1)
    with pytest.raises(ph.SymphysError, match="value missing for k"):
        simulator.run(START, {atoms.mass: 1.0}, t_span=(0, 1), dt=0.1)
    begin = {water: np.eye(3), ph.dot(water): np.zeros((3, 3))}
    for given, message in (
        (None, "give species="),
        (["O", "H"], "2 species were given"),
        (["N"] * 3, "no species 'N'"),
    ):
        with pytest.raises(ph.SymphysError, match=message):
            wet.compile().run(begin, {water.mass: 1.0, k: 1.0}, t_span=(0, 1), dt=0.1, species=given)
    with pytest.raises(ph.SymphysError, match="no value for the species H"):
        wet.compile().run(begin, {water.mass: {"O": 1}, k: 1.0}, t_span=(0, 1), dt=0.1, species=["O", "H", "H"])
    with pytest.raises(ph.SymphysError, match="it has r and r_dot"):
        simulator.run(START, VALUES, t_span=(0, 1), dt=0.1)["q"]
    with pytest.raises(ph.SymphysError, match="needs a volume"):
        _ = simulator.run(START, VALUES, t_span=(0, 1), dt=0.1).pressure
    with pytest.raises(AttributeError, match="no attribute 'spin'; they have mass, charge"):
        _ = atoms.spin


def test_masses_by_species_of_particles_that_have_none() -> None:
    stars = ph.particles("s", dim=2)
    free = ph.Lagrangian(stars.sum(lambda a: stars.mass(a) * a.speed_squared / 2))
    start = {stars: np.eye(2), ph.dot(stars): np.eye(2)}
    with pytest.raises(ph.InputError, match=r"s\.mass is given by species, and the particles have none; give one"):
        free.compile().run(start, {stars.mass: {"O": 1.0}}, (0, 1), dt=0.1)
