"""The command line, declarations only. What a command needs is imported when it runs: `--help` stays quick."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bootstrap import __version__, report
from bootstrap.errors import DiskFailed, Interrupted, TaxiwayError
from bootstrap.report import DiffForm, Output, RenderForm

app = typer.Typer(
    name="taxiway",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PIPE_CLOSED = 141  # 128 and SIGPIPE, as shells have it


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"taxiway {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """From an empty folder to a GitOps repository that runs Apache Airflow on Kubernetes, with every secret sealed."""


@app.command()
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build and check everything, write nothing.")] = False,
    no_commit: Annotated[bool, typer.Option("--no-commit", help="Write the files, leave the commit to you.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take the defaults.")] = False,
    output: Annotated[Output, typer.Option("--output", "-o", help="The form of the answer.")] = Output.TEXT,
) -> None:
    """Write an environment repo: base, overlays, sealed secrets, sync objects, CI and runbook, in one commit.

    On a terminal it asks for what you leave out. Run again, it says "unchanged".
    """
    with _boundary(output):
        from bootstrap import ask
        from bootstrap.commands import init as command
        from bootstrap.request import Options

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
                dry_run=dry_run,
                commit=not no_commit,
            ),
            ask=ask.terminal if sys.stdin.isatty() and not yes else ask.nobody,
            progress=report.progress,
        )
        report.show(result, output)


_DIRECTORY = typer.Option("--directory", "-C", metavar="FOLDER", help="The environment repo, or a folder in it.")


@app.command()
def render(
    environments: Annotated[
        list[str] | None, typer.Argument(metavar="[ENVIRONMENT]...", help="Which ones (default: all).")
    ] = None,
    ref: Annotated[
        str | None, typer.Option(metavar="REF", help="As of this commit (default: the work tree).", show_default=False)
    ] = None,
    kind_name: Annotated[
        str | None, typer.Option("--object", metavar="KIND/NAME", help="One object only.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write one file an object there.", show_default=False)
    ] = None,
    output: Annotated[RenderForm, typer.Option("--output", "-o", help="The form of the answer.")] = RenderForm.YAML,
    directory: Annotated[Path, _DIRECTORY] = Path(),
) -> None:
    """Show what the environments are: every object, as kustomize builds it."""
    with _boundary(Output.TEXT):
        from bootstrap.commands import render as command

        result = command.run(
            command.Request(
                directory=directory,
                environments=tuple(environments or ()),
                reference=ref,
                object=kind_name,
                out=out,
                form=output.value,
            ),
            progress=report.progress,
        )
        report.show(result, Output.TEXT)


@app.command()
def diff(
    environments: Annotated[
        list[str] | None, typer.Argument(metavar="[ENVIRONMENT]...", help="Which ones (default: all).")
    ] = None,
    before: Annotated[str, typer.Option("--from", metavar="REF", help="The old side.")] = "HEAD",
    after: Annotated[
        str | None,
        typer.Option("--to", metavar="REF", help="The new side (default: the work tree).", show_default=False),
    ] = None,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="ENVIRONMENT ENVIRONMENT", help="Two environments, as they are now.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="With --between, also what each environment owns.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 where there is a difference.")] = False,
    output: Annotated[DiffForm, typer.Option("--output", "-o", help="The form of the answer.")] = DiffForm.TEXT,
    directory: Annotated[Path, _DIRECTORY] = Path(),
) -> None:
    """Show what a change does: object by object, what restarts, what is migrated, what is lost or refused."""
    form = Output.JSON if output is DiffForm.JSON else Output.TEXT
    with _boundary(form):
        from bootstrap.commands import diff as command

        result = command.run(
            command.Request(
                directory=directory,
                environments=tuple(environments or ()),
                before=before,
                after=after,
                between=between,
                everything=everything,
                form=output.value,
            ),
            progress=report.progress,
        )
        report.show(result, form)
    if exit_code and result.status == "changed":
        raise typer.Exit(1)


@contextlib.contextmanager
def _boundary(output: Output) -> Iterator[None]:
    """The one place that turns errors into sentences and exit codes."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # taken back like Ctrl-C
    try:
        yield
    except TaxiwayError as err:
        failure = err
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(_PIPE_CLOSED) from None
    except OSError as err:
        failure = DiskFailed(f"{err.filename or 'the disk'}: {err.strerror}")
    except (KeyboardInterrupt, typer.Abort):
        failure = Interrupted("interrupted; nothing was changed")
    else:
        return
    report.fail(failure, output)
    raise typer.Exit(failure.exit_code)


def main(argv: Sequence[str] | None = None) -> None:
    """The console script; it ends with SystemExit."""
    app(args=argv, prog_name="taxiway")
