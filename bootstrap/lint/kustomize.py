"""Rules about what kustomize reads, what it refuses, and what it passes over in silence."""

from collections.abc import Iterator

from bootstrap.kustomize.accumulator import Gathering
from bootstrap.kustomize.inputs import Why
from bootstrap.lint import (
    kustomize_build,
    kustomize_fields,
    kustomize_pods,
    kustomize_refused,
    kustomize_replacements,
    kustomize_settings,
    kustomize_silence,
    kustomize_unread,
)
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.violation import Finding

RULES = (
    *kustomize_build.RULES,
    *kustomize_fields.RULES,
    *kustomize_refused.RULES,
    *kustomize_settings.RULES,
    *kustomize_silence.RULES,
    *kustomize_replacements.RULES,
    *kustomize_unread.RULES,
    *kustomize_pods.RULES,
)

# What kustomize says of a mistake that a rule of its own tells better.
_REFUSALS = {
    kustomize_fields.DUPLICATE_KEY: ("already defined at line",),
    kustomize_fields.LISTED_TWICE: ("already registered id", "exists;", "no matches for Id", "does not exist"),
    kustomize_settings.REPEATED: ("illegally repeats the key",),
}
# What keeps an overlay from kustomize; all else that does is told as a build that fails.
_IN_THE_WAY = {
    **kustomize_refused.TOLD,
    Why.DUPLICATE: kustomize_fields.DUPLICATE_KEY,
    Why.DOCUMENTS: kustomize_fields.IGNORED_DOCUMENT,
}
# Each of these can leave an image without the tag that was meant for it.
_UNTAGGING = (
    kustomize_silence.DEAD_IMAGE,
    kustomize_replacements.DEAD_REPLACEMENT,
    kustomize_replacements.WRONG_PIECE,
    kustomize_replacements.UNKNOWN_FIELD,
    kustomize_unread.UNREAD,
)


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that is wrong with the files that make up the overlay."""
    gathering = Gathering(scene.graph, scene.trace.origins, scene.objects)
    found = [
        *kustomize_fields.check(scene),
        *kustomize_refused.check(scene),
        *kustomize_settings.check(scene),
        *kustomize_silence.check(scene, gathering),
        *kustomize_replacements.check(scene, gathering),
        *kustomize_unread.check(scene),
    ]
    yield from found
    # A rule that is switched off explains nothing: its findings are not shown.
    rules = {each.rule for each in found if each.rule.name not in scene.model.switched_off}
    told = any(words in (scene.failure or "") for rule, said in _REFUSALS.items() if rule in rules for words in said)
    refusals = scene.graph.refusals
    told = told or (bool(refusals) and all(_IN_THE_WAY.get(each.why) in rules for each in refusals))
    if not told:
        yield from kustomize_build.check(scene)
    yield from kustomize_pods.check(scene, explained=any(rule in rules for rule in _UNTAGGING))
