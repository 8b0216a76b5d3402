"""Rules about what a sealed value is bound to, which only its record tells without the controller's key."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bootstrap.core.certificates import RECORD
from bootstrap.lint import secrets_certificate
from bootstrap.lint.secrets_items import (
    ANNOTATION,
    CLUSTER_WIDE,
    NAMESPACE_WIDE,
    STRICT,
    Record,
    Sealed,
    scope,
)
from bootstrap.secrets.credentials import shown
from bootstrap.validate.context import EnvironmentContext, dig, mapping
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

_CLOSED = 'The controller says "no key could decrypt secret", makes no Secret at all, and pods wait for it.'

ELSEWHERE = Rule(
    name="secrets/sealed-elsewhere",
    severity=Severity.ERROR,
    title="A value is sealed for the name and the namespace under which it stands.",
    why="Both are part of what is encrypted. " + _CLOSED,
    fix="Seal the values again, for this environment and this name.",
    after=("sync/wrong-namespace",),
)
SCOPE = Rule(
    name="secrets/scope",
    severity=Severity.ERROR,
    title="The scope of a SealedSecret is that under which its values were sealed.",
    why="The controller takes the scope from metadata.annotations, and it is part of what is encrypted. " + _CLOSED,
    fix="Put the annotation back as it was, or seal the values again.",
)
TEMPLATE = Rule(
    name="secrets/template-name",
    severity=Severity.WARNING,
    title="The template of a SealedSecret has the name and the namespace of the SealedSecret.",
    why="The controller passes over those of the template, so whoever reads it looks for a Secret that is not there.",
    fix="Write the same name and namespace in both places, or leave them out of the template.",
    after=("sync/wrong-namespace",),
)
STALE_RECORD = Rule(
    name="secrets/record",
    severity=Severity.WARNING,
    title="Each record of a sealed value stands beside that value, in the form that taxiway writes.",
    why="The record alone tells what a value was sealed for; without a right one, a wrong value shows on the cluster.",
    fix="Remove the annotation of a value that is gone; seal a value again whose record was changed.",
)
OTHER_CERTIFICATE = Rule(
    name="secrets/other-certificate",
    # The controller keeps its old keys and tries them all, so after a renewal this is as it should be for a while.
    severity=Severity.WARNING,
    title="Values are sealed for the pinned certificate.",
    why="They open only where the controller still has the older key: not on a cluster that was built anew with the"
    " newest one, and not on another cluster.",
    fix="Seal the values again for the pinned certificate.",
)
RULES = (ELSEWHERE, SCOPE, TEMPLATE, STALE_RECORD, OTHER_CERTIFICATE)


def check(scene: EnvironmentContext, secrets: Iterable[Sealed]) -> Iterator[Finding]:
    """All that the records, or the template where there is none, tell against what the overlay renders."""
    found = list(secrets)
    renamed = [each for each in found if _is_renamed(each)]
    prefix = _prefix(scene) if renamed else None
    if prefix:
        field, place = prefix
        message = f"{field} renames {_count(renamed)}, and the values were sealed for the names without it"
        hint = f"take {field} out: the namespace alone tells environments apart"
        yield scene.finding(ELSEWHERE, place, message, hint)
    for sealed in found:
        yield from _records(scene, sealed)
        if prefix and sealed in renamed:
            continue
        bound = [record for key, record in sealed.records.items() if record and key in sealed.items]
        findings = list(_recorded(scene, sealed, bound) if bound else _unrecorded(scene, sealed))
        yield from findings
        if bound and not findings and not _is_named(sealed):
            field = "namespace" if _is_called(sealed, "name", sealed.name) else "name"
            place = scene.trace.field(sealed.object, ("spec", "template", "metadata", field))
            message = f"the template of {sealed} names {_template(sealed)}, and the Secret becomes {_own(sealed)}"
            yield scene.finding(TEMPLATE, place, message)
    yield from _certificates(scene, found)


def _records(scene: EnvironmentContext, sealed: Sealed) -> Iterator[Finding]:
    for key, record in sealed.records.items():
        if record and key in sealed.items:
            continue
        place = scene.trace.field(sealed.object, ("metadata", "annotations", RECORD + key))
        if key not in sealed.items:
            yield scene.finding(STALE_RECORD, place, f"{sealed} has a record of {shown(key)}, and no such item")
        else:
            yield scene.finding(STALE_RECORD, place, f"the record of {shown(key)} in {sealed} can't be read")


def _is_renamed(sealed: Sealed) -> bool:
    """Whether the values were sealed for a part of the name."""
    bound = [record for record in sealed.records.values() if record and record.scope == STRICT]
    return any(each.name != sealed.name and each.name in sealed.name for each in bound)


def _prefix(scene: EnvironmentContext) -> tuple[str, Place] | None:
    """What changes the names of all objects, and where it stands."""
    for each in scene.graph.kustomizations:
        for field in ("namePrefix", "nameSuffix"):
            if each.data.get(field):
                return field, Place(each.path, each.line(field))
    return None


def _count(sealed: Sequence[Sealed]) -> str:
    others = f" and {len(sealed) - 1} more" if len(sealed) > 1 else ""
    return f"{sealed[0]}{others}"


def _recorded(scene: EnvironmentContext, sealed: Sealed, records: Iterable[Record]) -> Iterator[Finding]:
    """Each way once in which records differ from the place: all items of a copied file differ in the same way."""
    own = sealed.scope
    for other in dict.fromkeys(record.scope for record in records if record.scope != own):
        message = f"{sealed} is read as {own}, and its values were sealed as {other}"
        yield scene.finding(SCOPE, _annotation(scene, sealed), message, _scope_hint(sealed, other))
        return
    for record in dict.fromkeys(records):
        where = f"{record.namespace}/{record.name}"
        # A wrong `namespace` of the whole overlay is no mistake of the secrets.
        spaces = {scene.environment.namespace, sealed.namespace}
        if record.scope == CLUSTER_WIDE or (record.scope == NAMESPACE_WIDE and record.namespace in spaces):
            continue
        if record.namespace == scene.environment.namespace and record.name == sealed.name:
            continue
        if record.scope == NAMESPACE_WIDE:
            where = f"any name in {record.namespace}"
        place = f"{scene.environment.namespace}/{sealed.name}"
        message = f"{sealed} stands in {place}, and its values were sealed for {where}"
        yield scene.finding(ELSEWHERE, scene.trace.object(sealed.object), message, _copied_hint(scene, record))
        return


def _unrecorded(scene: EnvironmentContext, sealed: Sealed) -> Iterator[Finding]:
    """The same from kubeseal's own marks: it writes name, namespace and scope into the template too."""
    meant = scope(mapping(dig(sealed.template, "metadata", "annotations")))
    if meant != STRICT and meant != sealed.scope:
        message = f"{sealed} is read as {sealed.scope}, and its template says that it was sealed as {meant}"
        yield scene.finding(SCOPE, _annotation(scene, sealed), message, _scope_hint(sealed, meant))
    elif sealed.items and sealed.scope != CLUSTER_WIDE and not _is_named(sealed):
        message = f"{sealed} stands in {_own(sealed)}, and its template says that it was sealed for {_template(sealed)}"
        yield scene.finding(ELSEWHERE, scene.trace.object(sealed.object), message)


