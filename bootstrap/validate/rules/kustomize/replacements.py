"""Rules about replacements that kustomize silently skips or applies to the wrong text."""

from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.core.image import Image
from bootstrap.kubernetes.objects import Object, dig, items, mapping
from bootstrap.kustomize import replacements
from bootstrap.kustomize.accumulator import Gathering
from bootstrap.kustomize.replacements import Replacement
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.diagnosis import suggest
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import FieldPath, Place

_SELECT = ("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector")
_OPTIONS = ("delimiter", "index", "encoding", "create")


@rule("kustomize/dead-replacement", ERROR, fix="Correct kind and name of the target's select.")
def dead_replacement(env: EnvironmentContext) -> Iterator[Violation]:
    """Each target of a replacement selects an object.

    Kustomize passes over a target that selects nothing: the value stays as the base has it.
    """
    gathering = env.gathering
    for replacement in env.trace.origins.replacements:
        candidates = gathering.before(replacement.order, late=True)
        for number, target in replacement.targets:
            select, rejected = replacements.selected(target), replacements.rejected(target)
            picked = [candidate for candidate in candidates if select.selects(candidate.subject)]
            if not isinstance(target.get("select"), dict) or any(
                not any(other.selects(candidate.subject) for other in rejected) for candidate in picked
            ):
                continue
            message = f"the replacement's target selects nothing: {select}"
            hint = "All that it selects is rejected again." if picked else _nearest(select.kind, select.name, gathering)
            field = "name" if select.kind in {candidate.subject.kind for candidate in gathering.all} else "kind"
            yield Violation(replacement.place("targets", number, "select", field), message, hint)


@rule(
    "kustomize/replacement-piece",
    ERROR,
    fix="Put the text back into the form that the replacement counts on, or count again: the first piece has index 0.",
)
def replacement_piece(env: EnvironmentContext) -> Iterator[Violation]:
    """A replacement's delimiter and index lead to the piece of text that it is to replace.

    Kustomize counts pieces and looks at none: it writes over another one, or adds one at the end of the text.
    """
    for replacement in env.trace.origins.replacements:
        if not any(_unknown(env, replacement)):
            yield from _pieces(env, replacement)


@rule("kustomize/unknown-field", ERROR, fix="Correct the field's name.")
def unknown_field(env: EnvironmentContext) -> Iterator[Violation]:
    """A file of replacements has only fields that kustomize knows.

    In a file of their own, unlike in a kustomization, kustomize passes over a field that it does not know.
    """
    for replacement in env.trace.origins.replacements:
        yield from _unknown(env, replacement)


def _nearest(kind: str, name: str, gathering: Gathering) -> str:
    kinds = {gathered.subject.kind for gathered in gathering.all}
    if kind and kind not in kinds:
        return suggest(kind, kinds)
    return suggest(
        name,
        (
            name_of_object
            for gathered in gathering.all
            if kind in ("", gathered.subject.kind)
            for name_of_object in gathered.subject.names
        ),
    )


def _unknown(env: EnvironmentContext, replacement: Replacement) -> Iterator[Violation]:
    if replacement.path == env.graph.kustomizations[replacement.order].path:
        return
    levels: list[tuple[FieldPath, Mapping[str, Any], tuple[str, ...]]] = [
        ((), replacement.data, ("source", "sourceValue", "targets", "path")),
        (("source",), replacement.source, (*_SELECT, "fieldPath", "options")),
        (("source", "options"), mapping(replacement.source, "options"), _OPTIONS),
    ]
    for number, target in replacement.targets:
        base = ("targets", number)
        levels.append((base, target, ("select", "reject", "fieldPaths", "options")))
        levels.append(((*base, "select"), mapping(target.get("select")), _SELECT))
        levels.append(((*base, "options"), mapping(target.get("options")), _OPTIONS))
        for index, rejected in enumerate(items(target.get("reject"))):
            levels.append(((*base, "reject", index), mapping(rejected), _SELECT))
    for path, mapping_at_path, known in levels:
        for field in mapping_at_path:
            # Go's JSON decoder ignores case.
            if str(field).lower() not in {name.lower() for name in known}:
                message = f"a replacement has no field {field} here"
                hint = suggest(str(field), known)
                yield Violation(replacement.place(*path, str(field)), message, hint)


def _pieces(env: EnvironmentContext, replacement: Replacement) -> Iterator[Violation]:
    for number, target in replacement.targets:
        delimiter, index = dig(target, "options", "delimiter"), dig(target, "options", "index") or 0
        if not isinstance(delimiter, str) or not delimiter or not isinstance(index, int) or index < 0:
            continue
        select = replacements.selected(target)
        for obj in env.objects:
            if not env.trace.origins.picks(select, obj):
                continue
            for field in replacements.fields(target):
                for place, wrong in _wrong(env, replacement, obj, field, delimiter, index):
                    counted = replacement.place("targets", number, "options", "index")
                    message = f"the replacement of {field} in {_shown(obj)} {wrong}"
                    yield Violation(counted, message, f"The text is in {place.path}, line {place.line}.")


def _wrong(
    env: EnvironmentContext, replacement: Replacement, obj: Object, field: str, delimiter: str, index: int
) -> Iterator[tuple[Place, str]]:
    """Problem of the piece that a replacement overwrites, and the place of the original text."""
    for path, _ in replacements.resolve(obj, field):
        written = env.trace.written(obj, path)
        if not written.whole or not isinstance(written.value, str):
            continue
        pieces = written.value.split(delimiter)
        image, _ = env.trace.origins.copied_by(replacement)
        if index >= len(pieces):
            count = f"{len(pieces)} piece{'s' * (len(pieces) != 1)}"
            yield (
                written.place,
                f"writes piece {index} of a text that has {count} between {delimiter}, the first being 0",
            )
        elif replacement.field.endswith(".image") and isinstance(image, str):
            known = {Image.split(image).repository, *_written_names(env, replacement)}
            if Image.split(pieces[index].strip()).repository not in known:
                yield written.place, f"writes the image over {_short(pieces[index])}"


def _written_names(env: EnvironmentContext, replacement: Replacement) -> set[str]:
    """Image names in the manifests at the source field of a replacement."""
    names: set[str] = set()
    for source in env.trace.origins.sources:
        if dig(source.document.value, "metadata", "name") == replacement.source.get("name"):
            values = (value for _, value in replacements.resolve(source.document.value, replacement.field))
            names |= {Image.split(value).repository for value in values if isinstance(value, str)}
    return names


def _shown(obj: Object) -> str:
    return f"{obj['kind']}/{obj['metadata']['name']}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 40 else f"{line[:40]}…")
