"""Friction of single particles, and magnetic fields: what feels velocities, followed exactly at standing places."""

import numpy as np
import pytest
from sympy import sqrt

import symphys as ph

B, k, c = ph.parameters("B k c", positive=True)
rng = np.random.default_rng(3)


def charges(dim):
    return ph.particles("r", dim=dim, attributes=("charge",))


def kinetic(atoms):
    return atoms.sum(lambda a: atoms.mass(a) * a.speed_squared / 2)


def test_charges_in_a_plane_are_those_of_a_lagrangian_in_coordinates() -> None:
    """Three charges that repel each other in a field across the plane, by the same Lagrangian written out."""
    atoms = charges(2)
    field = atoms.sum(
        lambda a: atoms.charge(a) * B * (a.position[0] * a.velocity[1] - a.position[1] * a.velocity[0]) / 2
    )
    repulsion = atoms.pairs(lambda a, b: k * atoms.charge(a) * atoms.charge(b) / a.distance(b))
    system = ph.Lagrangian(kinetic(atoms) + field - repulsion)
    assert [law.name for law in system.conserved] == ["energy"]
    places, rates = rng.normal(size=(3, 2)) * 2, rng.normal(size=(3, 2))
    mass, charge = np.array([1.0, 2.0, 0.5]), np.array([1.0, -1.0, 0.7])
    given = {atoms.mass: mass, atoms.charge: charge, B: 1.3, k: 0.4}
    start = {atoms: places, ph.dot(atoms): rates}
    runs = [system.compile().run(start, given, (0, 2), dt=h, save_every=round(2 / h)) for h in (0.002, 0.001)]

    x, y = ph.coordinates("x1:4"), ph.coordinates("y1:4")
    free = sum(m * (ph.dot(a) ** 2 + ph.dot(b) ** 2) / 2 for m, a, b in zip(mass, x, y, strict=True))
    turn = sum(q * B * (a * ph.dot(b) - b * ph.dot(a)) / 2 for q, a, b in zip(charge, x, y, strict=True))
    pairs = ((0, 1), (0, 2), (1, 2))
    bound = sum(k * charge[i] * charge[j] / sqrt((x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2) for i, j in pairs)
    begin = dict(zip((*x, *y), places.T.ravel(), strict=True))
    begin |= dict(zip(map(ph.dot, (*x, *y)), rates.T.ravel(), strict=True))
    exact = ph.Lagrangian(free + turn - bound).compile("dop853").run(begin, {B: 1.3, k: 0.4}, (0, 2), rtol=1e-11)
    wanted = np.array([[exact[a][-1], exact[b][-1]] for a, b in zip(x, y, strict=True)])
    errors = [np.abs(run[atoms][-1] - wanted).max() for run in runs]
    assert errors[1] < 1e-5
    assert 3.5 < errors[0] / errors[1] < 4.5  # of second order


def test_a_field_in_space_turns_velocities_and_leaves_speeds() -> None:
    """A bottle, b = (-x z, -y z, 1 + z^2) of A = (1 + z^2)(-y, x, 0) / 2: speeds stay to rounding."""
    atoms = charges(3)
    bottle = ph.Lagrangian(
        kinetic(atoms)
        + atoms.sum(
            lambda a: (
                atoms.charge(a)
                * (1 + a.position[2] ** 2)
                * (a.position[0] * a.velocity[1] - a.position[1] * a.velocity[0])
                / 2
            )
        )
    )
    places, rates = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    charge = np.array([1.0, 1.0, -2.0, 3.0, 0.0])  # the last one goes straight on
    given = {atoms.mass: 1.0, atoms.charge: charge}
    run = bottle.compile().run({atoms: places, ph.dot(atoms): rates}, given, (0, 10), dt=0.01, save_every=100)
    speeds = np.linalg.norm(run[ph.dot(atoms)], axis=-1)
    assert np.abs(speeds / speeds[0] - 1).max() < 1e-13
    assert np.abs(run[atoms][:, 4] - places[4] - run.t[:, None] * rates[4]).max() < 1e-12
    assert run.drift["energy"] < 1e-13
    assert "momentum" not in run.drift


def test_a_uniform_field_along_any_axis_makes_a_helix() -> None:
    """v' = v x b with b along (1, 2, 2) / 3: a turn by |b| t about it, whatever the step."""
    atoms = charges(3)
    b = np.array([1.0, 2.0, 2.0]) / 3

    def potential(a):  # A = b x r / 2
        x, y, z = a.position
        return (b[1] * z - b[2] * y, b[2] * x - b[0] * z, b[0] * y - b[1] * x)

    spiral = ph.Lagrangian(
        kinetic(atoms) + atoms.sum(lambda a: sum(p * v for p, v in zip(potential(a), a.velocity, strict=True)) / 2)
    )
    v = np.array([[1.0, 0.0, -1.0]])
    run = spiral.compile().run({atoms: 0 * v, ph.dot(atoms): v}, {atoms.mass: 1.0}, (0, 3), dt=0.5, save_every=6)
    wanted = v * np.cos(3) + np.cross(v, b) * np.sin(3) + b * (v @ b) * (1 - np.cos(3))
    assert np.abs(run[ph.dot(atoms)][-1] - wanted).max() < 1e-13


def test_friction_by_species_decays_exactly_and_keeps_no_law() -> None:
    """c v with masses 1 and 4: v exp(-c t / m)."""
    atoms = ph.particles("r", dim=2, species=("A", "B"))
    free = ph.Lagrangian(kinetic(atoms), dissipation=atoms.sum(lambda a: c * a.speed_squared / 2))
    assert free.conserved == ()
    assert "Friction and magnetic turns are followed exactly" in free.compile().explain()
    assert "c" in str(free.equations[0])
    v = rng.normal(size=(4, 2))
    given = {atoms.mass: {"A": 1.0, "B": 4.0}, c: 0.7}
    run = free.compile().run(
        {atoms: 0 * v, ph.dot(atoms): v}, given, (0, 2), dt=0.25, save_every=8, species=["A", "B", "A", "B"]
    )
    assert np.abs(run[ph.dot(atoms)][-1] - v * np.exp(-1.4 / np.array([1.0, 4, 1, 4]))[:, None]).max() < 1e-14
    assert run.drift == {}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda a: {"dissipation": c}, ph.InputError, "the dissipation c is no sum over particles"),
        (
            lambda a: {"dissipation": a.pairs(lambda i, j: c * i.distance(j))},
            ph.InputError,
            r"no sum over particles of c \|v\|\^2 / 2",
        ),
        (lambda a: {"forces": {}}, ph.UnsupportedError, "takes no forces"),
    ],
)
def test_what_is_refused(make, error, message: str) -> None:
    atoms = charges(2)
    with pytest.raises(error, match=message):
        ph.Lagrangian(kinetic(atoms), **make(atoms))


