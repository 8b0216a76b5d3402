"""Scan for plaintext secrets: in a file of the repository, in one setting, in a tree that is about to be committed."""

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
from bootstrap.secrets.credentials import Credential, CredentialKind, displayed_name, is_placeholder, is_secret
from bootstrap.yamltools.positions import documents, mistake

_ENV = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.+)")
_CONFIG = re.compile(r"\s*([A-Za-z_][\w.-]*)\s*[=:]\s*(.+)")
# An assignment or keyword argument with a string literal: `password="…"`, `env["TOKEN"] = "…"`.
_CODE = re.compile(r"([A-Za-z_]\w{1,60})[\"']?\]?\s*(?::\s*str\s*)?=\s*[bf]?([\"'])([^\"'\n]{1,300})\2")
_COMMENT = re.compile(r"(?:^|\s)#.*", re.M)
_MAX_DEPTH = 4  # of YAML in block scalars of YAML
# kustomize writes block style, so a line search tells cheaply whether parsing is worth it.
_SECRET_KIND = re.compile(rb"^kind: \"?Secret\"?\s*$", re.MULTILINE)
_CATALOG_KEYS = frozenset(key.name for key in CATALOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSecret:
    """A Secret in plaintext: its name and line (from 0), and whether a secretGenerator makes it, from which files."""

    name: str
    line: int
    generated: bool = False
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSecrets:
    """All plaintext secrets of one file; lines count from 0."""

    credentials: tuple[Credential, ...] = ()
    secrets: tuple[PlainSecret, ...] = ()


@lru_cache(maxsize=512)
def scan_file(data: bytes, kind: str) -> FileSecrets:
    """The plaintext secrets of a file; `kind` is as `kind_of` returns it. Binary files have none."""
    if b"\0" in data[:8000]:
        return FileSecrets()
    text = data.decode(errors="replace")
    if kind in ("yaml", "yml", "json") and mistake(data) is None:
        scanner = _YamlScanner()
        scanner.scan(data)
        scanner.credentials.extend(_in_comments(text) if kind != "json" else ())
        return FileSecrets(credentials=tuple(scanner.credentials), secrets=tuple(scanner.secrets))
    if kind in ("md", "rst", "txt"):
        return FileSecrets(credentials=tuple(credentials.find(text, prose=True, pairs=False)))
    return FileSecrets(credentials=(*_in_lines(text, kind), *credentials.find(text, prose=kind in ("py", "sh", ""))))


def kind_of(path: str) -> str:
    """The file's extension in lower case, without the dot; `env` for `.env*` files."""
    name = posixpath.basename(path)
    return "env" if name.startswith(".env") else name.rpartition(".")[2].lower() if "." in name else ""


def holds_values(values: Iterable[Any]) -> bool:
    """Whether any value of a Secret is not a placeholder."""
    return not all(is_placeholder(str(value)) for value in values)


def is_plain_setting(name: str, value: str) -> bool:
    """Whether `NAME=VALUE` in an env file would be a plaintext secret, by its name or by the format of its value."""
    by_name = name in _CATALOG_KEYS or name.startswith("AIRFLOW_CONN_") or credentials.names_secret(name)
    return by_name or bool(scan_file(f"{name}={value}\n".encode(), "env").credentials)


def refuse_plaintext(tree: Tree, rendered: Mapping[str, bytes]) -> None:
    """Raise BuildFailed for each private key in a tree, and for each Secret in its `rendered` overlays."""
    errors: list[TaxiwayError] = [
        BuildFailed(f"{path}: holds a private key, which must never be committed")
        for path, data in tree.items()
        if credentials.holds_private_key(data)
    ]
    for overlay, data in rendered.items():
        for obj in objects.parse(data) if _SECRET_KIND.search(data) else ():
            if obj["kind"] == "Secret":
                message = f"{overlay}: renders the Secret {objects.name_of(obj)} in the clear"
                errors.append(BuildFailed(message, hint="commit it as a SealedSecret"))
    raise_all(errors)


def _in_comments(text: str) -> Iterator[Credential]:
    """Credentials in comments. All else is blanked out and not cut, since a private key can span several comments."""
    blank, end = [], 0
    for match in _COMMENT.finditer(text):
        blank.append("\n" * text.count("\n", end, match.start()))
        blank.append(match[0])
        end = match.end()
    yield from credentials.find("".join(blank), prose=True, pairs=False)


def _in_lines(text: str, kind: str) -> Iterator[Credential]:
    """Sensitive settings, line by line, of an env file, a configuration file or a program."""
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
                yield Credential(
                    kind=CredentialKind.LITERAL, line=number, what=f"the value of {displayed_name(match[1])}"
                )


class _YamlScanner:
    """Scanner of a YAML file, and of the YAML in its block scalars."""

    def __init__(self) -> None:
        self.credentials: list[Credential] = []
        self.secrets: list[PlainSecret] = []

    def scan(self, data: bytes, offset: int = 0, depth: int = 0) -> None:
        seen: set[int] = set()
        for document in documents(data):
            # Nodes to visit, each with the name and line of its key, and whether that is known to be a setting.
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
                        # The items of a list `data`, as in an ExternalSecret, are no settings.
                        name = name if name == "literals" else ""
                        stack.extend((item, name, item.start_mark.line, setting) for item in node.value)

    def _mapping(self, node: yaml.MappingNode, name: str, offset: int) -> Iterator[tuple[yaml.Node, str, int, bool]]:
        pairs = {key.value: (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        kind = _scalar_text(pairs, "kind")
        if kind == "Secret" and (plain := _plain_secret(pairs, offset)):
            self.secrets.append(plain)
            return
        values = {key: value for key, (_, value) in pairs.items()}
        named = _scalar_text(pairs, "name") or _scalar_text(pairs, "path").rpartition("/")[2]
        for key, (mark, value) in pairs.items():
            if kind == "SealedSecret" and key == "spec" and isinstance(value, yaml.MappingNode):
                # A rule of its own reports what is in encryptedData and is not sealed.
                value = yaml.MappingNode(value.tag, [p for p in value.value if p[0].value != "encryptedData"])
            line = mark.start_mark.line
            if key == "secretGenerator" and isinstance(value, yaml.SequenceNode):
                self.secrets.extend(filter(None, (_secret_generator(item, offset) for item in value.value)))
            elif key == "value" and named and isinstance(values[key], yaml.ScalarNode):
                yield value, named, line, True
            else:
                # Entries of a ConfigMap, a Secret template, or Flux's postBuild are settings.
                yield value, key, line, name in ("data", "stringData", "substitute") or key == "literals"

    def _scalar(self, node: yaml.ScalarNode, name: str, line: int, offset: int, setting: bool, depth: int) -> None:
        text = node.value
        if len(text) < 2:
            return
        if name == "literals" and setting:
            name, _, text = text.partition("=")
        is_yaml = name == "patch" or "kind:" in text or name.endswith((".yaml", ".yml"))
        if is_yaml and depth < _MAX_DEPTH and "\n" in text:
            data = text.encode(errors="replace")
            if mistake(data) is None and any(isinstance(document.value, dict | list) for document in documents(data)):
                self.scan(data, offset + _first_line(node, line), depth + 1)
                return
        found = list(credentials.find(text, name))
        first = _first_line(node, line)
        literal = node.style == "|"  # the one style that keeps its lines
        if "\n" in text:
            found.extend(_in_lines(text, name.rpartition(".")[2]))
        elif not found and is_secret(name, text, certain=not setting) and node.tag != "tag:yaml.org,2002:bool":
            found.append(Credential(kind=CredentialKind.LITERAL, line=0, what=f"the value of {displayed_name(name)}"))
        for credential in found:
            at = first + credential.line if literal else line
            self.credentials.append(Credential(kind=credential.kind, line=offset + at, what=credential.what))


def _first_line(node: yaml.ScalarNode, line: int) -> int:
    """The line where a scalar's text begins: below the `|` or `>`, else that of its key."""
    return node.start_mark.line + 1 if node.style in ("|", ">") else line


def _scalar_text(pairs: dict[str, Any], key: str) -> str:
    node = pairs[key][1] if key in pairs else None
    return node.value if isinstance(node, yaml.ScalarNode) and isinstance(node.value, str) else ""


def _plain_secret(pairs: dict[str, Any], offset: int) -> PlainSecret | None:
    """A Secret with values; None where all are placeholders: encrypted by SOPS, or filled in later."""
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


def _secret_generator(node: yaml.Node, offset: int) -> PlainSecret | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    pairs = {key.value: (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}
    sources = {
        key: [item.value for item in (value.value if isinstance(value, yaml.SequenceNode) else [value])
              if isinstance(item, yaml.ScalarNode) and item.value]
        for key, (_, value) in pairs.items()
        if key in ("literals", "files", "envs", "env")
    }  # fmt: skip
    files = [text.partition("=")[2] or text for key, texts in sources.items() if key != "literals" for text in texts]
    if not files and all(is_placeholder(text.partition("=")[2]) for text in sources.get("literals", ())):
        return None
    line = pairs["name"][0].start_mark.line if "name" in pairs else node.start_mark.line
    return PlainSecret(name=_scalar_text(pairs, "name"), line=offset + line, generated=True, files=tuple(files))
