"""`symphys models` and `symphys methods`: the ready systems, the integrators."""

import click

from symphys.integrators import METHODS, ExplicitTableau, Gauss, Rattle, Splitting, is_adaptive, names_by_kind
from symphys.models import FIELD_MODELS, MODELS, FieldModel, Model


@click.command()
@click.option("--sources", is_flag=True, help="Say where each is written about, too.")
def models(sources: bool) -> None:
    """List the ready systems, one a line; those on grids last."""
    everything: dict[str, Model | FieldModel] = {**MODELS, **FIELD_MODELS}
    width = max(map(len, everything))
    for model in everything.values():
        click.echo(f"{model.name:{width}}  {model.title}")
        if sources:
            click.echo(f"{'':{width}}  {model.source}")


@click.command()
@click.option("--sources", is_flag=True, help="Say where each is published, too.")
def methods(sources: bool) -> None:
    """List the integrators by kind, with their orders and how they take steps."""
    width = max(map(len, METHODS))
    for kind, members in names_by_kind(METHODS).items():
        click.echo(f"{kind}:")
        for name in members:
            method = METHODS[name]
            order = f"order {method.order}" if hasattr(method, "order") else "order by tolerance"
            steps = [
                word
                for word, fits in (
                    ("dt", isinstance(method, ExplicitTableau | Splitting | Gauss | Rattle)),
                    ("rtol", is_adaptive(method)),
                )
                if fits
            ]
            click.echo(f"  {name:{width}}  {order:18}  {' or '.join(steps)}")
            if sources:
                click.echo(f"  {'':{width}}  {method.source}")
