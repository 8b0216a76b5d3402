"""Rules about references of pods to ConfigMaps, Secrets and their keys."""

from collections.abc import Iterator

from bootstrap.core.certificates import CERTIFICATE
from bootstrap.kubernetes.objects import dig, identify
from bootstrap.validate import pods, references
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.references import Mention, first, grouped, readers, suggest, unread
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation


@rule("references/missing-configmap", ERROR, fix="Correct the name, or add a configMapGenerator that makes it.")
def missing_configmap(env: EnvironmentContext) -> Iterator[Violation]:
    """Every ConfigMap that a pod reads is part of its environment.

    The kubelet starts no container without it: the pod stays in CreateContainerConfigError or ContainerCreating.
    """
    for name, key, group in _mentions(env, "ConfigMap"):
        if key or pods.data_of(env, "ConfigMap", name) is not None:
            continue
        # If it exists with a hash suffix, the rules of the kustomize family report the reference.
        if env.find_original("ConfigMap", name) is None and not unread(env, "ConfigMap", name):
            message = f"ConfigMap {name} is not part of this environment; needed by {readers(group)}"
            known = (identify(config).name for config in env.of_kind("ConfigMap"))
            yield Violation(first(group), message, suggest(name, known))


@rule(
    "references/missing-configmap-key",
    ERROR,
    fix="Correct the key, or add it to the file that the configMapGenerator reads.",
)
def missing_configmap_key(env: EnvironmentContext) -> Iterator[Violation]:
    """Every key that a pod reads from a ConfigMap is in it.

    The kubelet starts no container without it, unless the reference says `optional: true`.
    """
    for name, key, group in _mentions(env, "ConfigMap"):
        entries, config = pods.data_of(env, "ConfigMap", name), env.find("ConfigMap", name)
        if entries is not None and config is not None and key and key not in entries:
            message = f"{identify(config)} has no key {key}; needed by {readers(group)}"
            yield Violation(first(group), message, suggest(key, entries))


@rule(
    "references/missing-secret",
    ERROR,
    fix="Correct the name, or seal the Secret into the environment's secrets folder.",
)
def missing_secret(env: EnvironmentContext) -> Iterator[Violation]:
    """Every Secret that a pod reads is made by its environment.

    The kubelet starts no container without it: the pod stays in CreateContainerConfigError.
    """
    made = _made(env)
    mentions = _mentions(env, "Secret")
    for name, key, group in mentions:
        if key or pods.data_of(env, "Secret", name) is not None or env.find_original("Secret", name) is not None:
            continue
        if not is_made_in_cluster(env, name) and not unread(env, "Secret", name):
            keys = sorted({key for other, key, _ in mentions if other == name} - {""})
            message = f"Secret {name} is made by nothing in {_folder(env)}; needed by {readers(group)}"
            hint = "; ".join(filter(None, (suggest(name, made), seal(env, name, keys or ["KEY"]))))
            yield Violation(first(group), message, hint)


@rule("references/missing-secret-key", ERROR, fix="Correct the key, or seal a value for it.")
def missing_secret_key(env: EnvironmentContext) -> Iterator[Violation]:
    """Every key that a pod reads from a Secret is in it.

    The kubelet starts no container without it, unless the reference says `optional: true`.
    """
    for name, key, group in _mentions(env, "Secret"):
        keys = pods.data_of(env, "Secret", name)
        if keys is not None and key and key not in keys:
            message = f"Secret {name} of {_folder(env)} has no key {key}; needed by {readers(group)}"
            hint = "; ".join(filter(None, (suggest(key, keys), seal_key(env, name, key))))
            yield Violation(first(group), message, hint)


@rule(
    "references/missing-pull-secret",
    WARNING,
    fix="Seal it into the environment's secrets folder; switch the rule off where something else brings it.",
)
def missing_pull_secret(env: EnvironmentContext) -> Iterator[Violation]:
    """Every Secret in imagePullSecrets is made by its environment.

    The kubelet pulls without it, and a private registry then refuses: ImagePullBackOff.
    """
    made = _made(env)
    for name, _, group in grouped(mention for pod in pods.of(env) for mention in references.pull_secrets(pod)):
        if name not in made and not is_made_in_cluster(env, name) and not unread(env, "Secret", name):
            message = (
                f"Secret {name} is made by nothing in {_folder(env)}; images are pulled with it by {readers(group)}"
            )
            yield Violation(first(group), message, suggest(name, made))


def _mentions(env: EnvironmentContext, kind: str) -> list[tuple[str, str, list[Mention]]]:
    """References to ConfigMaps or Secrets and their keys, grouped by name and key."""
    reading = (mention for pod in pods.of(env) for mention in references.entries(pod, kind))
    return env.once(("mentions", kind), lambda: list(grouped(reading)))


def _made(env: EnvironmentContext) -> set[str]:
    return {secret["metadata"]["name"] for secret in env.of_kind("SealedSecret", "Secret")}


def _folder(env: EnvironmentContext) -> str:
    return f"{env.environment.overlay}/secrets"


def is_made_in_cluster(env: EnvironmentContext, name: str) -> bool:
    """Whether a Certificate or ExternalSecret of the environment creates this Secret in the cluster."""
    certificates = (dig(certificate, "spec", "secretName") for certificate in env.of_kind("Certificate"))
    external = (
        dig(external_secret, "spec", "target", "name") or external_secret["metadata"]["name"]
        for external_secret in env.of_kind("ExternalSecret")
    )
    return any(secret_name == name for secret_name in (*certificates, *external))


def seal(env: EnvironmentContext, name: str, keys: list[str]) -> str:
    """Hint with the command that seals a whole Secret."""
    folder, namespace = _folder(env), env.environment.namespace
    values = " ".join(f"--from-file={key}=FILE" for key in keys)
    return (
        f"seal it: kubectl -n {namespace} create secret generic {name} {values} --dry-run=client -o yaml"
        f" | kubeseal --cert {folder}/{CERTIFICATE} -o yaml > {folder}/sealedsecret.{name}.yaml,"
        f" and list that file in {folder}/kustomization.yaml"
    )


def seal_key(env: EnvironmentContext, name: str, key: str) -> str:
    """Hint with the command that seals one more value of a Secret."""
    folder, namespace = _folder(env), env.environment.namespace
    return (
        f"seal a value: kubeseal --raw --cert {folder}/{CERTIFICATE} --namespace {namespace} --name {name}"
        f" --from-file=FILE, and put the answer into encryptedData as {key}"
    )
