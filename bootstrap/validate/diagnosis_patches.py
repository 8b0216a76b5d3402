"""From kustomize's complaints about patches, generators and replacements to the lines that cause them."""

from bootstrap.kubernetes.objects import dig
from bootstrap.kustomize import replacements
from bootstrap.kustomize.generators import Generator
from bootstrap.validate.diagnosis import Case, Told, called, near
from bootstrap.yamltools.positions import Place


def expression(case: Case) -> Told | None:
    """A target that is no regular expression."""
    for owner in case.scene.graph.kustomizations:
        for number, patch in enumerate(owner.items("patches")):
            target = dig(patch, "target")
            for field, value in target.items() if isinstance(target, dict) else ():
                if value == case.said("pattern"):
                    message = f"the target's {field} {value} is no regular expression"
                    return Told(place=owner.place("patches", number, "target", field), message=message)
    return None


def generator(case: Case) -> Told | None:
    """A generator that merges with nothing, or that makes what is there already."""
    kind, name, absent = case.said("kind"), case.said("name"), case.said("state") == "does not exist"
    known = [each for each in case.scene.trace.origins.generators if each.kind == kind]
    same = [each for each in known if each.name == name]
    if absent and (merging := _last(same, first=False)):
        hint = near(name, (each.name for each in known if each.is_first))
        return Told(place=merging.place("name"), message=f"there is no {kind} {name} to merge with", hint=hint)
    if not absent and (making := _last(same, first=True)):
        message, hint = f"{kind} {name} is generated twice", "Say behavior: merge, to add to the other one."
        return Told(place=making.place("name"), message=message, hint=hint)
    return None


def replacement_source(case: Case) -> Told | None:
    """A replacement that has nothing to copy."""
    kind, name, field = case.said("kind"), case.said("name"), case.said("field")
    for each in case.scene.trace.origins.replacements:
        if dig(each.source, "name") == name and each.field == field:
            if "is missing" in case.complaint.reason:
                message = f"{kind}/{name} has no field {field} to copy"
                return Told(place=each.place("source", "fieldPath"), message=message)
            place, hint = each.place("source", "name"), ""
            message = f"there is no {kind}/{name} to copy {field} from"
            use = case.scene.graph.files.get(case.scene.graph.kustomizations[each.order].path)
            if use is not None and _comes_at_all(case, kind, name):
                place, hint = Place(use.owner, use.line), f"What brings {name} has to stand before this in the list."
                message = f"{kind}/{name}, to copy {field} from, comes too late"
            return Told(place=place, message=message, hint=hint)
    return None


def replacement_target(case: Case) -> Told | None:
    """A replacement into a field that is not there."""
    for each in case.scene.trace.origins.replacements:
        for number, target in each.targets:
            for index, field in enumerate(replacements.fields(target)):
                if field == case.said("field"):
                    place = each.place("targets", number, "fieldPaths", index)
                    message = f"there is no field {field} in {replacements.selected(target)}"
                    return Told(place=place, message=message)
    return None


def replicas(case: Case) -> Told | None:
    """A number of replicas for what is not there."""
    for owner in case.scene.graph.kustomizations:
        for number, entry in enumerate(owner.items("replicas")):
            if dig(entry, "name") == case.said("name"):
                message = f"no Deployment or StatefulSet is called {case.said('name')}"
                known = (name for each in case.sources if each.made for name in (called(each)[1],))
                hint = near(case.said("name"), known)
                return Told(place=owner.place("replicas", number, "name"), message=message, hint=hint)
    return None


def operation(case: Case) -> Told | None:
    """An operation of a JSON patch that can't be done."""
    pointer, name = case.said("pointer"), case.said("op")
    for source in reversed(case.sources):
        for each in source.operations:
            if pointer and dig(source.document.value, each.number, "path") == pointer:
                return Told(place=source.place((each.number, "path")))
            if name and each.name == name:
                hint = near(name, ("add", "remove", "replace", "move", "copy", "test"))
                message = f"a JSON patch has no operation {name}"
                return Told(place=source.place((each.number, "op")), message=message, hint=hint)
    return None


def _last(known: list[Generator], *, first: bool) -> Generator | None:
    return next((each for each in reversed(known) if each.is_first is first), None)


def _comes_at_all(case: Case, kind: str, name: str) -> bool:
    made = any(each.made and called(each) == (kind, name) for each in case.sources)
    return made or any((each.kind, each.name) == (kind, name) for each in case.scene.trace.origins.generators)
