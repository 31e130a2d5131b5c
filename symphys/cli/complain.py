"""How errors are told on the command line: what the user can mend is one line and exit code 2, without a traceback."""

from typing import IO, Any

import click

from symphys.errors import CompilerBug, SymphysError


class Refusal(click.ClickException):
    """A `SymphysError` as the command line shows it."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """One line on the standard error stream."""
        click.echo(f"Error: {' '.join(self.message.split())}", file=file, err=file is None)


class Commands(click.Group):
    """Commands whose errors of ours are told in one line; the compiler's own bugs keep their traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except CompilerBug:
            raise
        except SymphysError as error:
            raise Refusal(str(error)) from error
