"""The images of a release: their entries in its kustomization, and the id that follows from them."""

import hashlib
import re
from typing import Any

from bootstrap.core.errors import BadOption, NotEditable
from bootstrap.core.image import Image
from bootstrap.yamltools import edit

AIRFLOW = "apache/airflow"  # the name under which the base's manifests ask for it; all Jobs run this image
LONGEST_ID = 38  # with it, airflow-generate-secrets-ID still fits a label's 63 characters
_FIELDS = {"newName": "repository", "newTag": "tag", "digest": "digest"}


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
