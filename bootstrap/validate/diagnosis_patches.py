"""Diagnosis of failed patches, generators and replacements: from kustomize's message to the line at fault."""

from bootstrap.kubernetes.objects import dig
from bootstrap.kustomize import replacements
from bootstrap.kustomize.generators import Generator
from bootstrap.validate.diagnosis import Case, Diagnosis, kind_and_name, suggest
from bootstrap.yamltools.positions import Place


def expression(case: Case) -> Diagnosis | None:
    """A patch target that is not a valid regular expression."""
    for owner in case.env.graph.kustomizations:
        for number, patch in enumerate(owner.items("patches")):
            target = dig(patch, "target")
            for field, value in target.items() if isinstance(target, dict) else ():
                if value == case.group("pattern"):
                    message = f"the target's {field} {value} is no regular expression"
                    return Diagnosis(place=owner.place("patches", number, "target", field), message=message)
    return None


def generator(case: Case) -> Diagnosis | None:
    """A generator that merges into a missing object, or creates one that exists."""
    kind, name, absent = case.group("kind"), case.group("name"), case.group("state") == "does not exist"
    known = [candidate for candidate in case.env.trace.origins.generators if candidate.kind == kind]
    same = [candidate for candidate in known if candidate.name == name]
    if absent and (merging := _last(same, first=False)):
        hint = suggest(name, (candidate.name for candidate in known if candidate.is_first))
        return Diagnosis(place=merging.place("name"), message=f"there is no {kind} {name} to merge with", hint=hint)
    if not absent and (making := _last(same, first=True)):
        message, hint = f"{kind} {name} is generated twice", "Say behavior: merge, to add to the other one."
        return Diagnosis(place=making.place("name"), message=message, hint=hint)
    return None


def replacement_source(case: Case) -> Diagnosis | None:
    """A replacement whose source object or field is missing."""
    kind, name, field = case.group("kind"), case.group("name"), case.group("field")
    for replacement in case.env.trace.origins.replacements:
        if dig(replacement.source, "name") == name and replacement.field == field:
            if "is missing" in case.complaint.reason:
                message = f"{kind}/{name} has no field {field} to copy"
                return Diagnosis(place=replacement.place("source", "fieldPath"), message=message)
            place, hint = replacement.place("source", "name"), ""
            message = f"there is no {kind}/{name} to copy {field} from"
            use = case.env.graph.files.get(case.env.graph.kustomizations[replacement.order].path)
            if use is not None and _is_defined(case, kind, name):
                place, hint = Place(use.owner, use.line), f"What brings {name} has to stand before this in the list."
                message = f"{kind}/{name}, to copy {field} from, comes too late"
            return Diagnosis(place=place, message=message, hint=hint)
    return None


def replacement_target(case: Case) -> Diagnosis | None:
    """A replacement whose target field is missing."""
    for replacement in case.env.trace.origins.replacements:
        for number, target in replacement.targets:
            for index, field in enumerate(replacements.fields(target)):
                if field == case.group("field"):
                    place = replacement.place("targets", number, "fieldPaths", index)
                    message = f"there is no field {field} in {replacements.selected(target)}"
                    return Diagnosis(place=place, message=message)
    return None


def replicas(case: Case) -> Diagnosis | None:
    """A replica count for a workload that does not exist."""
    for owner in case.env.graph.kustomizations:
        for number, entry in enumerate(owner.items("replicas")):
            if dig(entry, "name") == case.group("name"):
                message = f"no Deployment or StatefulSet is called {case.group('name')}"
                known = (name for source in case.sources if source.made for name in (kind_and_name(source)[1],))
                hint = suggest(case.group("name"), known)
                return Diagnosis(place=owner.place("replicas", number, "name"), message=message, hint=hint)
    return None


def operation(case: Case) -> Diagnosis | None:
    """A JSON patch operation that can't be applied."""
    pointer, name = case.group("pointer"), case.group("op")
    for source in reversed(case.sources):
        for json_operation in source.operations:
            if pointer and dig(source.document.value, json_operation.number, "path") == pointer:
                return Diagnosis(place=source.place((json_operation.number, "path")))
            if name and json_operation.name == name:
                hint = suggest(name, ("add", "remove", "replace", "move", "copy", "test"))
                message = f"a JSON patch has no operation {name}"
                return Diagnosis(place=source.place((json_operation.number, "op")), message=message, hint=hint)
    return None


def _last(known: list[Generator], *, first: bool) -> Generator | None:
    return next((candidate for candidate in reversed(known) if candidate.is_first is first), None)


def _is_defined(case: Case, kind: str, name: str) -> bool:
    made = any(source.made and kind_and_name(source) == (kind, name) for source in case.sources)
    return made or any(
        (candidate.kind, candidate.name) == (kind, name) for candidate in case.env.trace.origins.generators
    )
