"""`taxiway render`: show the objects that kustomize renders for an environment."""

from dataclasses import dataclass
from pathlib import Path

from bootstrap.commands._session import Session
from bootstrap.core.errors import BadOption
from bootstrap.core.result import Progress, Result
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import environment_repo
from bootstrap.gitrepo.environment_repo import Checkout
from bootstrap.gitrepo.snapshot import Commit
from bootstrap.kubernetes import formats, objects
from bootstrap.system import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The environments to render (none: all), at `reference` (None: the work tree); `form` is yaml, json or names."""

    directory: Path
    environments: tuple[str, ...] = ()
    reference: str | None = None
    object: str | None = None
    out: Path | None = None
    form: str = "yaml"
    cached: bool = True


def run(request: Request, *, progress: Progress) -> Result:
    """Render the environments with kustomize. Writes nothing but `out` and the cache."""
    session = Session.open(request.directory, progress, cached=request.cached)
    checkout = _checkout(session, request)
    environments = checkout.select(request.environments)
    with progress("building the overlays"):
        builder, snapshot = session.builder, checkout.snapshot(environments)
        rendered = builder.render([(snapshot, environment.overlay) for environment in environments])
    if request.object:
        rendered = [formats.only(text, request.object) for text in rendered]
        if not any(rendered):
            raise BadOption(
                f"no environment renders {request.object}", hint="the names are shown by: taxiway render -o names"
            )
    if request.out:
        folders = zip(environments, rendered, strict=True)
        tree = Tree.union(formats.files(text).at(environment.name) for environment, text in folders)
        written = files.replace_folder(session.top, request.out, tree)
        return Result(status="written", data={"files": list(tree)}, lines=(f"{written} files in {request.out}",))
    items = [obj for text in rendered for obj in objects.parse(text)]
    lines = formats.lines(request.form, rendered, items)
    return Result(status="rendered", data={"items": items}, lines=lines, document=request.form != "names")


def _checkout(session: Session, request: Request) -> Checkout:
    if not request.reference:
        return session.checkout
    commit = Commit.of(session.top, request.reference)
    return environment_repo.open_commit(commit, label=request.reference)
