"""`symphys models`: the ready systems."""

import click

from symphys.models import MODELS


@click.command()
@click.option("--sources", is_flag=True, help="Say where each is written about, too.")
def models(sources: bool) -> None:
    """List the ready systems, one a line."""
    width = max(map(len, MODELS))
    for model in MODELS.values():
        click.echo(f"{model.name:{width}}  {model.title}")
        if sources:
            click.echo(f"{'':{width}}  {model.source}")
