"""The README's table, generated from the result files, with what falls short left in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from benchmarks.harness import RESULTS, Case

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


def table() -> str:
    """Every kept result, row by row, with the machine and the date beneath."""
    lines, origins = [HEADER], []
    for path in sorted(RESULTS.glob("*.json")):
        record = json.loads(path.read_text())
        lines += [line(record["row"].replace("_", " "), case) for case in record["cases"]]
        machine = record["machine"]
        card = f", {machine['gpu']}" if "gpu" in machine else ""
        origins.append(f"{machine['cpu']}, {machine['cores']} cores, {', '.join(machine['vectors'])}{card}")
    dates = sorted({json.loads(path.read_text())["date"] for path in RESULTS.glob("*.json")})
    if origins:
        span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
        lines.append(f"\nMeasured {span} on {'; '.join(sorted(set(origins)))}.")
    return "\n".join(lines)


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
