"""Command line of `taxiway diff`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli import console
from bootstrap.cli.console import Output
from bootstrap.cli.error_handler import error_handler
from bootstrap.cli.options import Cached, Directory, Environments


class DiffForm(StrEnum):
    """The form of a difference."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    COMMENT = "comment"


def diff(
    environments: Environments = None,
    before: Annotated[str, typer.Option("--from", metavar="REF", help="The old side.")] = "HEAD",
    since: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="The old side is where HEAD's history left this commit's, whatever --from says.",
            show_default=False,
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option("--to", metavar="REF", help="The new side (default: the work tree).", show_default=False),
    ] = None,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="ENVIRONMENT ENVIRONMENT", help="Two environments, as they are now.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="With --between, also what each environment owns.")] = False,
    comment: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Tell it to this pull request, once.", show_default=False),
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 where there is a difference.")] = False,
    cached: Cached = True,
    output: Annotated[DiffForm, typer.Option("--output", "-o", help="The form of the answer.")] = DiffForm.TEXT,
    directory: Directory = Path(),
) -> None:
    """Show what a change does: object by object, what restarts, what is migrated, what is lost or refused."""
    form = Output.JSON if output is DiffForm.JSON else Output.TEXT
    with error_handler(form):
        from bootstrap.commands import diff as command

        result = command.run(
            command.Request(
                directory=directory,
                environments=tuple(environments or ()),
                before=before,
                since=since,
                after=after,
                between=between,
                everything=everything,
                form=output.value,
                cached=cached,
                comment=comment,
            ),
            progress=console.progress,
        )
        console.show(result, form)
    if exit_code and result.status == "changed":
        raise typer.Exit(1)
