"""`taxiway promote`: the release of one environment into the next one, as one pull request."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bootstrap import workspace
from bootstrap.config import model
from bootstrap.config.model import Environment, Model
from bootstrap.core.errors import BadOption
from bootstrap.core.result import Progress, Result
from bootstrap.forges.pull_request import PullRequestOptions
from bootstrap.gitrepo import environment_repo
from bootstrap.gitrepo import repository as git_repository
from bootstrap.kustomize.builder import Builder
from bootstrap.promotion.merge import Part
from bootstrap.pullrequests import base_commit as grounds
from bootstrap.pullrequests import record
from bootstrap.system.cache import Cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to carry where: `names` are a source and a target, or a target alone, which takes from its predecessor.

    With `chain`, each environment takes from its predecessor. `reference` is a commit whose source is carried.
    """

    directory: Path
    names: tuple[str, ...] = ()
    chain: bool = False
    only: frozenset[Part] = frozenset(Part)
    pin: str | None = None
    reference: str | None = None
    dry_run: bool = False
    wishes: PullRequestOptions = PullRequestOptions()  # noqa: RUF009  (frozen)


def run(request: Request, *, progress: Progress) -> Result:
    """Carry each release; a pull request a step. What is in step already is left as it is.

    Raises every reason against any of the steps at once; then nothing is pushed.
    """
    git_repository.check_version()
    top = workspace.top_of(request.directory)
    known = environment_repo.working(top).model
    steps = _steps(known, request)
    overlays = dict.fromkeys(each.overlay for step in steps for each in step)
    parts = ("clusters", model.PATH, "base", *overlays)
    builder = Builder.find(Cache.find())
    with ThreadPoolExecutor() as pool:
        local = grounds.head(top)
        asked = pool.submit(grounds.proposed, top, parts, dry_run=request.dry_run, progress=progress, local=local)
        # While Git looks at the files and asks the remote: kustomize, and the rest of the code.
        if len(steps) == 1:  # it has most likely something to carry; of a whole chain, most steps have not
            pool.submit(local.history, *record.written(steps[0][1].overlay))
            for overlay in overlays:
                builder.begin(local.snapshot, overlay)
        from bootstrap.commands import promoting

        if not request.chain:
            promoting.check(known, *steps[0])
        ground = asked.result()
    return promoting.run(ground, builder, steps, request, progress=progress)


def _steps(known: Model, request: Request) -> list[tuple[Environment, Environment]]:
    environments = known.environments
    if request.chain:
        if request.names or len(environments) == 1:
            raise BadOption("--all takes no names, and two environments at least", hint="taxiway env list shows them")
        return list(itertools.pairwise(environments))
    if len(request.names) not in (1, 2):
        raise BadOption("a promotion needs a target", hint="taxiway promote SOURCE TARGET, promote TARGET, or --all")
    chosen = [known.find(name) for name in request.names]
    target = chosen[-1]
    return [(chosen[0] if len(chosen) == 2 else environments[environments.index(target) - 1], target)]
