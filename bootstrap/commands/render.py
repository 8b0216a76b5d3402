"""`taxiway render`: what an environment is, object by object."""

import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import yaml

from bootstrap import workspace
from bootstrap.core import escaping
from bootstrap.core.errors import BadOption
from bootstrap.core.result import Progress, Result
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import environment_repo
from bootstrap.gitrepo import repository as git_repository
from bootstrap.gitrepo.environment_repo import Checkout
from bootstrap.gitrepo.snapshot import Commit
from bootstrap.kubernetes import objects
from bootstrap.kubernetes.objects import Object
from bootstrap.kustomize.builder import Builder
from bootstrap.system import files
from bootstrap.system.cache import Cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to render, from where, and in which form: `yaml`, `json` or `names`."""

    directory: Path
    environments: tuple[str, ...] = ()
    reference: str | None = None
    object: str | None = None
    out: Path | None = None
    form: str = "yaml"
    cached: bool = True


def run(request: Request, *, progress: Progress) -> Result:
    """Render the environments with the real kustomize; nothing but `out` and the cache is written."""
    git_repository.check_version()
    top = workspace.top_of(request.directory)
    checkout = _checkout(top, request)
    environments = checkout.choose(request.environments)
    with progress("building the overlays"):
        builder, snapshot = Builder.find(Cache.find(wanted=request.cached)), checkout.snapshot(environments)
        rendered = builder.render([(snapshot, each.overlay) for each in environments])
    texts = {
        each.name: _only(text, request.object) if request.object else text
        for each, text in zip(environments, rendered, strict=True)
    }
    if request.object and not any(texts.values()):
        raise BadOption(
            f"no environment renders {request.object}", hint="the names are shown by: taxiway render -o names"
        )
    if request.out:
        tree = Tree.union(_files(text).at(name) for name, text in texts.items())
        written = files.replace_folder(top, request.out, tree)
        return Result(status="written", data={"files": list(tree)}, lines=(f"{written} files in {request.out}",))
    found = [each for text in texts.values() for each in objects.parse(text)]
    lines = _lines(request.form, texts, found)
    return Result(status="rendered", data={"items": found}, lines=lines, document=request.form != "names")


def _checkout(top: Path, request: Request) -> Checkout:
    if not request.reference:
        return environment_repo.working(top)
    past = Commit.of(top, request.reference)
    return environment_repo.at(past, called=request.reference)


def _lines(form: str, texts: dict[str, bytes], found: list[Object]) -> tuple[str, ...]:
    if form == "names":
        return tuple(f"{objects.namespace_of(each)} {each['kind']}/{objects.name_of(each)}" for each in found)
    if form == "json":
        return (escaping.as_json({"apiVersion": "v1", "kind": "List", "items": found}),)
    whole = "---\n".join(text.decode() for text in texts.values() if text)
    # As kustomize wrote it; anew, and equal, only where a line would be a command to the runner that keeps the CI log.
    return ((_quoted(found) if escaping.has_command(whole) else whole).rstrip("\n"),)


class _Quoting(yaml.CSafeDumper):
    """Writes a string that holds a command between double quotes, on one line."""


_Quoting.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"' if escaping.has_command(text) else None
    ),
)


def _quoted(found: list[Object]) -> str:
    text: str = yaml.dump_all(found, Dumper=_Quoting, width=-1)
    return escaping.in_quotes(text)


def _only(text: bytes, wanted: str) -> bytes:
    found = [each for each in objects.parse(text) if objects.is_called(each, wanted)]
    return _dump(found)


def _dump(found: list[Object]) -> bytes:
    text: bytes = yaml.dump_all(found, Dumper=yaml.CSafeDumper, encoding="utf-8", allow_unicode=True, width=1_000_000)
    return text if found else b""


def _files(text: bytes) -> Tree:
    """One file an object: `kind.name.yaml`. What no name in a cluster holds, such as a slash, is escaped."""
    return Tree({_file_name(each): _dump([each]) for each in objects.parse(text)})


def _file_name(each: Object) -> str:
    return urllib.parse.quote(f"{str(each['kind']).lower()}.{objects.name_of(each)}.yaml", safe=":")
