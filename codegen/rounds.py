"""Turns of a repetition by sweeps: which launches are taken together, and where in memory what they make is.

A sweep cannot write where others of its blocks still read, so that arrays change places from sweep to sweep. A round is
as many turns as bring all of them home.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .builder import Names
from .program import Intent, Kernel, Launch, Repeat
from .sweep import Sweep, names_of, sweep_of

MOST = 8  # turns of a round


@dataclass(frozen=True)
class Part:
    """A sweep of a round, `turn` turns after its begin; `places`: what is given for each of its arrays."""

    sweep: Sweep
    turn: int
    places: Mapping[str, str]


@dataclass(frozen=True)
class Round:
    """`turns` turns of a repetition. `spares`: arrays that it needs besides those of the program, each with the one
    that it is like. `fills`: launches that are due after all rounds."""

    turns: int
    parts: tuple[Part, ...]
    spares: Mapping[str, str]
    fills: tuple[Launch, ...]


def round_of(repeat: Repeat, prepared: Callable[[Kernel], Kernel], each: int) -> Round | None:
    """The turns of a repetition with `each` launches to a sweep; None where it makes no promises or does not suit."""
    rings = repeat.rings
    launches = [s for s in repeat.body if isinstance(s, Launch)]
    if rings is None or each < 2 or len(launches) < len(repeat.body):
        return None
    own = [s for s in launches if s.kernel.name not in rings.fills]
    if not own:
        return None
    turns = next((t for t in range(1, MOST + 1) if t * len(own) % each == 0), MOST + 1)
    found: dict[int, Sweep | None] = {}
    while turns <= MOST:
        starts = range(0, turns * len(own), each)
        for start in starts:
            first = start % len(own)
            if first not in found:
                found[first] = _sweep(repeat, own, first, each, prepared)
            if found[first] is None:
                return None
        sweeps = [sweep for start in starts if (sweep := found[start % len(own)]) is not None]
        live = [_live(own, (start + each) % len(own)) for start in starts]
        made = _placed(sweeps, live, names_of(launches))
        if made is not None:
            places, spares = made
            known = [s // len(own) for s in starts]
            parts = tuple(Part(*part) for part in zip(sweeps, known, places, strict=True))
            fills = {_given(s)[1]: s for s in launches if s.kernel.name in rings.fills}
            due = tuple(s for made, s in fills.items() if made & _live(own, 0))
            return Round(turns, parts, spares, due)
        turns *= 2
    return None


def _sweep(
    repeat: Repeat, own: Sequence[Launch], first: int, each: int, prepared: Callable[[Kernel], Kernel]
) -> Sweep | None:
    """The launches from a place of the turn on, some of which may be of later turns."""
    assert repeat.rings is not None
    places = range(first, first + each)
    later = [{repeat.counter: place // len(own) * repeat.stride} if repeat.counter else {} for place in places]
    later = [{name: by for name, by in numbers.items() if by} for numbers in later]
    chosen = [own[place % len(own)] for place in places]
    return sweep_of(chosen, repeat.rings, _live(own, (first + each) % len(own)), prepared, later)


def _given(launch: Launch) -> tuple[frozenset[str], frozenset[str]]:
    """The arrays of the program that a launch reads, and those that it writes."""
    names = dict(launch.rename)
    arrays = launch.kernel.arrays
    read = frozenset(names.get(a.name, a.name) for a in arrays if a.intent is not Intent.OUT)
    return read, frozenset(names.get(a.name, a.name) for a in arrays if a.intent is not Intent.IN)


def _live(own: Sequence[Launch], place: int) -> frozenset[str]:
    """The arrays whose values are read before they are written, from a place of the turn on, turn after turn."""
    live: set[str] = set()
    written: set[str] = set()
    for launch in (*own[place:], *own[:place]):
        read, made = _given(launch)
        live |= read - written
        written |= made
    return frozenset(live)


def _placed(
    sweeps: Sequence[Sweep], live: Sequence[frozenset[str]], taken: Sequence[str]
) -> tuple[list[dict[str, str]], dict[str, str]] | None:
    """What every sweep is given for its arrays, and the spare arrays, which have none of the names `taken`; None where
    arrays are not home in the end."""
    declared = {name: a for sweep in sweeps for name, a in sweep.lattice.items()}
    names = Names((*declared, *taken))
    where = {name: name for name in declared}
    spares: dict[str, str] = {}
    found = []
    for number, sweep in enumerate(sweeps):
        kept = {where[name] for name in live[number - 1] if name in where}
        places = {a.name: where.get(a.name, a.name) for a in sweep.kernel.arrays if a.intent is Intent.IN}
        made = {s.array: s.target for s in sweep.streams.values() if s.output}
        for array, target in made.items():
            used = {*kept, *places.values()}
            alike = [name for name in declared if declared[name].shape == declared[array].shape]
            free = [p for p in (array, *alike, *(s for s, like in spares.items() if like in alike)) if p not in used]
            if not free:
                free = [names.fresh(f"{array}_spare")]
                spares[free[0]] = array
            places[target] = free[0]
        where |= {array: places[target] for array, target in made.items()}
        found.append(places)
    if any(where[name] != name for name in live[-1] if name in where):
        return None
    return found, spares
