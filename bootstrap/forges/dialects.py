"""Which dialect a forge speaks."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from bootstrap.forges.dialect import Dialect
from bootstrap.forges.forgejo import ForgejoPulls
from bootstrap.forges.github import GithubPulls
from bootstrap.forges.gitlab import GitlabPulls
from bootstrap.forges.hosting import Hosted
from bootstrap.forges.tokens import Token
from bootstrap.forges.wire import Line
from bootstrap.remote import Forge

_DIALECTS: Mapping[Forge, Callable[[Hosted, Token, Line, ExitStack], Dialect]] = {
    Forge.GITHUB: GithubPulls,
    Forge.GITLAB: GitlabPulls,
    Forge.GITEA: ForgejoPulls,
    Forge.FORGEJO: ForgejoPulls,
}


def of(hosted: Hosted, token: Token, line: Line, clients: ExitStack) -> Dialect:
    """The dialect of a repository's forge, with its HTTP client among `clients`; nothing is sent yet."""
    return _DIALECTS[hosted.forge](hosted, token, line, clients)
