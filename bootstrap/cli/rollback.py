"""Command line of `taxiway rollback`."""

from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli import console
from bootstrap.cli.console import Output
from bootstrap.cli.error_handler import error_handler
from bootstrap.cli.options import Directory, Draft, DryRun, Labels, NoPullRequest, OutputForm, Reviewers, change_options


def rollback(
    environment: Annotated[str, typer.Argument(help="The environment that goes back.")],
    to: Annotated[
        str | None, typer.Option(metavar="REF", help="To its release as of this commit.", show_default=False)
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Or so many changes of its release back.")] = 1,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why, for the hold that keeps it there.", show_default=False)
    ] = None,
    dry_run: DryRun = False,
    no_pr: NoPullRequest = False,
    draft: Draft = None,
    label: Labels = None,
    reviewer: Reviewers = None,
    output: OutputForm = Output.TEXT,
    directory: Directory = Path(),
) -> None:
    """Restore an earlier release of an environment, in one pull request, and put the environment on hold.

    Secrets, and what is the environment's own, stay as they are now. A database is not migrated back.
    """
    with error_handler(output):
        from bootstrap.commands import rollback as command

        result = command.run(
            command.Request(
                directory=directory,
                environment=environment,
                reference=to,
                steps=steps,
                reason=reason,
                options=change_options(True, dry_run, draft, label, reviewer, no_pr=no_pr),
            ),
            progress=console.progress,
        )
        console.show(result, output)
