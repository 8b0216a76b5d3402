"""Command line of `taxiway render`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli import console
from bootstrap.cli.console import Output
from bootstrap.cli.error_handler import error_handler
from bootstrap.cli.options import Cached, Directory, Environments


class RenderForm(StrEnum):
    """The form of rendered objects."""

    YAML = "yaml"
    JSON = "json"
    NAMES = "names"


def render(
    environments: Environments = None,
    ref: Annotated[
        str | None, typer.Option(metavar="REF", help="As of this commit (default: the work tree).", show_default=False)
    ] = None,
    kind_name: Annotated[
        str | None, typer.Option("--object", metavar="KIND/NAME", help="One object only.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write one file an object there.", show_default=False)
    ] = None,
    cached: Cached = True,
    output: Annotated[RenderForm, typer.Option("--output", "-o", help="The form of the answer.")] = RenderForm.YAML,
    directory: Directory = Path(),
) -> None:
    """Show what the environments are: every object, as kustomize builds it."""
    with error_handler(Output.TEXT):
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
            progress=console.progress,
        )
        console.show(result, Output.TEXT)
