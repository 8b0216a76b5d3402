"""Session of a command: an open environment repo, and how changes of it are made."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bootstrap.config.model import Model
from bootstrap.core.result import Progress
from bootstrap.forges.pull_request import PullRequestOptions
from bootstrap.gitrepo import environment_repo, repository
from bootstrap.gitrepo.environment_repo import Checkout
from bootstrap.kustomize.builder import Builder
from bootstrap.pullrequests import base_commit
from bootstrap.pullrequests.base_commit import BaseCommit
from bootstrap.system.cache import Cache


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOptions:
    """How to make a change: as a commit on the current branch, as a pull request, or not at all (`dry_run`)."""

    dry_run: bool = False
    pull_request: PullRequestOptions | None = None


@dataclass(frozen=True, kw_only=True)
class Session:
    """An open environment repo; everything is read on first use. (No slots, because of cached_property.)"""

    top: Path
    progress: Progress
    cached: bool = True

    @classmethod
    def open(cls, directory: Path, progress: Progress, *, cached: bool = True) -> "Session":
        """Open the repo that contains a folder. Raises MissingTool without Git, BadTarget outside of a repo."""
        repository.check_version()
        return cls(top=environment_repo.find_top(directory), progress=progress, cached=cached)

    @cached_property
    def checkout(self) -> Checkout:
        """The work tree. Raises BadTarget where taxiway.yaml can't be read."""
        return environment_repo.open_work_tree(self.top)

    @property
    def model(self) -> Model:
        """The work tree's taxiway.yaml."""
        return self.checkout.model

    @cached_property
    def builder(self) -> Builder:
        """The builder of overlays. Raises MissingTool without kustomize."""
        return Builder.find(Cache.default(enabled=self.cached))

    def base(self, parts: Iterable[str], options: ChangeOptions, *, clean: bool = False) -> BaseCommit:
        """The base commit of a change that reads these parts: the remote's head for a pull request, else HEAD.

        Raises BadTarget where the parts have uncommitted changes, for a pull request or with `clean`.
        """
        if options.pull_request and not options.dry_run:
            return base_commit.remote_head(self.top, parts, progress=self.progress)
        return base_commit.clean_head(self.top, parts) if clean else base_commit.head(self.top)
