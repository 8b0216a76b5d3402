"""Inputs of a kustomization or plugin configuration: the files it names, and the obstacles to a safe build.

An allow list: text that kustomize may parse in another way than we do is an `Obstacle`, since the build could then
fetch or run what no rule has checked. Go ignores the case of keys; its YAML differs in merge keys, tags and strings.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from bootstrap.kubernetes.objects import dig, items, mapping
from bootstrap.yamltools.positions import Document, documents, mistake

FIELDS = (
    "apiVersion", "bases", "buildMetadata", "commonAnnotations", "commonLabels", "components", "configMapGenerator",
    "configurations", "crds", "generatorOptions", "generators", "images", "imageTags", "kind", "labels", "metadata",
    "namePrefix", "nameSuffix", "namespace", "openapi", "patches", "patchesJson6902", "patchesStrategicMerge",
    "replacements", "replicas", "resources", "secretGenerator", "sortOptions", "transformers", "validators", "vars",
)  # fmt: skip
_HELM = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")
# Fields with lists of mappings, and the keys of these that name files.
_NAMING = {
    **dict.fromkeys(("configMapGenerator", "secretGenerator"), ("env", "envs", "files")),
    **dict.fromkeys(("patches", "patchesJson6902", "replacements"), ("path",)),
}
# kustomize's builtin plugins (api/internal/builtins) and their fields that name files; without Helm's, which runs helm.
_PLUGINS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("AnnotationsTransformer", "HashTransformer", "IAMPolicyGenerator", "ImageTagTransformer", "LabelTransformer",
         "NamespaceTransformer", "PrefixTransformer", "ReplicaCountTransformer", "SortOrderTransformer",
         "SuffixTransformer"), (),
    ),
    **dict.fromkeys(("ConfigMapGenerator", "SecretGenerator"), _NAMING["configMapGenerator"]),
    **dict.fromkeys(("PatchJson6902Transformer", "PatchTransformer"), ("path",)),
    "PatchStrategicMergeTransformer": ("paths",), "ReplacementTransformer": ("replacements",),
    "ValueAddTransformer": ("targetFilePath",),
}  # fmt: skip
# What any version of kustomize takes for a Git repository (api/internal/git, repospec.go).
_REPOSITORY = re.compile(
    r"git::|\w+://|[\w.-]+@[^/]*[/:]|(github|gitlab|bitbucket)\.(com|org)[/:]|[^{\[]*(\?|_git/)", re.I
)
_OTHERWISE = "kustomize may take the key {!r} for another one, which is written otherwise"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Role(StrEnum):
    """How kustomize reads a file."""

    KUSTOMIZATION = "kustomization"
    RESOURCE = "resource"
    PLUGIN = "plugin"
    PATCH = "patch"
    ENV = "env"
    FILE = "file"
    OTHER = "other"


class Why(StrEnum):
    """Reason why kustomize is not started for an overlay."""

    REMOTE = "remote"
    PROGRAM = "program"
    OUTSIDE = "outside"
    UNCLEAR = "unclear"
    DUPLICATE = "duplicate"
    DOCUMENTS = "documents"
    SYNTAX = "syntax"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Reason not to build, with its line in the text; `field` is the name of an unknown field."""

    why: Why
    line: int
    message: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """File, folder or URL as the text names it, with its line."""

    name: str
    role: Role
    line: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files that one text names, and the obstacles in it."""

    named: tuple[Named, ...]
    obstacles: tuple[Obstacle, ...]


def is_remote(name: str) -> bool:
    """Whether any version of kustomize may fetch this from the network: a URL or a Git repository."""
    name = name.strip()
    is_inline = "\n" in name or name.startswith(("{", "["))
    return bool(_REPOSITORY.match(name)) or (not is_inline and ":" in name.partition("/")[0])


@lru_cache(maxsize=256)  # pinned copies of a base have the same text
def kustomization(text: bytes) -> Inputs:
    """The inputs of a kustomization file."""
    return _gathered(text, _kustomization, most=1)


@lru_cache(maxsize=64)
def plugin(text: bytes) -> Inputs:
    """The inputs of a file with plugin configurations."""
    return _gathered(text, _plugin)


def _gathered(text: bytes, read: Any, *, most: int | None = None) -> Inputs:
    results: list[Named | Obstacle] = []
    if wrong := mistake(text):
        results.append(Obstacle(Why.SYNTAX, wrong[0], f"not valid YAML: {wrong[1]}"))
    for number, document in enumerate(documents(text)):
        if most is not None and number >= most:
            results.append(Obstacle(Why.DOCUMENTS, document.line(), "kustomize reads only the first document"))
            break
        results += [*_ambiguous(document), *read(document)]
    return Inputs(
        tuple(item for item in results if isinstance(item, Named)),
        tuple(item for item in results if isinstance(item, Obstacle)),
    )


def _ambiguous(document: Document) -> Iterator[Obstacle]:
    """YAML that parsers disagree on: duplicate keys and `<<`."""
    for key, line in document.duplicates():
        yield Obstacle(Why.DUPLICATE, line, f"{key} stands twice in the same mapping")
    for line in document.lines_of("<<"):
        yield Obstacle(Why.UNCLEAR, line, "only some parsers take this << for a merge key")  # the others were merged


def _kustomization(document: Document) -> Iterator[Named | Obstacle]:
    data = document.value
    if not isinstance(data, dict):
        return  # kustomize refuses it before it reads anything else
    for key, value in data.items():
        if key in _HELM and value is not None:
            yield Obstacle(Why.PROGRAM, document.line((key,)), f"{key} runs helm, which fetches charts")
        elif key not in FIELDS:
            yield _unknown(document, key)
    for key in ("resources", "bases", "components"):
        yield from _names(document, Role.KUSTOMIZATION, key)
    for key in ("generators", "transformers", "validators"):
        yield from _plugins(document, key)
    for key, fields in _NAMING.items():
        for number, item in enumerate(items(data, key)):
            yield from _item(document, item, fields, key, number)
    yield from _names(document, Role.PATCH, "patchesStrategicMerge")
    for key in ("configurations", "crds"):
        yield from _names(document, Role.OTHER, key)
    if isinstance(data.get("openapi"), dict):
        yield from _names(document, Role.OTHER, "openapi", "path")


def _unknown(document: Document, key: Any) -> Obstacle:
    line = document.line((key,)) if isinstance(key, str) else document.line()
    if isinstance(key, str) and key.casefold() not in {name.casefold() for name in (*FIELDS, *_HELM)}:
        return Obstacle(Why.UNKNOWN, line, f"kustomize knows no field {key}", key)
    return Obstacle(Why.UNCLEAR, line, _OTHERWISE.format(key))


def _item(document: Document, item: Any, fields: tuple[str, ...], *where: str | int) -> Iterator[Named | Obstacle]:
    """The files that a mapping names in these fields."""
    if not isinstance(item, dict):
        return
    yield from _misspelt(document, item, fields, *where)
    roles = {"env": Role.ENV, "envs": Role.ENV, "files": Role.FILE}
    for field in fields:
        role = Role.OTHER if where[:1] == ("replacements",) else roles.get(field, Role.PATCH)
        yield from _names(document, role, *where, field)


def _misspelt(document: Document, item: Any, fields: tuple[str, ...], *where: str | int) -> Iterator[Obstacle]:
    folded = {field.casefold() for field in fields}
    for key in item:
        if not isinstance(key, str) or (key not in fields and key.casefold() in folded):
            yield Obstacle(Why.UNCLEAR, document.line((*where, str(key))), _OTHERWISE.format(key))


def _names(document: Document, role: Role, *where: str | int) -> Iterator[Named | Obstacle]:
    """The names at a path, which has one name or a list of names."""
    value = dig(document.value, *where)
    for step, name in enumerate(value) if isinstance(value, list) else ((None, value),):
        line = document.line(where if step is None else (*where, step))
        if isinstance(name, str):
            yield from _name(name, role, line)
        elif name is not None:
            yield Obstacle(Why.UNCLEAR, line, f"{where[-1]} has {name!r}, which is no text")


def _name(text: str, role: Role, line: int) -> Iterator[Named | Obstacle]:
    if role is Role.FILE:
        text = text.partition("=")[2] or text
    if not text or (role is Role.PATCH and ("\n" in text or text.lstrip().startswith(("{", "[")))):
        return  # an inline patch
    if _CONTROL.search(text) and not is_remote(text):
        yield Obstacle(Why.UNCLEAR, line, f"the name {text!r} holds control characters")
    else:
        yield Named(text, role, line)


def _plugins(document: Document, key: str) -> Iterator[Named | Obstacle]:
    """The plugins of a list, given as paths or as inline configurations."""
    for number, text in enumerate(items(document.value, key)):
        line = document.line((key, number))
        if not isinstance(text, str):
            yield Obstacle(Why.UNCLEAR, line, f"{key} has {text!r}, which is no text")
        elif not _REPOSITORY.match(text) and ("\n" in text or text.lstrip().startswith("{")):
            inside = document.inside((key, number))
            if mistake(text.encode(errors="replace")) or not all(isinstance(inner.value, dict) for inner in inside):
                yield Obstacle(Why.UNCLEAR, line, f"{key} has a text that is neither a path nor an object")
            for inner in inside:
                yield from (*_ambiguous(inner), *_plugin(inner))
        else:
            yield from _name(text, Role.PLUGIN, line)


def _plugin(document: Document) -> Iterator[Named | Obstacle]:
    data = mapping(document.value)
    kind, version = data.get("kind"), data.get("apiVersion")
    fields = _PLUGINS.get(kind) if isinstance(kind, str) and version == "builtin" else None
    if fields is None:
        what = "runs helm" if kind == "HelmChartInflationGenerator" else "is a program, and none of kustomize's own"
        yield Obstacle(Why.PROGRAM, document.line(("kind",)), f"the plugin {kind} of {version} {what}")
    elif kind == "ReplacementTransformer":
        yield from _misspelt(document, data, fields)
        for number, item in enumerate(items(data, "replacements")):
            yield from _item(document, item, ("path",), "replacements", number)
    else:
        yield from _item(document, data, fields)