def test_friction_is_fitted_to_accelerations_beside_velocities() -> None:
    atoms = charges(2)
    system = ph.Lagrangian(
        kinetic(atoms) - atoms.pairs(lambda a, b: k * a.distance(b) ** 2 / 2),
        dissipation=atoms.sum(lambda a: c * a.speed_squared / 2),
    )
    x, v = rng.normal(size=(2, 5, 3, 2))
    frames = {atoms: x, ph.ddot(atoms): -1.7 * 3 * (x - x.mean(axis=1, keepdims=True)) - 0.6 * v}
    with pytest.raises(ph.InputError, match=r"the friction c feels velocities, .* add {symphys\.dot\(r\): \.\.\.}"):
        system.fit(frames, parameters={atoms.mass: 1.0})
    fit = system.fit({**frames, ph.dot(atoms): v}, parameters={atoms.mass: 1.0})
    assert abs(fit.parameters[c] - 0.6) < 1e-12
    assert abs(fit.parameters[k] - 1.7) < 1e-12


def test_fields_that_turn_velocities_are_not_fitted_and_may_hold_networks() -> None:
    atoms = charges(2)
    N = ph.network("N", inputs=1)
    swirl = atoms.sum(lambda a: N(a.position[0]) * a.velocity[1])
    assert ph.Lagrangian(kinetic(atoms) + swirl).networks == (N,)
    field = atoms.sum(lambda a: B * a.position[0] * a.velocity[1])
    frames = {atoms: np.zeros((1, 3, 2)), ph.ddot(atoms): np.zeros((1, 3, 2))}
    with pytest.raises(ph.UnsupportedError, match=r"the force v x \(B\) that turns velocities is not fitted"):
        ph.Lagrangian(kinetic(atoms) + field).fit(frames, parameters={atoms.mass: 1.0})
