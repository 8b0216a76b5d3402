"""Carrying one release into another: file by file, and field by field where a file has fields of several parts."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bootstrap.core.changeset import ChangeSet
from bootstrap.core.image import Image
from bootstrap.core.tree import Tree
from bootstrap.promotion import images, release
from bootstrap.promotion.merge import UNKNOWN, Ledger, Move, Part, Unknown, Value
from bootstrap.promotion.release import DAGS, ID, KUSTOMIZATION, RELEASE_ENV, SETTINGS_ENV, Release
from bootstrap.yamltools import edit, envfile
from bootstrap.yamltools.text import editing

_FIELDWISE = {KUSTOMIZATION: Part.BASE, RELEASE_ENV: Part.SETTINGS, SETTINGS_ENV: Part.SETTINGS}
_IMAGES = "images"
_LISTED = "listed"
# What a Job is made from: Jobs themselves, patches of them, and what kustomize writes into every pod template.
_JOBS = re.compile(rb"kind: [\"']?Job\b|^(?:labels|common(?:Labels|Annotations)|name(?:Prefix|Suffix)):", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class Merge:
    """One target's release (ours), its source's (theirs), and the one that both come from, where that is known.

    `pinned` says that theirs was given another Airflow image on the way; without `with_base` the base's files stay.

    A file that the target left as it was in the ancestor moves as it is, its comments too. In any other only the
    fields that move are touched.
    """

    ours: Release
    theirs: Release
    base: Release | None
    only: frozenset[Part]
    pinned: bool = False
    with_base: bool = True
    ledger: Ledger = field(default_factory=Ledger)

    def changes(self) -> ChangeSet:
        """The target's files as they are to be; what was decided on the way is in the ledger."""
        overlay = self.ours.overlay
        kustomization = f"{overlay}/kustomization.yaml"
        files = self._release_files()
        base = self._base_files()
        with editing(kustomization):
            text = self._components()
        self._identify(files, base, text)
        self._tell_comments(files)
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
                place = f"{self.ours.base_folder}/{path}"
                base = self.base.base if self.base else None
                self._file(files, path, place, self.ours.base, self.theirs.base, base)
        return Tree(files)

    def _file(
        self, files: dict[str, bytes], path: str, place: str, ours: Tree, theirs: Tree, base: Tree | None
    ) -> None:
        source, target = theirs.files.get(path), ours.files.get(path)
        if Part.BASE not in self.only or source == target:
            return
        ancestor = UNKNOWN if base is None else _digest(base.files.get(path))
        if self.ledger.carries(
            Part.BASE, place, path, source=_digest(source), target=_digest(target), ancestor=ancestor
        ):
            if source is None:
                del files[path]
            else:
                files[path] = source

    def _untouched(self, path: str, parts: frozenset[Part]) -> bool:
        """Whether the whole file may move as it is: all its parts are to move, and nobody edited the target's."""
        ours = self.ours.files.get(path)
        known = self.base.files.get(path) == ours if self.base else ours is None
        return parts <= self.only and known

    def _env(self, path: str, part_of: Callable[[str], Part | None], parts: frozenset[Part]) -> str:
        source, target = self.theirs.settings(path), self.ours.settings(path)
        base = self.base.settings(path) if self.base else None
        whole = self._untouched(path, parts)
        text = self.theirs.text(path) if whole else self.ours.text(path)
        for key in dict.fromkeys((*source, *target)):
            part = part_of(key)
            if part is None or part not in self.only:
                continue
            value = source.get(key)
            ancestor = UNKNOWN if base is None else base.get(key)
            if self._carries(part, path, key, value, target.get(key), ancestor) and not whole:
                text = envfile.remove(text, key) if value is None else envfile.put(text, key, value)
        return text

    def _kustomization(self) -> str:
        path = KUSTOMIZATION
        whole = self._untouched(path, frozenset({Part.IMAGES, Part.BASE}))
        text = self.theirs.text(path) if whole else self.ours.text(path)
        source, target = self.theirs.images(), self.ours.images()
        base = self.base.images() if self.base else None
        for name in dict.fromkeys((*source, *target)) if Part.IMAGES in self.only else ():
            forced = base is None or (self.pinned and name == images.AIRFLOW)
            ancestor = UNKNOWN if forced or base is None else _shown(base.get(name))
            image = source.get(name)
            if self._carries(Part.IMAGES, path, name, _shown(image), _shown(target.get(name)), ancestor) and not whole:
                text = images.put(text, name, image)
        fields = [_fields(each.text(path)) if each else None for each in (self.theirs, self.ours, self.base)]
        theirs, ours, common = fields[0] or {}, fields[1] or {}, fields[2]
        for key in dict.fromkeys((*theirs, *ours)) if Part.BASE in self.only else ():
            ancestor = UNKNOWN if common is None else common.get(key)
            if self._carries(Part.BASE, path, key, theirs.get(key), ours.get(key), ancestor) and not whole:
                text = _with_key(text, key, self.theirs.text(path) if key in theirs else None)
        return text

    def _components(self) -> str:
        if Part.BASE not in self.only:
            return self.ours.kustomization
        source, target = set(self.theirs.components), set(self.ours.components)
        base = set(self.base.components) if self.base else None
        wanted = set(target)
        for name in dict.fromkeys((*self.theirs.components, *self.ours.components)):
            sides = [_LISTED if name in side else None for side in (source, target, base or ())]
            ancestor = UNKNOWN if base is None else sides[2]
            if self._carries(Part.BASE, "kustomization.yaml", f"component {name}", sides[0], sides[1], ancestor):
                wanted ^= {name}
        if wanted == target:
            return self.ours.kustomization
        return release.with_components(self.ours, wanted, self.theirs.listed)

    def _identify(self, files: dict[str, bytes], base: Tree, kustomization: str) -> None:
        """Let RELEASE follow the images and Jobs: a Job cannot change, so another one needs another name."""
        after = self.ours.changed(files, base, kustomization)
        before = self.ours.settings(RELEASE_ENV).get(ID)
        source = self.theirs.settings(RELEASE_ENV).get(ID)
        image, jobs = after.images().get(images.AIRFLOW), _jobs(after)
        moved = jobs != _jobs(self.ours)
        wanted = before
        if moved or image != self.ours.images().get(images.AIRFLOW):
            as_source = not self.pinned and image == self.theirs.images().get(images.AIRFLOW)
            if as_source and source != before and jobs == _jobs(self.theirs):
                wanted = source
            elif moved or image is None:
                content = json.dumps([str(image), sorted(jobs.items())])
                wanted = images.suffixed(images.slug(image.tag or "") if image else "", content)
            else:
                wanted = images.release_id(image, before or "")
        elif self._follows(before):
            wanted = source
        text = after.text(RELEASE_ENV)
        if wanted is not None and after.settings(RELEASE_ENV).get(ID) != wanted:
            files[RELEASE_ENV] = envfile.put(text, ID, wanted).encode()
        if wanted != before and wanted is not None:
            place = self.ours.at(RELEASE_ENV)
            self.ledger.moved.append(Move(part=Part.IMAGES, path=place, field=ID, before=before, after=wanted))

    def _follows(self, before: Value) -> bool:
        """Whether an id that the source changed for itself is carried: to run its Jobs once more, for example."""
        if self.base is None or self.base is self.ours or not self.only & {Part.IMAGES, Part.BASE}:
            return False
        return self.base.settings(RELEASE_ENV).get(ID) == before

    def _carries(
        self, part: Part, path: str, name: str, source: Value, target: Value, ancestor: Value | Unknown
    ) -> bool:
        return self.ledger.carries(part, self.ours.at(path), name, source=source, target=target, ancestor=ancestor)

    def _tell_comments(self, files: Mapping[str, bytes]) -> None:
        """Write down where nothing but comments, or the order of lines, moves."""
        places = {each.path for each in self.ledger.moved}
        for path, part in _FIELDWISE.items():
            if files.get(path) != self.ours.files.get(path) and (place := self.ours.at(path)) not in places:
                self.ledger.moved.append(Move(part=part, path=place, field="comments", before=None, after=None))


