"""Command line of `taxiway validate`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli import console
from bootstrap.cli.console import Output
from bootstrap.cli.error_handler import error_handler
from bootstrap.cli.options import Cached, Directory, Environments


class ValidateForm(StrEnum):
    """The form of findings."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    GITLAB = "gitlab"
    SARIF = "sarif"


def validate(
    environments: Environments = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Only those that changed since HEAD's history left this commit's; compared with each other alone.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Take every warning for an error.")] = False,
    list_rules: Annotated[bool, typer.Option("--list-rules", help="Show every rule, and leave.")] = False,
    explain: Annotated[
        str | None, typer.Option(metavar="RULE", help="Tell what a rule is for, and leave.", show_default=False)
    ] = None,
    ask_server: Annotated[
        bool, typer.Option("--server", help="Ask the API server too, by a dry run with your kubectl.")
    ] = False,
    context: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --server, this context of kubectl.", show_default=False)
    ] = None,
    cached: Cached = True,
    output: Annotated[ValidateForm, typer.Option("--output", "-o", help="The form of the answer.")] = ValidateForm.TEXT,
    directory: Directory = Path(),
) -> None:
    """Show every reason why an environment would not work, with the file and line to change.

    It ends with 1 where it finds an error. Rules are switched off in taxiway.yaml, with a reason.
    """
    form = Output.JSON if output is ValidateForm.JSON else Output.TEXT
    with error_handler(form):
        if list_rules or explain:
            from bootstrap.commands import rules

            result = rules.explain(explain) if explain else rules.list_rules()
        else:
            from bootstrap.commands import validate as command

            result = command.run(
                command.Request(
                    directory=directory,
                    environments=tuple(environments or ()),
                    since=since,
                    strict=strict,
                    form=output.value,
                    cached=cached,
                    server=ask_server,
                    context=context,
                ),
                progress=console.progress,
            )
        console.show(result, form)
    if result.status == "failed":
        raise typer.Exit(1)
