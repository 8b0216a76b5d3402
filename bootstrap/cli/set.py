"""Command line of `taxiway set`."""

import shlex
from functools import partial
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
        from bootstrap.promotion import edits

        request = command.Request(
            directory=directory,
            edits=tuple(partial(edits.named_image, text=text) for text in images),
            command=_command("image", *images, environment=environment),
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
        from bootstrap.promotion import edits

        request = command.Request(
            directory=directory,
            edits=(partial(edits.dags, reference=reference),),
            command=_command("dags", reference, environment=environment),
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
        from bootstrap.promotion import edits

        request = command.Request(
            directory=directory,
            edits=tuple(partial(edits.config, setting=setting) for setting in settings),
            # Without the values, which must not appear in a pull request in case one is a secret.
            command=" ".join(("taxiway set config", environment, *(_masked(text) for text in settings))),
            environment=environment,
            options=change_options(pr, dry_run, draft, label, reviewer),
        )
        console.show(command.run(request, progress=console.progress), output)


def _masked(setting: str) -> str:
    name, equals, _ = setting.partition("=")
    return f"{name}=…" if equals else name


def _command(verb: str, *arguments: str, environment: str | None = None) -> str:
    """The command line of an edit, for the pull request that it makes."""
    return shlex.join(["taxiway", "set", verb, *arguments, *(("--environment", environment) if environment else ())])
