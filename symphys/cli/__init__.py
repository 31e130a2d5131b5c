"""The command line: list ready systems, read what follows from a system, run it, see its kernels."""

import click

from symphys.cli.complain import Commands
from symphys.cli.derive import derive
from symphys.cli.emit import emit
from symphys.cli.listing import methods, models
from symphys.cli.run import run

__all__ = ["main"]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="symphys")
def main() -> None:
    """Write a Lagrangian, read its equations, run it fast.

    FILE is a Python file, which is executed: it defines one Lagrangian, Hamiltonian, VectorField or LagrangianDensity
    (called `system`, if there are several), and may hold the dictionaries `parameters` and `initial`, a pair `t_span`,
    a step `dt`, and for films `positions`, the pairs (x, y) of the bodies, and `joined`, whether rods join them; with a
    density a `grid`, and `initial` values that are arrays or functions of space.
    MODEL is a name that `symphys models` lists.
    """


for command in (models, methods, derive, run, emit):
    main.add_command(command)
