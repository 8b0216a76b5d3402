"""Merge of one release into another: file by file, and field by field in files that hold several parts."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bootstrap.core.changeset import ChangeSet
from bootstrap.core.image import Image
from bootstrap.core.tree import Tree
from bootstrap.promotion import images, release
from bootstrap.promotion.merge import UNKNOWN, Decisions, Move, Part, Unknown, Value
from bootstrap.promotion.release import DAGS, ID, KUSTOMIZATION, RELEASE_ENV, SETTINGS_ENV, Release
from bootstrap.yamltools import edit, envfile
from bootstrap.yamltools.text import editing

_FIELDWISE = {KUSTOMIZATION: Part.BASE, RELEASE_ENV: Part.SETTINGS, SETTINGS_ENV: Part.SETTINGS}
_IMAGES = "images"
_LISTED = "listed"
# Files that determine a Job: Jobs, patches of Jobs, and fields that kustomize applies to every pod template.
_JOBS = re.compile(rb"kind: [\"']?Job\b|^(?:labels|common(?:Labels|Annotations)|name(?:Prefix|Suffix)):", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class ReleaseMerge:
    """Three-way merge of the target's release (ours), the source's (theirs), and their ancestor (base), if known.

    `pinned` says that the Airflow image of theirs was replaced; without `with_base` the base's files stay.

    A file that the target did not edit since the ancestor is copied as a whole, with its comments. In any other file
    only the fields that move are edited.
    """

    ours: Release
    theirs: Release
    base: Release | None
    only: frozenset[Part]
    pinned: bool = False
    with_base: bool = True
    decisions: Decisions = field(default_factory=Decisions)

    def changes(self) -> ChangeSet:
        """Changes of the target's files; the decisions are recorded in `decisions`."""
        overlay = self.ours.overlay
        kustomization = f"{overlay}/kustomization.yaml"
        files = self._release_files()
        base = self._base_files()
        with editing(kustomization):
            text = self._components()
        self._update_release_id(files, base, text)
        self._record_comments(files)
        before = {f"{overlay}/{path}": data for path, data in self.ours.files.items()}
        after = {f"{overlay}/{path}": data for path, data in files.items()}
        before[kustomization], after[kustomization] = self.ours.kustomization.encode(), text.encode()
        if self.with_base:
            before |= self.ours.base.at(self.ours.base_folder).files
            after |= base.at(self.ours.base_folder).files
        return ChangeSet.between(Tree(before), Tree(after))

    def _release_files(self) -> dict[str, bytes]:
        files = dict(self.ours.files)
        steps: Mapping[str, Callable[[], str]] = {
            KUSTOMIZATION: self._kustomization,
            RELEASE_ENV: lambda: self._env(RELEASE_ENV, _part_of, frozenset(Part)),
            SETTINGS_ENV: lambda: self._env(SETTINGS_ENV, lambda _: Part.SETTINGS, frozenset({Part.SETTINGS})),
        }
        for path, step in steps.items():
            if path in self.ours.files or path in self.theirs.files:
                with editing(self.ours.at(path)):
                    files[path] = step().encode()
        for path in sorted((self.ours.files.keys() | self.theirs.files.keys()) - _FIELDWISE.keys()):
            base = self.base.files if self.base else None
            self._file(files, path, self.ours.at(path), self.ours.files, self.theirs.files, base)
        return files

    def _base_files(self) -> Tree:
        files = dict(self.ours.base)
        if self.with_base:
            for path in sorted(self.ours.base.keys() | self.theirs.base.keys()):
                target = f"{self.ours.base_folder}/{path}"
                base = self.base.base if self.base else None
                self._file(files, path, target, self.ours.base, self.theirs.base, base)
        return Tree(files)

    def _file(
        self, files: dict[str, bytes], path: str, repo_path: str, ours: Tree, theirs: Tree, base: Tree | None
    ) -> None:
        source, target = theirs.files.get(path), ours.files.get(path)
        if Part.BASE not in self.only or source == target:
            return
        ancestor = UNKNOWN if base is None else _digest(base.files.get(path))
        if self.decisions.take_source(
            Part.BASE, repo_path, path, source=_digest(source), target=_digest(target), ancestor=ancestor
        ):
            if source is None:
                del files[path]
            else:
                files[path] = source

    def _is_copied(self, path: str, parts: frozenset[Part]) -> bool:
        """Whether a file is copied as a whole: all its parts are carried, and the target did not edit it."""
        ours = self.ours.files.get(path)
        unedited = self.base.files.get(path) == ours if self.base else ours is None
        return parts <= self.only and unedited

    def _env(self, path: str, part_of: Callable[[str], Part | None], parts: frozenset[Part]) -> str:
        source, target = self.theirs.settings(path), self.ours.settings(path)
        base = self.base.settings(path) if self.base else None
        whole = self._is_copied(path, parts)
        text = self.theirs.text(path) if whole else self.ours.text(path)
        for key in dict.fromkeys((*source, *target)):
            part = part_of(key)
            if part is None or part not in self.only:
                continue
            value = source.get(key)
            ancestor = UNKNOWN if base is None else base.get(key)
            if self._take_source(part, path, key, value, target.get(key), ancestor) and not whole:
                text = envfile.remove(text, key) if value is None else envfile.put(text, key, value)
        return text

    def _kustomization(self) -> str:
        path = KUSTOMIZATION
        whole = self._is_copied(path, frozenset({Part.IMAGES, Part.BASE}))
        text = self.theirs.text(path) if whole else self.ours.text(path)
        source, target = self.theirs.images(), self.ours.images()
        base = self.base.images() if self.base else None
        for name in dict.fromkeys((*source, *target)) if Part.IMAGES in self.only else ():
            forced = base is None or (self.pinned and name == images.AIRFLOW)
            ancestor = UNKNOWN if forced or base is None else _text(base.get(name))
            image = source.get(name)
            if (
                self._take_source(Part.IMAGES, path, name, _text(image), _text(target.get(name)), ancestor)
                and not whole
            ):
                text = images.put(text, name, image)
        fields = [_fields(side.text(path)) if side else None for side in (self.theirs, self.ours, self.base)]
        theirs, ours, common = fields[0] or {}, fields[1] or {}, fields[2]
        for key in dict.fromkeys((*theirs, *ours)) if Part.BASE in self.only else ():
            ancestor = UNKNOWN if common is None else common.get(key)
            if self._take_source(Part.BASE, path, key, theirs.get(key), ours.get(key), ancestor) and not whole:
                text = _with_key(text, key, self.theirs.text(path) if key in theirs else None)
        return text

    def _components(self) -> str:
        if Part.BASE not in self.only:
            return self.ours.kustomization
        source, target = set(self.theirs.components), set(self.ours.components)
        base = set(self.base.components) if self.base else None
        merged = set(target)
        for name in dict.fromkeys((*self.theirs.components, *self.ours.components)):
            sides = [_LISTED if name in side else None for side in (source, target, base or ())]
            ancestor = UNKNOWN if base is None else sides[2]
            if self._take_source(Part.BASE, "kustomization.yaml", f"component {name}", sides[0], sides[1], ancestor):
                merged ^= {name}
        if merged == target:
            return self.ours.kustomization
        return release.with_components(self.ours, merged, self.theirs.listed)

    def _update_release_id(self, files: dict[str, bytes], base: Tree, kustomization: str) -> None:
        """Change RELEASE where the images or Jobs change: Jobs are immutable, so a changed Job needs another name."""
        after = self.ours.changed(files, base, kustomization)
        before = self.ours.settings(RELEASE_ENV).get(ID)
        source = self.theirs.settings(RELEASE_ENV).get(ID)
        image, jobs = after.images().get(images.AIRFLOW), _jobs(after)
        changed = jobs != _jobs(self.ours)
        new = before
        if changed or image != self.ours.images().get(images.AIRFLOW):
            as_source = not self.pinned and image == self.theirs.images().get(images.AIRFLOW)
            if as_source and source != before and jobs == _jobs(self.theirs):
                new = source
            elif changed or image is None:
                content = json.dumps([str(image), sorted(jobs.items())])
                new = images.suffixed(images.slug(image.tag or "") if image else "", content)
            else:
                new = images.release_id(image, before or "")
        elif self._takes_source_id(before):
            new = source
        text = after.text(RELEASE_ENV)
        if new is not None and after.settings(RELEASE_ENV).get(ID) != new:
            files[RELEASE_ENV] = envfile.put(text, ID, new).encode()
        if new != before and new is not None:
            path = self.ours.at(RELEASE_ENV)
            self.decisions.moved.append(Move(part=Part.IMAGES, path=path, field=ID, before=before, after=new))

    def _takes_source_id(self, before: Value) -> bool:
        """Whether an id that the source alone changed is carried, for example to run its Jobs once more."""
        if self.base is None or self.base is self.ours or not self.only & {Part.IMAGES, Part.BASE}:
            return False
        return self.base.settings(RELEASE_ENV).get(ID) == before

    def _take_source(
        self, part: Part, path: str, name: str, source: Value, target: Value, ancestor: Value | Unknown
    ) -> bool:
        return self.decisions.take_source(
            part, self.ours.at(path), name, source=source, target=target, ancestor=ancestor
        )

    def _record_comments(self, files: Mapping[str, bytes]) -> None:
        """Record the files in which nothing but comments, or the order of lines, changes."""
        recorded = {move.path for move in self.decisions.moved}
        for path, part in _FIELDWISE.items():
            if files.get(path) != self.ours.files.get(path) and (target := self.ours.at(path)) not in recorded:
                self.decisions.moved.append(Move(part=part, path=target, field="comments", before=None, after=None))


