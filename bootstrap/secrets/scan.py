"""Secrets in plaintext: in one file of the repository, in a setting, in what is to be committed."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from bootstrap.core.errors import BuildFailed, TaxiwayError, raise_all
from bootstrap.core.tree import Tree
from bootstrap.kubernetes import objects
from bootstrap.secrets import credentials
from bootstrap.secrets.catalog import CATALOG
from bootstrap.secrets.credentials import CredentialKind, Hit, is_placeholder, is_secret, shown
from bootstrap.yamltools.positions import documents, mistake

_ENV = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.+)")
_CONFIG = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*[=:]\s*(.+)")
# An assignment of a text, an argument by name, an item of a mapping: `password="…"`, `env["TOKEN"] = "…"`.
_CODE = re.compile(r"([A-Za-z_]\w{1,60})[\"']?\]?\s*(?::\s*str\s*)?=\s*[bf]?([\"'])([^\"'\n]{1,300})\2")
_COMMENT = re.compile(r"(?:^|\s)#.*", re.M)
_DEPTH = 4  # of texts of YAML inside of texts of YAML
# kustomize writes each object in block style: reading it all would cost more.
_SECRET = re.compile(rb"^kind: \"?Secret\"?\s*$", re.MULTILINE)
_SEALED = frozenset(key.name for key in CATALOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSecret:
    """A Secret in the clear: its name, its line (from 0), whether a generator makes it, and from which files."""

    name: str
    line: int
    generated: bool = False
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All that a file shows; lines count from 0."""

    hits: tuple[Hit, ...] = ()
    secrets: tuple[PlainSecret, ...] = ()


@lru_cache(maxsize=512)
def read(data: bytes, kind: str) -> Shown:
    """What a file shows; `kind` is the end of its name, without a dot. Nothing in a file that is no text."""
    if b"\0" in data[:8000]:
        return Shown()
    text = data.decode(errors="replace")
    if kind in ("yaml", "yml", "json") and mistake(data) is None:
        found = _Yaml()
        found.read(data)
        found.hits.extend(_comments(text) if kind != "json" else ())
        return Shown(hits=tuple(found.hits), secrets=tuple(found.secrets))
    if kind in ("md", "rst", "txt"):
        return Shown(hits=tuple(credentials.find(text, prose=True, pairs=False)))
    return Shown(hits=(*_lines(text, kind), *credentials.find(text, prose=kind in ("py", "sh", ""))))


def kind_of(path: str) -> str:
    """The kind of a file, for `read`."""
    name = posixpath.basename(path)
    return "env" if name.startswith(".env") else name.rpartition(".")[2].lower() if "." in name else ""


def holds_values(values: Iterable[Any]) -> bool:
    """Whether any value of a Secret is more than a placeholder."""
    return not all(is_placeholder(str(value)) for value in values)


def is_plain_setting(name: str, value: str) -> bool:
    """Whether `NAME=VALUE` in an env file would show a secret: by what its name says, or by the form of the value."""
    by_name = name in _SEALED or name.startswith("AIRFLOW_CONN_") or credentials.names_secret(name)
    return by_name or bool(read(f"{name}={value}\n".encode(), "env").hits)


def refuse_plaintext(tree: Tree, rendered: Mapping[str, bytes]) -> None:
    """Raise BuildFailed for each private key in a tree, and for each Secret that its overlays render."""
    errors: list[TaxiwayError] = [
        BuildFailed(f"{path}: holds a private key, which must never be committed")
        for path, data in tree.items()
        if credentials.holds_private_key(data)
    ]
    for overlay, data in rendered.items():
        for each in objects.parse(data) if _SECRET.search(data) else ():
            if each["kind"] == "Secret":
                message = f"{overlay}: renders the Secret {objects.name_of(each)} in the clear"
                errors.append(BuildFailed(message, hint="commit it as a SealedSecret"))
    raise_all(errors)


def _comments(text: str) -> Iterator[Hit]:
    """Credentials in what may be comments, with everything else blanked out; a key can go on over several of them."""
    blank, end = [], 0
    for match in _COMMENT.finditer(text):
        blank.append("\n" * text.count("\n", end, match.start()))
        blank.append(match[0])
        end = match.end()
    yield from credentials.find("".join(blank), prose=True, pairs=False)


def _lines(text: str, kind: str) -> Iterator[Hit]:
    """Settings in the lines of an env file, a configuration file, or a program."""
    pattern = _CODE
    if kind in ("env", "sh"):
        pattern = _ENV
    elif kind in ("cfg", "ini", "conf", "toml", "properties"):
        pattern = _CONFIG
    for number, line in enumerate(text.splitlines()):
        if line.lstrip()[:1] in ("#", ";") or len(line) > 8000 or ("=" not in line and pattern is not _CONFIG):
            continue
        for match in pattern.finditer(line) if pattern is _CODE else filter(None, (pattern.match(line),)):
            value = match[match.lastindex or 0].strip().strip("\"'")
            if is_secret(match[1], value):
                yield Hit(kind=CredentialKind.LITERAL, line=number, what=f"the value of {shown(match[1])}")


