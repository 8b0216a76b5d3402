"""Rendered objects as one document, as JSON, as names, or as one file an object."""

import urllib.parse
from collections.abc import Sequence

import yaml

from bootstrap.core import escaping
from bootstrap.core.tree import Tree
from bootstrap.kubernetes import objects
from bootstrap.kubernetes.objects import Object


def lines(form: str, texts: Sequence[bytes], objs: list[Object]) -> tuple[str, ...]:
    """The `found` objects of these texts, in the form `yaml`, `json` or `names`."""
    if form == "names":
        return tuple(f"{objects.namespace_of(obj)} {obj['kind']}/{objects.name_of(obj)}" for obj in objs)
    if form == "json":
        return (escaping.as_json({"apiVersion": "v1", "kind": "List", "items": objs}),)
    whole = "---\n".join(text.decode() for text in texts if text)
    # As kustomize wrote it; anew, and equal, only where a line would be a command to the runner that keeps the CI log.
    return ((_quoted(objs) if escaping.has_workflow_command(whole) else whole).rstrip("\n"),)


class _Quoting(yaml.CSafeDumper):
    """Writes a string that holds a command between double quotes, on one line."""


_Quoting.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"' if escaping.has_workflow_command(text) else None
    ),
)


def _quoted(objs: list[Object]) -> str:
    text: str = yaml.dump_all(objs, Dumper=_Quoting, width=-1)
    return escaping.yaml_without_commands(text)


def only(text: bytes, reference: str) -> bytes:
    """The one object `Kind/name` of a text."""
    objs = [obj for obj in objects.parse(text) if objects.is_called(obj, reference)]
    return _dump(objs)


def _dump(objs: list[Object]) -> bytes:
    text: bytes = yaml.dump_all(objs, Dumper=yaml.CSafeDumper, encoding="utf-8", allow_unicode=True, width=1_000_000)
    return text if objs else b""


def files(text: bytes) -> Tree:
    """One file an object: `kind.name.yaml`. What no name in a cluster holds, such as a slash, is escaped."""
    return Tree({_file_name(obj): _dump([obj]) for obj in objects.parse(text)})


def _file_name(obj: Object) -> str:
    return urllib.parse.quote(f"{str(obj['kind']).lower()}.{objects.name_of(obj)}.yaml", safe=":")
