"""Progress of long runs: a bar on a terminal, or a function of the caller's."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

PATIENCE = 2.0  # seconds after which a run on a terminal shows its bar


def progress_report(
    progress: bool | Callable[[float], None] | None, what: str = "simulate"
) -> tuple[Callable[[float], None], Callable[[], None]]:
    """A function that is told the share done, and one that ends the display; None: a bar for long runs on terminals."""
    if callable(progress):
        return progress, lambda: None
    if progress is False or (progress is None and not sys.stderr.isatty()):
        return (lambda share: None), (lambda: None)
    return _bar(0.0 if progress else PATIENCE, what)


def _bar(patience: float, what: str) -> tuple[Callable[[float], None], Callable[[], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    display = Progress(*columns, console=Console(stderr=True), transient=True)
    task = display.add_task(what, total=1.0)
    begin = time.monotonic()

    def report(share: float) -> None:
        if time.monotonic() - begin >= patience:
            display.start()
            display.update(task, completed=share)

    return report, display.stop
