"""From what kustomize complains of to the line that causes it, one function for each kind of complaint."""

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
    """A complaint, and the match of the expression that tells its kind."""

    scene: EnvironmentContext
    complaint: Complaint
    match: re.Match[str]

    def said(self, name: str) -> str:
        """A part of the complaint; empty where it has none of this name."""
        return self.match.groupdict().get(name) or ""

    @property
    def owner(self) -> Place:
        """The kustomization that kustomize was in."""
        return Place(failure.kustomization_in(self.complaint.folder, self.scene.tree.files))

    @property
    def sources(self) -> tuple[Source, ...]:
        """The documents of the environment."""
        return self.scene.trace.origins.sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A complaint as a user can act on it; without a message, kustomize's own words do."""

    place: Place
    message: str = ""
    hint: str = ""


def missing(case: Case) -> Told | None:
    """A file or folder that is named and not there."""
    for use in _absent(case):
        folder = posixpath.dirname(use.path)
        below = (path.removeprefix(f"{folder}/") for path in case.scene.tree.files if path.startswith(f"{folder}/"))
        hint = near(posixpath.basename(use.path), (path.partition("/")[0] for path in below))
        return Told(place=Place(use.owner, use.line), message=f"{use.path} is not there", hint=hint)
    return None


def no_kustomization(case: Case) -> Told | None:
    """A folder that has no kustomization in it."""
    for use in _absent(case):
        return Told(place=Place(use.owner, use.line), message=f"the folder {use.path} has no kustomization.yaml")
    return None


def syntax(case: Case) -> Told:
    """Bad YAML. Go's parser names a line around the mistake, libyaml's own is nearer."""
    path = case.owner.path
    if file := case.said("file"):
        path = posixpath.normpath(posixpath.join(case.complaint.folder, file))
    path = _configured(case) or path
    line, reason = mistake(case.scene.tree.files.get(path, b"")) or (int(case.said("line")), case.said("reason"))
    return Told(place=Place(path, line), message=f"{path} is not valid YAML: {reason}")


def patch_text(case: Case) -> Told | None:
    """A patch that is none."""
    path = _configured(case)
    if path is not None:
        line, reason = mistake(case.scene.tree.files.get(path, b"")) or (1, "")
        message = f"{path} is not valid YAML: {reason}" if reason else f"{path} holds no patch"
        return Told(place=Place(path, line), message=message)
    for owner in case.scene.graph.kustomizations:
        for number, entry in enumerate(owner.items("patches")):
            text = dig(entry, "patch")
            if isinstance(text, str) and (mistake(text.encode(errors="replace")) or not text.strip()):
                message = "the patch is not valid YAML" if text.strip() else "the patch is empty"
                return Told(place=owner.place("patches", number, "patch"), message=message)
    return None


def unknown_field(case: Case) -> Told | None:
    """A field that no kustomization has."""
    field, path = case.said("field"), case.owner.path
    for document in documents(case.scene.tree.files.get(path, b""))[:1]:
        for line in document.lines_of(field):
            return Told(place=Place(path, line), message=f"kustomize knows no field {field}", hint=near(field, FIELDS))
    return None


def wrong_type(case: Case) -> Told | None:
    """A number where a text belongs, and the like."""
    wanted = case.said("want")
    steps, path = case.said("field").split(".")[1:], case.owner.path
    text = wanted == "string"
    for document in documents(case.scene.tree.files.get(path, b""))[:1]:
        for where, value in replacements.resolve(document.value, ".*.".join(steps)):
            if isinstance(value, str) is not text:
                message = f"{'.'.join(steps)} is a {case.said('got')}, and has to be {'text' if text else wanted}"
                hint = "Put quotes around it." if text and not isinstance(value, dict | list) else ""
                return Told(place=Place(path, document.line(where)), message=message, hint=hint)
    return None


def unmatched_patch(case: Case) -> Told | None:
    """A strategic patch for an object that is not there."""
    kind, name = case.said("kind"), case.said("name")
    names = {
        str(dig(each.document.value, "metadata", "name")) for each in case.sources if each.made and _kind(each) == kind
    }
    for source in reversed(case.sources):
        if not source.made and source.target is None and called(source) == (kind, name):
            message = f"the patch is for {kind}/{name}, and there is none"
            hint = near(name, names)
            if name in names:
                message = f"no {kind}/{name} has the apiVersion and the namespace that the patch says"
                hint = (
                    "Write the apiVersion of its file; leave the namespace out, the overlay sets it after its patches."
                )
            return Told(place=source.place(("metadata", "name")), message=message, hint=hint)
    return None


def made_twice(case: Case) -> Told | None:
    """Two documents that make the same object."""
    wanted = (case.said("kind"), case.said("name"))
    made = [each.place(("metadata", "name")) for each in case.sources if each.made and called(each) == wanted]
    for later in made[1:]:
        return Told(place=later, message=f"{'/'.join(wanted)} is made twice: at {made[0]} too")
    for owner in reversed(case.scene.graph.kustomizations):
        for number, name in enumerate(owner.items("resources")):
            if (
                isinstance(name, str)
                and posixpath.normpath(posixpath.join(owner.folder, name)) == case.complaint.folder
            ):
                message = f"{case.complaint.folder} comes twice, and so does its {'/'.join(wanted)}"
                return Told(place=owner.place("resources", number), message=message)
    return None


def no_object(case: Case) -> Told:
    """A resource file without what every object has."""
    path = posixpath.normpath(posixpath.join(case.complaint.folder, case.said("file")))
    what = {"kind": "kind", "metadata.name": "metadata.name"}.get(case.said("what"), "apiVersion, kind and metadata")
    return Told(place=Place(path), message=f"an object in {path} has no {what}")


def named(case: Case) -> Told:
    """The line that names a folder or file which kustomize refuses."""
    for owner in case.scene.graph.kustomizations:
        for key in ("resources", "components", "bases"):
            for number, name in enumerate(owner.items(key)):
                full = posixpath.normpath(posixpath.join(owner.folder, name)) if isinstance(name, str) else None
                if case.said("path") in (name, full):
                    return Told(place=owner.place(key, number))
    return Told(place=case.owner)


def near(name: str, known: Iterable[str]) -> str:
    """A question after the name that is meant, where one is much like it."""
    found = difflib.get_close_matches(name, sorted(set(known) - {name}), n=1, cutoff=0.6)
    return f"Did you mean {found[0]}?" if found else ""


def _absent(case: Case) -> Iterator[Use]:
    return (use for use in case.scene.graph.missing if use.path == case.said("path"))


def _configured(case: Case) -> str | None:
    """The file that a built-in transformer was to read, whose path is told as the kustomization has it."""
    match = re.search(r"\bpath: (\S+)", case.complaint.config)
    for owner in reversed(case.scene.graph.kustomizations):
        if match and (path := posixpath.normpath(posixpath.join(owner.folder, match[1]))) in case.scene.graph.files:
            return path
    return None


def _kind(source: Source) -> str:
    return str(dig(source.document.value, "kind"))


def called(source: Source) -> tuple[str, str]:
    """The kind and the name that a document has."""
    return _kind(source), str(dig(source.document.value, "metadata", "name"))