def _part_of(key: str) -> Part | None:
    """The part that a key of release.env belongs to; RELEASE follows the images and Jobs, and is none of its own."""
    if key == ID:
        return None
    return Part.DAGS if key.startswith(DAGS) else Part.SETTINGS


def _fields(kustomization: str) -> dict[str, str]:
    """What a release's kustomization holds besides the images, each key as one comparable text."""
    data = edit.read(kustomization)
    items: Iterable[tuple[str, object]] = data.items() if isinstance(data, dict) else ()
    return {str(key): json.dumps(value, sort_keys=True, default=str) for key, value in items if key != _IMAGES}


def _with_key(text: str, key: str, source: str | None) -> str:
    if source is None:
        return edit.remove_key(text, [key])
    return edit.put_block(text, key, edit.block_of(source, key))


def _shown(image: Image | None) -> Value:
    return None if image is None else str(image)


def _digest(data: bytes | None) -> Value:
    return None if data is None else hashlib.sha256(data).hexdigest()[:12]


def _jobs(side: Release) -> dict[str, Value]:
    """What the Jobs of a release are made from, file by file."""
    found = {path: _digest(data) for path, data in (*side.base.items(), *side.files.items()) if _JOBS.search(data)}
    for name in side.components:
        if any(path.startswith(f"components/{name}/") for path in found):
            found[f"component {name}"] = _LISTED
    return found
