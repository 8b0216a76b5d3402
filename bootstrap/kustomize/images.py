"""Container images: their references, their entries in a kustomization, and the release's id that follows from them."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from bootstrap.core.errors import BadOption
from bootstrap.yamltools import edit
from bootstrap.yamltools.edit import NotEditable

AIRFLOW = "apache/airflow"  # the name under which the base's manifests ask for it; all Jobs run this image
LONGEST_ID = 38  # with it, airflow-generate-secrets-ID still fits a label's 63 characters
# The grammar of github.com/distribution/reference.
_NAME = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_REFERENCE = re.compile(
    rf"(?P<repository>(?:{_HOST}/)?{_NAME}(?:/{_NAME})*)(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?"
)
_FIELDS = {"newName": "repository", "newTag": "tag", "digest": "digest"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a container runs. A tag or digest of None leaves it to the manifests."""

    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Image":
        """Read `REPOSITORY:TAG`, `REPOSITORY@sha256:…` or both. Raises BadOption for anything else."""
        match = _REFERENCE.fullmatch(text)
        if not match or not (match["tag"] or match["digest"]):
            raise BadOption(
                f"{text!r} does not say which image to run",
                hint="write it as REPOSITORY:TAG, for example apache/airflow:3.3.3, with @sha256:… to pin its bytes",
            )
        return cls(repository=match["repository"], tag=match["tag"], digest=match["digest"])

    def __str__(self) -> str:
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def tagged(self, text: str) -> "Image":
        """The same repository at another TAG or TAG@sha256:…. Raises BadOption where the text is neither."""
        match = re.fullmatch(rf"({_TAG})(?:@({_DIGEST}))?", text)
        if not match:
            raise BadOption(f"{text!r} is not an image's tag", hint="write a tag alone, for example 3.3.2")
        return Image(repository=self.repository, tag=match[1], digest=match[2])


def version(reference: str) -> tuple[int, ...] | None:
    """The version that a reference's tag begins with, such as 3.3.2 of `:3.3.2-python3.12`; None for any other tag."""
    match = re.search(r":v?(\d+)\.(\d+)\.(\d+)(?![\d.])[^/:@]*(?:@.*)?$", reference)
    return tuple(map(int, match.groups())) if match else None


def read(kustomization: str) -> dict[str, Image]:
    """The `images:` of a kustomization, by the name that the manifests use. Raises NotEditable where they are none."""
    found: dict[str, Image] = {}
    for entry in _entries(kustomization):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or name in found:
            raise NotEditable("an entry of images has no name, or one that another entry has")
        tag, digest = (str(entry[key]) if entry.get(key) is not None else None for key in ("newTag", "digest"))
        found[name] = Image(repository=str(entry.get("newName") or name), tag=tag, digest=digest)
    return found


def put(kustomization: str, name: str, image: Image | None) -> str:
    """Make the entry of this name say this image, or take the entry away; nothing else changes."""
    text, names = kustomization, list(read(kustomization))
    if image is None:
        if name not in names:
            return text
        alone = len(names) == 1
        return edit.remove_key(text, ["images"]) if alone else edit.remove(text, ["images", names.index(name)])
    if not names:
        text = edit.put_block(text, "images", f"images:\n  - name: {name}\n")
        names = [name]
    elif name not in names:
        text = edit.insert_item(text, ["images"], len(names), {"name": name})
        names.append(name)
    at: list[str | int] = ["images", names.index(name)]
    entry = _entries(text)[names.index(name)]
    for field, attribute in _FIELDS.items():
        value = getattr(image, attribute)
        if value is None or (field == "newName" and value == name):
            text = edit.remove_key(text, [*at, field]) if field in entry else text
        elif str(entry.get(field)) != value:
            text = edit.put(text, [*at, field], value, quoted=True)
    return text


def find(images: dict[str, Image], wanted: str) -> str:
    """The name of the entry that is meant: the whole name, or what stands behind its last slash.

    Raises BadOption where that is none, or more than one.
    """
    found = [name for name in images if name == wanted] or [name for name in images if name.split("/")[-1] == wanted]
    if len(found) != 1:
        known = ", ".join(name.split("/")[-1] for name in images) or "none"
        raise BadOption(
            f"{wanted!r} is {'more than one' if found else 'no'} image of this release", hint=f"known: {known}"
        )
    return found[0]


def release_id(image: Image, current: str) -> str:
    """The id of a release that runs this Airflow image, never `current`, as a piece of a Kubernetes name.

    It follows from the tag (3.3.2 gives 3-3-2), with the begin of the digest where there is one. Jobs are named after
    it and can't change, so two images may not share one: where that would be, a hash of the reference stands behind.
    """
    words = slug(image.tag or "")
    if image.digest:
        words = f"{words}-{image.digest.removeprefix('sha256:')[:8]}".lstrip("-")
    if words and len(words) <= LONGEST_ID and words != current:
        return words
    return suffixed(words, str(image))


def suffixed(words: str, content: str) -> str:
    """An id with eight digits behind it that follow from a content."""
    mark = hashlib.sha256(content.encode()).hexdigest()[:8]
    return f"{words[: LONGEST_ID - 9].strip('-')}-{mark}".lstrip("-")


def slug(text: str) -> str:
    """A text as lower-case letters and digits with single dashes between them."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _entries(kustomization: str) -> list[Any]:
    data = edit.read(kustomization)
    entries = data.get("images") if isinstance(data, dict) else None
    if not isinstance(entries or [], list):
        raise NotEditable("images is not a list")
    return list(entries or [])
