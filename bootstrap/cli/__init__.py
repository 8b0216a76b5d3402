"""The command line, declarations only. What a command needs is imported when it runs: `--help` stays quick."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bootstrap import __version__
from bootstrap.cli.bootstrap import init
from bootstrap.cli.comment import comment
from bootstrap.cli.edit import change, env
from bootstrap.cli.look import diff, render, validate
from bootstrap.cli.move import hold, promote, release, rollback
from bootstrap.core.escaping import log_line


@contextlib.contextmanager
def _quoting() -> Iterator[None]:
    """Let Typer's errors quote the command line as all else that is printed: as text."""
    try:
        yield
    except Exception as err:
        if isinstance(message := getattr(err, "message", None), str):
            err.message = log_line(message)  # type: ignore[attr-defined]
        raise


class _Group(TyperGroup):
    def make_context(self, *arguments: Any, **more: Any) -> Any:
        with _quoting():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        with _quoting():
            return super().invoke(ctx)


app = typer.Typer(
    name="taxiway",
    cls=_Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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


for command in (init, render, diff, comment, validate, promote, rollback, hold, release):
    app.command()(command)
for group in (change, env):
    app.add_typer(group)


def main(argv: Sequence[str] | None = None) -> None:
    """Carry out these words, or as the console script those of the command line; it ends with SystemExit."""
    app(args=argv, prog_name="taxiway")
