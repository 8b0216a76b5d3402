"""Comments on pull requests."""

from pathlib import Path

from bootstrap.config.model import Model
from bootstrap.core.result import Progress, Result
from bootstrap.forges import client
from bootstrap.forges.hosting import HostedRepository
from bootstrap.system import signals


def post(top: Path, known: Model, number: int, text: str, *, progress: Progress) -> Result:
    """Comment on a pull request; unchanged where it has the same comment already."""
    with client.connect(HostedRepository.of(known.remote, known.forge, known.web), top, progress=progress) as pulls:
        pull = pulls.get(number)
        signals.record_change("the comment may have been written already: run the command again to go on")
        new = pulls.comment(pull, text)
    line = f"{'commented' if new else 'commented already'}: {pull.url}"
    return Result(status="commented" if new else "unchanged", data={"pullRequest": pull.url}, lines=(line,))
