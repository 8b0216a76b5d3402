"""The declarations of the commands that look and change nothing: render, diff, validate."""

from pathlib import Path
from typing import Annotated

import typer

from bootstrap import report
from bootstrap.cli.boundary import DIRECTORY, boundary
from bootstrap.report import DiffForm, Output, RenderForm, ValidateForm

_ENVIRONMENTS = typer.Argument(metavar="[ENVIRONMENT]...", help="Which ones (default: all).")
_CACHED = typer.Option("--cache/--no-cache", help="Use what earlier runs worked out from the same files.")


def render(
    environments: Annotated[list[str] | None, _ENVIRONMENTS] = None,
    ref: Annotated[
        str | None, typer.Option(metavar="REF", help="As of this commit (default: the work tree).", show_default=False)
    ] = None,
    kind_name: Annotated[
        str | None, typer.Option("--object", metavar="KIND/NAME", help="One object only.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write one file an object there.", show_default=False)
    ] = None,
    cached: Annotated[bool, _CACHED] = True,
    output: Annotated[RenderForm, typer.Option("--output", "-o", help="The form of the answer.")] = RenderForm.YAML,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Show what the environments are: every object, as kustomize builds it."""
    with boundary(Output.TEXT):
        from bootstrap.commands import render as command

        result = command.run(
            command.Request(
                directory=directory,
                environments=tuple(environments or ()),
                reference=ref,
                object=kind_name,
                out=out,
                form=output.value,
                cached=cached,
            ),
            progress=report.progress,
        )
        report.show(result, Output.TEXT)


def diff(
    environments: Annotated[list[str] | None, _ENVIRONMENTS] = None,
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
    cached: Annotated[bool, _CACHED] = True,
    output: Annotated[DiffForm, typer.Option("--output", "-o", help="The form of the answer.")] = DiffForm.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Show what a change does: object by object, what restarts, what is migrated, what is lost or refused."""
    form = Output.JSON if output is DiffForm.JSON else Output.TEXT
    with boundary(form):
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
            progress=report.progress,
        )
        report.show(result, form)
    if exit_code and result.status == "changed":
        raise typer.Exit(1)


def validate(
    environments: Annotated[list[str] | None, _ENVIRONMENTS] = None,
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
    cached: Annotated[bool, _CACHED] = True,
    output: Annotated[ValidateForm, typer.Option("--output", "-o", help="The form of the answer.")] = ValidateForm.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Show every reason why an environment would not work, with the file and line to change.

    It ends with 1 where it finds an error. Rules are switched off in taxiway.yaml, with a reason.
    """
    form = Output.JSON if output is ValidateForm.JSON else Output.TEXT
    with boundary(form):
        if list_rules or explain:
            from bootstrap.commands import rules

            result = rules.explain(explain) if explain else rules.every()
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
                progress=report.progress,
            )
        report.show(result, form)
    if result.status == "failed":
        raise typer.Exit(1)
