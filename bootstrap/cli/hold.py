"""Command line of `taxiway hold` and `taxiway unhold`."""

from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli import console
from bootstrap.cli.console import Output
from bootstrap.cli.error_handler import error_handler
from bootstrap.cli.options import Directory, OutputForm


def hold(
    environment: Annotated[str, typer.Argument(help="The environment that nothing is to be promoted into.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.", show_default=False)],
    output: OutputForm = Output.TEXT,
    directory: Directory = Path(),
) -> None:
    """Let nothing be promoted into an environment, until its hold ends: a line in taxiway.yaml, committed."""
    with error_handler(output):
        from bootstrap.commands import hold as command

        request = command.Request(directory=directory, environment=environment, reason=reason)
        console.show(command.run(request, progress=console.progress), output)


def unhold(
    environment: Annotated[str, typer.Argument(help="The environment whose hold ends.")],
    output: OutputForm = Output.TEXT,
    directory: Directory = Path(),
) -> None:
    """End an environment's hold."""
    with error_handler(output):
        from bootstrap.commands import hold as command

        request = command.Request(directory=directory, environment=environment)
        console.show(command.run(request, progress=console.progress), output)


def release() -> None:
    """Say where `taxiway release` went."""
    with error_handler(Output.TEXT):
        from bootstrap.core.errors import BadOption

        raise BadOption("`taxiway release` is now called `taxiway unhold`", hint="taxiway unhold ENVIRONMENT")
