"""Command line of `taxiway env`."""

from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli import console
from bootstrap.cli.console import Output
from bootstrap.cli.error_handler import error_handler
from bootstrap.cli.options import Directory, Draft, DryRun, Labels, OutputForm, PullRequest, Reviewers, change_options

group = typer.Typer(name="env", no_args_is_help=True, help="Add, remove and list environments.")


@group.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The new environment.")],
    after: Annotated[
        str | None,
        typer.Option(metavar="ENVIRONMENT", help="Right behind this one (default: the last).", show_default=False),
    ] = None,
    cluster: Annotated[str | None, typer.Option(help="Default: that of --after.", show_default=False)] = None,
    namespace: Annotated[str | None, typer.Option(help="Default: airflow-NAME.", show_default=False)] = None,
    node_port: Annotated[int | None, typer.Option(help="Default: the cluster's choice.", show_default=False)] = None,
    sealing_cert: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Its cluster's (default: that of --after).", show_default=False),
    ] = None,
    new_sealing_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Make a sealing key; its private half goes to FILE.", show_default=False),
    ] = None,
    trust_certificate: Annotated[
        str | None,
        typer.Option(metavar="FINGERPRINT", help="Seal for this certificate of the repo.", show_default=False),
    ] = None,
    secrets_from: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Secrets of your own, as for init.", show_default=False),
    ] = None,
    pr: PullRequest = False,
    dry_run: DryRun = False,
    draft: Draft = None,
    label: Labels = None,
    reviewer: Reviewers = None,
    output: OutputForm = Output.TEXT,
    directory: Directory = Path(),
) -> None:
    """Add an environment: the release of the one before it, and sealed secrets of its own."""
    with error_handler(output):
        from bootstrap.commands import env_add as command

        request = command.Request(
            directory=directory,
            name=name,
            after=after,
            cluster=cluster,
            namespace=namespace,
            node_port=node_port,
            sealing_cert=sealing_cert,
            new_sealing_key=new_sealing_key,
            trusted=trust_certificate,
            secrets_from=secrets_from,
            options=change_options(pr, dry_run, draft, label, reviewer),
        )
        console.show(command.run(request, progress=console.progress), output)


@group.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="The environment.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it; else it is only shown.")] = False,
    pr: PullRequest = False,
    draft: Draft = None,
    label: Labels = None,
    reviewer: Reviewers = None,
    output: OutputForm = Output.TEXT,
    directory: Directory = Path(),
) -> None:
    """Remove an environment's files; Git's history keeps them."""
    with error_handler(output):
        from bootstrap.commands import env as command

        options = change_options(pr, not yes, draft, label, reviewer)
        request = command.RemoveRequest(directory=directory, name=name, options=options)
        console.show(command.remove(request, progress=console.progress), output)


@group.command("list")
def show(
    output: OutputForm = Output.TEXT,
    directory: Directory = Path(),
) -> None:
    """Show the environments in promotion order: namespace, cluster, Airflow, hold."""
    with error_handler(output):
        from bootstrap.commands import env as command

        console.show(command.list_environments(directory), output)
