"""The rule that the overlay builds."""

import re
from collections.abc import Callable, Iterator

from bootstrap.kustomize import failure
from bootstrap.kustomize.inputs import FIELDS, Why
from bootstrap.validate import diagnosis, diagnosis_patches
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.diagnosis import Case, Told
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kustomize import fields, refused, settings
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place

_GVK = r"(?P<kind>\w+)/(?P<name>[^\s\":;]+)"
_WAYS: tuple[tuple[re.Pattern[str], Callable[[Case], Told | None]], ...] = tuple(
    (re.compile(pattern, re.S), way)
    for pattern, way in (
        (r"(?:lstat|stat|open) (?P<path>[^\s:]+): no such file or directory", diagnosis.missing),
        (r"unable to find one of .* in directory '(?P<path>[^']+)'", diagnosis.no_kustomization),
        (r"MalformedYAMLError: yaml: line (?P<line>\d+): (?P<reason>.*) in File: (?P<file>\S+)", diagnosis.syntax),
        (r"(?:invalid Kustomization|to JSON): yaml: line (?P<line>\d+): (?P<reason>.*)", diagnosis.syntax),
        (r"unable to parse SM or JSON patch|illegally qualifies as both", diagnosis.patch_text),
        (r'unknown field "(?P<field>[^"]+)"', diagnosis.unknown_field),
        (r"unmarshal (?P<got>\w+) into Go struct field (?P<field>\S+) of type (?P<want>\S+)", diagnosis.wrong_type),
        (rf'strategic merge patch "{_GVK}"', diagnosis.unmatched_patch),
        (rf"already registered id: {_GVK}", diagnosis.made_twice),
        (rf"id {_GVK} (?P<state>does not exist|exists)", diagnosis_patches.generator),
        (rf"nothing selected by {_GVK}:(?P<field>\S+)", diagnosis_patches.replacement_source),
        (rf"fieldPath `(?P<field>[^`]+)` is missing for .* source {_GVK}", diagnosis_patches.replacement_source),
        (r'unable to find field "(?P<field>[^"]+)" in replacement', diagnosis_patches.replacement_target),
        (r"resource with name (?P<name>\S+) does not match a config", diagnosis_patches.replicas),
        (r"(?:missing path: |path: '|testing value )(?P<pointer>/[^\s':]*)", diagnosis_patches.operation),
        (r"Unexpected kind: (?P<op>\S+)", diagnosis_patches.operation),
        (r"expected kind (?:!= )?'Component' for path '(?P<path>[^']+)'", diagnosis.named),
        (r"cycle detected: candidate root '(?P<path>[^']+)'", diagnosis.named),
        (r"from '(?P<file>[^']+)': missing (?P<what>kind|metadata.name|Resource metadata)", diagnosis.no_object),
        (r"error parsing regexp: .*`\^\(\?:(?P<pattern>.*)\)\$`", diagnosis_patches.expression),
        (r"resources from '(?P<path>[^']+)'", diagnosis.named),
    )
)  # fmt: skip

# What kustomize says of a mistake that a rule of its own tells better.
_WORDS = {
    fields.duplicate_key: ("already defined at line",),
    fields.listed_twice: ("already registered id", "exists;", "no matches for Id", "does not exist"),
    settings.repeated_setting: ("illegally repeats the key",),
}
# What keeps an overlay from kustomize, and the rule that tells it; all else that does is told as a build that fails.
_REFUSED = {
    Why.REMOTE: refused.remote,
    Why.PROGRAM: refused.program,
    Why.OUTSIDE: refused.outside,
    Why.UNCLEAR: refused.unclear,
    Why.DUPLICATE: fields.duplicate_key,
    Why.DOCUMENTS: fields.ignored_document,
}


@rule(
    "kustomize/build",
    ERROR,
    fix="Mend what kustomize complains of.",
    after=(
        "sync/missing-overlay",
        "files/link-leaves",
        "files/link-into-environment",
        "files/not-regular",
        "files/yaml-limits",
    ),
)
def build(env: EnvironmentContext) -> Iterator[Violation]:
    """Kustomize builds the overlay.

    The controller builds it the same way: it would stay at the last commit that builds.
    """
    if env.failure is None or _is_told(env):
        return
    overlay = env.environment.overlay
    if refusals := env.graph.refusals:
        first = min(refusals, key=lambda each: each.why not in (Why.SYNTAX, Why.UNKNOWN))
        message = f"kustomize can't build {overlay}: {first.message}"
        yield Violation(first.place, message, diagnosis.near(first.field, FIELDS))
        return
    complaint = failure.read(env.failure, env.tree, overlay)
    told = None
    for pattern, way in _WAYS:
        if told is None and (match := pattern.search(complaint.reason)):
            told = way(Case(scene=env, complaint=complaint, match=match))
    if told is None:
        path = failure.kustomization_in(complaint.folder, env.tree.files)
        told = Told(place=Place(path))
    message = told.message or complaint.reason
    yield Violation(told.place, f"kustomize can't build {overlay}: {message}", told.hint)


def _is_told(env: EnvironmentContext) -> bool:
    """Whether another rule says why there is no build."""
    refusals = env.graph.refusals
    if any(words in str(env.failure) and env.told(other) for other, said in _WORDS.items() for words in said):
        return True
    return bool(refusals) and all(each.why in _REFUSED and env.told(_REFUSED[each.why]) for each in refusals)
