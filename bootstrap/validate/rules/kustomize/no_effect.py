"""Rules about patches and images entries that match nothing, which kustomize ignores silently."""

from collections.abc import Iterable, Iterator

from bootstrap.core.image import Image
from bootstrap.kubernetes.objects import dig
from bootstrap.kustomize import images
from bootstrap.kustomize.accumulator import Gathered, Gathering
from bootstrap.kustomize.selectors import Selector
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.diagnosis import suggest
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import Violation


@rule(
    "kustomize/dead-target",
    ERROR,
    fix="Correct the target: kind, name and namespace are regular expressions for the whole value, in the state "
    "before this kustomization sets its namespace, prefixes and replacements.",
)
def dead_target(env: EnvironmentContext) -> Iterator[Violation]:
    """A patch with a target finds an object.

    Kustomize applies such a patch to all objects that the target picks; where it picks none, it says nothing.
    """
    for order, owner in enumerate(env.graph.kustomizations):
        for key in ("patches", "patchesJson6902"):
            for number, patch in enumerate(owner.items(key)):
                target = dig(patch, "target")
                if not isinstance(target, dict) or not target:
                    continue
                selector = Selector.of(target)
                candidates = env.gathering.before(order)
                if not any(selector.selects(gathered.subject) for gathered in candidates):
                    place = owner.place(key, number, "target")
                    message = f"the patch's target picks nothing: {selector}"
                    yield Violation(place, message, _advice(selector, candidates, env.gathering))


@rule("kustomize/dead-image", ERROR, fix="Write the name as it stands in the manifest, without its tag.")
def dead_image(env: EnvironmentContext) -> Iterator[Violation]:
    """An entry of images changes an image.

    Kustomize compares the name with images as they are written, registry included; without a match it says nothing,
    and the tag that is meant to run does not.
    """
    known = {image for source in env.trace.origins.sources for image in source.images}
    for source in env.trace.origins.sources:
        known |= {
            operation.value
            for operation in source.operations
            if operation.path[-1:] == ("image",) and isinstance(operation.value, str)
        }
    for owner in env.graph.kustomizations:
        for number, entry in enumerate(owner.items("images")):
            name = dig(entry, "name")
            if not isinstance(name, str) or not name:
                continue
            place = owner.place("images", number, "name")
            taken = {image for image in known if images.is_named(image, name)}
            if not taken:
                message = f"no image is called {name}"
                yield Violation(place, message, _image_advice(name, known))
            elif not any(entry.get(field) for field in ("newName", "newTag", "digest")):
                message = f"the entry for {name} names no newTag, newName or digest"
                yield Violation(place, message, "Say what is to change, or remove the entry.")
            known |= {images.changed(image, entry) for image in taken}


@rule("kustomize/patch-operation", ERROR, fix="Give the value under `value`.")
def patch_operation(env: EnvironmentContext) -> Iterator[Violation]:
    """An operation of a JSON patch that adds or replaces has a value.

    Without one kustomize sets null and says nothing: the field falls back to its default.
    """
    for source in env.trace.origins.sources:
        for number, operation in enumerate(source.document.value if isinstance(source.document.value, list) else ()):
            path, name = dig(operation, "path"), dig(operation, "op")
            if source.made or not isinstance(path, str) or not isinstance(name, str):
                continue
            if name in ("add", "replace") and "value" not in operation:
                message = f"the operation on {path} has no value, and sets null"
                hint = suggest("value", (str(key) for key in operation if key not in ("op", "path", "from")))
                yield Violation(source.place((number, "op")), message, hint)


def _advice(selector: Selector, candidates: list[Gathered], gathering: Gathering) -> str:
    visible = {id(gathered.find) for gathered in candidates}
    for gathered in gathering.all:
        if id(gathered.find) not in visible and selector.selects(gathered.subject):
            return f"{gathered} comes later, from {gathered.find()}: list what brings it before this."
    if selector.namespace and any(_without(selector, "namespace").selects(gathered.subject) for gathered in candidates):
        return "No object has that namespace yet, the overlay sets it after its patches: leave namespace out."
    if selector.labels and any(_without(selector, "labels").selects(gathered.subject) for gathered in candidates):
        return "Objects of that kind and name have other labels at this point."
    kinds = {gathered.subject.kind for gathered in candidates}
    if selector.kind and not any(_only_kind(selector).selects(gathered.subject) for gathered in candidates):
        return suggest(selector.kind, kinds)
    names = {
        name
        for gathered in candidates
        if _only_kind(selector).selects(gathered.subject)
        for name in gathered.subject.names
    }
    return suggest(selector.name, names)


def _image_advice(name: str, known: Iterable[str]) -> str:
    names = {Image.split(image).repository for image in known}
    repository = Image.split(name).repository
    if repository in names:
        return f"Leave the tag out: {repository}."
    same = sorted(other for other in names if other.rpartition("/")[2] == repository.rpartition("/")[2])
    return f"The manifests say {same[0]}." if same else suggest(name, names)


def _without(selector: Selector, field: str) -> Selector:
    values = {name: getattr(selector, name) for name in Selector.__slots__}
    return Selector(**{**values, field: ""})


def _only_kind(selector: Selector) -> Selector:
    return Selector(group=selector.group, version=selector.version, kind=selector.kind)
