"""Command line of `taxiway init`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli import console
from bootstrap.cli.console import Output
from bootstrap.cli.error_handler import error_handler
from bootstrap.cli.options import OutputForm


def init(
    directory: Annotated[Path, typer.Argument(help="A new or empty folder, or the top of a Git repository.")] = Path(),
    repo: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where the controller will clone it from (default: the remote origin).",
            show_default=False,
        ),
    ] = None,
    controller: Annotated[
        str | None, typer.Option(metavar="argocd|flux", help="What syncs it (default: argocd).", show_default=False)
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="An environment; repeat in promotion order (default: dev, complete).",
            show_default=False,
        ),
    ] = None,
    cluster: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENVIRONMENT=NAME", help="The cluster that it runs on (default: default).", show_default=False
        ),
    ] = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENVIRONMENT=NAME", help="Its namespace (default: airflow-ENVIRONMENT).", show_default=False
        ),
    ] = None,
    node_port: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENVIRONMENT=PORT",
            help="The UI's port on every node (default: the cluster's choice).",
            show_default=False,
        ),
    ] = None,
    forge: Annotated[
        str | None,
        typer.Option(
            metavar="github|gitlab|gitea|forgejo",
            help="Whose CI to write (default: from the URL).",
            show_default=False,
        ),
    ] = None,
    sealing_cert: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[ENVIRONMENT=]FILE",
            help="The cluster's sealing certificate (kubeseal --fetch-cert).",
            show_default=False,
        ),
    ] = None,
    new_sealing_key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Make a sealing key, without a cluster; its private half goes to FILE.",
            show_default=False,
        ),
    ] = None,
    secrets_from: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-",
            help="Secrets of your own, as YAML: environment, key, value. All others are made.",
            show_default=False,
        ),
    ] = None,
    install: Annotated[
        str | None,
        typer.Option(
            metavar="URL#sha256=HASH",
            help="What the CI installs taxiway from (default: a wheel of this taxiway, in .taxiway/).",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build and check everything, write nothing.")] = False,
    no_commit: Annotated[bool, typer.Option("--no-commit", help="Write the files, leave the commit to you.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take the defaults.")] = False,
    output: OutputForm = Output.TEXT,
) -> None:
    """Write an environment repo: base, overlays, sealed secrets, sync objects, CI and runbook, in one commit.

    On a terminal it asks for what you leave out. Run again, it says "unchanged".
    """
    with error_handler(output):
        from bootstrap.cli import prompts
        from bootstrap.commands import init as command
        from bootstrap.scaffold.options import Options

        result = command.run(
            Options(
                directory=directory,
                repo=repo,
                controller=controller,
                forge=forge,
                environments=tuple(environment or ()),
                clusters=tuple(cluster or ()),
                namespaces=tuple(namespace or ()),
                node_ports=tuple(node_port or ()),
                sealing_certs=tuple(sealing_cert or ()),
                new_sealing_key=new_sealing_key,
                secrets_from=secrets_from,
                install=install,
                dry_run=dry_run,
                commit=not no_commit,
            ),
            ask=prompts.ask if sys.stdin.isatty() and not yes else prompts.take_defaults,
            progress=console.progress,
        )
        console.show(result, output)
