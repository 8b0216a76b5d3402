"""The declarations of the commands that change one thing: `set` and `env`."""

from pathlib import Path
from typing import Annotated

import typer

from bootstrap import report
from bootstrap.cli.boundary import DIRECTORY, boundary
from bootstrap.cli.move import DRAFT, DRY_RUN, LABEL, OUTPUT, REVIEWER, wishes
from bootstrap.report import Output

change = typer.Typer(name="set", no_args_is_help=True, help="Change one value of one environment.")
env = typer.Typer(name="env", no_args_is_help=True, help="Add, remove and list environments.")

_ENVIRONMENT = typer.Option("--environment", "-e", help="Which one (default: the first).", show_default=False)
_PR = typer.Option("--pr", help="As a pull request, and not as a commit here.")


@change.command("image")
def image(
    images: Annotated[list[str], typer.Argument(metavar="NAME=IMAGE...", help="airflow=apache/airflow:3.3.3")],
    environment: Annotated[str | None, _ENVIRONMENT] = None,
    pr: Annotated[bool, _PR] = False,
    dry_run: Annotated[bool, DRY_RUN] = False,
    draft: Annotated[bool | None, DRAFT] = None,
    label: Annotated[list[str] | None, LABEL] = None,
    reviewer: Annotated[list[str] | None, REVIEWER] = None,
    output: Annotated[Output, OUTPUT] = Output.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Run other images; with Airflow's goes the id that its Jobs are named after."""
    with boundary(output):
        from bootstrap.commands import change as command

        request = command.Request(
            directory=directory,
            edits=tuple(command.image(each) for each in images),
            command=f"taxiway set image {' '.join(images)}",
            environment=environment,
            dry_run=dry_run,
            wishes=wishes(False, draft, label, reviewer) if pr else None,
        )
        report.show(command.run(request, progress=report.progress), output)


@change.command("dags")
def dags(
    reference: Annotated[str, typer.Argument(metavar="REF", help="A branch, tag or commit of the DAGs' repository.")],
    environment: Annotated[str | None, _ENVIRONMENT] = None,
    pr: Annotated[bool, _PR] = False,
    dry_run: Annotated[bool, DRY_RUN] = False,
    draft: Annotated[bool | None, DRAFT] = None,
    label: Annotated[list[str] | None, LABEL] = None,
    reviewer: Annotated[list[str] | None, REVIEWER] = None,
    output: Annotated[Output, OUTPUT] = Output.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Take the DAGs from another branch, tag or commit."""
    with boundary(output):
        from bootstrap.commands import change as command

        request = command.Request(
            directory=directory,
            edits=(command.dags(reference),),
            command=f"taxiway set dags {reference}",
            environment=environment,
            dry_run=dry_run,
            wishes=wishes(False, draft, label, reviewer) if pr else None,
        )
        report.show(command.run(request, progress=report.progress), output)


@change.command("config")
def config(
    environment: Annotated[str, typer.Argument(help="The environment.")],
    settings: Annotated[
        list[str], typer.Argument(metavar="NAME=VALUE|NAME-...", help="AIRFLOW__CORE__PARALLELISM=64; NAME- unsets.")
    ],
    pr: Annotated[bool, _PR] = False,
    dry_run: Annotated[bool, DRY_RUN] = False,
    draft: Annotated[bool | None, DRAFT] = None,
    label: Annotated[list[str] | None, LABEL] = None,
    reviewer: Annotated[list[str] | None, REVIEWER] = None,
    output: Annotated[Output, OUTPUT] = Output.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Set an environment's own Airflow settings. Secrets are sealed instead, and refused here."""
    with boundary(output):
        from bootstrap.commands import change as command

        request = command.Request(
            directory=directory,
            edits=tuple(command.config(each) for each in settings),
            # No value: what was meant to be a secret must not come to stand in a pull request.
            command=f"taxiway set config {environment} {' '.join(each.partition('=')[0] + '=…' for each in settings)}",
            environment=environment,
            dry_run=dry_run,
            wishes=wishes(False, draft, label, reviewer) if pr else None,
        )
        report.show(command.run(request, progress=report.progress), output)


@env.command("add")
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
    pr: Annotated[bool, _PR] = False,
    dry_run: Annotated[bool, DRY_RUN] = False,
    draft: Annotated[bool | None, DRAFT] = None,
    label: Annotated[list[str] | None, LABEL] = None,
    reviewer: Annotated[list[str] | None, REVIEWER] = None,
    output: Annotated[Output, OUTPUT] = Output.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Add an environment: the release of the one before it, and sealed secrets of its own."""
    with boundary(output):
        from bootstrap.commands import environment as command

        request = command.Added(
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
            dry_run=dry_run,
            wishes=wishes(False, draft, label, reviewer) if pr else None,
        )
        report.show(command.add(request, progress=report.progress), output)


@env.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="The environment.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it; else it is only shown.")] = False,
    pr: Annotated[bool, _PR] = False,
    draft: Annotated[bool | None, DRAFT] = None,
    label: Annotated[list[str] | None, LABEL] = None,
    reviewer: Annotated[list[str] | None, REVIEWER] = None,
    output: Annotated[Output, OUTPUT] = Output.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Remove an environment's files; Git's history keeps them."""
    with boundary(output):
        from bootstrap.commands import environment as command

        wanted = wishes(False, draft, label, reviewer) if pr else None
        request = command.Removed(directory=directory, name=name, sure=yes, wishes=wanted)
        report.show(command.remove(request, progress=report.progress), output)


@env.command("list")
def show(
    output: Annotated[Output, OUTPUT] = Output.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Show the environments in promotion order: namespace, cluster, Airflow, hold."""
    with boundary(output):
        from bootstrap.commands import environment as command

        report.show(command.listed(directory), output)
