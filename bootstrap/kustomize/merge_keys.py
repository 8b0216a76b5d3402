"""Paths of a rendered object as they stand in a document that has its lists in another order, or only a part of it."""

from typing import Any

from bootstrap.kustomize.resources import Source
from bootstrap.yamltools.positions import Path, get

# What tells the items of a list apart, as far as Kubernetes merges it by a key.
_MERGE_KEYS = ("name", "mountPath", "containerPort", "port", "key", "devicePath", "topologyKey", "ip")


def path(rendered: Any, written: Any, wanted: Path) -> tuple[list[str | int], bool]:
    """A rendered path as it stands in a document, as far as it leads there, and whether that is all of it."""
    found: list[str | int] = []
    for step in wanted:
        if isinstance(step, int):
            item = rendered[step] if isinstance(rendered, list) and 0 <= step < len(rendered) else None
            index = _index(item, step, written) if isinstance(written, list) else None
            if index is None:
                return found, False
            rendered, written = item, written[index]
            found.append(index)
        else:
            if not isinstance(written, dict) or step not in written:
                return found, False
            rendered, written = get(rendered, (step,)), written[step]
            found.append(step)
    return found, True


def operation(rendered: Any, source: Source, wanted: Path) -> list[str | int] | None:
    """Where a JSON patch says what stands at a rendered path; None where it does not."""
    for each in reversed(source.operations):
        if each.name not in ("add", "replace", "copy", "move") or len(each.path) > len(wanted) or not each.path:
            continue
        here = [*wanted[: len(each.path)]]
        if each.path[-1] == "-":  # appended: the item of the list that looks as the patch wants it
            reached = [str(step) for step in here[:-1]] == [*each.path[:-1]] and isinstance(here[-1], int)
            if not reached or not _covers(get(rendered, here), each.value):
                continue
        elif [str(step) for step in here] != [*each.path]:
            continue
        if len(here) == len(wanted):
            return [each.number, "value" if each.name in ("add", "replace") else "path"]
        below, whole = path(get(rendered, here), each.value, wanted[len(here) :])
        if whole:
            return [each.number, "value", *below]
    return None


def _covers(rendered: Any, written: Any) -> bool:
    if isinstance(rendered, dict) and isinstance(written, dict):
        return all(key in rendered and _covers(rendered[key], each) for key, each in written.items())
    return bool(rendered == written)


def _index(item: Any, step: int, written: list[Any]) -> int | None:
    if isinstance(item, dict):
        for key in _MERGE_KEYS:
            if key in item and any(isinstance(other, dict) and key in other for other in written):
                same = (n for n, o in enumerate(written) if isinstance(o, dict) and o.get(key) == item[key])
                return next(same, None)
    if item in written:
        return written.index(item)
    return step if step < len(written) else None
