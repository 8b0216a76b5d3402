"""Rules about pods, including pod templates in a ConfigMap's text, which kustomize never edits."""

from collections import defaultdict
from collections.abc import Iterator

from bootstrap.core.image import Image
from bootstrap.kubernetes.objects import dig, generated_names, items
from bootstrap.kustomize import images
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import Container, Pod
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kustomize.no_effect import dead_image
from bootstrap.validate.rules.kustomize.replacements import dead_replacement, replacement_piece, unknown_field
from bootstrap.validate.rules.kustomize.unused_files import unread_file
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place

_VOLUMES = (("ConfigMap", ("configMap", "name")), ("Secret", ("secret", "secretName")))


@rule("kustomize/floating-image", ERROR, fix="Give it a newTag in the release's images.")
def floating_image(env: EnvironmentContext) -> Iterator[Violation]:
    """Each image has a tag other than latest, or a digest.

    Without one the registry decides at each pull: two pods of one commit run different versions, and a revert
    brings nothing back.
    """
    # Mistakes that can leave an image without its tag.
    untagging = (dead_image, dead_replacement, replacement_piece, unknown_field, unread_file)
    explained = any(env.reports(check) for check in untagging)
    using: dict[tuple[Place, str], list[Container]] = defaultdict(list)
    for pod in pods.of(env):
        for container in pod.containers:
            image = container.data.get("image")
            if not isinstance(image, str) or not image or "@" in image:
                continue
            tag = Image.split(image).tag
            if tag == "latest" or (tag is None and not explained):
                using[container.place("image"), image].append(container)
    for (place, image), containers in using.items():
        first = f"container {containers[0].name} of {containers[0].pod}"
        others = f" and {len(containers) - 1} more" if len(containers) > 1 else ""
        state = "is latest, whatever that is" if Image.split(image).tag else "has neither tag nor digest"
        yield Violation(place, f"the image {image} of {first}{others} {state}", _advice(env, image))


@rule("kustomize/hashed-name", ERROR, fix="Set options.disableNameSuffixHash: true on the generator.")
def hashed_name(env: EnvironmentContext) -> Iterator[Violation]:
    """What a pod template names has no hash in its name.

    Kustomize writes its hashes into objects, not into the text of a ConfigMap: workers wait for an object that has
    another name.
    """
    hashed = {(kind, name): full for kind, name, full in _hashed(env)}
    for pod in pods.of(env):
        for kind, name, place in _names(pod) if pod.key is not None and hashed else ():
            if (full := hashed.get((kind, name))) is not None:
                owner = env.find_original(kind, name)
                where = f" at {env.trace.object(owner)}" if owner else ""
                message = f"{pod} names the {kind} {name}, which kustomize calls {full}"
                yield Violation(place, message, f"Set options.disableNameSuffixHash: true on its generator{where}.")


def _advice(env: EnvironmentContext, image: str) -> str:
    for owner in env.graph.kustomizations:
        for number, entry in enumerate(owner.items("images")):
            name = dig(entry, "name")
            if Image.split(image).tag is None and isinstance(name, str) and images.is_named(image, name):
                where = owner.place("images", number, "name")
                return f"The entry at {where} does not reach it: list what brings this image before {owner.folder}."
    return ""


def _hashed(env: EnvironmentContext) -> Iterator[tuple[str, str, str]]:
    for full, name in generated_names(env.objects).items():
        for kind in ("ConfigMap", "Secret"):
            if env.find(kind, full) and not env.find(kind, name):
                yield kind, name, full


def _names(pod: Pod) -> Iterator[tuple[str, str, Place]]:
    """References of a pod to ConfigMaps and Secrets."""
    for container in pod.containers:
        for number, source in enumerate(items(container.data.get("envFrom"))):
            for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                if isinstance(name := dig(source, field, "name"), str):
                    yield kind, name, container.place("envFrom", number, field, "name")
        for number, variable in enumerate(items(container.data.get("env"))):
            for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
                if isinstance(name := dig(variable, "valueFrom", field, "name"), str):
                    yield kind, name, container.place("env", number, "valueFrom", field, "name")
    for number, volume in enumerate(items(pod.spec.get("volumes"))):
        for kind, path in _VOLUMES:
            if isinstance(name := dig(volume, *path), str):
                yield kind, name, pod.place("volumes", number, *path)
        for index, source in enumerate(items(volume, "projected", "sources")):
            for kind, field in (("ConfigMap", "configMap"), ("Secret", "secret")):
                if isinstance(name := dig(source, field, "name"), str):
                    yield kind, name, pod.place("volumes", number, "projected", "sources", index, field, "name")
