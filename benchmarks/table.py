"""The README's summary and the whole table, generated from the result files, with what falls short left in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.harness import RESULTS, Case

SUMMARY = "| row | against | ratio | met | falls short |\n| --- | --- | --- | --- | --- |"
HEADER = "| row | case | symphys | best peer | ratio | bar | met |\n| --- | --- | --- | --- | --- | --- | --- |"


def figure(value: float | None, unit: str) -> str:
    """A number with three significant digits and its unit."""
    if value is None:
        return "-"
    digits = f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 else f"{value:.3g}"
    return f"{digits} {unit}"


def verdict(met: bool | None) -> str:
    """yes, no, or a dash where there is no bar."""
    return "-" if met is None else "yes" if met else "**no**"


def line(row: str, case: dict[str, object]) -> str:
    """One case as a row of the table."""
    unit, peers, limit = str(case["unit"]), dict(case["peers"] or {}), case["limit"]  # type: ignore[call-overload]
    if limit is not None:
        other = f"limit {figure(limit, unit)}"  # type: ignore[arg-type]
    elif peers:
        best = (max if case["better"] == "higher" else min)(peers, key=lambda name: peers[name])
        other = f"{best} {figure(peers[best], unit)}"
    else:
        other = "-"
    ratio, bar = case["ratio"], case["bar"]
    cells = (
        row,
        case["name"],
        figure(case["ours"], unit),  # type: ignore[arg-type]
        other,
        "-" if ratio is None else f"{ratio:.2f}",
        "-" if bar is None else f"{bar:g}",
        verdict(case["met"]),  # type: ignore[arg-type]
    )
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def records() -> list[dict[str, Any]]:
    """Every kept result, by row."""
    return [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]


def table() -> str:
    """Every case, with the machine and the date beneath."""
    found = records()
    lines = [line(record["row"].replace("_", " "), case) for record in found for case in record["cases"]]
    return "\n".join([HEADER, *lines, *origin(found)])


def summary() -> str:
    """A line for each row: its ratios, how many of its bars are met, and the cases that fall short of theirs."""
    found = records()
    return "\n".join([SUMMARY, *(summed(record) for record in found), *origin(found)])


def summed(record: dict[str, Any]) -> str:
    """One row in one line; a ratio is that to the best peer, or of the limit to what was measured."""
    cases = record["cases"]
    ratios = [case["ratio"] for case in cases if case["ratio"] is not None]
    judged = [case for case in cases if case["met"] is not None]
    peers = sorted({name for case in cases for name in case["peers"] or {}})
    limits = ["a limit"] if any(case["limit"] is not None for case in cases) else []
    ends = sorted({f"{each:.3g}" for each in (min(ratios), max(ratios))}, key=float) if ratios else ["-"]
    short = [f"{case['name']}: {case['ratio']:.2f} of {case['bar'] or 1:g}" for case in judged if not case["met"]]
    cells = (
        record["row"].replace("_", " "),
        ", ".join([*peers, *limits]),
        " to ".join(ends),
        f"{len(judged) - len(short)} of {len(judged)}",
        "; ".join(short),
    )
    return "| " + " | ".join(cells) + " |"


def origin(found: Sequence[dict[str, Any]]) -> list[str]:
    """When and where, as a paragraph beneath a table; nothing where nothing was measured."""
    machines = set()
    for machine in (record["machine"] for record in found):
        card = f", {machine['gpu']}" if "gpu" in machine else ""
        machines.add(f"{machine['cpu']}, {machine['cores']} cores, {', '.join(machine['vectors'])}{card}")
    dates = sorted({record["date"] for record in found})
    if not dates:
        return []
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return [f"\nMeasured {span} on {'; '.join(sorted(machines))}."]


def describe(cases: Iterable[Case], skipped: Sequence[str]) -> str:
    """A few lines for the terminal."""
    lines = []
    for case in cases:
        others = ", ".join(f"{name} {figure(value, case.unit)}" for name, value in case.peers.items())
        if case.limit is not None:
            others = ", ".join(filter(None, [others, f"limit {figure(case.limit, case.unit)}"]))
        ratio = "" if case.ratio is None else f"  ratio {case.ratio:.2f} (bar {case.bar or 1:g}, met: {case.met})"
        lines.append(f"  {case.name}: symphys {figure(case.ours, case.unit)}; {others}{ratio}")
        lines += [f"    {key}: {value}" for key, value in case.notes.items()]
    return "\n".join([*lines, *(f"  skipped: {word}" for word in skipped)])
