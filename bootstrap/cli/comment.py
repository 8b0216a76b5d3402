"""The declaration of `taxiway comment`."""

from pathlib import Path
from typing import Annotated

import typer

from bootstrap import report
from bootstrap.cli.boundary import DIRECTORY, boundary
from bootstrap.report import Output


def comment(
    number: Annotated[int, typer.Argument(help="The pull request.")],
    source: Annotated[str, typer.Argument(metavar="FILE|-", help="The text, as Markdown.")],
    output: Annotated[Output, typer.Option("--output", "-o", help="The form of the answer.")] = Output.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Tell a text to a pull request, once: what `diff -o comment` made in a job that has no token."""
    with boundary(output):
        from bootstrap.commands import comment as command

        request = command.Request(directory=directory, number=number, source=source)
        report.show(command.run(request, progress=report.progress), output)
