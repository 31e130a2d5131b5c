"""Derivations of large Lagrangians are read again; whatever is written otherwise is derived anew."""

import os
import pickle

import pytest
import sympy

import symphys as ph
from codegen import KernelCache
from symphys.systems import kept

SIZE = 8


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "default_directory", lambda: tmp_path)
    return tmp_path


def chain(scale=1, names="theta", extra=0, **assumptions):
    q = ph.coordinates(" ".join(f"{names}{k}" for k in range(SIZE)))
    g = ph.parameters("g", **assumptions)
    terms = [ph.dot(a) * ph.dot(b) * sympy.cos(a - b) for a in q for b in q]
    return ph.Lagrangian(
        scale * sympy.Add(*terms) / 2 + sum(ph.dot(a) ** 2 for a in q) + g * sum(map(sympy.cos, q)) + extra
    )


def refuse():
    raise AssertionError("derived again")


def keys(folder):
    return {path.parent.name for path in folder.rglob(kept.FILE)}


def test_what_was_derived_is_read_again_equal_in_every_part(folder):
    first = chain().dynamics
    assert len(keys(folder)) == 1
    again = chain()
    found = kept.derived(again.action, refuse)
    assert found is not first
    assert found == first
    for one, other in zip(
        (*found.forcing, *sum(found.mass_matrix, ())), (*first.forcing, *sum(first.mass_matrix, ())), strict=True
    ):
        assert sympy.srepr(one) == sympy.srepr(other)
    assert found.conserved[0].symmetry == first.conserved[0].symmetry
    assert again.dynamics == first


def test_a_run_from_what_was_read_is_the_same(folder):
    start = {q: 0.1 * (k + 1) for k, q in enumerate(chain().coordinates)} | dict.fromkeys(chain().velocities, 0.0)
    runs = [chain().compile().run(start, {"g": 9.81}, (0.0, 0.5), rtol=1e-9, t_eval=[0.5]) for _ in range(2)]
    assert len(keys(folder)) == 1
    assert [runs[0][q][-1] for q in chain().coordinates] == [runs[1][q][-1] for q in chain().coordinates]


@pytest.mark.parametrize(
    "other",
    [
        {"scale": sympy.Integer(2)},
        {"scale": sympy.Float(1.0)},
        {"names": "phi"},
        {"positive": True},
        {"extra": ph.parameters("k") * ph.coordinates("theta0") ** 2},
    ],
    ids=["number", "decimal", "name", "assumption", "term"],
)
def test_what_is_written_otherwise_has_a_key_of_its_own(other):
    assert kept._key(chain(**other).action) not in (None, kept._key(chain().action))


def test_small_actions_are_derived_where_they_stand(folder):
    q = ph.coordinates("q")
    assert ph.Lagrangian(ph.dot(q) ** 2 / 2 + sympy.cos(q)).dynamics.separable
    assert not keys(folder)


def test_networks_are_not_kept(folder):
    network = ph.network("N", inputs=1, hidden=(4,))
    assert kept._key(chain(extra=network(ph.coordinates("theta0"))).action) is None


def test_a_file_that_is_damaged_is_passed_over_and_written_anew(folder):
    first = chain().dynamics
    (path,) = folder.rglob(kept.FILE)
    whole, key = path.read_bytes(), path.parent.name
    flipped = (whole[:k] + bytes([whole[k] ^ 0x20]) + whole[k + 1 :] for k in range(0, len(whole), len(whole) // 50))
    for damaged in (b"", whole[:100], whole + b"more", *flipped):
        path.write_bytes(damaged)
        assert kept._read(path, key) is None
    assert chain().dynamics == first
    assert kept._read(path, key) == first


def test_a_file_of_another_key_is_passed_over(folder):
    assert chain().dynamics
    (path,) = folder.rglob(kept.FILE)
    assert kept._read(path, "0" * 32) is None


class Named:
    """Pickled as the call of a function that no derivation holds."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "item",
    [Named(os.getcwd), Named(sympy.sympify, "1 + 1"), Named(getattr, sympy.Add, "_from_args"), sympy.Integer(1)],
    ids=["system", "text as code", "attribute", "no dynamics"],
)
def test_a_file_that_names_what_derivations_are_not_made_of_is_not_read(folder, item):
    path, content = folder / kept.FILE, pickle.dumps(item)
    path.write_bytes(kept._seal("key", content) + content)
    assert kept._read(path, "key") is None


def test_whatever_reading_raises_means_deriving_again(folder, monkeypatch):
    assert chain().dynamics
    (path,) = folder.rglob(kept.FILE)
    for error in (ValueError, KeyError, IndexError, AttributeError, ImportError, RecursionError):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(kept._Reader, "find_class", fail)
        assert kept._read(path, path.parent.name) is None


def test_a_cache_that_cannot_be_written_loses_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(kept, "default_directory", lambda: tmp_path / "file")
    assert chain().dynamics.separable is False


def test_constraints_friction_and_forces_count(folder):
    """Each has a key of its own, and is read again equal."""
    q = chain().coordinates
    options = (
        {"constraints": [q[0] - q[1]]},
        {"dissipation": ph.dot(q[0]) ** 2},
        {"forces": {q[0]: sympy.sin(ph.t)}},
        {"coordinates": q[::-1]},
    )
    systems = [ph.Lagrangian(chain().expression, **each) for each in ({}, *options)]
    assert len({kept._key(system.action) for system in systems}) == len(systems)
    for system in systems:
        made = system.dynamics
        assert kept.derived(system.action, refuse) == made


def test_another_source_has_keys_of_its_own(folder, monkeypatch):
    before = kept._key(chain().action)
    monkeypatch.setattr(kept, "_version", lambda: b"newer")
    assert kept._key(chain().action) != before


def test_what_is_kept_counts_as_kernels_do(folder):
    chain()
    assert chain().dynamics
    cache = KernelCache(folder)
    assert cache.size() > 1000
