"""The declarations of the commands that move releases: promote, rollback, hold, release."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bootstrap import report
from bootstrap.cli.boundary import DIRECTORY, boundary
from bootstrap.report import Output

if TYPE_CHECKING:
    from bootstrap.forges.pull_request import PullRequestOptions

DRY_RUN = typer.Option("--dry-run", help="Show the plan, the text and the difference; touch neither repo nor forge.")
NO_PR = typer.Option("--no-pr", help="Stop once the branch is pushed.")
DRAFT = typer.Option("--draft/--ready", help="As a draft (default: ready, or as it is).", show_default=False)
LABEL = typer.Option("--label", metavar="LABEL", help="A label of the pull request; repeat.", show_default=False)
REVIEWER = typer.Option(
    "--reviewer",
    metavar="USER|GROUP/TEAM",
    help="Ask for a review, beside the code owners; repeat.",
    show_default=False,
)
OUTPUT = typer.Option("--output", "-o", help="The form of the answer.")


class Carried(StrEnum):
    """One part of a release."""

    IMAGES = "images"
    DAGS = "dags"
    SETTINGS = "settings"
    BASE = "base"


def wishes(
    no_pr: bool, draft: bool | None, label: list[str] | None, reviewer: list[str] | None
) -> "PullRequestOptions":
    """What the options say of the pull request."""
    from bootstrap.forges.pull_request import PullRequestOptions

    return PullRequestOptions(
        pull_request=not no_pr, draft=draft, labels=tuple(label or ()), reviewers=tuple(reviewer or ())
    )


def promote(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE] TARGET", help="By default from the environment before it.")
    ] = None,
    chain: Annotated[bool, typer.Option("--all", help="Every environment from the one before it.")] = False,
    only: Annotated[list[Carried] | None, typer.Option(help="Just this part; repeat.", show_default=False)] = None,
    pin: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="This tag of Airflow's image in place of the source's.", show_default=False),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option("--from", metavar="REF", help="The source as of this commit.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, DRY_RUN] = False,
    no_pr: Annotated[bool, NO_PR] = False,
    draft: Annotated[bool | None, DRAFT] = None,
    label: Annotated[list[str] | None, LABEL] = None,
    reviewer: Annotated[list[str] | None, REVIEWER] = None,
    output: Annotated[Output, OUTPUT] = Output.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Carry the release of one environment into the next one, in one reviewed pull request.

    The release is the images, the DAG reference, the shared settings, and the base with its components. Run again, it
    says "unchanged"; with a newer release it updates the open pull request.
    """
    with boundary(output):
        from bootstrap.commands import promote as command
        from bootstrap.promotion.merge import Part

        result = command.run(
            command.Request(
                directory=directory,
                names=tuple(names or ()),
                chain=chain,
                only=frozenset(Part(each) for each in only or Part),
                pin=pin,
                reference=reference,
                dry_run=dry_run,
                wishes=wishes(no_pr, draft, label, reviewer),
            ),
            progress=report.progress,
        )
        report.show(result, output)


def rollback(
    environment: Annotated[str, typer.Argument(help="The environment that goes back.")],
    to: Annotated[
        str | None, typer.Option(metavar="REF", help="To its release as of this commit.", show_default=False)
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Or so many changes of its release back.")] = 1,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why, for the hold that keeps it there.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, DRY_RUN] = False,
    no_pr: Annotated[bool, NO_PR] = False,
    draft: Annotated[bool | None, DRAFT] = None,
    label: Annotated[list[str] | None, LABEL] = None,
    reviewer: Annotated[list[str] | None, REVIEWER] = None,
    output: Annotated[Output, OUTPUT] = Output.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Restore an earlier release of an environment, in one pull request, and put the environment on hold.

    Secrets, and what is the environment's own, stay as they are now. A database is not migrated back.
    """
    with boundary(output):
        from bootstrap.commands import rollback as command

        result = command.run(
            command.Request(
                directory=directory,
                environment=environment,
                reference=to,
                steps=steps,
                reason=reason,
                dry_run=dry_run,
                wishes=wishes(no_pr, draft, label, reviewer),
            ),
            progress=report.progress,
        )
        report.show(result, output)


def hold(
    environment: Annotated[str, typer.Argument(help="The environment that nothing is to be promoted into.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.", show_default=False)],
    output: Annotated[Output, OUTPUT] = Output.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """Let nothing be promoted into an environment, until it is released: a line in taxiway.yaml, committed."""
    with boundary(output):
        from bootstrap.commands import hold as command

        request = command.Request(directory=directory, environment=environment, reason=reason)
        report.show(command.run(request, progress=report.progress), output)


def release(
    environment: Annotated[str, typer.Argument(help="The environment whose hold ends.")],
    output: Annotated[Output, OUTPUT] = Output.TEXT,
    directory: Annotated[Path, DIRECTORY] = Path(),
) -> None:
    """End an environment's hold."""
    with boundary(output):
        from bootstrap.commands import hold as command

        request = command.Request(directory=directory, environment=environment)
        report.show(command.run(request, progress=report.progress), output)
