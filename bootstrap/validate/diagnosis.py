"""Diagnosis of failed builds: from an error message of kustomize to the line at fault, one function per message."""

import difflib
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bootstrap.kubernetes.objects import dig
from bootstrap.kustomize import failure, replacements
from bootstrap.kustomize.failure import Complaint
from bootstrap.kustomize.graph import Use
from bootstrap.kustomize.inputs import FIELDS
from bootstrap.kustomize.resources import Source
from bootstrap.validate.context import EnvironmentContext
from bootstrap.yamltools.positions import Place, documents, mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An error message of kustomize, and the match of the pattern that recognized it."""

    env: EnvironmentContext
    complaint: Complaint
    match: re.Match[str]

    def group(self, name: str) -> str:
        """Named group of the pattern; empty if it is missing or did not match."""
        return self.match.groupdict().get(name) or ""

    @property
    def owner(self) -> Place:
        """Kustomization file in which kustomize failed."""
        return Place(failure.kustomization_in(self.complaint.folder, self.env.tree.files))

    @property
    def sources(self) -> tuple[Source, ...]:
        """YAML documents of the environment."""
        return self.env.trace.origins.sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Place, message and hint for a failed build. Without a message, kustomize's own text is reported."""

    place: Place
    message: str = ""
    hint: str = ""


def missing(case: Case) -> Diagnosis | None:
    """A file or folder that is listed but missing."""
    for use in _absent(case):
        folder = posixpath.dirname(use.path)
        below = (path.removeprefix(f"{folder}/") for path in case.env.tree.files if path.startswith(f"{folder}/"))
        hint = suggest(posixpath.basename(use.path), (path.partition("/")[0] for path in below))
        return Diagnosis(place=Place(use.owner, use.line), message=f"{use.path} is not there", hint=hint)
    return None


def no_kustomization(case: Case) -> Diagnosis | None:
    """A listed folder without a kustomization file."""
    for use in _absent(case):
        return Diagnosis(place=Place(use.owner, use.line), message=f"the folder {use.path} has no kustomization.yaml")
    return None


def syntax(case: Case) -> Diagnosis:
    """Invalid YAML. The line is libyaml's, which is more exact than that of Go's parser."""
    path = case.owner.path
    if file := case.group("file"):
        path = posixpath.normpath(posixpath.join(case.complaint.folder, file))
    path = _configured(case) or path
    line, reason = mistake(case.env.tree.files.get(path, b"")) or (int(case.group("line")), case.group("reason"))
    return Diagnosis(place=Place(path, line), message=f"{path} is not valid YAML: {reason}")


def patch_text(case: Case) -> Diagnosis | None:
    """A patch that is empty or not valid YAML."""
    path = _configured(case)
    if path is not None:
        line, reason = mistake(case.env.tree.files.get(path, b"")) or (1, "")
        message = f"{path} is not valid YAML: {reason}" if reason else f"{path} holds no patch"
        return Diagnosis(place=Place(path, line), message=message)
    for owner in case.env.graph.kustomizations:
        for number, entry in enumerate(owner.items("patches")):
            text = dig(entry, "patch")
            if isinstance(text, str) and (mistake(text.encode(errors="replace")) or not text.strip()):
                message = "the patch is not valid YAML" if text.strip() else "the patch is empty"
                return Diagnosis(place=owner.place("patches", number, "patch"), message=message)
    return None


def unknown_field(case: Case) -> Diagnosis | None:
    """A field that kustomize does not know."""
    field, path = case.group("field"), case.owner.path
    for document in documents(case.env.tree.files.get(path, b""))[:1]:
        for line in document.lines_of(field):
            return Diagnosis(
                place=Place(path, line), message=f"kustomize knows no field {field}", hint=suggest(field, FIELDS)
            )
    return None


