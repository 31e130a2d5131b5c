"""Derivations of large Lagrangians are read again; whatever is written otherwise is derived anew."""

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


def test_a_file_that_is_cut_off_is_passed_over(folder):
    first = chain().dynamics
    (path,) = folder.rglob(kept.FILE)
    path.write_bytes(path.read_bytes()[:100])
    assert chain().dynamics == first


def test_another_source_has_keys_of_its_own(folder, monkeypatch):
    before = kept._key(chain().action)
    monkeypatch.setattr(kept, "_version", lambda: b"newer")
    assert kept._key(chain().action) != before


def test_what_is_kept_counts_as_kernels_do(folder):
    chain()
    assert chain().dynamics
    cache = KernelCache(folder)
    assert cache.size() > 1000
