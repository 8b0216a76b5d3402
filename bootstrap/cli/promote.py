"""Command line of `taxiway promote`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bootstrap.cli import console
from bootstrap.cli.console import Output
from bootstrap.cli.error_handler import error_handler
from bootstrap.cli.options import Directory, Draft, DryRun, Labels, NoPullRequest, OutputForm, Reviewers, change_options


class ReleasePart(StrEnum):
    """Part of a release; the same as promotion.merge.Part, which is not imported here to keep `--help` fast."""

    IMAGES = "images"
    DAGS = "dags"
    SETTINGS = "settings"
    BASE = "base"


def promote(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE] TARGET", help="By default from the environment before it.")
    ] = None,
    chain: Annotated[bool, typer.Option("--all", help="Every environment from the one before it.")] = False,
    only: Annotated[list[ReleasePart] | None, typer.Option(help="Just this part; repeat.", show_default=False)] = None,
    pin: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="This tag of Airflow's image in place of the source's.", show_default=False),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option("--from", metavar="REF", help="The source as of this commit.", show_default=False),
    ] = None,
    dry_run: DryRun = False,
    no_pr: NoPullRequest = False,
    draft: Draft = None,
    label: Labels = None,
    reviewer: Reviewers = None,
    output: OutputForm = Output.TEXT,
    directory: Directory = Path(),
) -> None:
    """Carry the release of one environment into the next one, in one reviewed pull request.

    The release is the images, the DAG reference, the shared settings, and the base with its components. Run again, it
    says "unchanged"; with a newer release it updates the open pull request.
    """
    with error_handler(output):
        from bootstrap.commands import promote as command
        from bootstrap.promotion.merge import Part

        result = command.run(
            command.Request(
                directory=directory,
                names=tuple(names or ()),
                chain=chain,
                only=frozenset(map(Part, only or Part)),
                pin=pin,
                reference=reference,
                options=change_options(True, dry_run, draft, label, reviewer, no_pr=no_pr),
            ),
            progress=console.progress,
        )
        console.show(result, output)
