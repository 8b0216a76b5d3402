"""Rules about the namespace, name, scope and certificate of sealed values, as recorded in annotations when sealing."""

from collections.abc import Iterator

from bootstrap.core.certificates import ANNOTATION_PREFIX, CERTIFICATE
from bootstrap.kubernetes.objects import dig, mapping
from bootstrap.secrets import certificates
from bootstrap.secrets.credentials import displayed_name
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.rules.secrets import items
from bootstrap.validate.rules.secrets.items import STRICT, Record, Sealed, sealed_secrets
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place


@rule(
    "secrets/sealed-elsewhere",
    ERROR,
    fix="Seal the values again, for this environment and this name.",
    after=("sync/wrong-namespace",),
)
def sealed_elsewhere(env: EnvironmentContext) -> Iterator[Violation]:
    """A value is sealed for the name and the namespace under which it stands.

    Both are part of what is encrypted. The controller says "no key could decrypt secret", makes no Secret at all, and
    pods wait for it.
    """
    renamed = [sealed for sealed in sealed_secrets(env) if _is_renamed(sealed)]
    if renamed and (prefix := _prefix(env)):
        field, place = prefix
        others = f" and {len(renamed) - 1} more" if len(renamed) > 1 else ""
        message = f"{field} renames {renamed[0]}{others}, and the values were sealed for the names without it"
        yield Violation(place, message, f"take {field} out: the namespace alone tells environments apart")
    for sealed in _in_scope(env):
        if record := _elsewhere(env, sealed):
            wide = record.scope == items.NAMESPACE_WIDE
            where = f"any name in {record.namespace}" if wide else f"{record.namespace}/{record.name}"
            stands = f"{env.environment.namespace}/{sealed.name}"
            message = f"{sealed} stands in {stands}, and its values were sealed for {where}"
            yield Violation(env.trace.object(sealed.object), message, _copied_hint(env, record))
        elif not sealed.bound and sealed.items and sealed.scope != items.CLUSTER_WIDE and not _is_named(sealed):
            stands, meant = f"{sealed.namespace}/{sealed.name}", _template(sealed)
            message = f"{sealed} stands in {stands}, and its template says that it was sealed for {meant}"
            yield Violation(env.trace.object(sealed.object), message)


@rule("secrets/scope", ERROR, fix="Put the annotation back as it was, or seal the values again.")
def sealing_scope(env: EnvironmentContext) -> Iterator[Violation]:
    """The scope of a SealedSecret is that under which its values were sealed.

    The controller takes the scope from metadata.annotations, and it is part of what is encrypted. The controller says
    "no key could decrypt secret", makes no Secret at all, and pods wait for it.
    """
    for sealed in sealed_secrets(env):
        meant = _other_scope(sealed)
        if meant and not _is_prefixed(env, sealed):
            origin = "its values were sealed" if sealed.bound else "its template says that it was sealed"
            hint = f'write {items.ANNOTATION}{meant}: "true" into metadata.annotations, or seal the values again'
            if meant == STRICT:
                hint = f"take the annotation {items.ANNOTATION}{sealed.scope} out of metadata, or seal the values again"
            message = f"{sealed} is read as {sealed.scope}, and {origin} as {meant}"
            yield Violation(_annotation(env, sealed), message, hint)


@rule(
    "secrets/template-name",
    WARNING,
    fix="Write the same name and namespace in both places, or leave them out of the template.",
    after=("sync/wrong-namespace",),
)
def template_name(env: EnvironmentContext) -> Iterator[Violation]:
    """The template of a SealedSecret has the name and the namespace of the SealedSecret.

    The controller passes over those of the template, so whoever reads it looks for a Secret that is not there.
    """
    for sealed in _in_scope(env):
        if sealed.bound and not _elsewhere(env, sealed) and not _is_named(sealed):
            field = "namespace" if _is_called(sealed, "name", sealed.name) else "name"
            place = env.trace.field(sealed.object, ("spec", "template", "metadata", field))
            own = f"{sealed.namespace}/{sealed.name}"
            yield Violation(place, f"the template of {sealed} names {_template(sealed)}, and the Secret becomes {own}")


@rule(
    "secrets/record",
    WARNING,
    fix="Remove the annotation of a value that is gone; seal a value again whose record was changed.",
)
def sealing_record(env: EnvironmentContext) -> Iterator[Violation]:
    """Each record of a sealed value stands beside that value, in the form that taxiway writes.

    The record alone tells what a value was sealed for; without a right one, a wrong value shows on the cluster.
    """
    for sealed in sealed_secrets(env):
        for key in (key for key in sealed.records if key not in sealed.bound):
            place = env.trace.field(sealed.object, ("metadata", "annotations", ANNOTATION_PREFIX + key))
            if key in sealed.items:
                yield Violation(place, f"the record of {displayed_name(key)} in {sealed} can't be read")
            else:
                yield Violation(place, f"{sealed} has a record of {displayed_name(key)}, and no such item")


