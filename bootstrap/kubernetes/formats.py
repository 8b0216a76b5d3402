"""Output formats of rendered objects: YAML, JSON, names, or one file per object."""

import urllib.parse
from collections.abc import Sequence

import yaml

from bootstrap.core import escaping
from bootstrap.core.tree import Tree
from bootstrap.kubernetes import objects
from bootstrap.kubernetes.objects import Object


def lines(form: str, texts: Sequence[bytes], objs: list[Object]) -> tuple[str, ...]:
    """Lines of output. `form` is `yaml`, `json` or `names`; `texts` are the YAML streams of the objects `objs`."""
    if form == "names":
        return tuple(f"{objects.namespace_of(obj)} {obj['kind']}/{objects.name_of(obj)}" for obj in objs)
    if form == "json":
        return (escaping.as_json({"apiVersion": "v1", "kind": "List", "items": objs}),)
    whole = "---\n".join(text.decode() for text in texts if text)
    # kustomize's own text, unless a line of it is a workflow command that a CI runner would execute from its log.
    return ((_quoted(objs) if escaping.has_workflow_command(whole) else whole).rstrip("\n"),)


class _Quoting(yaml.CSafeDumper):
    """Dumper that writes strings with a workflow command in double quotes, so that they stay on one line."""


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
    """The object `Kind/name` of a YAML stream; empty where it has none."""
    objs = [obj for obj in objects.parse(text) if objects.is_called(obj, reference)]
    return _dump(objs)


def _dump(objs: list[Object]) -> bytes:
    text: bytes = yaml.dump_all(objs, Dumper=yaml.CSafeDumper, encoding="utf-8", allow_unicode=True, width=1_000_000)
    return text if objs else b""


def files(text: bytes) -> Tree:
    """One file per object: `kind.name.yaml`. Characters that are invalid in names, such as `/`, are percent-encoded."""
    return Tree({_file_name(obj): _dump([obj]) for obj in objects.parse(text)})


def _file_name(obj: Object) -> str:
    return urllib.parse.quote(f"{str(obj['kind']).lower()}.{objects.name_of(obj)}.yaml", safe=":")