class _Yaml:
    """A walk over the nodes of a YAML text, and of the texts of YAML that it holds."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self.secrets: list[PlainSecret] = []

    def read(self, data: bytes, offset: int = 0, depth: int = 0) -> None:
        seen: set[int] = set()
        for document in documents(data):
            # What is still to be looked at, with the name of the setting that it is the value of.
            stack: list[tuple[yaml.Node, str, int, bool]] = [(document.node, "", 0, False)]
            while stack:
                node, name, line, setting = stack.pop()
                if isinstance(node, yaml.ScalarNode):
                    self._scalar(node, name, line, offset, setting, depth)
                elif id(node) not in seen:  # an alias is the same node again
                    seen.add(id(node))
                    if isinstance(node, yaml.MappingNode):
                        stack.extend(self._mapping(node, name, offset))
                    else:
                        # Of the items of `data`, as an ExternalSecret has them, none is a setting.
                        name = name if name == "literals" else ""
                        stack.extend((each, name, each.start_mark.line, setting) for each in node.value)

    def _mapping(self, node: yaml.MappingNode, name: str, offset: int) -> Iterator[tuple[yaml.Node, str, int, bool]]:
        pairs = {key.value: (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        kind = _text(pairs, "kind")
        if kind == "Secret" and (plain := _plain(pairs, offset)):
            self.secrets.append(plain)
            return
        values = {key: value for key, (_, value) in pairs.items()}
        named = _text(pairs, "name") or _text(pairs, "path").rpartition("/")[2]
        for key, (mark, value) in pairs.items():
            if kind == "SealedSecret" and key == "spec" and isinstance(value, yaml.MappingNode):
                # What stands among the sealed values and is none is told as that.
                value = yaml.MappingNode(value.tag, [p for p in value.value if p[0].value != "encryptedData"])
            line = mark.start_mark.line
            if key == "secretGenerator" and isinstance(value, yaml.SequenceNode):
                self.secrets.extend(filter(None, (_generator(each, offset) for each in value.value)))
            elif key == "value" and named and isinstance(values[key], yaml.ScalarNode):
                yield value, named, line, True
            else:
                # The entries of a ConfigMap, of a template, of a substitution.
                yield value, key, line, name in ("data", "stringData", "substitute") or key == "literals"

    def _scalar(self, node: yaml.ScalarNode, name: str, line: int, offset: int, setting: bool, depth: int) -> None:
        text = node.value
        if len(text) < 2:
            return
        if name == "literals" and setting:
            name, _, text = text.partition("=")
        if depth < _DEPTH and "\n" in text and (name == "patch" or "kind:" in text or name.endswith((".yaml", ".yml"))):
            data = text.encode(errors="replace")
            if mistake(data) is None and any(isinstance(each.value, dict | list) for each in documents(data)):
                self.read(data, offset + _first(node, line), depth + 1)
                return
        hits = list(credentials.find(text, name))
        first = _first(node, line)
        spread = node.style == "|"
        if "\n" in text:
            hits.extend(_lines(text, name.rpartition(".")[2]))
        elif not hits and is_secret(name, text, certain=not setting) and node.tag != "tag:yaml.org,2002:bool":
            hits.append(Hit(kind=CredentialKind.LITERAL, line=0, what=f"the value of {shown(name)}"))
        for hit in hits:
            at = first + hit.line if spread else line
            self.hits.append(Hit(kind=hit.kind, line=offset + at, what=hit.what))


def _first(node: yaml.ScalarNode, line: int) -> int:
    """The line of the first line of a text: the one below the `|`, or that of its key."""
    return node.start_mark.line + 1 if node.style in ("|", ">") else line


def _text(pairs: dict[str, Any], key: str) -> str:
    node = pairs[key][1] if key in pairs else None
    return node.value if isinstance(node, yaml.ScalarNode) and isinstance(node.value, str) else ""


def _plain(pairs: dict[str, Any], offset: int) -> PlainSecret | None:
    """A Secret that holds values; not one whose values were encrypted by SOPS or come in only later."""
    values = [
        value.value
        for field in ("data", "stringData")
        if field in pairs and isinstance(pairs[field][1], yaml.MappingNode)
        for _, value in pairs[field][1].value
        if isinstance(value, yaml.ScalarNode)
    ]
    if not holds_values(values):
        return None
    line, name = pairs["kind"][0].start_mark.line, ""
    metadata = pairs["metadata"][1] if "metadata" in pairs else None
    for key, value in metadata.value if isinstance(metadata, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode) and key.value == "name" and isinstance(value, yaml.ScalarNode):
            line, name = key.start_mark.line, value.value
    return PlainSecret(name=name, line=offset + line)


def _generator(node: yaml.Node, offset: int) -> PlainSecret | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    pairs = {key.value: (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}
    held = {
        key: [each.value for each in (value.value if isinstance(value, yaml.SequenceNode) else [value])
              if isinstance(each, yaml.ScalarNode) and each.value]
        for key, (_, value) in pairs.items()
        if key in ("literals", "files", "envs", "env")
    }  # fmt: skip
    files = [each.partition("=")[2] or each for key, values in held.items() if key != "literals" for each in values]
    if not files and all(is_placeholder(each.partition("=")[2]) for each in held.get("literals", ())):
        return None
    line = pairs["name"][0].start_mark.line if "name" in pairs else node.start_mark.line
    return PlainSecret(name=_text(pairs, "name"), line=offset + line, generated=True, files=tuple(files))
