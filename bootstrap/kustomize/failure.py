"""Parse kustomize's error output: the reason in one sentence, and the folder that it concerns."""

import json
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bootstrap.config.parts import KUSTOMIZATIONS
from bootstrap.core.tree import Tree

# kubectl logs an error through klog, quoted or, when it has several lines, between brackets.
_QUOTED = re.compile(r'err="(?P<text>(?:[^"\\]|\\.)*)"\s*$', re.S)
_BRACKETS = re.compile(r"err=<\n(?P<text>.*?)\n\s*>\s*$", re.S)
_NOTE = re.compile(r"^(# Warning:|[IW]\d{4} ).*\n?", re.M)
_PREFIX = re.compile(r"^.*?kustomize can't build this overlay: (error: |Error: )?", re.S)
_ABSOLUTE = re.compile(r"(?<![\w.])/[^\s'\"`:,;)]+")
# The nested wrappers around the actual error, outermost first.
_WAY = re.compile(
    r"accumulat(?:ing|ion)[^']*?(?:resources|components)?(?: from '[^']*')?: '[^']*' must resolve to a file'?: "
    r"|accumulating (?:resources|components): "
    r"|accumulation err='"
    r"|accumulateDirectory: "
    r"|recursed (?:accumulation of|merging from) path '(?P<folder>[^']*)': "
    r"|couldn't make target for path '(?P<target>[^']*)': "
    r"|loader\.New "
)
_TAIL = re.compile(r"': must build at directory: .*$|: must build at directory: not a valid directory: .*$", re.S)
_CONFIG = re.compile(r"trouble configuring builtin (?P<plugin>\w+) with config: `\n(?P<config>.*?)\n`: ", re.S)
_POINTER = re.compile(r"&\{0x[0-9a-f]+ <nil>\}")
_RES_ID = re.compile(r'resid\.ResId\{Gvk:resid\.Gvk\{[^}]*Kind:"(?P<kind>\w+)"[^}]*\}, Name:"(?P<name>[^"]*)"[^}]*\}')
_GVK = re.compile(
    r"(?P<kind>\w+)\.(?:v\w+|\[noVer\])\.(?:[\w.-]+|\[noGrp\])/(?P<name>[^\s:;\"]+?)\.(?:\[noNs\]|[\w-]+)(?=[\s:;\"]|$)"
)
_OBJECT = re.compile(r" in object \{\{.*$", re.S)
_MOST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A kustomize error without its wrappers. `folder` is the innermost folder that it names; `config` is the
    configuration of the builtin transformer that failed, if one did."""

    reason: str
    folder: str
    config: str = ""


def read(text: str, tree: Tree, overlay: str) -> Complaint:
    """Parse the error output of a failed build; all paths become relative to the repo."""
    text = _NOTE.sub("", _PREFIX.sub("", text, count=1)).strip()
    if match := _QUOTED.search(text):
        text = _unquoted(match["text"])
    elif match := _BRACKETS.search(text):
        text = "\n".join(line.removeprefix("\t") for line in match["text"].splitlines())
    text = relative(text.removeprefix("error: ").removeprefix("Error: "), tree)
    folder, end = overlay, 0
    for match in _WAY.finditer(text):
        folder, end = match["folder"] or match["target"] or folder, match.end()
    reason, config = text[end:], ""
    # The error of a component is quoted once more.
    if text[:end].rstrip().endswith('"') or '"' in text[:end]:
        reason = _unquoted(reason.strip().strip('"'))
    if match := _CONFIG.search(reason):
        reason, config = reason[match.end() :], match["config"]
    reason = _OBJECT.sub("", _TAIL.sub("", reason)).strip()
    if reason.count("'") % 2:  # a closing quote of the removed wrappers
        reason = reason.removesuffix("'")
    return Complaint(reason=_plain(reason), folder=folder, config=config)


def relative(text: str, tree: Tree) -> str:
    """Replace absolute paths of a checkout, or of a temporary copy of it, by paths relative to the repo."""
    folders = _folders(tree)

    def shortened(match: re.Match[str]) -> str:
        parts = match[0].strip("/").split("/")
        for first in range(len(parts)):
            path = "/".join(parts[first:])
            if path in tree.files or path in folders or posixpath.dirname(path) in folders:
                return path
        return match[0]

    return _ABSOLUTE.sub(shortened, text)


def _folders(tree: Tree) -> set[str]:
    folders: set[str] = set()
    for path in tree.files:
        while (path := posixpath.dirname(path)) and path not in folders:
            folders.add(path)
    return folders


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\")


def _plain(reason: str) -> str:
    """Write kustomize's resource ids as `Kind/name`, on one line of limited length."""
    reason = _RES_ID.sub(r"\g<kind>/\g<name>", _POINTER.sub("", reason))
    line = " ".join(_GVK.sub(r"\g<kind>/\g<name>", reason).split())
    return line if len(line) <= _MOST else f"{line[:_MOST]}…"


def kustomization_in(folder: str, files: Iterable[str]) -> str:
    """Path of a folder's kustomization file; the default name where there is none."""
    known = set(files)
    paths = [posixpath.join(folder, name) for name in KUSTOMIZATIONS]
    return next((path for path in paths if path in known), paths[0])