def _is_named(sealed: Sealed) -> bool:
    """Whether the template has the name and namespace of the SealedSecret, as far as the scope makes them count."""
    free = sealed.scope != STRICT
    return (free or _is_called(sealed, "name", sealed.name)) and _is_called(sealed, "namespace", sealed.namespace)


def _is_called(sealed: Sealed, field: str, own: str) -> bool:
    return dig(sealed.template, "metadata", field) in (None, own)


def _template(sealed: Sealed) -> str:
    name, namespace = (dig(sealed.template, "metadata", field) for field in ("name", "namespace"))
    return f"{sealed.namespace if namespace is None else namespace}/{sealed.name if name is None else name}"


def _own(sealed: Sealed) -> str:
    return f"{sealed.namespace}/{sealed.name}"


def _annotation(scene: EnvironmentContext, sealed: Sealed) -> Place:
    """The line of the scope's annotation; that of the name, where there is none."""
    for each in (CLUSTER_WIDE, NAMESPACE_WIDE):
        if ANNOTATION + each in sealed.annotations:
            return scene.trace.field(sealed.object, ("metadata", "annotations", ANNOTATION + each))
    return scene.trace.object(sealed.object)


def _scope_hint(sealed: Sealed, meant: str) -> str:
    if meant == STRICT:
        return f"take the annotation {ANNOTATION}{sealed.scope} out of metadata, or seal the values again"
    return f'write {ANNOTATION}{meant}: "true" into metadata.annotations, or seal the values again'


def _copied_hint(scene: EnvironmentContext, record: Record) -> str:
    other = next((e.name for e in scene.model.environments if e.namespace == record.namespace), None)
    if other and other != scene.environment.name:
        return f"these are the values of {other}: seal values of its own for {scene.environment.name}"
    return ""


def _certificates(scene: EnvironmentContext, secrets: Iterable[Sealed]) -> Iterator[Finding]:
    """SealedSecrets whose items were sealed for another certificate; one finding where all of them were."""
    certificate = secrets_certificate.pinned(scene)
    if certificate is None:
        return
    others: list[tuple[Sealed, list[str]]] = []
    count = Counter[str]()
    for sealed in secrets:
        bound = [(key, record) for key, record in sealed.records.items() if record and key in sealed.items]
        count.update(record.certificate for _, record in bound)
        if keys := [shown(key) for key, record in bound if record.certificate != certificate.fingerprint]:
            others.append((sealed, keys))
    if len(others) > 1 and certificate.fingerprint not in count:
        place = Place(secrets_certificate.path(scene), certificate.line)
        message = f"none of the {len(others)} SealedSecrets with a record was sealed for this certificate"
        hint = "seal them again for it, or put the certificate back that they were sealed for"
        yield scene.finding(OTHER_CERTIFICATE, place, message, hint)
        return
    for sealed, keys in others:
        place = scene.trace.field(sealed.object, ("spec", "encryptedData", keys[0]))
        message = f"{', '.join(keys)} of {sealed} was sealed for another certificate than {secrets_certificate.FILE}"
        yield scene.finding(OTHER_CERTIFICATE, place, message)