# The controller keeps and tries its old keys, so a mixture is normal for a while after a renewal.
@rule("secrets/other-certificate", WARNING, fix="Seal the values again for the pinned certificate.")
def other_certificate(env: EnvironmentContext) -> Iterator[Violation]:
    """Values are sealed for the pinned certificate.

    They open only where the controller still has the older key: not on a cluster that was built anew with the newest
    one, and not on another cluster.
    """
    pinned = certificates.pinned(env.environment, env.tree)
    if pinned is None:
        return
    known = {record.certificate for sealed in sealed_secrets(env) for record in sealed.bound.values()}
    others = [
        (sealed, keys)
        for sealed in sealed_secrets(env)
        if (keys := [key for key, record in sealed.bound.items() if record.certificate != pinned.fingerprint])
    ]
    if len(others) > 1 and pinned.fingerprint not in known:
        place = Place(certificates.path(env.environment), pinned.line)
        message = f"none of the {len(others)} SealedSecrets with a record was sealed for this certificate"
        hint = "seal them again for it, or put the certificate back that they were sealed for"
        yield Violation(place, message, hint)
        return
    for sealed, keys in others:
        place = env.trace.field(sealed.object, ("spec", "encryptedData", keys[0]))
        names = ", ".join(map(displayed_name, keys))
        yield Violation(place, f"{names} of {sealed} was sealed for another certificate than secrets/{CERTIFICATE}")


def _in_scope(env: EnvironmentContext) -> Iterator[Sealed]:
    """SealedSecrets of the right scope and without a renaming: problems of the others follow from that."""
    return (sealed for sealed in sealed_secrets(env) if not _other_scope(sealed) and not _is_prefixed(env, sealed))


def _other_scope(sealed: Sealed) -> str | None:
    """Scope that values were sealed for, if it differs from the one that the controller uses to decrypt; else None.

    Without records the template decides: kubeseal writes name, namespace and scope there too.
    """
    if sealed.bound:
        return next((record.scope for record in sealed.bound.values() if record.scope != sealed.scope), None)
    meant = items.scope_of(mapping(dig(sealed.template, "metadata", "annotations")))
    return meant if meant not in (STRICT, sealed.scope) else None


def _elsewhere(env: EnvironmentContext, sealed: Sealed) -> Record | None:
    """First record with another namespace or name; one is enough, as all items of a copied file differ alike."""
    own = env.environment.namespace
    for record in sealed.bound.values():
        # A wrong `namespace` of the whole overlay is reported by sync/wrong-namespace.
        wide = record.scope == items.NAMESPACE_WIDE and record.namespace in (own, sealed.namespace)
        here = record.namespace == own and record.name == sealed.name
        if record.scope != items.CLUSTER_WIDE and not wide and not here:
            return record
    return None


def _is_renamed(sealed: Sealed) -> bool:
    """Whether the values were sealed for the name without its prefix or suffix."""
    names = [record.name for record in sealed.records.values() if record and record.scope == STRICT]
    return any(name != sealed.name and name in sealed.name for name in names)


def _is_prefixed(env: EnvironmentContext, sealed: Sealed) -> bool:
    """Whether the kustomization's namePrefix or nameSuffix changed the name of this one."""
    return _is_renamed(sealed) and _prefix(env) is not None


def _prefix(env: EnvironmentContext) -> tuple[str, Place] | None:
    """Kustomization field that renames all objects, and its line."""
    for kustomization in env.graph.kustomizations:
        for field in ("namePrefix", "nameSuffix"):
            if kustomization.data.get(field):
                return field, Place(kustomization.path, kustomization.line(field))
    return None


def _is_named(sealed: Sealed) -> bool:
    """Whether the template has the SealedSecret's name and namespace, if its scope requires them."""
    free = sealed.scope != STRICT
    return (free or _is_called(sealed, "name", sealed.name)) and _is_called(sealed, "namespace", sealed.namespace)


def _is_called(sealed: Sealed, field: str, own: str) -> bool:
    return dig(sealed.template, "metadata", field) in (None, own)


def _template(sealed: Sealed) -> str:
    name, namespace = (dig(sealed.template, "metadata", field) for field in ("name", "namespace"))
    return f"{sealed.namespace if namespace is None else namespace}/{sealed.name if name is None else name}"


def _annotation(env: EnvironmentContext, sealed: Sealed) -> Place:
    """Line of the scope's annotation; without one, of the name."""
    for scope in (items.CLUSTER_WIDE, items.NAMESPACE_WIDE):
        if items.ANNOTATION + scope in sealed.annotations:
            return env.trace.field(sealed.object, ("metadata", "annotations", items.ANNOTATION + scope))
    return env.trace.object(sealed.object)


def _copied_hint(env: EnvironmentContext, record: Record) -> str:
    other = next((known.name for known in env.model.environments if known.namespace == record.namespace), None)
    if other and other != env.environment.name:
        return f"these are the values of {other}: seal values of its own for {env.environment.name}"
    return ""
