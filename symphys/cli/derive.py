"""`symphys derive`: what follows from a system, to read."""

from collections.abc import Callable, Iterator

import click

from symphys.cli.report import Section, report
from symphys.cli.source import load
from symphys.mechanics.notation import latex, text
from symphys.models import FieldModel, Model


@click.command()
@click.argument("system", metavar="FILE|MODEL")
@click.option(
    "--format", "form", type=click.Choice(["text", "latex", "markdown"]), default="text", show_default=True,
    help="Plain text, LaTeX (a fragment for amsmath), or Markdown with LaTeX formulas.",
)  # fmt: skip
def derive(system: str, form: str) -> None:
    """Print coordinates or fields, equations of motion, momenta, energy, Hamiltonian and conserved quantities."""
    model = load(system)
    write = {"text": as_text, "latex": as_latex, "markdown": as_markdown}[form]
    click.echo("\n".join(write(model, report(model.system))))


def as_text(model: Model | FieldModel, sections: tuple[Section, ...]) -> Iterator[str]:
    """Headings, and formulas indented under them."""
    yield model.title
    for section in sections:
        yield f"\n{section.title}"
        yield from (f"  {line}" for line in section.lines(text))


def as_latex(model: Model | FieldModel, sections: tuple[Section, ...]) -> Iterator[str]:
    """Unnumbered sections with aligned formulas."""
    yield rf"\section*{{{_escaped(model.title)}}}"
    for section in sections:
        yield rf"\subsection*{{{section.title}}}"
        yield from _display(section, "\\begin{align*}", "\\end{align*}", _escaped)


def as_markdown(model: Model | FieldModel, sections: tuple[Section, ...]) -> Iterator[str]:
    """Headings, and formulas between double dollar signs."""
    yield f"# {model.title}"
    for section in sections:
        yield f"\n## {section.title}\n"
        yield from _display(section, "$$\n\\begin{aligned}", "\\end{aligned}\n$$", str)


def _display(section: Section, opening: str, closing: str, words: Callable[[str], str]) -> Iterator[str]:
    if section.remark:
        yield words(section.remark)
        return
    if not section.formulas:
        yield ", ".join(f"${latex(symbol)}$" for symbol in section.symbols)
        return
    yield opening
    rows = (f"{_left(left)} &= {latex(right)}" for left, right in section.formulas)
    yield " \\\\\n".join(rows)
    yield closing


def _left(left: object) -> str:
    return (
        rf"\text{{{left}}}"
        if isinstance(left, str) and len(left) > 1
        else str(left if isinstance(left, str) else latex(left))
    )


def _escaped(words: str) -> str:
    return "".join(f"\\{c}" if c in "_&%#$" else c for c in words)
