"""Keep what the pages quote true: `python docs/refresh.py` writes the output of the commands that they name.

In a page, a comment `<!-- output: symphys derive pendulum -->` (or `<!-- output, 20 lines: ... -->` for the first of
them) stands before the fenced block that it fills; what stands between `<!-- benchmarks: summary -->` (or `table`) and
`<!-- end -->` is made from the kept results. With `--figures` the pictures are drawn anew by the examples.
"""

import re
import runpy
import shlex
import sys
from pathlib import Path

from click.testing import CliRunner

from symphys.cli import main as command_line

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # benchmarks are no part of what is installed
from benchmarks.table import summary, table  # noqa: E402

TABLES = {"summary": summary, "table": table}
KEPT = re.compile(r"(<!-- benchmarks: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
FIGURES: dict[str, dict[str, int]] = {"double_pendulum_chaos": {"releases": 700}, "kink_collision": {}}
QUOTE = re.compile(r"<!-- output(?:, (\d+) lines)?: symphys (.+?) -->\n```(\w+)\n(.*?)```", re.DOTALL)


def refreshed(page: str) -> str:
    """The text of a page with every quoted output as the commands print it now, and every table as results have it."""
    page = QUOTE.sub(lambda quote: quote.group(0)[: quote.start(4) - quote.start(0)] + output(quote) + "```", page)
    return KEPT.sub(lambda kept: f"{kept.group(1)}\n{TABLES[kept.group(2)]()}\n\n{kept.group(3)}", page)


def output(quote: re.Match[str]) -> str:
    """What the command of a quote prints, or its first lines."""
    done = CliRunner().invoke(command_line, shlex.split(quote.group(2)), catch_exceptions=False)
    lines = done.stdout.rstrip().splitlines()
    if done.exit_code:
        raise SystemExit(f"symphys {quote.group(2)} ends with exit code {done.exit_code}: {done.stderr}")
    most = int(quote.group(1) or len(lines))
    return "\n".join([*lines[:most], *["..."] * (len(lines) > most)]) + "\n"


def main() -> None:
    for page in PAGES:
        page.write_text(refreshed(page.read_text()))
    if "--figures" in sys.argv:
        for name, sizes in FIGURES.items():
            runpy.run_path(str(ROOT / "examples" / f"{name}.py"))["main"](str(ROOT / "docs" / f"{name}.png"), **sizes)


if __name__ == "__main__":
    main()
