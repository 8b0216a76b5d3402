"""Rules about replacements: kustomize makes each as far as it can, and says little."""

from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.kubernetes.objects import Object
from bootstrap.kustomize import image_names, replacements
from bootstrap.kustomize.accumulator import Gathering
from bootstrap.kustomize.replacements import Replacement
from bootstrap.lint.complaints import near
from bootstrap.validate.context import EnvironmentContext, dig, items, mapping
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

DEAD_REPLACEMENT = Rule(
    name="kustomize/dead-replacement",
    severity=Severity.ERROR,
    title="Each target of a replacement selects an object.",
    why="Kustomize passes over a target that selects nothing: the value stays as the base has it.",
    fix="Correct kind and name of the target's select.",
)
WRONG_PIECE = Rule(
    name="kustomize/replacement-piece",
    severity=Severity.ERROR,
    title="A replacement's delimiter and index lead to the piece of text that it is to replace.",
    why="Kustomize counts pieces and looks at none: it writes over another one, or adds one at the end of the text.",
    fix="Put the text back into the form that the replacement counts on, or count again: the first piece has index 0.",
)
UNKNOWN_FIELD = Rule(
    name="kustomize/unknown-field",
    severity=Severity.ERROR,
    title="A file of replacements has only fields that kustomize knows.",
    why="In a file of their own, unlike in a kustomization, kustomize passes over a field that it does not know.",
    fix="Correct the field's name.",
)
RULES = (DEAD_REPLACEMENT, WRONG_PIECE, UNKNOWN_FIELD)

_SELECT = ("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector")
_OPTIONS = ("delimiter", "index", "encoding", "create")


def check(scene: EnvironmentContext, gathering: Gathering) -> Iterator[Finding]:
    """All that is wrong with the replacements of an overlay."""
    for each in scene.trace.origins.replacements:
        unknown = list(_unknown(scene, each)) if each.path != scene.graph.kustomizations[each.order].path else []
        yield from unknown
        found = gathering.before(each.order, late=True)
        for number, target in each.targets:
            select, rejected = replacements.selected(target), replacements.rejected(target)
            picked = [one for one in found if select.selects(one.subject)]
            if not isinstance(target.get("select"), dict) or any(
                not any(other.selects(one.subject) for other in rejected) for one in picked
            ):
                continue
            message = f"the replacement's target selects nothing: {select}"
            hint = "All that it selects is rejected again." if picked else _nearest(select.kind, select.name, gathering)
            field = "name" if select.kind in {one.subject.kind for one in gathering.all} else "kind"
            yield scene.finding(DEAD_REPLACEMENT, each.place("targets", number, "select", field), message, hint)
        if not unknown:
            yield from _pieces(scene, each)


def _nearest(kind: str, name: str, gathering: Gathering) -> str:
    kinds = {each.subject.kind for each in gathering.all}
    if kind and kind not in kinds:
        return near(kind, kinds)
    return near(name, (one for each in gathering.all if kind in ("", each.subject.kind) for one in each.subject.names))


def _unknown(scene: EnvironmentContext, each: Replacement) -> Iterator[Finding]:
    levels: list[tuple[tuple[str | int, ...], Mapping[str, Any], tuple[str, ...]]] = [
        ((), each.data, ("source", "sourceValue", "targets", "path")),
        (("source",), each.source, (*_SELECT, "fieldPath", "options")),
        (("source", "options"), mapping(dig(each.source, "options")), _OPTIONS),
    ]
    for number, target in each.targets:
        base = ("targets", number)
        levels.append((base, target, ("select", "reject", "fieldPaths", "options")))
        levels.append(((*base, "select"), mapping(target.get("select")), _SELECT))
        levels.append(((*base, "options"), mapping(target.get("options")), _OPTIONS))
        for index, rejected in enumerate(items(target.get("reject"))):
            levels.append(((*base, "reject", index), mapping(rejected), _SELECT))
    for path, said, known in levels:
        for field in said:
            # Go's reader of JSON does not mind the case.
            if str(field).lower() not in {name.lower() for name in known}:
                message = f"a replacement has no field {field} here"
                hint = near(str(field), known)
                yield scene.finding(UNKNOWN_FIELD, each.place(*path, str(field)), message, hint)


def _pieces(scene: EnvironmentContext, each: Replacement) -> Iterator[Finding]:
    for number, target in each.targets:
        delimiter, index = dig(target, "options", "delimiter"), dig(target, "options", "index") or 0
        if not isinstance(delimiter, str) or not delimiter or not isinstance(index, int) or index < 0:
            continue
        select = replacements.selected(target)
        for one in scene.objects:
            if not scene.trace.origins.picks(select, one):
                continue
            for field in replacements.fields(target):
                for place, wrong in _wrong(scene, each, one, field, delimiter, index):
                    counted = each.place("targets", number, "options", "index")
                    message = f"the replacement of {field} in {_shown(one)} {wrong}"
                    yield scene.finding(
                        WRONG_PIECE, counted, message, f"The text is in {place.path}, line {place.line}."
                    )


def _wrong(
    scene: EnvironmentContext, each: Replacement, one: Object, field: str, delimiter: str, index: int
) -> Iterator[tuple[Place, str]]:
    """What is wrong with the piece that a replacement writes, going by the text before it, and where that text is."""
    for path, _ in replacements.resolve(one, field):
        written = scene.trace.written(one, path)
        if not written.whole or not isinstance(written.value, str):
            continue
        pieces = written.value.split(delimiter)
        image, _ = scene.trace.origins.copied_by(each)
        if index >= len(pieces):
            count = f"{len(pieces)} piece{'s' * (len(pieces) != 1)}"
            yield (
                written.place,
                f"writes piece {index} of a text that has {count} between {delimiter}, the first being 0",
            )
        elif each.field.endswith(".image") and isinstance(image, str):
            known = {image_names.name_of(image), *_written_names(scene, each)}
            if image_names.name_of(pieces[index].strip()) not in known:
                yield written.place, f"writes the image over {_short(pieces[index])}"


def _written_names(scene: EnvironmentContext, each: Replacement) -> set[str]:
    """The names of the images that the manifests have where a replacement copies one from."""
    found: set[str] = set()
    for source in scene.trace.origins.sources:
        if dig(source.document.value, "metadata", "name") == each.source.get("name"):
            values = (value for _, value in replacements.resolve(source.document.value, each.field))
            found |= {image_names.name_of(value) for value in values if isinstance(value, str)}
    return found


def _shown(one: Object) -> str:
    return f"{one['kind']}/{one['metadata']['name']}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 40 else f"{line[:40]}…")
