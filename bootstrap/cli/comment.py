"""Command line of `taxiway comment`."""

from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli import console
from bootstrap.cli.console import Output
from bootstrap.cli.error_handler import error_handler
from bootstrap.cli.options import Directory, OutputForm


def comment(
    number: Annotated[int, typer.Argument(help="The pull request.")],
    source: Annotated[str, typer.Argument(metavar="FILE|-", help="The text, as Markdown.")],
    output: OutputForm = Output.TEXT,
    directory: Directory = Path(),
) -> None:
    """Tell a text to a pull request, once: what `diff -o comment` made in a job that has no token."""
    with error_handler(output):
        from bootstrap.commands import comment as command

        request = command.Request(directory=directory, number=number, source=source)
        console.show(command.run(request, progress=console.progress), output)
