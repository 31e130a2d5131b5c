"""`symphys emit`: the code that would run."""

import click

from symphys.cli.run_fields import grid_of
from symphys.cli.source import load
from symphys.errors import InputError
from symphys.models import FieldModel


@click.command()
@click.argument("system", metavar="FILE|MODEL")
@click.option("--backend", type=click.Choice(["cpu", "cuda", "llvm"]), default="cpu", show_default=True,
              help="Readable Python, CUDA, or the LLVM that runs on the CPU.")  # fmt: skip
@click.option("--method", default="auto", show_default=True, help="The integrator.")
@click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True)
@click.option("--adaptive", is_flag=True, help="The kernel for a tolerance instead of the one for fixed steps.")
def emit(system: str, backend: str, method: str, dtype: str, adaptive: bool) -> None:
    """Print the kernel that advances trajectories of a system, or those that advance fields."""
    model = load(system)
    if isinstance(model, FieldModel):
        if adaptive:
            raise InputError("--adaptive is for trajectories; fields take fixed steps.")
        click.echo(model.system.compile(grid_of(model, None), method, dtype=dtype).emit(backend))
        return
    click.echo(model.system.emit(backend, method=method, dtype=dtype, adaptive=adaptive))
