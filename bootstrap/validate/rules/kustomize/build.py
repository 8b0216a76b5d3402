"""Rule that the overlay builds, with the cause of a failure traced to its line."""

import re
from collections.abc import Callable, Iterator

from bootstrap.kustomize import failure
from bootstrap.kustomize.inputs import FIELDS, Why
from bootstrap.validate import diagnosis, diagnosis_patches
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.diagnosis import Case, Diagnosis
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kustomize import fields, refused, settings
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place

_GVK = r"(?P<kind>\w+)/(?P<name>[^\s\":;]+)"
_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[Case], Diagnosis | None]], ...] = tuple(
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
        (r"expected kind (?:!= )?'Component' for path '(?P<path>[^']+)'", diagnosis.refused_path),
        (r"cycle detected: candidate root '(?P<path>[^']+)'", diagnosis.refused_path),
        (r"from '(?P<file>[^']+)': missing (?P<what>kind|metadata.name|Resource metadata)", diagnosis.no_object),
        (r"error parsing regexp: .*`\^\(\?:(?P<pattern>.*)\)\$`", diagnosis_patches.expression),
        (r"resources from '(?P<path>[^']+)'", diagnosis.refused_path),
    )
)  # fmt: skip

# Messages of kustomize about mistakes that another rule reports with a line.
_WORDS = {
    fields.duplicate_key: ("already defined at line",),
    fields.listed_twice: ("already registered id", "exists;", "no matches for Id", "does not exist"),
    settings.repeated_setting: ("illegally repeats the key",),
}
# Reasons not to run kustomize, and the rules that report them; the other reasons are reported as a failed build.
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
    if env.failure is None or _is_explained(env):
        return
    overlay = env.environment.overlay
    if refusals := env.graph.refusals:
        first = min(refusals, key=lambda refusal: refusal.why not in (Why.SYNTAX, Why.UNKNOWN))
        message = f"kustomize can't build {overlay}: {first.message}"
        yield Violation(first.place, message, diagnosis.suggest(first.field, FIELDS))
        return
    complaint = failure.read(env.failure, env.tree, overlay)
    result = None
    for pattern, diagnose in _PATTERNS:
        if result is None and (match := pattern.search(complaint.reason)):
            result = diagnose(Case(env=env, complaint=complaint, match=match))
    if result is None:
        path = failure.kustomization_in(complaint.folder, env.tree.files)
        result = Diagnosis(place=Place(path))
    message = result.message or complaint.reason
    yield Violation(result.place, f"kustomize can't build {overlay}: {message}", result.hint)


def _is_explained(env: EnvironmentContext) -> bool:
    """Whether another rule already reports the cause of the failed build."""
    refusals = env.graph.refusals
    if any(words in str(env.failure) and env.reports(other) for other, texts in _WORDS.items() for words in texts):
        return True
    return bool(refusals) and all(
        refusal.why in _REFUSED and env.reports(_REFUSED[refusal.why]) for refusal in refusals
    )
