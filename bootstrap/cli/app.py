"""Typer application `taxiway`. Commands import what they need when they run, so that `--help` stays fast."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bootstrap import __version__
from bootstrap.cli.comment import comment
from bootstrap.cli.diff import diff
from bootstrap.cli.env import group as env_group
from bootstrap.cli.hold import hold, release, unhold
from bootstrap.cli.init import init
from bootstrap.cli.promote import promote
from bootstrap.cli.render import render
from bootstrap.cli.rollback import rollback
from bootstrap.cli.set import group as set_group
from bootstrap.cli.validate import validate
from bootstrap.core.escaping import log_line


@contextlib.contextmanager
def _escaped_errors() -> Iterator[None]:
    """Escape control characters in Typer's error messages, which quote the command line."""
    try:
        yield
    except Exception as err:
        if isinstance(message := getattr(err, "message", None), str):
            err.message = log_line(message)  # type: ignore[attr-defined]
        raise


class _Group(TyperGroup):
    def make_context(self, *arguments: Any, **more: Any) -> Any:
        with _escaped_errors():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        with _escaped_errors():
            return super().invoke(ctx)


app = typer.Typer(
    name="taxiway",
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(is_given: bool) -> None:
    if is_given:
        typer.echo(f"taxiway {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """From an empty folder to a GitOps repository that runs Apache Airflow on Kubernetes, with every secret sealed."""


for command in (init, render, diff, comment, validate, promote, rollback, hold, unhold):
    app.command()(command)
app.command(hidden=True, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(release)
for group in (set_group, env_group):
    app.add_typer(group)


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command line (None: sys.argv). Always raises SystemExit."""
    app(args=argv, prog_name="taxiway")
