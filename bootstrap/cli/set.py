"""The declaration of `taxiway set`."""

from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli import console
from bootstrap.cli.console import Output
from bootstrap.cli.error_handler import error_handler
from bootstrap.cli.options import (
    Directory,
    Draft,
    DryRun,
    Environment,
    Labels,
    OutputForm,
    PullRequest,
    Reviewers,
    change_options,
)

group = typer.Typer(name="set", no_args_is_help=True, help="Change one value of one environment.")


@group.command("image")
def image(
    images: Annotated[list[str], typer.Argument(metavar="NAME=IMAGE...", help="airflow=apache/airflow:3.3.3")],
    environment: Environment = None,
    pr: PullRequest = False,
    dry_run: DryRun = False,
    draft: Draft = None,
    label: Labels = None,
    reviewer: Reviewers = None,
    output: OutputForm = Output.TEXT,
    directory: Directory = Path(),
) -> None:
    """Run other images; with Airflow's goes the id that its Jobs are named after."""
    with error_handler(output):
        from bootstrap.commands import set as command

        request = command.Request(
            directory=directory,
            edits=tuple(command.image(each) for each in images),
            command=f"taxiway set image {' '.join(images)}",
            environment=environment,
            options=change_options(pr, dry_run, draft, label, reviewer),
        )
        console.show(command.run(request, progress=console.progress), output)


@group.command("dags")
def dags(
    reference: Annotated[str, typer.Argument(metavar="REF", help="A branch, tag or commit of the DAGs' repository.")],
    environment: Environment = None,
    pr: PullRequest = False,
    dry_run: DryRun = False,
    draft: Draft = None,
    label: Labels = None,
    reviewer: Reviewers = None,
    output: OutputForm = Output.TEXT,
    directory: Directory = Path(),
) -> None:
    """Take the DAGs from another branch, tag or commit."""
    with error_handler(output):
        from bootstrap.commands import set as command

        request = command.Request(
            directory=directory,
            edits=(command.dags(reference),),
            command=f"taxiway set dags {reference}",
            environment=environment,
            options=change_options(pr, dry_run, draft, label, reviewer),
        )
        console.show(command.run(request, progress=console.progress), output)


@group.command("config")
def config(
    environment: Annotated[str, typer.Argument(help="The environment.")],
    settings: Annotated[
        list[str], typer.Argument(metavar="NAME=VALUE|NAME-...", help="AIRFLOW__CORE__PARALLELISM=64; NAME- unsets.")
    ],
    pr: PullRequest = False,
    dry_run: DryRun = False,
    draft: Draft = None,
    label: Labels = None,
    reviewer: Reviewers = None,
    output: OutputForm = Output.TEXT,
    directory: Directory = Path(),
) -> None:
    """Set an environment's own Airflow settings. Secrets are sealed instead, and refused here."""
    with error_handler(output):
        from bootstrap.commands import set as command

        request = command.Request(
            directory=directory,
            edits=tuple(command.config(each) for each in settings),
            # No value: what was meant to be a secret must not come to stand in a pull request.
            command=f"taxiway set config {environment} {' '.join(each.partition('=')[0] + '=…' for each in settings)}",
            environment=environment,
            options=change_options(pr, dry_run, draft, label, reviewer),
        )
        console.show(command.run(request, progress=console.progress), output)