def _part_of(key: str) -> Part | None:
    """The part that a key of release.env belongs to; None for RELEASE, which follows the images and Jobs."""
    if key == ID:
        return None
    return Part.DAGS if key.startswith(DAGS) else Part.SETTINGS


def _fields(kustomization: str) -> dict[str, str]:
    """The fields of a release's kustomization except `images`, each as comparable JSON."""
    data = edit.read(kustomization)
    items: Iterable[tuple[str, object]] = data.items() if isinstance(data, dict) else ()
    return {str(key): json.dumps(value, sort_keys=True, default=str) for key, value in items if key != _IMAGES}


def _with_key(text: str, key: str, source: str | None) -> str:
    if source is None:
        return edit.remove_key(text, [key])
    return edit.put_block(text, key, edit.block_of(source, key))


def _text(image: Image | None) -> Value:
    return None if image is None else str(image)


def _digest(data: bytes | None) -> Value:
    return None if data is None else hashlib.sha256(data).hexdigest()[:12]


def _jobs(side: Release) -> dict[str, Value]:
    """The inputs of a release's Jobs: digests of files, and the components that have such files."""
    inputs = {path: _digest(data) for path, data in (*side.base.items(), *side.files.items()) if _JOBS.search(data)}
    for name in side.components:
        if any(path.startswith(f"components/{name}/") for path in inputs):
            inputs[f"component {name}"] = _LISTED
    return inputs