def wrong_type(case: Case) -> Diagnosis | None:
    """A value of the wrong type, such as a number instead of a string."""
    expected = case.group("want")
    steps, path = case.group("field").split(".")[1:], case.owner.path
    text = expected == "string"
    for document in documents(case.env.tree.files.get(path, b""))[:1]:
        for where, value in replacements.resolve(document.value, ".*.".join(steps)):
            if isinstance(value, str) is not text:
                message = f"{'.'.join(steps)} is a {case.group('got')}, and has to be {'text' if text else expected}"
                hint = "Put quotes around it." if text and not isinstance(value, dict | list) else ""
                return Diagnosis(place=Place(path, document.line(where)), message=message, hint=hint)
    return None


def unmatched_patch(case: Case) -> Diagnosis | None:
    """A strategic merge patch for an object that does not exist."""
    kind, name = case.group("kind"), case.group("name")
    names = {
        str(dig(source.document.value, "metadata", "name"))
        for source in case.sources
        if source.made and _kind(source) == kind
    }
    for source in reversed(case.sources):
        if not source.made and source.target is None and kind_and_name(source) == (kind, name):
            message = f"the patch is for {kind}/{name}, and there is none"
            hint = suggest(name, names)
            if name in names:
                message = f"no {kind}/{name} has the apiVersion and the namespace that the patch says"
                hint = (
                    "Write the apiVersion of its file; leave the namespace out, the overlay sets it after its patches."
                )
            return Diagnosis(place=source.place(("metadata", "name")), message=message, hint=hint)
    return None


def made_twice(case: Case) -> Diagnosis | None:
    """Two documents that define the same object."""
    identity = (case.group("kind"), case.group("name"))
    made = [
        source.place(("metadata", "name"))
        for source in case.sources
        if source.made and kind_and_name(source) == identity
    ]
    for later in made[1:]:
        return Diagnosis(place=later, message=f"{'/'.join(identity)} is made twice: at {made[0]} too")
    for owner in reversed(case.env.graph.kustomizations):
        for number, name in enumerate(owner.items("resources")):
            if (
                isinstance(name, str)
                and posixpath.normpath(posixpath.join(owner.folder, name)) == case.complaint.folder
            ):
                message = f"{case.complaint.folder} comes twice, and so does its {'/'.join(identity)}"
                return Diagnosis(place=owner.place("resources", number), message=message)
    return None


def no_object(case: Case) -> Diagnosis:
    """A resource file without apiVersion, kind or metadata.name."""
    path = posixpath.normpath(posixpath.join(case.complaint.folder, case.group("file")))
    what = {"kind": "kind", "metadata.name": "metadata.name"}.get(case.group("what"), "apiVersion, kind and metadata")
    return Diagnosis(place=Place(path), message=f"an object in {path} has no {what}")


def refused_path(case: Case) -> Diagnosis:
    """The line that lists a folder or file which kustomize refuses."""
    for owner in case.env.graph.kustomizations:
        for key in ("resources", "components", "bases"):
            for number, name in enumerate(owner.items(key)):
                full = posixpath.normpath(posixpath.join(owner.folder, name)) if isinstance(name, str) else None
                if case.group("path") in (name, full):
                    return Diagnosis(place=owner.place(key, number))
    return Diagnosis(place=case.owner)


def suggest(name: str, known: Iterable[str]) -> str:
    """Hint with the most similar known name; empty if none is similar."""
    matches = difflib.get_close_matches(name, sorted(set(known) - {name}), n=1, cutoff=0.6)
    return f"Did you mean {matches[0]}?" if matches else ""


def _absent(case: Case) -> Iterator[Use]:
    return (use for use in case.env.graph.missing if use.path == case.group("path"))


def _configured(case: Case) -> str | None:
    """File that a built-in transformer failed to read. Kustomize reports its path relative to the kustomization."""
    match = re.search(r"\bpath: (\S+)", case.complaint.config)
    for owner in reversed(case.env.graph.kustomizations):
        if match and (path := posixpath.normpath(posixpath.join(owner.folder, match[1]))) in case.env.graph.files:
            return path
    return None


def _kind(source: Source) -> str:
    return str(dig(source.document.value, "kind"))


def kind_and_name(source: Source) -> tuple[str, str]:
    """Kind and name of a document."""
    return _kind(source), str(dig(source.document.value, "metadata", "name"))
