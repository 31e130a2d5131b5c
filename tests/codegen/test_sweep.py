"""Which launches go together in one walk, and where what they make lies in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codegen.builder import Builder
from codegen.ir import Kind, variable
from codegen.program import Array, Intent, Kernel, Launch, Repeat, Scalar
from codegen.rings import Rings
from codegen.rounds import Round, round_of
from codegen.sweep import sweep_of
from tests.codegen.test_programs import lattice

ROW = variable("row", Kind.INT)
SIZES = (Scalar("rows", Kind.INT),)


def promised(dimensions: int, reach: int, tables: Rings | None = None) -> Repeat:
    """The turns of `lattice`, on rings."""
    (repeat,) = lattice(dimensions, reach, wraps=True).body
    assert isinstance(repeat, Repeat)
    usual = Rings((("neighbours", reach), ("around", reach)), ("halo",))
    return replace(repeat, rings=tables or usual)


def smooth(name: str, source: str, target: str, shift: int = 1, intent: Intent = Intent.OUT) -> Launch:
    """target = source one site further on."""
    b = Builder()
    b.store(target, ROW, value=b.load("x", source, ROW, shift=shift))
    arrays = (Array(source, ("rows",)), Array(target, ("rows",), intent=intent))
    return Launch(Kernel(name, "site", arrays, SIZES, b.block(), ("row",)), ("rows", "sites"))


def taken(repeat: Repeat, each: int) -> Round | None:
    return round_of(repeat, lambda kernel: kernel, each)


def test_stages_lag_and_are_wide_enough_for_those_that_follow() -> None:
    """Two steps of reach 2: the first is computed two places ahead and two around, and read four around."""
    found = taken(promised(3, 2), 4)
    assert found is not None
    sweep = found.parts[0].sweep
    assert [stage.lag for stage in sweep.stages] == [0, 0, 2, 2]
    assert [stage.ring for stage in sweep.stages] == [(2, 2, 2), (2, 2, 2), (0, 0, 0), (0, 0, 0)]
    assert sweep.margin == (4, 4, 4)
    assert (sweep.begin, sweep.end) == (-2, 2)
    first = sweep.streams["u_0"]
    assert (sweep.planes(first), sweep.beside(first)) == ((-2, 2), (0,))
    assert {a.name for a in sweep.kernel.arrays if a.intent is Intent.OUT} == {"u_after", "v_after"}


def test_arrays_are_home_after_a_round_and_never_written_where_they_are_read() -> None:
    for dimensions, each in ((2, 2), (3, 3), (2, 4)):
        found = taken(promised(dimensions, 1), each)
        assert found is not None
        where = {"u": "u", "v": "v"}
        for part in found.parts:
            read = {part.places[a.name] for a in part.sweep.kernel.arrays if a.intent is Intent.IN}
            made = {s.array: part.places[s.target] for s in part.sweep.streams.values() if s.output}
            assert {part.places[name] for name in where} == set(where.values())
            assert not read & set(made.values())
            assert len(set(made.values())) == len(made)
            where |= made
        assert where == {"u": "u", "v": "v"}
        assert set(found.spares.values()) == {"u", "v"}
        assert found.turns * 2 == each * len(found.parts)
        assert [dict(fill.rename) for fill in found.fills] == [{}]


def test_what_is_dead_gives_room_to_what_is_made() -> None:
    """Back and forth between two arrays: the other one is free between sweeps."""
    body = (smooth("there", "u", "w"), smooth("back", "w", "u"))
    found = taken(Repeat("rows", body, rings=Rings()), 2)
    assert found is not None
    assert [part.places for part in found.parts] == [
        {"u": "u", "u_after": "w"},
        {"u": "w", "u_after": "u"},
    ]
    assert not found.spares
    assert found.turns == 2


def test_spares_have_names_of_their_own() -> None:
    """Also where a table, or what only the launches read that are due in the end, is called as they would be."""
    repeat = promised(2, 1)
    kick, drift, fill = repeat.body
    assert isinstance(kick, Launch)
    assert isinstance(fill, Launch)
    kick, fill = replace(kick, rename=(("neighbours", "u_spare"),)), replace(fill, rename=(("source", "v_spare"),))
    found = taken(replace(repeat, body=(kick, drift, fill), rings=Rings((("u_spare", 1),), ("halo",))), 2)
    assert found is not None
    assert set(found.spares.values()) == {"u", "v"}
    assert not found.spares.keys() & {"u", "v", "u_spare", "v_spare"}


@pytest.mark.parametrize(
    "repeat",
    [
        replace(promised(2, 1), rings=None),
        promised(2, 1, Rings((), ("halo",))),  # where neighbours are is not known
        promised(2, 1, Rings((("neighbours", "sites"),), ("halo",))),  # a centre that is not in the places
        promised(2, 1, Rings((("neighbours", 1),), ())),  # the ends of rows are no lattice
        Repeat("rows", (smooth("on", "u", "u_", intent=Intent.INOUT), smooth("in", "u_", "u_", 1)), rings=Rings()),
    ],
)
def test_what_is_not_known_to_suit_is_left_alone(repeat: Repeat) -> None:
    assert taken(repeat, 2) is None


def test_one_launch_a_sweep_is_none() -> None:
    assert taken(promised(2, 1), 1) is None


def test_launches_over_other_places_do_not_go_together() -> None:
    here, there = smooth("there", "u", "w"), smooth("back", "w", "u")
    assert sweep_of((here, there), Rings(), {"u"}, lambda kernel: kernel) is not None
    assert sweep_of((here, replace(there, extents=("sites", "rows"))), Rings(), {"u"}, lambda kernel: kernel) is None
    other = replace(there, kernel=replace(there.kernel, lane="cell"))
    assert sweep_of((here, other), Rings(), {"u"}, lambda kernel: kernel) is None
