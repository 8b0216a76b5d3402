"""Options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bootstrap.cli.console import Output

if TYPE_CHECKING:
    from bootstrap.commands._session import ChangeOptions

Environment = Annotated[
    str | None, typer.Option("--environment", "-e", help="Which one (default: the first).", show_default=False)
]
Environments = Annotated[
    list[str] | None, typer.Argument(metavar="[ENVIRONMENT]...", help="Which ones (default: all).")
]
Cached = Annotated[
    bool, typer.Option("--cache/--no-cache", help="Use what earlier runs worked out from the same files.")
]
PullRequest = Annotated[bool, typer.Option("--pr", help="As a pull request, and not as a commit here.")]
NoPullRequest = Annotated[bool, typer.Option("--no-pr", help="Stop once the branch is pushed.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Show the plan, the text and the difference; touch neither repo nor forge."),
]
Draft = Annotated[
    bool | None,
    typer.Option("--draft/--ready", help="As a draft (default: ready, or as it is).", show_default=False),
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="LABEL", help="A label of the pull request; repeat.", show_default=False),
]
Reviewers = Annotated[
    list[str] | None,
    typer.Option(
        "--reviewer",
        metavar="USER|GROUP/TEAM",
        help="Ask for a review, beside the code owners; repeat.",
        show_default=False,
    ),
]
OutputForm = Annotated[Output, typer.Option("--output", "-o", help="The form of the answer.")]
Directory = Annotated[
    Path, typer.Option("--directory", "-C", metavar="FOLDER", help="The environment repo, or a folder in it.")
]


def change_options(
    pr: bool,
    dry_run: bool,
    draft: bool | None,
    label: list[str] | None,
    reviewer: list[str] | None,
    *,
    no_pr: bool = False,
) -> "ChangeOptions":
    """Convert the options of a changing command."""
    from bootstrap.commands._session import ChangeOptions
    from bootstrap.forges.pull_request import PullRequestOptions

    pull_request = PullRequestOptions(
        pull_request=not no_pr, draft=draft, labels=tuple(label or ()), reviewers=tuple(reviewer or ())
    )
    return ChangeOptions(dry_run=dry_run, pull_request=pull_request if pr else None)
