"""Rules about the ConfigMaps and Secrets that pods read, and the keys of both."""

from collections.abc import Iterator

from bootstrap.core.certificates import CERTIFICATE
from bootstrap.kubernetes.objects import dig, identify
from bootstrap.validate import pods, references
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.references import Mention, first, grouped, near, readers, unread
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation


@rule("references/missing-configmap", ERROR, fix="Correct the name, or add a configMapGenerator that makes it.")
def missing_configmap(env: EnvironmentContext) -> Iterator[Violation]:
    """Every ConfigMap that a pod reads is part of its environment.

    The kubelet starts no container without it: the pod stays in CreateContainerConfigError or ContainerCreating.
    """
    for name, key, group in _mentions(env, "ConfigMap"):
        if key or pods.held(env, "ConfigMap", name) is not None:
            continue
        # With a hash it is there, which a text can't know: kustomize's rules tell that.
        if env.called("ConfigMap", name) is None and not unread(env, "ConfigMap", name):
            message = f"ConfigMap {name} is not part of this environment; needed by {readers(group)}"
            known = (identify(each).name for each in env.of_kind("ConfigMap"))
            yield Violation(first(group), message, near(name, known))


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
        entries, config = pods.held(env, "ConfigMap", name), env.find("ConfigMap", name)
        if entries is not None and config is not None and key and key not in entries:
            message = f"{identify(config)} has no key {key}; needed by {readers(group)}"
            yield Violation(first(group), message, near(key, entries))


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
        if key or pods.held(env, "Secret", name) is not None or env.called("Secret", name) is not None:
            continue
        if not brought(env, name) and not unread(env, "Secret", name):
            wanted = sorted({key for other, key, _ in mentions if other == name} - {""})
            message = f"Secret {name} is made by nothing in {_folder(env)}; needed by {readers(group)}"
            hint = "; ".join(filter(None, (near(name, made), seal(env, name, wanted or ["KEY"]))))
            yield Violation(first(group), message, hint)


@rule("references/missing-secret-key", ERROR, fix="Correct the key, or seal a value for it.")
def missing_secret_key(env: EnvironmentContext) -> Iterator[Violation]:
    """Every key that a pod reads from a Secret is in it.

    The kubelet starts no container without it, unless the reference says `optional: true`.
    """
    for name, key, group in _mentions(env, "Secret"):
        keys = pods.held(env, "Secret", name)
        if keys is not None and key and key not in keys:
            message = f"Secret {name} of {_folder(env)} has no key {key}; needed by {readers(group)}"
            hint = "; ".join(filter(None, (near(key, keys), seal_key(env, name, key))))
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
    for name, _, group in grouped(each for pod in pods.of(env) for each in references.pull_secrets(pod)):
        if name not in made and not brought(env, name) and not unread(env, "Secret", name):
            message = (
                f"Secret {name} is made by nothing in {_folder(env)}; images are pulled with it by {readers(group)}"
            )
            yield Violation(first(group), message, near(name, made))


def _mentions(env: EnvironmentContext, kind: str) -> list[tuple[str, str, list[Mention]]]:
    """Every ConfigMap or Secret that a pod reads, and every key of one, each with all that read it."""
    reading = (each for pod in pods.of(env) for each in references.entries(pod, kind))
    return env.once(("mentions", kind), lambda: list(grouped(reading)))


def _made(env: EnvironmentContext) -> set[str]:
    return {each["metadata"]["name"] for each in env.of_kind("SealedSecret", "Secret")}


def _folder(env: EnvironmentContext) -> str:
    return f"{env.environment.overlay}/secrets"


def brought(env: EnvironmentContext, name: str) -> bool:
    """Whether something that the environment holds makes the cluster bring this Secret, with keys of its own."""
    certificates = (dig(each, "spec", "secretName") for each in env.of_kind("Certificate"))
    external = (
        dig(each, "spec", "target", "name") or each["metadata"]["name"] for each in env.of_kind("ExternalSecret")
    )
    return any(each == name for each in (*certificates, *external))


def seal(env: EnvironmentContext, name: str, keys: list[str]) -> str:
    """How to seal a whole Secret."""
    folder, namespace = _folder(env), env.environment.namespace
    values = " ".join(f"--from-file={key}=FILE" for key in keys)
    return (
        f"seal it: kubectl -n {namespace} create secret generic {name} {values} --dry-run=client -o yaml"
        f" | kubeseal --cert {folder}/{CERTIFICATE} -o yaml > {folder}/sealedsecret.{name}.yaml,"
        f" and list that file in {folder}/kustomization.yaml"
    )


def seal_key(env: EnvironmentContext, name: str, key: str) -> str:
    """How to seal one more value of a Secret."""
    folder, namespace = _folder(env), env.environment.namespace
    return (
        f"seal a value: kubeseal --raw --cert {folder}/{CERTIFICATE} --namespace {namespace} --name {name}"
        f" --from-file=FILE, and put the answer into encryptedData as {key}"
    )
